//! What of the API this build, this kernel and these permissions give for the target, and why not the rest. Nothing of it is
//! taken for granted: each source is asked.

use serde::{Serialize, Serializer};

use super::{Answer, Entry, builtin};
use crate::api::call::Call;
use crate::api::child::NO_CHILD;
use crate::api::host::{GarbageOfOthers, Supervised};
use crate::api::outcome::Outcome;
use crate::api::procedure::Handler;
use crate::process::{PressureTrigger, Source, system};
use crate::sampler::{METRICS, Probe};
use crate::supervisor::Refusal;

pub(super) fn entries() -> Vec<Entry> {
    vec![Entry {
        name: "get_capabilities",
        params: Vec::new(),
        result: "dict",
        doc: "By procedure: {available, reason, missing}; what cannot be had here, and why, by key of the result in missing.",
        handler: Handler::Sampler(capabilities),
    }]
}

/// What a source gives.
#[derive(Clone, Copy, Debug)]
enum Gives {
    /// The whole result.
    Result,
    /// These keys of it, which are null otherwise; of `set_watch` metrics, whose values are.
    Keys(&'static [&'static str]),
}

/// What comes from where. A procedure that is not here needs nothing that can be missing.
const NEEDS: &[(&str, Gives, Source)] = &[
    ("get_cpu_affinity", Gives::Result, Source::Process),
    ("set_cpu_affinity", Gives::Result, Source::Affinity),
    ("get_process_info", Gives::Result, Source::Process),
    ("get_process_info", Gives::Keys(&["descriptors", "files", "sockets"]), Source::Descriptors),
    ("get_process_stats", Gives::Result, Source::Process),
    ("get_process_stats", Gives::Keys(&["reads", "writes"]), Source::Io),
    ("get_process_monitor", Gives::Result, Source::Process),
    ("get_process_monitor", Gives::Keys(&["num_fds"]), Source::Descriptors),
    (
        "get_process_monitor",
        Gives::Keys(&[
            "read_ios",
            "write_ios",
            "read_bytes",
            "write_bytes",
            "read_ios_per_sec",
            "write_ios_per_sec",
            "read_bytes_per_sec",
            "write_bytes_per_sec",
        ]),
        Source::Io,
    ),
    ("trigger_gc", Gives::Result, Source::HeapTrim),
    ("get_process_threads", Gives::Result, Source::Process),
    ("get_process_threads", Gives::Keys(&["run_queue_wait"]), Source::RunQueue),
    ("get_process_threads", Gives::Keys(&["waits_in"]), Source::Wchan),
    ("get_process_memory", Gives::Result, Source::Process),
    (
        "get_process_memory",
        Gives::Keys(&["resident", "resident_peak", "virtual", "virtual_peak", "swap"]),
        Source::Memory,
    ),
    ("get_process_memory", Gives::Keys(&["resident_anon", "resident_file", "resident_shmem"]), Source::ResidentKinds),
    ("get_process_memory", Gives::Keys(&["pss", "uss", "swap_pss"]), Source::SmapsRollup),
    ("get_process_limits", Gives::Result, Source::Process),
    ("get_process_limits", Gives::Keys(&["open files"]), Source::Descriptors),
    (
        "get_process_limits",
        Gives::Keys(&["data size", "stack size", "resident set", "locked memory", "address space"]),
        Source::Memory,
    ),
    ("get_process_tree", Gives::Result, Source::Process),
    ("get_process_totals", Gives::Result, Source::Process),
    ("get_process_totals", Gives::Keys(&["run_queue_wait"]), Source::RunQueue),
    ("get_process_totals", Gives::Keys(&["io_wait"]), Source::DelayAccounting),
    ("get_process_history", Gives::Keys(&["reads_per_sec", "writes_per_sec"]), Source::Io),
    ("signal_process", Gives::Result, Source::Signals),
    ("set_watch", Gives::Keys(&["num_fds"]), Source::Descriptors),
    (
        "set_watch",
        Gives::Keys(&["reads_per_sec", "writes_per_sec", "read_bytes_per_sec", "write_bytes_per_sec"]),
        Source::Io,
    ),
];

/// What is told of one procedure.
#[derive(Debug, Default, Serialize)]
struct Capability {
    /// Whether a call can succeed.
    available: bool,
    /// Why not.
    reason: Option<String>,
    /// Keys of the result that are null here, each with the reason.
    missing: Map<&'static str, String>,
}

