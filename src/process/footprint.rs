//! The memory of a process in all its kinds: the cheap ones from `status`, and those for which the kernel walks the page
//! tables, from `smaps_rollup`.

use std::fs;

use serde::Serialize;

use super::error::ProcessError;
use super::parse::{kibibytes, pairs};

/// Memory in bytes. A process without an address space (a zombie, a kernel thread) has `None` everywhere.
///
/// The kernel counts resident memory a CPU at a time, so that the first four may be off by some dozen pages; `pss` and `uss`
/// are exact.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ProcessMemory {
    /// In memory (`VmRSS`): the sum of the next three.
    pub resident: Option<u64>,
    /// In memory and of no file: heap, stacks (`RssAnon`, Linux 4.5).
    pub resident_anon: Option<u64>,
    /// In memory and of files (`RssFile`, Linux 4.5).
    pub resident_file: Option<u64>,
    /// In memory and shared without a file: System V and POSIX shared memory, tmpfs (`RssShmem`, Linux 4.5).
    pub resident_shmem: Option<u64>,
    /// The most that ever was resident (`VmHWM`).
    pub resident_peak: Option<u64>,
    /// Address space (`VmSize`).
    #[serde(rename = "virtual")]
    pub virtual_size: Option<u64>,
    /// The most that the address space ever was (`VmPeak`).
    pub virtual_peak: Option<u64>,
    /// Swapped out, without shared memory (`VmSwap`).
    pub swap: Option<u64>,
    /// Resident, each page divided by the number of processes that have it (`Pss`). This and the next two are `None` when
    /// the kernel does not let us read `smaps_rollup`, or has none (before Linux 4.14).
    pub pss: Option<u64>,
    /// Resident and of no other process (`Private_Clean`, `Private_Dirty`): what would be free without it.
    pub uss: Option<u64>,
    /// Swapped out, each page divided by the number of processes that have it (`SwapPss`).
    pub swap_pss: Option<u64>,
}

/// Reads both files anew: `smaps_rollup` is bound to the address space that was there when it was opened, and an exec brings
/// another.
pub(super) fn read(pid: i32) -> Result<ProcessMemory, ProcessError> {
    let path = format!("/proc/{pid}/status");
    let status = fs::read(&path).map_err(|error| ProcessError::os(format!("read {path}"), &error))?;
    let rollup = fs::read(rollup_path(pid)).unwrap_or_default();
    Ok(memory(&status, &rollup))
}

/// Where the kernel tells what it must walk the page tables for.
pub(super) fn rollup_path(pid: i32) -> String {
    format!("/proc/{pid}/smaps_rollup")
}

fn memory(status: &[u8], rollup: &[u8]) -> ProcessMemory {
    let mut seen = ProcessMemory::default();
    for (key, value) in pairs(status) {
        let place = match key {
            b"VmRSS" => &mut seen.resident,
            b"RssAnon" => &mut seen.resident_anon,
            b"RssFile" => &mut seen.resident_file,
            b"RssShmem" => &mut seen.resident_shmem,
            b"VmHWM" => &mut seen.resident_peak,
            b"VmSize" => &mut seen.virtual_size,
            b"VmPeak" => &mut seen.virtual_peak,
            b"VmSwap" => &mut seen.swap,
            _ => continue,
        };
        *place = kibibytes(value);
    }
    let (mut clean, mut dirty) = (None, None);
    for (key, value) in pairs(rollup) {
        let place = match key {
            b"Pss" => &mut seen.pss,
            b"SwapPss" => &mut seen.swap_pss,
            b"Private_Clean" => &mut clean,
            b"Private_Dirty" => &mut dirty,
            _ => continue,
        };
        *place = kibibytes(value);
    }
    seen.uss = clean.zip(dirty).and_then(|(clean, dirty): (u64, u64)| clean.checked_add(dirty));
    seen
}

#[cfg(test)]
mod tests {
    use super::super::mutations::mutations;
    use super::*;

