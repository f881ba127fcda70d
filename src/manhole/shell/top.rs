//! The picture of `top`: the process, and its threads by what they use. Pure.

use serde_json::Value;

use super::render::{Align, Style, bytes_cell, cell, number_cell, table};
use super::step::Frame;

/// Lines above the threads, and one that stays free below.
const FRAME_LINES: usize = 5;

/// Draws a frame: the answers are `get_process_stats` and the threads.
pub(super) fn top(frame: &Frame<'_>, style: &Style) -> String {
    let none = Value::Null;
    let stats = frame.now.first().unwrap_or(&none);
    let used = used(frame);
    let mut threads: Vec<(&Value, Option<f64>)> = threads(frame.now).map(|thread| (thread, used(thread))).collect();
    threads.sort_unstable_by(|a, b| {
        b.1.unwrap_or_default().total_cmp(&a.1.unwrap_or_default()).then(tid(a.0).cmp(&tid(b.0)))
    });
    let count = threads.len();
    if let Some(rows) = style.rows {
        threads.truncate(rows.saturating_sub(FRAME_LINES).max(1));
    }
    let rows: Vec<Vec<String>> = threads
        .into_iter()
        .map(|(thread, percent)| {
            vec![
                cell(thread, "tid"),
                percent.map_or_else(|| "-".to_owned(), |percent| format!("{percent:.1}")),
                number_cell(thread, "cpu", 2),
                cell(thread, "status"),
                cell(thread, "name"),
                cell(thread, "waits_in"),
            ]
        })
        .collect();
    let columns = [
        ("tid", Align::Right),
        ("cpu %", Align::Right),
        ("cpu, s", Align::Right),
        ("state", Align::Left),
        ("name", Align::Left),
        ("waits in", Align::Left),
    ];
    format!(
        "{}  process {}, {}\ncpu {} %, {} s user, {} s system\nmemory {} resident, {} virtual; {count} threads\n\n{}",
        cell(stats, "ts"),
        cell(stats, "pid"),
        cell(stats, "status"),
        number_cell(stats, "cpu_percent", 1),
        number_cell(stats, "user", 2),
        number_cell(stats, "system", 2),
        bytes_cell(stats, "resident"),
        bytes_cell(stats, "virtual"),
        table(&columns, &rows, style),
    )
}

/// What each thread used since the frame before, in percent of a CPU; a thread that is new, or a first frame, has nothing.
fn used(frame: &Frame<'_>) -> impl Fn(&Value) -> Option<f64> {
    let cpu = |thread: &Value| thread.get("cpu").and_then(Value::as_f64);
    let (before, seconds) = frame.before.unwrap_or((&[], 1.0));
    // They come in the order of their ids.
    let before: Vec<(i64, f64)> = threads(before).filter_map(|thread| Some((tid(thread), cpu(thread)?))).collect();
    move |thread| {
        let at = before.binary_search_by_key(&tid(thread), |(tid, _)| *tid).ok()?;
        let used = cpu(thread)? - before.get(at)?.1;
        Some((used * 100.0 / seconds.max(0.001)).max(0.0))
    }
}

fn threads(answers: &[Value]) -> impl Iterator<Item = &Value> {
    answers.get(1).and_then(Value::as_array).into_iter().flatten()
}

fn tid(thread: &Value) -> i64 {
    thread.get("tid").and_then(Value::as_i64).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn answers(cpu: [f64; 3]) -> Vec<Value> {
        let thread =
            |tid: i64, cpu: f64| json!({"tid": tid, "name": format!("t{tid}"), "status": "sleeping", "cpu": cpu});
        let threads: Vec<Value> = (1..).zip(cpu).map(|(tid, cpu)| thread(tid, cpu)).collect();
        vec![json!({"pid": 17, "cpu_percent": 12.5}), threads.into()]
    }

    #[test]
    fn threads_by_what_they_used_since_the_last_frame() {
        let (before, now) = (answers([1.0, 5.0, 0.0]), answers([1.1, 5.0, 0.5]));
        let text = top(&Frame { now: &now, before: Some((&before, 2.0)) }, &Style::PLAIN);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[1].starts_with("cpu 12.5 %"), "{text}");
        assert!(lines[5].starts_with("  3   25.0    0.50"), "{text}");
        assert!(lines[6].starts_with("  1    5.0"), "{text}");
        assert!(lines[7].starts_with("  2    0.0"), "{text}");
    }

    #[test]
    fn the_first_frame_has_no_percentages_and_no_frame_is_higher_than_the_terminal() {
        let now = answers([1.0; 3]);
        let small = Style { rows: Some(7), ..Style::PLAIN };
        let text = top(&Frame { now: &now, before: None }, &small);
        assert_eq!(text.lines().count(), 7);
        assert!(text.lines().last().unwrap().contains(" - "), "{text}");
    }
}
