//! The resource limits of a process (proc_pid_limits(5)).

use std::fs;

use serde::{Serialize, Serializer};

use super::error::ProcessError;
use super::identity::ticks;
use super::parse::{self, kibibytes, pairs};
use super::stat_line::{StatLine, field};

/// A limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Limit {
    /// What is limited, as the kernel names it: `open files`.
    pub name: String,
    /// What holds.
    pub soft: Bound,
    /// How far the process itself may raise it.
    pub hard: Bound,
    /// In what it is counted; `None` for a plain number.
    pub unit: Option<String>,
    /// How much of it the process has now, in the same unit; `None` where that is not counted for a process, or the kernel
    /// does not tell us.
    pub used: Option<u64>,
}

/// What a process has of that which limits are about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Usage {
    cpu_seconds: Option<u64>,
    data: Option<u64>,
    stack: Option<u64>,
    resident: Option<u64>,
    open_files: Option<u64>,
    locked: Option<u64>,
    address_space: Option<u64>,
    pending_signals: Option<u64>,
    nice_priority: Option<u64>,
    realtime_priority: Option<u64>,
}

impl Usage {
    /// From the texts of `/proc/PID/stat` and `/proc/PID/status`; a text that cannot be had is empty.
    pub(super) fn new(stat: &[u8], status: &[u8], open_files: Option<u64>) -> Self {
        let line = StatLine::new(stat);
        let number = |field| line.as_ref()?.number(field);
        let cpu = number(field::USER).zip(number(field::SYSTEM)).map(|(user, system)| user.saturating_add(system));
        // The limit is counted from 1 to 40, for the nice values from 19 to -20 (getrlimit(2)).
        let nice = line.as_ref().and_then(|line| line.signed(field::NICE));
        let mut usage = Self {
            cpu_seconds: cpu.map(|count| ticks(count).as_secs()),
            open_files,
            nice_priority: nice.and_then(|nice| u64::try_from(20_i64.checked_sub(nice)?).ok()),
            realtime_priority: number(field::REALTIME_PRIORITY),
            ..Self::default()
        };
        for (key, value) in pairs(status) {
            match key {
                b"VmData" => usage.data = kibibytes(value),
                b"VmStk" => usage.stack = kibibytes(value),
                b"VmRSS" => usage.resident = kibibytes(value),
                b"VmLck" => usage.locked = kibibytes(value),
                b"VmSize" => usage.address_space = kibibytes(value),
                // `0/96365`: those of all processes of the real user, as the limit counts them.
                b"SigQ" => usage.pending_signals = value.split(|&byte| byte == b'/').next().and_then(parse::number),
                _ => {}
            }
        }
        usage
    }

    /// The part of it that is limited by the limit with this name.
    fn of(&self, name: &str) -> Option<u64> {
        match name {
            "cpu time" => self.cpu_seconds,
            "data size" => self.data,
            "stack size" => self.stack,
            "resident set" => self.resident,
            "open files" => self.open_files,
            "locked memory" => self.locked,
            "address space" => self.address_space,
            "pending signals" => self.pending_signals,
            "nice priority" => self.nice_priority,
            "realtime priority" => self.realtime_priority,
            _ => None,
        }
    }
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

/// All limits, in the kernel's order.
pub(super) fn read(pid: i32, usage: &Usage) -> Result<Vec<Limit>, ProcessError> {
    let path = format!("/proc/{pid}/limits");
    let text = fs::read_to_string(&path).map_err(|error| ProcessError::os(format!("read {path}"), &error))?;
    // The first line is a heading.
    text.lines()
        .skip(1)
        .map(|line| limit(line, usage))
        .collect::<Option<_>>()
        .ok_or(ProcessError::Malformed { file: path, expected: "the lines of proc_pid_limits(5)" })
}

/// `Max open files            1024                 1048576              files     `
fn limit(line: &str, usage: &Usage) -> Option<Limit> {
    let mut fields = line.split("  ").map(str::trim).filter(|field| !field.is_empty());
    let name = fields.next()?;
    let name = name.strip_prefix("Max ").unwrap_or(name).to_owned();
    let used = usage.of(&name);
    Some(Limit {
        name,
        soft: bound(fields.next()?)?,
        hard: bound(fields.next()?)?,
        unit: fields.next().map(str::to_owned),
        used,
    })
}

fn bound(text: &str) -> Option<Bound> {
    match text {
        "unlimited" => Some(Bound::Unlimited),
        number => number.parse().ok().map(Bound::AtMost),
    }
}

#[cfg(test)]
mod tests {
    use super::super::mutations::mutations;
    use super::*;
    use nix::sys::resource::{Resource, getrlimit};

