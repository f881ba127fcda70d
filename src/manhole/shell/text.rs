//! How the answers of the commands look to people. Pure: a value in, text out. What a member of an answer means is told where
//! it is made (`process`, `sampler`, `api`).

use log::Level;
use serde_json::Value;

use super::render::{Align, Style, any, bytes_cell, cell, number_cell, pairs, span, table};
use crate::sync::clock::Timestamp;
use crate::terminal::{one_line, printable};

/// `stats`
pub(super) fn stats(value: &Value, style: &Style) -> String {
    pairs(
        &[
            ("time", cell(value, "ts")),
            ("process", format!("{}, {}", cell(value, "pid"), cell(value, "status"))),
            (
                "cpu",
                format!(
                    "{} %, {} s user, {} s system",
                    number_cell(value, "cpu_percent", 1),
                    number_cell(value, "user", 2),
                    number_cell(value, "system", 2)
                ),
            ),
            (
                "memory",
                format!(
                    "{} resident ({} %), {} virtual",
                    bytes_cell(value, "resident"),
                    number_cell(value, "mem_percent", 2),
                    bytes_cell(value, "virtual")
                ),
            ),
            ("calls", format!("{} reads, {} writes", cell(value, "reads"), cell(value, "writes"))),
            (
                "switches",
                format!("{} voluntary, {} involuntary", cell(value, "voluntary"), cell(value, "nonvoluntary")),
            ),
        ],
        style,
    )
}

/// `info`
pub(super) fn info(value: &Value, style: &Style) -> String {
    let mut text = pairs(&[("descriptors", cell(value, "descriptors")), ("threads", cell(value, "threads"))], style);
    text.push('\n');
    text.push_str(&style.heading("files"));
    text.push('\n');
    for file in items(value.get("files")) {
        text.push_str(&printable(file.as_str().unwrap_or_default()));
        text.push('\n');
    }
    text.push('\n');
    text + &sockets(value, style)
}

/// `sockets`
pub(super) fn sockets(value: &Value, style: &Style) -> String {
    let columns = [("type", Align::Left), ("status", Align::Left), ("local", Align::Left), ("remote", Align::Left)];
    rows(items(value.get("sockets")), &columns, style, |socket| {
        ["type", "status", "local", "remote"].map(|key| cell(socket, key)).to_vec()
    })
}

/// `monitor`
pub(super) fn monitor(value: &Value, style: &Style) -> String {
    let columns = [("counter", Align::Left), ("value", Align::Right), ("per second", Align::Right)];
    let counters = [
        ("CPU time, user, s", "cpu_user"),
        ("CPU time, system, s", "cpu_system"),
        ("read calls", "read_ios"),
        ("write calls", "write_ios"),
        ("bytes read from storage", "read_bytes"),
        ("bytes written to storage", "write_bytes"),
        ("voluntary switches", "num_ctx_switches_voluntary"),
        ("involuntary switches", "num_ctx_switches_involuntary"),
        ("threads", "num_threads"),
        ("descriptors", "num_fds"),
    ];
    let rows: Vec<_> = counters
        .iter()
        .map(|(name, key)| vec![(*name).to_owned(), cell(value, key), cell(value, &format!("{key}_per_sec"))])
        .collect();
    table(&columns, &rows, style)
}

/// `history`
pub(super) fn history(value: &Value, style: &Style) -> String {
    let columns = [
        ("from", Align::Left),
        ("cpu %", Align::Right),
        ("most", Align::Right),
        ("resident", Align::Right),
        ("most", Align::Right),
        ("threads", Align::Right),
        ("reads/s", Align::Right),
        ("writes/s", Align::Right),
        ("switches/s", Align::Right),
    ];
    rows(items(value.get("buckets")), &columns, style, |bucket| {
        let of = |key| bucket.get(key).unwrap_or(&Value::Null);
        vec![
            cell(bucket, "ts"),
            number_cell(of("cpu_percent"), "avg", 1),
            number_cell(of("cpu_percent"), "max", 1),
            bytes_cell(of("resident"), "avg"),
            bytes_cell(of("resident"), "max"),
            cell(of("threads"), "max"),
            number_cell(of("reads_per_sec"), "avg", 1),
            number_cell(of("writes_per_sec"), "avg", 1),
            number_cell(of("switches_per_sec"), "avg", 1),
        ]
    })
}

