//! The memory of a process in all its kinds: the cheap ones from `status`, and those for which the kernel walks the page
//! tables, from `smaps_rollup`.

use std::fs;

use serde::Serialize;

use super::error::ProcessError;
use super::whole::{self, bytes};

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
    memory(&status, &rollup).ok_or(ProcessError::Malformed { file: path, expected: "the lines of proc_pid_status(5)" })
}

/// Where the kernel tells what it must walk the page tables for.
pub(super) fn rollup_path(pid: i32) -> String {
    format!("/proc/{pid}/smaps_rollup")
}

fn memory(status: &[u8], rollup: &[u8]) -> Option<ProcessMemory> {
    let (status, rollup) = (whole::status(status)?, whole::rollup(rollup));
    Some(ProcessMemory {
        resident: bytes(status.vmrss),
        resident_anon: bytes(status.rssanon),
        resident_file: bytes(status.rssfile),
        resident_shmem: bytes(status.rssshmem),
        resident_peak: bytes(status.vmhwm),
        virtual_size: bytes(status.vmsize),
        virtual_peak: bytes(status.vmpeak),
        swap: bytes(status.vmswap),
        pss: rollup.proportional,
        uss: rollup.private,
        swap_pss: rollup.proportional_swap,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &str = include_str!("../../tests/data/proc/status");
    const ROLLUP: &[u8] = include_bytes!("../../tests/data/proc/smaps_rollup");

    fn kib(count: u64) -> Option<u64> {
        Some(count * 1024)
    }

    #[test]
    fn both_files_together() {
        let expected = ProcessMemory {
            resident: kib(1756),
            resident_anon: kib(112),
            resident_file: kib(1640),
            resident_shmem: kib(4),
            resident_peak: kib(1760),
            virtual_size: kib(3060),
            virtual_peak: kib(9000),
            swap: kib(8),
            pss: kib(204),
            uss: kib(148),
            swap_pss: kib(4),
        };
        assert_eq!(memory(STATUS.as_bytes(), ROLLUP).unwrap(), expected);
        let keys = "{\"resident\":1798144,\"resident_anon\":114688,\"resident_file\":1679360,\"resident_shmem\":4096,\
                    \"resident_peak\":1802240,\"virtual\":3133440,\"virtual_peak\":9216000,\"swap\":8192,\
                    \"pss\":208896,\"uss\":151552,\"swap_pss\":4096}";
        assert_eq!(serde_json::to_string(&expected).unwrap(), keys);
    }

    #[test]
    fn what_is_not_told_is_unknown_and_not_zero() {
        let hidden = memory(STATUS.as_bytes(), b"").unwrap();
        assert_eq!((hidden.resident, hidden.pss, hidden.uss, hidden.swap_pss), (kib(1756), None, None, None));
        let without = |keys: &str| {
            let rest: String =
                STATUS.lines().filter(|line| !line.starts_with(keys)).map(|line| format!("{line}\n")).collect();
            memory(rest.as_bytes(), b"").unwrap()
        };
        let old = without("Rss");
        assert_eq!((old.resident, old.resident_anon, old.resident_shmem), (kib(1756), None, None));
        let kernel_thread = STATUS.lines().filter(|line| !line.ends_with(" kB")).collect::<Vec<_>>().join("\n");
        assert_eq!(memory(kernel_thread.as_bytes(), b"").unwrap(), ProcessMemory::default());
        assert_eq!(memory(b"", ROLLUP), None);
        let huge = STATUS.replace("1756 kB", "18446744073709551615 kB");
        assert_eq!(memory(huge.as_bytes(), b"").unwrap().resident, None);
    }
}