    const STATUS: &str = "Name:\tcat\nVmPeak:\t    3060 kB\nVmSize:\t    3000 kB\nVmHWM:\t    1760 kB\nVmRSS:\t    1700 kB\n\
                          RssAnon:\t     112 kB\nRssFile:\t    1588 kB\nRssShmem:\t       0 kB\nVmSwap:\t       8 kB\n";
    const ROLLUP: &str = "55b4aadf7000-7ffd861c8000 ---p 00000000 00:00 0                          [rollup]\n\
                          Rss:                1760 kB\nPss:                 204 kB\nPss_Dirty:           112 kB\n\
                          Private_Clean:        36 kB\nPrivate_Dirty:       112 kB\nSwap:                  8 kB\nSwapPss:               4 kB\n";

    fn kib(count: u64) -> Option<u64> {
        Some(count * 1024)
    }

    #[test]
    fn both_files_together() {
        let expected = ProcessMemory {
            resident: kib(1700),
            resident_anon: kib(112),
            resident_file: kib(1588),
            resident_shmem: kib(0),
            resident_peak: kib(1760),
            virtual_size: kib(3000),
            virtual_peak: kib(3060),
            swap: kib(8),
            pss: kib(204),
            uss: kib(148),
            swap_pss: kib(4),
        };
        assert_eq!(memory(STATUS.as_bytes(), ROLLUP.as_bytes()), expected);
        let keys = "{\"resident\":1740800,\"resident_anon\":114688,\"resident_file\":1626112,\"resident_shmem\":0,\
                    \"resident_peak\":1802240,\"virtual\":3072000,\"virtual_peak\":3133440,\"swap\":8192,\
                    \"pss\":208896,\"uss\":151552,\"swap_pss\":4096}";
        assert_eq!(serde_json::to_string(&expected).unwrap(), keys);
    }

    #[test]
    fn what_is_not_told_is_unknown_and_not_zero() {
        let hidden = memory(STATUS.as_bytes(), b"");
        assert_eq!((hidden.resident, hidden.pss, hidden.uss, hidden.swap_pss), (kib(1700), None, None, None));
        let old = STATUS.lines().filter(|line| !line.starts_with("Rss")).collect::<Vec<_>>().join("\n");
        assert_eq!(memory(old.as_bytes(), b"").resident_anon, None);
        assert_eq!(memory(b"Name:\tkthreadd\nState:\tS\n", b""), ProcessMemory::default());
        let odd = "Pss: 18446744073709551615 kB\nPrivate_Clean: 5\nPrivate_Dirty: 1 kB\nSwapPss: x kB\n";
        assert_eq!(memory(b"VmRSS: 7 pages\nVmHWM:\n", odd.as_bytes()), ProcessMemory::default());
        for (status, rollup) in mutations(STATUS.as_bytes()).zip(mutations(ROLLUP.as_bytes())) {
            let _ = memory(&status, &rollup);
        }
    }

    #[test]
    fn ours_as_the_procfs_crate_has_it() {
        use procfs::FromRead;
        let status = fs::read("/proc/self/status").unwrap();
        let (ours, theirs) = (memory(&status, b""), procfs::process::Status::from_read(&*status).unwrap());
        let bytes = |kibibytes: Option<u64>| kibibytes.map(|count| count * 1024);
        assert_eq!((ours.resident, ours.resident_peak), (bytes(theirs.vmrss), bytes(theirs.vmhwm)));
        assert_eq!((ours.resident_anon, ours.resident_file), (bytes(theirs.rssanon), bytes(theirs.rssfile)));
        assert_eq!((ours.resident_shmem, ours.swap), (bytes(theirs.rssshmem), bytes(theirs.vmswap)));
        assert_eq!((ours.virtual_size, ours.virtual_peak), (bytes(theirs.vmsize), bytes(theirs.vmpeak)));
    }
}