/// `threads`
pub(super) fn threads(value: &Value, style: &Style) -> String {
    let columns = [
        ("tid", Align::Right),
        ("name", Align::Left),
        ("state", Align::Left),
        ("cpu, s", Align::Right),
        ("switches", Align::Right),
        ("waits in", Align::Left),
    ];
    rows(items(Some(value)), &columns, style, |thread| {
        vec![
            cell(thread, "tid"),
            cell(thread, "name"),
            cell(thread, "status"),
            number_cell(thread, "cpu", 3),
            switches(thread),
            cell(thread, "waits_in"),
        ]
    })
}

/// Context switches of either kind.
fn switches(thread: &Value) -> String {
    let count = |key| thread.get(key).and_then(Value::as_u64);
    let sum = count("voluntary").zip(count("nonvoluntary")).map(|(voluntary, other)| voluntary.saturating_add(other));
    sum.map_or_else(|| "-".to_owned(), |sum| sum.to_string())
}

/// `fds`
pub(super) fn descriptors(value: &Value, style: &Style) -> String {
    let columns = [("fd", Align::Right), ("mode", Align::Left), ("refers to", Align::Left)];
    rows(items(Some(value)), &columns, style, |open| ["fd", "mode", "target"].map(|key| cell(open, key)).to_vec())
}

/// `env`
pub(super) fn environment(value: &Value, _: &Style) -> String {
    let line = |variable: &Value| format!("{}={}\n", cell(variable, "name"), text_of(variable, "value"));
    items(Some(value)).iter().map(line).collect()
}

/// `limits`
pub(super) fn limits(value: &Value, style: &Style) -> String {
    let columns = [
        ("limit", Align::Left),
        ("used", Align::Right),
        ("soft", Align::Right),
        ("hard", Align::Right),
        ("unit", Align::Left),
    ];
    rows(items(Some(value)), &columns, style, |limit| {
        ["name", "used", "soft", "hard", "unit"].map(|key| cell(limit, key)).to_vec()
    })
}

/// `maps`
pub(super) fn maps(value: &Value, style: &Style) -> String {
    let names = [
        ("virtual", "size"),
        ("resident", "resident"),
        ("proportional", "proportional"),
        ("private", "private"),
        ("swapped out", "swap"),
    ];
    let totals: Vec<_> = names.iter().map(|(name, key)| (*name, bytes_cell(value, key))).collect();
    let columns = [("size", Align::Right), ("maps", Align::Right), ("of", Align::Left)];
    let areas = rows(items(value.get("areas")), &columns, style, |area| {
        vec![bytes_cell(area, "size"), cell(area, "mappings"), cell(area, "name")]
    });
    format!("{}\n{areas}", pairs(&totals, style))
}

/// `affinity`
pub(super) fn affinity(value: &Value, _: &Style) -> String {
    let cpus: Vec<String> = items(Some(value)).iter().map(ToString::to_string).collect();
    cpus.join(",") + "\n"
}

/// `gc`
pub(super) fn gc(value: &Value, _: &Style) -> String {
    format!("done in {value} ms\n")
}

/// `session`
pub(super) fn session(value: &Value, style: &Style) -> String {
    let since = value.get("uptime").and_then(Value::as_f64).map_or_else(|| "-".to_owned(), span);
    pairs(
        &[
            ("router", format!("{} {}", cell(value, "url"), cell(value, "router"))),
            ("realm", cell(value, "realm")),
            ("process", cell(value, "pid")),
            ("session", format!("{}, for {since}", cell(value, "session"))),
            ("sessions", cell(value, "sessions")),
            ("calls", format!("{} answered, {} of them with an error", cell(value, "calls"), cell(value, "errors"))),
            ("events", format!("{} published, {} lost", cell(value, "events"), cell(value, "events_lost"))),
            ("failures", format!("{}, the last: {}", cell(value, "failures"), cell(value, "last_failure"))),
            ("serializer", cell(value, "serializer")),
            ("in", format!("{} messages, {} bytes", cell(value, "messages_in"), cell(value, "bytes_in"))),
            ("out", format!("{} messages, {} bytes", cell(value, "messages_out"), cell(value, "bytes_out"))),
            ("queued", format!("{} bytes, at most {}", cell(value, "queued"), cell(value, "queued_max"))),
            ("round trip", format!("{} s", cell(value, "round_trip"))),
        ],
        style,
    )
}

