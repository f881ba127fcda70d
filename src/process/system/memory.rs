//! The machine's memory, from `/proc/meminfo` (proc_meminfo(5)).

use serde::Serialize;

use crate::process::error::ProcessError;
use crate::process::memory;

/// Bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct MemoryUse {
    /// All that the kernel manages.
    pub total: u64,
    /// What could be had without swapping, by the kernel's estimate; `None` before Linux 3.14.
    pub available: Option<u64>,
}

pub(super) use crate::process::memory::MEMINFO as MEMORY;

pub(super) fn read() -> Result<MemoryUse, ProcessError> {
    match super::text(MEMORY).and_then(|text| parse(&text)) {
        Some(seen) => Ok(seen),
        // Its size is known another way, too.
        None => Ok(MemoryUse { total: memory::total()?, available: None }),
    }
}

pub(super) fn parse(text: &str) -> Option<MemoryUse> {
    let seen = memory::meminfo(text.as_bytes())?;
    Some(MemoryUse { total: seen.mem_total, available: seen.mem_available })
}
