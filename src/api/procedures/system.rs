//! The machine that the process runs on. What each key is stands with [`crate::process::system::SystemStats`].

use super::{Answer, Entry};
use crate::api::call::Call;
use crate::api::outcome::Outcome;
use crate::api::procedure::Handler;
use crate::process::system::SystemStats;
use crate::sampler::Probe;

pub(super) fn entries() -> Vec<Entry> {
    vec![Entry {
        name: "get_system_stats",
        params: Vec::new(),
        result: "dict",
        doc: "The machine: CPU times, memory, traffic by network interface and disk, load, uptime, pressure.",
        handler: Handler::Sampler(system_stats),
    }]
}

/// It has nothing to do with the target, but reads for longer than the loop should.
fn system_stats(_: &mut Probe, _: &Call) -> Answer {
    Ok(Outcome::of(&SystemStats::read()?))
}
