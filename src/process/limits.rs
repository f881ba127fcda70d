//! The resource limits of a process (proc_pid_limits(5)): the 16 that Linux has had since 2.6.25.

use std::fs;

use procfs::FromBufRead;
use procfs::process::{LimitValue, Limits, Stat, Status};
use serde::{Serialize, Serializer};

use super::error::ProcessError;
use super::identity::ticks;
use super::whole::{self, bytes};

/// A limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Limit {
    /// What is limited, as the kernel names it: `open files`.
    pub name: &'static str,
    /// What holds.
    pub soft: Bound,
    /// How far the process itself may raise it.
    pub hard: Bound,
    /// In what it is counted; `None` for a plain number.
    pub unit: Option<&'static str>,
    /// How much of it the process has now, in the same unit; `None` where that is not counted for a process, or the kernel
    /// does not tell us.
    pub used: Option<u64>,
}

/// How much there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// As much as one likes; written `"unlimited"`.
    Unlimited,
    /// So much.
    AtMost(u64),
}

impl Serialize for Bound {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Unlimited => serializer.serialize_str("unlimited"),
            Self::AtMost(count) => serializer.serialize_u64(*count),
        }
    }
}

impl From<LimitValue> for Bound {
    fn from(limit: LimitValue) -> Self {
        match limit {
            LimitValue::Unlimited => Self::Unlimited,
            LimitValue::Value(most) => Self::AtMost(most),
        }
    }
}

/// All limits, in the kernel's order. What is used of them is from the texts of `/proc/PID/stat` and `/proc/PID/status`; one
/// that cannot be had is empty.
pub(super) fn read(pid: i32, stat: &[u8], status: &[u8], open_files: Option<u64>) -> Result<Vec<Limit>, ProcessError> {
    let path = format!("/proc/{pid}/limits");
    let text = fs::read_to_string(&path).map_err(|error| ProcessError::os(format!("read {path}"), &error))?;
    let limits = limits(&text, whole::stat(stat).as_ref(), whole::status(status).as_ref(), open_files);
    limits.ok_or(ProcessError::Malformed { file: path, expected: "the lines of proc_pid_limits(5)" })
}

fn limits(text: &str, stat: Option<&Stat>, status: Option<&Status>, open_files: Option<u64>) -> Option<Vec<Limit>> {
    // The crate counts on three words in each line.
    if text.lines().any(|line| line.split_whitespace().nth(2).is_none()) {
        return None;
    }
    let seen = Limits::from_buf_read(text.as_bytes()).ok()?;
    let size = |pick: fn(&Status) -> Option<u64>| bytes(pick(status?));
    let cpu = stat.map(|stat| ticks(stat.utime.saturating_add(stat.stime)).as_secs());
    // Those of all processes of the real user, as the limit counts them.
    let signals = status.map(|status| status.sigq.0);
    // The limit is counted from 1 to 40, for the nice values from 19 to -20 (getrlimit(2)).
    let nice = stat.and_then(|stat| u64::try_from(20_i64.checked_sub(stat.nice)?).ok());
    let realtime = stat.and_then(|stat| stat.rt_priority).map(u64::from);
    let limits = [
        ("cpu time", seen.max_cpu_time, Some("seconds"), cpu),
        ("file size", seen.max_file_size, Some("bytes"), None),
        ("data size", seen.max_data_size, Some("bytes"), size(|status| status.vmdata)),
        ("stack size", seen.max_stack_size, Some("bytes"), size(|status| status.vmstk)),
        ("core file size", seen.max_core_file_size, Some("bytes"), None),
        ("resident set", seen.max_resident_set, Some("bytes"), size(|status| status.vmrss)),
        ("processes", seen.max_processes, Some("processes"), None),
        ("open files", seen.max_open_files, Some("files"), open_files),
        ("locked memory", seen.max_locked_memory, Some("bytes"), size(|status| status.vmlck)),
        ("address space", seen.max_address_space, Some("bytes"), size(|status| status.vmsize)),
        ("file locks", seen.max_file_locks, Some("locks"), None),
        ("pending signals", seen.max_pending_signals, Some("signals"), signals),
        ("msgqueue size", seen.max_msgqueue_size, Some("bytes"), None),
        ("nice priority", seen.max_nice_priority, None, nice),
        ("realtime priority", seen.max_realtime_priority, None, realtime),
        ("realtime timeout", seen.max_realtime_timeout, Some("us"), None),
    ];
    let limit = |(name, seen, unit, used): (_, procfs::process::Limit, _, _)| Limit {
        name,
        soft: seen.soft_limit.into(),
        hard: seen.hard_limit.into(),
        unit,
        used,
    };
    Some(limits.map(limit).into())
}