/// `who`
pub(super) fn who(value: &Value, style: &Style) -> String {
    let columns = [
        ("number", Align::Right),
        ("user", Align::Left),
        ("by", Align::Left),
        ("since", Align::Left),
        ("from", Align::Left),
        ("client", Align::Left),
    ];
    rows(items(Some(value)), &columns, style, |peer| {
        ["number", "user", "method", "since", "address", "client"].map(|key| cell(peer, key)).to_vec()
    })
}

/// An event, as `events` shows it.
pub(super) fn event(topic: &str, payload: &crate::wamp::Payload, style: &Style) -> String {
    let part = |raw: Option<&serde_json::value::RawValue>| raw.map(|raw| format!(" {}", one_line(raw.get())));
    let (args, kwargs) = (part(payload.raw_args()), part(payload.raw_kwargs()));
    format!("{}{}{}\n", style.strong(&printable(topic)), args.unwrap_or_default(), kwargs.unwrap_or_default())
}

/// A record of the log.
pub(super) fn record(at: Timestamp, level: Level, target: &str, message: &str, style: &Style) -> String {
    let (name, target, message) = (level.as_str(), printable(target), printable(message));
    let name = if level <= Level::Warn { style.alarm(name) } else { style.strong(name) };
    format!("{at} {name} {target}: {message}\n")
}

/// A string of a dict, or nothing.
fn text_of(value: &Value, key: &str) -> String {
    printable(value.get(key).and_then(Value::as_str).unwrap_or_default()).into_owned()
}

fn items(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn rows(items: &[Value], columns: &[(&str, Align)], style: &Style, row: impl Fn(&Value) -> Vec<String>) -> String {
    let rows: Vec<_> = items.iter().map(row).collect();
    if rows.is_empty() { any(&Value::from("none"), style) } else { table(columns, &rows, style) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn unknown_members_are_dashes() {
        let stats = stats(&json!({"pid": 17, "reads": null}), &Style::PLAIN);
        assert!(stats.contains("process   17, -\n") && stats.contains("calls     - reads, - writes\n"), "{stats}");
        assert_eq!(sockets(&json!({}), &Style::PLAIN), "none\n");
    }

    #[test]
    fn a_history_with_a_gap_in_it() {
        let spread = |avg: f64| json!({"min": 0.0, "avg": avg, "max": 9.0});
        let full = json!({"ts": "t1", "cpu_percent": spread(2.5), "resident": {"avg": 2048, "max": 4096}, "threads": {"max": 3}});
        let text = history(&json!({"buckets": [full, {"ts": "t2", "cpu_percent": null}]}), &Style::PLAIN);
        let cells: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(cells[1], ["t1", "2.5", "9.0", "2.0", "KiB", "4.0", "KiB", "3", "-", "-", "-"]);
        assert_eq!(cells[2], ["t2", "-", "-", "-", "-", "-", "-", "-", "-"]);
    }

    #[test]
    fn totals_and_areas_of_maps() {
        let value = json!({"size": 4096, "resident": 2048, "areas": [{"size": 1024, "mappings": 2, "name": "[heap]"}]});
        let text = maps(&value, &Style::PLAIN);
        assert!(text.starts_with("virtual       4.0 KiB\nresident      2.0 KiB\n"), "{text}");
        assert!(text.ends_with("   size  maps  of\n1.0 KiB     2  [heap]\n"), "{text}");
    }
}
