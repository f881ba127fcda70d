//! What is looked at in the process when somebody asks: threads, memory, limits, descendants, sums over all threads. What each
//! key of a result is stands with the type that it is made of, in [`crate::process`] and [`crate::sampler`].

use serde_json::Value;

use super::{Answer, Entry};
use crate::api::arguments::{Kind, Param};
use crate::api::call::Call;
use crate::api::failure::Failure;
use crate::api::outcome::Outcome;
use crate::api::procedure::Handler;
use crate::process::MOST_THREADS;
use crate::sampler::Probe;
use crate::wamp::excerpt;

/// How many threads are told unless more are asked for: some 30 ms of the sampler's time.
const THREADS: u64 = 1000;

pub(super) fn entries() -> Vec<Entry> {
    vec![
        Entry {
            name: "get_process_threads",
            params: vec![Param::optional("limit", Kind::Int, Value::from(THREADS))],
            result: "[dict]",
            doc: "Threads of the process: name, state, CPU time, context switches, what each waits in; the oldest limit (1 to 4096) of them.",
            handler: Handler::Sampler(threads),
        },
        Entry {
            name: "get_process_memory",
            params: Vec::new(),
            result: "dict",
            doc: "Memory of the process: resident by kind, peaks, swap, PSS, USS; and its age, for what costs much is measured seldom.",
            handler: Handler::Sampler(memory),
        },
        Entry {
            name: "get_process_limits",
            params: Vec::new(),
            result: "[dict]",
            doc: "Resource limits of the process, soft and hard, and how much of each it uses.",
            handler: Handler::Sampler(limits),
        },
        Entry {
            name: "get_process_tree",
            params: Vec::new(),
            result: "dict",
            doc: "The process and all its descendants, parents first: name, state, age, threads, memory, CPU time.",
            handler: Handler::Sampler(tree),
        },
        Entry {
            name: "get_process_totals",
            params: Vec::new(),
            result: "dict",
            doc: "Sums since the start: CPU time with children's, page faults, context switches and waits of all threads.",
            handler: Handler::Sampler(totals),
        },
    ]
}

fn threads(probe: &mut Probe, call: &Call) -> Answer {
    Ok(Outcome::of(&probe.target()?.threads(limit(call.arguments.value(0))?)?))
}

fn memory(probe: &mut Probe, _: &Call) -> Answer {
    Ok(Outcome::of(&probe.memory()?))
}

fn limits(probe: &mut Probe, _: &Call) -> Answer {
    Ok(Outcome::of(&probe.target()?.limits()?))
}

fn tree(probe: &mut Probe, _: &Call) -> Answer {
    Ok(Outcome::of(&probe.target()?.tree()?))
}

fn totals(probe: &mut Probe, _: &Call) -> Answer {
    Ok(Outcome::of(&probe.target()?.totals()?))
}

/// How many threads a caller asks for.
fn limit(asked: &Value) -> Result<usize, Failure> {
    let count = asked.as_u64().and_then(|count| usize::try_from(count).ok());
    count.filter(|count| (1..=MOST_THREADS).contains(count)).ok_or_else(|| {
        let got = excerpt(&asked.to_string());
        Failure::InvalidArgument(format!("limit: expected 1 to {MOST_THREADS} threads, got {got}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn at_least_one_thread_and_no_more_than_are_told() {
        assert_eq!((limit(&json!(1)), limit(&json!(4096))), (Ok(1), Ok(4096)));
        for wrong in [json!(0), json!(-1), json!(4097), json!(u64::MAX)] {
            let failure = limit(&wrong).unwrap_err().to_string();
            assert!(failure.starts_with("limit: expected 1 to 4096 threads, got "), "{failure}");
        }
        let doc = entries().into_iter().find(|entry| entry.name == "get_process_threads").unwrap().doc;
        assert!(doc.contains(&format!("(1 to {MOST_THREADS})")));
    }
}