#[cfg(test)]
mod tests {
    use super::super::mutations::mutations;
    use super::*;
    use nix::sys::resource::{Resource, getrlimit};

    const LIMITS: &str = include_str!("../../tests/data/proc/limits");
    const STAT: &[u8] = include_bytes!("../../tests/data/proc/stat");
    const STATUS: &[u8] = include_bytes!("../../tests/data/proc/status");

    #[test]
    fn ours_are_what_getrlimit_says() {
        let limits = read(i32::try_from(std::process::id()).unwrap(), b"", b"", None).unwrap();
        let files = limits.iter().find(|limit| limit.name == "open files").unwrap();
        // `rlim_t` is 32 bits wide on some targets.
        #[allow(clippy::useless_conversion)]
        let as_bound = |limit| Bound::AtMost(u64::from(limit));
        let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        assert_eq!((files.soft, files.hard), (as_bound(soft), as_bound(hard)));
    }

    /// Names, units and order are not the crate's: they are the kernel's.
    #[test]
    fn they_are_called_as_the_kernel_calls_them() {
        let kernels = fs::read_to_string("/proc/self/limits").unwrap();
        for text in [LIMITS, &kernels] {
            let bound = |bound: Bound| match bound {
                Bound::Unlimited => "unlimited".to_owned(),
                Bound::AtMost(most) => most.to_string(),
            };
            let line = |limit: Limit| {
                let (soft, hard, unit) = (bound(limit.soft), bound(limit.hard), limit.unit.unwrap_or_default());
                format!("Max {:<21} {soft:<20} {hard:<20} {unit}", limit.name).trim_end().to_owned()
            };
            let ours: Vec<String> = limits(text, None, None, None).unwrap().into_iter().map(line).collect();
            assert_eq!(ours, text.lines().skip(1).map(str::trim_end).collect::<Vec<_>>());
        }
    }

    #[test]
    fn what_is_no_list_of_limits_is_none() {
        for bytes in mutations(LIMITS.as_bytes()) {
            let _ = limits(&String::from_utf8_lossy(&bytes), None, None, None);
        }
        let without = |line: &str| LIMITS.lines().filter(|of| !of.starts_with(line)).collect::<Vec<_>>().join("\n");
        assert_eq!(limits(&without("Limit"), None, None, None).unwrap().len(), 16);
        assert_eq!(limits(&without("Max open files"), None, None, None), None);
        for line in ["", "Max", "Max x", "Max x  1", "Max x  1  many"] {
            assert_eq!(limits(line, None, None, None), None, "{line}");
        }
        let huge = LIMITS.replace("1048576", "99999999999999999999");
        assert_eq!(limits(&huge, None, None, None), None);
    }

    #[test]
    fn what_is_used_comes_from_status_and_stat() {
        let used = |stat: &[u8], status: &[u8], open_files| -> Vec<(&str, Option<u64>)> {
            let (stat, status) = (whole::stat(stat), whole::status(status));
            let limits = limits(LIMITS, stat.as_ref(), status.as_ref(), open_files).unwrap();
            limits.into_iter().map(|limit| (limit.name, limit.used)).collect()
        };
        let expected = [
            ("cpu time", Some(ticks(321 + 45).as_secs())),
            ("file size", None),
            ("data size", Some(360 * 1024)),
            ("stack size", Some(132 * 1024)),
            ("core file size", None),
            ("resident set", Some(1756 * 1024)),
            ("processes", None),
            ("open files", Some(17)),
            ("locked memory", Some(64 * 1024)),
            ("address space", Some(3060 * 1024)),
            ("file locks", None),
            ("pending signals", Some(3)),
            ("msgqueue size", None),
            ("nice priority", Some(15)),
            ("realtime priority", Some(7)),
            ("realtime timeout", None),
        ];
        assert_eq!(used(STAT, STATUS, Some(17)), expected);
        // Of what is hidden nothing is known.
        assert!(used(b"", b"", None).iter().all(|(_, used)| used.is_none()));
    }
}