/// A dict in this order.
#[derive(Debug)]
struct Map<K, V>(Vec<(K, V)>);

impl<K, V> Default for Map<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: Serialize, V: Serialize> Serialize for Map<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

fn capabilities(probe: &mut Probe, call: &Call) -> Answer {
    let procedures = builtin();
    let told = procedures.iter().map(|procedure| (procedure.name(), capability(procedure.name(), probe, call)));
    Ok(Outcome::of(&Map(told.collect())))
}

fn capability(name: &str, probe: &mut Probe, call: &Call) -> Capability {
    let mut reason = None;
    let mut missing = Vec::new();
    for (_, gives, source) in NEEDS.iter().filter(|(procedure, _, _)| *procedure == name) {
        match (gives, probe.target()) {
            (Gives::Result, Ok(target)) => reason = target.lacks(*source),
            (Gives::Keys(keys), Ok(target)) => {
                let lack = target.lacks(*source);
                missing.extend(keys.iter().filter_map(|key| Some((*key, lack.clone()?))));
            }
            (Gives::Result, Err(absent)) => reason = Some(absent.to_string()),
            // That is of no process.
            (Gives::Keys(_), Err(_)) => {}
        }
    }
    match name {
        "get_cpu_count" if call.host.physical_cpus().is_none() => {
            missing.push(("logical=false", "the kernel does not tell which CPUs share a core".to_owned()));
        }
        "get_system_stats" => missing.extend(system::lacking()),
        "set_watch" => missing.extend(pressures(PressureTrigger::lack().as_deref())),
        "get_process_history" if !probe.has_history() => reason = Some(super::history::NONE.to_owned()),
        "trigger_gc" if probe.target().is_ok_and(|target| !target.is_own()) => {
            reason = match call.host.garbage_of_others() {
                GarbageOfOthers::Collected => None,
                GarbageOfOthers::Kept => Some("nobody said how, with --gc-signal or --gc-command".to_owned()),
            };
        }
        "start_process" | "stop_process" | "restart_process" | "get_process_output"
            if call.host.supervised() == Supervised::No =>
        {
            reason = Some(NO_CHILD.to_owned());
        }
        "get_process_output" if call.host.supervised() == Supervised::Yes => {
            reason = Some(Refusal::NotCaptured.to_string());
        }
        "start_manhole" | "stop_manhole" | "get_manhole" if !cfg!(feature = "manhole") => {
            reason = Some("this build has no manhole: build with the feature manhole".to_owned());
        }
        _ => {}
    }
    Capability { available: reason.is_none(), reason, missing: Map(missing) }
}

/// The metrics that the kernel tells by triggers, each with the reason why there are none.
fn pressures(lack: Option<&str>) -> impl Iterator<Item = (&'static str, String)> {
    let told_by_triggers = METRICS.iter().filter(|metric| metric.pressure().is_some());
    told_by_triggers.filter_map(move |metric| Some((metric.name, lack?.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn needs_are_of_procedures_that_there_are() {
        let names: Vec<String> = builtin().iter().map(|procedure| procedure.name().to_owned()).collect();
        for (procedure, _, _) in NEEDS {
            assert!(names.iter().any(|name| name == procedure), "{procedure}");
        }
    }

    #[test]
    fn what_watches_may_lack_are_metrics() {
        for (_, gives, source) in NEEDS.iter().filter(|(procedure, ..)| *procedure == "set_watch") {
            let Gives::Keys(metrics) = gives else { panic!("watches on pressure need no {source:?}") };
            for name in *metrics {
                let metric = METRICS.iter().find(|metric| metric.name == *name);
                assert!(metric.is_some_and(|metric| metric.pressure().is_none()), "{name}");
            }
        }
    }

    #[test]
    fn watches_on_pressure_lack_what_triggers_lack() {
        assert_eq!(pressures(None).count(), 0);
        let told: Vec<_> = pressures(Some("the reason")).collect();
        let names = ["psi.cpu.some", "psi.memory.some", "psi.memory.full", "psi.io.some", "psi.io.full"];
        assert_eq!(told, names.map(|name| (name, "the reason".to_owned())));
    }
}
