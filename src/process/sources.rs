//! Where measurements come from that a kernel may not have, or may not give us; and the reason when it does not.

use std::fs;

use super::delay;
use super::error::ProcessError;
use super::footprint::rollup_path;
use super::parse::{self, pairs, schedstat};
use super::sample::Status;
use super::stat_line::{StatLine, field};

/// A source of measurements of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The process itself, which may have ended.
    Process,
    /// `/proc/PID/io`: for the same user, with `CONFIG_TASK_IO_ACCOUNTING`.
    Io,
    /// `/proc/PID/fd`: for the same user.
    Descriptors,
    /// `/proc/PID/smaps_rollup`: for the same user, since Linux 4.14.
    SmapsRollup,
    /// What is resident by kind, in `/proc/PID/status`: since Linux 4.5.
    ResidentKinds,
    /// `/proc/PID/schedstat`: with `CONFIG_SCHED_INFO`.
    RunQueue,
    /// Delay accounting: with `CONFIG_TASK_DELAY_ACCT`, since Linux 5.14 when `kernel.task_delayacct` is on.
    DelayAccounting,
    /// `/proc/PID/wchan`: for the same user, with `CONFIG_KALLSYMS`.
    Wchan,
    /// An allocator that gives memory back on demand (`malloc_trim(3)`): glibc's, in our own process.
    HeapTrim,
}

/// Why the source tells nothing of the process; `None` when it does.
pub(super) fn lack(pid: i32, source: Source) -> Option<String> {
    match source {
        // Whoever asks has made sure of it.
        Source::Process => None,
        Source::Io => read(&format!("/proc/{pid}/io")).err(),
        Source::Descriptors => refused("list", &format!("/proc/{pid}/fd"), |path| fs::read_dir(path).map(|_| ())).err(),
        Source::SmapsRollup => {
            if !has_memory(pid) {
                return Some(NO_MEMORY.to_owned());
            }
            // Not read: that is what costs.
            refused("open", &rollup_path(pid), |path| fs::File::open(path).map(|_| ())).err()
        }
        Source::ResidentKinds => match status_has(pid, b"RssAnon") {
            true => None,
            false if has_memory(pid) => Some("the kernel is older than Linux 4.5".to_owned()),
            false => Some(NO_MEMORY.to_owned()),
        },
        Source::RunQueue => match read(&format!("/proc/{pid}/schedstat")) {
            Ok(text) if schedstat(&text).is_some() => None,
            Ok(_) => Some("the kernel does not count it (CONFIG_SCHED_INFO)".to_owned()),
            Err(reason) => Some(reason),
        },
        Source::DelayAccounting => match delay::switch() {
            Some(true) => None,
            Some(false) => Some("the kernel does not count it: set kernel.task_delayacct=1 with sysctl".to_owned()),
            None => {
                let stat = fs::read(format!("/proc/{pid}/stat")).unwrap_or_default();
                let ticks = StatLine::new(&stat).and_then(|line| line.number(field::BLOCK_IO_DELAY));
                let counted = ticks.and_then(delay::counted).is_some();
                (!counted).then(|| "the kernel does not say that it counts it, and counted nothing so far".to_owned())
            }
        },
        Source::Wchan => match read(&format!("/proc/{pid}/wchan")) {
            Ok(function) if function == b"0" && sleeps(pid) => {
                Some("the kernel does not tell us where threads of this process sleep".to_owned())
            }
            Ok(_) => None,
            Err(reason) => Some(reason),
        },
        Source::HeapTrim if pid != nix::unistd::Pid::this().as_raw() => {
            Some("another process's allocator cannot be told to give memory back".to_owned())
        }
        Source::HeapTrim => {
            (!cfg!(target_env = "gnu")).then(|| "the C library of this build has no malloc_trim(3)".to_owned())
        }
    }
}

/// Zombies and kernel threads have none.
const NO_MEMORY: &str = "the process has no memory of its own";

fn has_memory(pid: i32) -> bool {
    status_has(pid, b"VmRSS")
}

fn status_has(pid: i32, key: &[u8]) -> bool {
    let status = fs::read(format!("/proc/{pid}/status")).unwrap_or_default();
    pairs(&status).any(|(found, _)| found == key)
}

/// Whether the main thread does; what runs sleeps nowhere.
fn sleeps(pid: i32) -> bool {
    let stat = fs::read(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = parse::name_and_state(&stat).map(|(_, letter)| Status::from_letter(letter));
    matches!(state, Some(Status::Sleeping | Status::DiskSleep))
}

fn read(path: &str) -> Result<Vec<u8>, String> {
    refused("read", path, |path| fs::read(path))
}

fn refused<T>(verb: &str, path: &str, done: impl Fn(&str) -> std::io::Result<T>) -> Result<T, String> {
    done(path).map_err(|error| ProcessError::os(format!("{verb} {path}"), &error).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_ourselves_all_files_can_be_read() {
        let pid = i32::try_from(std::process::id()).unwrap();
        for source in [Source::Io, Source::Descriptors, Source::SmapsRollup, Source::ResidentKinds] {
            assert_eq!(lack(pid, source), None, "{source:?}");
        }
        assert_eq!(lack(pid, Source::HeapTrim).is_none(), cfg!(target_env = "gnu"));
        let counted = fs::read("/proc/self/schedstat").is_ok_and(|text| schedstat(&text).is_some());
        assert_eq!(lack(pid, Source::RunQueue).is_none(), counted);
        assert_eq!(lack(pid, Source::DelayAccounting).is_some(), delay::switch() == Some(false));
    }

    #[test]
    fn what_is_refused_comes_with_the_kernels_reason() {
        // There is no such process.
        let reason = |source| lack(-1, source).unwrap();
        assert_eq!(reason(Source::Io), "cannot read /proc/-1/io: No such file or directory");
        assert_eq!(reason(Source::Descriptors), "cannot list /proc/-1/fd: No such file or directory");
        assert_eq!(reason(Source::SmapsRollup), NO_MEMORY);
        assert_eq!(reason(Source::ResidentKinds), NO_MEMORY);
        assert_eq!(reason(Source::Wchan), "cannot read /proc/-1/wchan: No such file or directory");
        assert_eq!(reason(Source::HeapTrim), "another process's allocator cannot be told to give memory back");
    }
}
