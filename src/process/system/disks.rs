//! Traffic of the block devices, from `/proc/diskstats` (proc_diskstats(5)). Pure.

use std::collections::BTreeMap;

use procfs::FromRead;
use serde::Serialize;

use crate::terminal::printable;

/// What was read from a device and written to it since it was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct DiskTraffic {
    /// Read.
    pub read: DiskIo,
    /// Written.
    pub write: DiskIo,
}

/// Traffic one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct DiskIo {
    /// Operations that were completed.
    pub ops: u64,
    /// Bytes.
    pub bytes: u64,
    /// The time that they took, ms; those at the same time each count.
    pub time: u64,
}

/// In which the kernel counts, whatever the device's own sectors are.
const SECTOR: u64 = 512;

pub(super) fn traffic(text: &str) -> Option<BTreeMap<String, DiskTraffic>> {
    let procfs::DiskStats(devices) = procfs::DiskStats::from_read(text.as_bytes()).ok()?;
    let traffic = devices.into_iter().map(|seen| {
        let io = |ops, sectors: u64, time| DiskIo { ops, bytes: sectors.saturating_mul(SECTOR), time };
        let read = io(seen.reads, seen.sectors_read, seen.time_reading);
        let write = io(seen.writes, seen.sectors_written, seen.time_writing);
        (printable(&seen.name).into_owned(), DiskTraffic { read, write })
    });
    let mut by_name = BTreeMap::new();
    by_name.extend(traffic);
    Some(by_name)
}
