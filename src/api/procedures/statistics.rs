//! What the process uses, asked for or published periodically, and giving back what it does not need.

use std::time::Duration;

use serde_json::Value;

use super::{Answer, Entry};
use crate::api::arguments::{Kind, Param};
use crate::api::call::Call;
use crate::api::failure::Failure;
use crate::api::outcome::Outcome;
use crate::api::procedure::Handler;
use crate::api::topics::Topic;
use crate::sampler::Probe;
use crate::wamp::excerpt;

pub(super) fn entries() -> Vec<Entry> {
    vec![
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
            handler: Handler::Garbage,
        },
    ]
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
