//! What each CPU spent its time on, from `/proc/stat` (proc_stat(5)). Read by hand: the `procfs` crate forgets the numbers of
//! the CPUs, which have gaps where some are offline. Pure.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::process::identity::ticks;

/// Seconds since boot, in whole clock ticks.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct CpuTimes {
    /// In user mode, without that of niced processes.
    pub user: f64,
    /// In kernel mode, without interrupts.
    pub system: f64,
    /// With nothing to do, and nobody waiting for storage.
    pub idle: f64,
}

pub(super) fn times(text: &str) -> Option<BTreeMap<u32, CpuTimes>> {
    let mut cpus = BTreeMap::new();
    cpus.extend(text.lines().filter_map(cpu));
    (!cpus.is_empty()).then_some(cpus)
}

/// `cpu0 4705 356 584 3699 23 23 0 0 0 0`: user, nice, system, idle. The first line is the sum, without a number.
fn cpu(line: &str) -> Option<(u32, CpuTimes)> {
    let mut fields = line.strip_prefix("cpu")?.split_ascii_whitespace();
    let number = fields.next().filter(|_| !line.starts_with("cpu "))?.parse().ok()?;
    let mut seconds = || Some(ticks(fields.next()?.parse().ok()?).as_secs_f64());
    let (user, _nice, system, idle) = (seconds()?, seconds()?, seconds()?, seconds()?);
    Some((number, CpuTimes { user, system, idle }))
}