    #[test]
    fn ours_are_what_getrlimit_says() {
        let limits = read(i32::try_from(std::process::id()).unwrap(), &Usage::default()).unwrap();
        let files = limits.iter().find(|limit| limit.name == "open files").unwrap();
        // `rlim_t` is 32 bits wide on some targets.
        #[allow(clippy::useless_conversion)]
        let as_bound = |limit| Bound::AtMost(u64::from(limit));
        let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        assert_eq!((files.soft, files.hard), (as_bound(soft), as_bound(hard)));
        assert_eq!(files.unit.as_deref(), Some("files"));
        assert!(limits.iter().any(|limit| limit.name == "nice priority" && limit.unit.is_none()));
    }

    /// Whatever the kernel under us writes: the same bytes read by two parsers.
    #[test]
    fn agrees_with_the_procfs_crate() {
        use procfs::FromRead;
        use procfs::process::{LimitValue, Limits};
        let theirs = Limits::from_read(fs::read("/proc/self/limits").unwrap().as_slice()).unwrap();
        let ours = read(i32::try_from(std::process::id()).unwrap(), &Usage::default()).unwrap();
        let bound = |value| match value {
            LimitValue::Unlimited => Bound::Unlimited,
            LimitValue::Value(count) => Bound::AtMost(count),
        };
        for (name, theirs) in [
            ("cpu time", theirs.max_cpu_time),
            ("stack size", theirs.max_stack_size),
            ("processes", theirs.max_processes),
            ("open files", theirs.max_open_files),
            ("locked memory", theirs.max_locked_memory),
            ("address space", theirs.max_address_space),
            ("realtime timeout", theirs.max_realtime_timeout),
        ] {
            let ours = ours.iter().find(|limit| limit.name == name).unwrap();
            assert_eq!((ours.soft, ours.hard), (bound(theirs.soft_limit), bound(theirs.hard_limit)), "{name}");
        }
    }

    #[test]
    fn a_line_that_is_none_is_no_limit() {
        for bytes in mutations(b"Max open files            1024                 1048576              files     ") {
            let _ = limit(&String::from_utf8_lossy(&bytes), &Usage::default());
        }
        for line in ["Max x  1", "Max x  1  many", "Max x  1  99999999999999999999  bytes", ""] {
            assert_eq!(limit(line, &Usage::default()), None, "{line}");
        }
    }

    #[test]
    fn what_is_used_comes_from_status_and_stat() {
        let stat = b"4242 (n) S 1 4242 4242 0 -1 4194304 1234 0 5 0 321 45 0 0 20 5 3 0 987654 14376960 913 \
                     18446744073709551615 1 1 0 0 0 0 0 4096 17643 0 0 0 17 1 7 0 0 0 0\n";
        let status = b"VmSize:\t  9000 kB\nVmLck:\t  64 kB\nVmRSS:\t 1756 kB\nVmData:\t 360 kB\nVmStk:\t 132 kB\nSigQ:\t3/96365\n";
        let usage = Usage::new(stat, status, Some(17));
        let used = |name: &str| limit(&format!("Max {name}  1  unlimited  x"), &usage).unwrap().used;
        let expected = [
            ("cpu time", Some(3)),
            ("file size", None),
            ("data size", Some(360 * 1024)),
            ("stack size", Some(132 * 1024)),
            ("core file size", None),
            ("resident set", Some(1756 * 1024)),
            ("processes", None),
            ("open files", Some(17)),
            ("locked memory", Some(64 * 1024)),
            ("address space", Some(9000 * 1024)),
            ("pending signals", Some(3)),
            ("nice priority", Some(15)),
            ("realtime priority", Some(7)),
            ("realtime timeout", None),
        ];
        assert_eq!(expected.map(|(name, _)| (name, used(name))), expected);
        for (stat, status) in mutations(stat).zip(mutations(status)) {
            let _ = Usage::new(&stat, &status, None);
        }
        // A kernel thread has no memory, and one that is hidden has nothing at all.
        assert_eq!(Usage::new(stat, b"SigQ:\tx\n", None).of("address space"), None);
        assert_eq!(Usage::new(b"", b"", None), Usage::default());
    }
}
