//! Whether the kernel counts how long tasks wait for storage (delay accounting): a switch that the `procfs` crate does not know.

use std::fs;

/// A sum of `delayacct_blkio_ticks`, or `None` when nobody counted.
///
/// The kernel can be built without, and counts since Linux 5.14 only when told to; all it then writes is 0. Where it does not say
/// whether it counts, only something above 0 says so.
pub(super) fn counted(ticks: u64) -> Option<u64> {
    match (ticks, switch()) {
        (_, Some(true)) => Some(ticks),
        // It was on before.
        (_, Some(false)) => None,
        (0, None) => None,
        (_, None) => Some(ticks),
    }
}

/// Whether it is switched on; `None` when the kernel does not say, as before Linux 5.14.
pub(super) fn switch() -> Option<bool> {
    match fs::read("/proc/sys/kernel/task_delayacct").ok()?.trim_ascii() {
        b"0" => Some(false),
        _ => Some(true),
    }
}
