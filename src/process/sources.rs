//! Where measurements come from that a kernel may not have, or may not give us; and the reason when it does not.

use std::fs;

use nix::errno::Errno;
use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::signal::kill;
use nix::unistd::Pid;
use procfs::FromRead;
use procfs::process::StatM;

use super::delay;
use super::error::ProcessError;
use super::footprint::rollup_path;
use super::sample::Status;
use super::whole::{self, schedstat};

/// A source of measurements of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The process itself, which may have ended.
    Process,
    /// Its being able to get signals from us (kill(2)): the same user, or `CAP_KILL`.
    Signals,
    /// Its CPU affinity being ours to set (sched_setaffinity(2)): the same user, or `CAP_SYS_NICE`.
    Affinity,
    /// An address space of its own, which zombies and kernel threads have not.
    Memory,
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
        Source::Signals => denied("send signals to", pid, kill(Pid::from_raw(pid), None)),
        // To no CPU at all: that is refused, and changes nothing, also where we may.
        Source::Affinity => match sched_setaffinity(Pid::from_raw(pid), &CpuSet::new()) {
            Err(Errno::EINVAL) => None,
            tried => denied("set the CPU affinity of", pid, tried),
        },
        Source::Memory => (!has_memory(pid)).then(|| NO_MEMORY.to_owned()),
        Source::Io => read(&format!("/proc/{pid}/io")).err(),
        Source::Descriptors => {
            refused("list", &format!("/proc/{pid}/fd"), |path| fs::read_dir(path).map(|_| ())).err().or_else(|| {
                let stat = fs::read(format!("/proc/{pid}/stat")).unwrap_or_default();
                has_lost_its_first_thread(&stat).then(|| NO_FIRST_THREAD.to_owned())
            })
        }
        Source::SmapsRollup => {
            if !has_memory(pid) {
                return Some(NO_MEMORY.to_owned());
            }
            // Not read: that is what costs.
            refused("open", &rollup_path(pid), |path| fs::File::open(path).map(|_| ())).err()
        }
        Source::ResidentKinds => match tells_kinds(pid) {
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
                let ticks = whole::stat(&stat).and_then(|stat| stat.delayacct_blkio_ticks);
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
        Source::HeapTrim if pid != Pid::this().as_raw() => {
            Some("another process's allocator cannot be told to give memory back".to_owned())
        }
        Source::HeapTrim => {
            (!cfg!(target_env = "gnu")).then(|| "the C library of this build has no malloc_trim(3)".to_owned())
        }
    }
}

const NO_FIRST_THREAD: &str =
    "the process's first thread has ended, and the kernel tells nothing of the others' descriptors";

/// Whether the first thread has ended and others run, by `/proc/PID/stat`: it is a zombie then, and the process is none.
pub(super) fn has_lost_its_first_thread(stat: &[u8]) -> bool {
    whole::stat(stat).is_some_and(|stat| stat.state == 'Z' && stat.num_threads > 1)
}

fn denied(verb: &str, pid: i32, tried: nix::Result<()>) -> Option<String> {
    let errno = tried.err()?;
    Some(ProcessError::Os { what: format!("{verb} process {pid}"), errno }.to_string())
}

/// Zombies and kernel threads have none.
const NO_MEMORY: &str = "the process has no memory of its own";

fn has_memory(pid: i32) -> bool {
    let statm = fs::read(format!("/proc/{pid}/statm")).unwrap_or_default();
    StatM::from_read(&*statm).is_ok_and(|seen| seen.size > 0)
}

fn tells_kinds(pid: i32) -> bool {
    let status = fs::read(format!("/proc/{pid}/status")).unwrap_or_default();
    whole::status(&status).is_some_and(|status| status.rssanon.is_some())
}

/// Whether the main thread does; what runs sleeps nowhere.
fn sleeps(pid: i32) -> bool {
    let stat = fs::read(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = whole::stat(&stat).map(|stat| Status::from_letter(stat.state));
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
        for source in [
            Source::Signals,
            Source::Affinity,
            Source::Memory,
            Source::Io,
            Source::Descriptors,
            Source::SmapsRollup,
            Source::ResidentKinds,
        ] {
            assert_eq!(lack(pid, source), None, "{source:?}");
        }
        assert_eq!(lack(pid, Source::HeapTrim).is_none(), cfg!(target_env = "gnu"));
        let counted = fs::read("/proc/self/schedstat").is_ok_and(|text| schedstat(&text).is_some());
        assert_eq!(lack(pid, Source::RunQueue).is_none(), counted);
        assert_eq!(lack(pid, Source::DelayAccounting).is_some(), delay::switch() == Some(false));
    }

    #[test]
    fn asking_whether_the_affinity_can_be_set_does_not_set_it() {
        let ours = || nix::sched::sched_getaffinity(Pid::from_raw(0)).unwrap();
        let (before, pid) = (ours(), i32::try_from(std::process::id()).unwrap());
        assert_eq!(lack(pid, Source::Affinity), None);
        assert!(before == ours());
    }

    #[test]
    fn a_first_thread_that_has_ended_is_told_from_an_ended_process() {
        let stat = |state: char, threads: u32| {
            let text = include_str!("../../tests/data/proc/stat");
            let text = text.replace(") S 1 4242", &format!(") {state} 1 4242"));
            has_lost_its_first_thread(text.replace(" 20 5 3 0 ", &format!(" 20 5 {threads} 0 ")).as_bytes())
        };
        assert!(stat('Z', 2));
        assert!(!stat('Z', 1));
        assert!(!stat('S', 2));
        assert!(!has_lost_its_first_thread(b""));
    }

    #[test]
    fn what_is_refused_comes_with_the_kernels_reason() {
        // There is no such process.
        let reason = |source| lack(-1, source).unwrap();
        assert_eq!(reason(Source::Affinity), "cannot set the CPU affinity of process -1: No such process");
        assert_eq!(reason(Source::Memory), NO_MEMORY);
        assert_eq!(reason(Source::Io), "cannot read /proc/-1/io: No such file or directory");
        assert_eq!(reason(Source::Descriptors), "cannot list /proc/-1/fd: No such file or directory");
        assert_eq!(reason(Source::SmapsRollup), NO_MEMORY);
        assert_eq!(reason(Source::ResidentKinds), NO_MEMORY);
        assert_eq!(reason(Source::Wchan), "cannot read /proc/-1/wchan: No such file or directory");
        assert_eq!(reason(Source::HeapTrim), "another process's allocator cannot be told to give memory back");
    }
}
