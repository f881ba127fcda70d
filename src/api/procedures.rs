//! The table of built-in procedures: an entry each, and the function that the entry names.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use super::arguments::{Kind, Param};
use super::failure::Failure;
use super::manhole;
use super::outcome::Outcome;
use super::procedure::{Call, Handler, Procedure};
use super::topics::Topic;
use crate::process::Garbage;
use crate::sampler::Probe;
use crate::sync::clock::Timestamp;
use crate::wamp::excerpt;

/// An entry of the table.
struct Entry {
    name: &'static str,
    params: Vec<Param>,
    result: &'static str,
    doc: &'static str,
    handler: Handler,
}

type Answer = Result<Outcome, Failure>;

/// The built-in procedures, in the order of the documentation.
pub(super) fn builtin() -> Vec<Procedure> {
    let table = vec![
        Entry {
            name: "get_cpu_count",
            params: vec![Param::optional("logical", Kind::Bool, Value::Bool(true))],
            result: "int or null",
            doc: "Number of CPUs of the host, or of its cores with logical=false; null when the kernel does not say.",
            handler: Handler::Inline(cpu_count),
        },
        Entry {
            name: "get_cpus",
            params: Vec::new(),
            result: "[int]",
            doc: "The CPUs that the process was allowed at first: the base of relative CPU ids.",
            handler: Handler::Inline(cpus),
        },
        Entry {
            name: "get_cpu_affinity",
            params: Vec::new(),
            result: "[int]",
            doc: "The CPUs that the process may run on now.",
            handler: Handler::Sampler(cpu_affinity),
        },
        Entry {
            name: "set_cpu_affinity",
            params: vec![
                Param::required("cpus", Kind::List),
                Param::optional("relative", Kind::Bool, Value::Bool(true)),
            ],
            result: "[int]",
            doc: "Binds all threads of the process to CPUs: positions in get_cpus, or ids with relative=false.",
            handler: Handler::Sampler(set_cpu_affinity),
        },
        Entry {
            name: "get_process_info",
            params: Vec::new(),
            result: "dict",
            doc: "Open descriptors, threads, regular files and sockets of the process.",
            handler: Handler::Sampler(process_info),
        },
        Entry {
            name: "get_process_stats",
            params: Vec::new(),
            result: "dict",
            doc: "State, CPU time, memory, I/O and context switches of the process.",
            handler: Handler::Sampler(process_stats),
        },
        Entry {
            name: "get_process_monitor",
            params: Vec::new(),
            result: "dict",
            doc: "Cumulative counters of the process, with rates per second from the second poll on.",
            handler: Handler::Sampler(process_monitor),
        },
        Entry {
            name: "set_process_stats_monitoring",
            params: vec![Param::required("interval", Kind::Number)],
            result: "null",
            doc: "Publishes on_process_stats every interval seconds (0.01 to 86400); 0 ends it.",
            handler: Handler::Sampler(set_stats_monitoring),
        },
        Entry {
            name: "trigger_gc",
            params: Vec::new(),
            result: "int",
            doc: "Gives memory that the process does not need back to the system; how long that took, in ms.",
            handler: Handler::Sampler(trigger_gc),
        },
        Entry {
            name: "start_manhole",
            params: vec![Param::required("config", Kind::Dict)],
            result: "dict",
            doc: "Starts an SSH server into the process, for the users of the configuration.",
            handler: Handler::Manhole(manhole::start),
        },
        Entry {
            name: "stop_manhole",
            params: Vec::new(),
            result: "null",
            doc: "Stops it, and ends all of its connections.",
            handler: Handler::Manhole(manhole::stop),
        },
        Entry {
            name: "get_manhole",
            params: Vec::new(),
            result: "dict or null",
            doc: "What runs, since when, and its configuration without passwords; null while there is no manhole.",
            handler: Handler::Manhole(manhole::get),
        },
        Entry {
            name: "started",
            params: Vec::new(),
            result: "str",
            doc: "When the process started, ISO 8601 UTC.",
            handler: Handler::Inline(started),
        },
        Entry {
            name: "uptime",
            params: Vec::new(),
            result: "float",
            doc: "Seconds since the process started.",
            handler: Handler::Inline(uptime),
        },
        Entry {
            name: "utcnow",
            params: Vec::new(),
            result: "str",
            doc: "The present time, ISO 8601 UTC.",
            handler: Handler::Inline(utcnow),
        },
    ];
    let procedure = |Entry { name, params, result, doc, handler }| Procedure {
        name: name.into(),
        params,
        result: result.into(),
        doc: doc.into(),
        handler,
    };
    table.into_iter().map(procedure).collect()
}

fn cpu_count(call: &Call) -> Answer {
    let logical = call.arguments.flag(0);
    Ok(Outcome::of(&if logical { call.host.logical_cpus() } else { call.host.physical_cpus() }))
}

fn cpus(call: &Call) -> Answer {
    Ok(Outcome::of(&call.host.identity().cpus()))
}

fn cpu_affinity(probe: &mut Probe, _: &Call) -> Answer {
    Ok(Outcome::of(&probe.target().affinity()?))
}

fn set_cpu_affinity(probe: &mut Probe, call: &Call) -> Answer {
    #[derive(Serialize)]
    struct CpuAffinitySet<'a> {
        cpus: &'a [Value],
        relative: bool,
        affinity: &'a [u32],
        who: Option<u64>,
    }

    let (cpus, relative) = (call.arguments.list(0), call.arguments.flag(1));
    let affinity = probe.target().set_affinity(&chosen_cpus(call.host.identity().cpus(), cpus, relative)?)?;
    let who = call.caller.session.map(|session| session.get());
    let event = CpuAffinitySet { cpus, relative, affinity: &affinity, who };
    Ok(Outcome::of(&affinity).with_event(Topic::CpuAffinitySet, &event))
}

