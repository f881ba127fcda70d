//! CPUs: how many there are, and which the process may run on.

use serde::Serialize;
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
    ]
}

fn cpu_count(call: &Call) -> Answer {
    let logical = call.arguments.flag(0);
    Ok(Outcome::of(&if logical { call.host.logical_cpus() } else { call.host.physical_cpus() }))
}

fn cpus(call: &Call) -> Answer {
    Ok(Outcome::of(&call.host.identity()?.cpus()))
}

fn cpu_affinity(probe: &mut Probe, _: &Call) -> Answer {
    Ok(Outcome::of(&probe.target()?.affinity()?))
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
    let target = probe.target()?;
    let chosen = chosen_cpus(target.identity().cpus(), cpus, relative)?;
    let affinity = target.set_affinity(&chosen)?;
    let who = call.caller.session.map(|session| session.get());
    let event = CpuAffinitySet { cpus, relative, affinity: &affinity, who };
    Ok(Outcome::of(&affinity).with_event(Topic::CpuAffinitySet, &event))
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
}