fn process_info(probe: &mut Probe, _: &Call) -> Answer {
    Ok(Outcome::of(&probe.info()?))
}

fn process_stats(probe: &mut Probe, _: &Call) -> Answer {
    Ok(Outcome::of(&probe.stats()?))
}

fn process_monitor(probe: &mut Probe, _: &Call) -> Answer {
    Ok(Outcome::of(&probe.monitor()?))
}

fn set_stats_monitoring(probe: &mut Probe, call: &Call) -> Answer {
    let asked = call.arguments.value(0);
    let interval = interval(asked)?;
    probe.report_every(interval);
    // Off is 0, also when it was written -0.0.
    let off = Value::from(0);
    let event = if interval.is_some() { asked } else { &off };
    Ok(Outcome::of(&Value::Null).with_event(Topic::ProcessStatsMonitoringSet, event))
}

fn trigger_gc(probe: &mut Probe, call: &Call) -> Answer {
    #[derive(Serialize)]
    struct Requester<'a> {
        session_id: Option<u64>,
        auth_id: Option<&'a str>,
        auth_role: Option<&'a str>,
    }
    #[derive(Serialize)]
    struct GcFinished<'a> {
        requester: Requester<'a>,
        #[serde(flatten)]
        garbage: &'a Garbage,
    }

    let garbage = probe.collect_garbage()?;
    let requester = Requester {
        session_id: call.caller.session.map(|session| session.get()),
        auth_id: call.caller.authid.as_deref(),
        auth_role: call.caller.authrole.as_deref(),
    };
    let event = GcFinished { requester, garbage: &garbage };
    Ok(Outcome::of(&garbage.duration).with_event(Topic::GcFinished, &event))
}

fn started(call: &Call) -> Answer {
    Ok(Outcome::of(&call.host.identity().started()))
}

fn uptime(call: &Call) -> Answer {
    Ok(Outcome::of(&call.host.identity().uptime().as_secs_f64()))
}

// The table's functions have one signature.
#[allow(clippy::unnecessary_wraps)]
fn utcnow(_: &Call) -> Answer {
    Ok(Outcome::of(&Timestamp::now()))
}

/// The numbers of CPUs that a caller asks for, sorted. Relative ids are positions in `base`.
fn chosen_cpus(base: &[u32], asked: &[Value], relative: bool) -> Result<Vec<u32>, Failure> {
    let expected = if relative {
        format!("positions in get_cpus, from 0 to {}", base.len().saturating_sub(1))
    } else {
        format!("CPUs that get_cpus names, {base:?}")
    };
    let wrong = |got: &str| Failure::InvalidArgument(format!("cpus: expected {expected}, got {got}"));
    if asked.is_empty() {
        return Err(wrong("an empty list"));
    }
    let mut cpus = Vec::new();
    for id in asked {
        let known = id.as_u64().and_then(|id| {
            if relative {
                base.get(usize::try_from(id).ok()?).copied()
            } else {
                base.iter().find(|cpu| u64::from(**cpu) == id).copied()
            }
        });
        cpus.push(known.ok_or_else(|| wrong(&excerpt(&id.to_string())))?);
    }
    cpus.sort_unstable();
    cpus.dedup();
    Ok(cpus)
}

/// The shortest and the longest interval of `on_process_stats`, s.
const INTERVALS: std::ops::RangeInclusive<f64> = 0.01..=86_400.0;

/// The interval that a caller asks for; `None` is off.
fn interval(asked: &Value) -> Result<Option<Duration>, Failure> {
    match asked.as_f64() {
        Some(0.0) => Ok(None),
        Some(seconds) if INTERVALS.contains(&seconds) => Ok(Some(Duration::from_secs_f64(seconds))),
        _ => {
            let (least, most, got) = (INTERVALS.start(), INTERVALS.end(), excerpt(&asked.to_string()));
            let sentence = format!("interval: expected 0 (off) or {least} to {most} seconds, got {got}");
            Err(Failure::InvalidArgument(sentence))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn relative_cpus_are_positions_and_absolute_ones_ids() {
        let base = [2, 3, 6];
        assert_eq!(chosen_cpus(&base, &[json!(2), json!(0), json!(0)], true), Ok(vec![2, 6]));
        assert_eq!(chosen_cpus(&base, &[json!(6)], false), Ok(vec![6]));
        for (asked, relative) in [
            (json!([]), true),
            (json!([3]), true),
            (json!([0]), false),
            (json!([-1]), true),
            (json!([1.0]), true),
            (json!([true]), true),
            (json!(["0"]), true),
            (json!([18_446_744_073_709_551_615_u64]), true),
        ] {
            let failure = chosen_cpus(&base, asked.as_array().unwrap(), relative).unwrap_err();
            assert!(failure.to_string().starts_with("cpus: expected "), "{failure}");
        }
    }

    #[test]
    fn intervals_from_10_ms_to_a_day_and_zero_for_off() {
        assert_eq!(interval(&json!(0)), Ok(None));
        assert_eq!(interval(&json!(0.0)), Ok(None));
        assert_eq!(interval(&json!(0.01)), Ok(Some(Duration::from_millis(10))));
        assert_eq!(interval(&json!(86_400)), Ok(Some(Duration::from_secs(86_400))));
        for wrong in [json!(-1), json!(0.009), json!(86_400.1), json!(1e308), json!(u64::MAX)] {
            let failure = interval(&wrong).unwrap_err().to_string();
            assert!(failure.starts_with("interval: expected 0 (off) or 0.01 to 86400 seconds, got "), "{failure}");
        }
    }
}
