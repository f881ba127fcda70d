//! One child from its start to its end.

use std::io;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::unistd::Pid;

use super::memory::MemoryWatch;
use super::reaper::Status;
use super::report::{Exit, Usage};
use super::restart::Ending;
use crate::process::{OomKills, Signal};

/// A child that runs.
#[derive(Debug)]
pub(super) struct Generation {
    pub pid: Pid,
    started: Instant,
    /// How many there were before it.
    restarts: u64,
    /// The kernel's count of its control group, and what it was at the start.
    oom_kills: Option<(OomKills, u64)>,
    pub memory: Option<MemoryWatch>,
    /// Whether it took more memory than it may.
    pub is_over_limit: bool,
    /// Whether a signal keeps it stopped.
    pub is_stopped: bool,
}

impl Generation {
    /// Of a child that was just started, and not reaped.
    pub fn new(pid: Pid, restarts: u64, memory_limit: Option<u64>, now: Instant) -> Self {
        let oom_kills = OomKills::of(pid.as_raw()).and_then(|kills| kills.count().map(|count| (kills, count)));
        let memory = memory_limit.and_then(|limit| match MemoryWatch::of(pid.as_raw(), limit, now) {
            Ok(watch) => Some(watch),
            Err(error) => {
                log::error!("the memory of the process is not limited: {error}");
                None
            }
        });
        Self { pid, started: now, restarts, oom_kills, memory, is_over_limit: false, is_stopped: false }
    }

    /// It has ended.
    pub fn end(&self, status: Status, usage: Usage, now: Instant) -> Ended {
        let lifetime = now.saturating_duration_since(self.started);
        let (code, signal, core) = match status {
            Status::Exited(code) => (Some(i32::from(code)), None, false),
            Status::Killed { signal, core } => (None, Some(signal), core),
        };
        let exit = Exit {
            pid: self.pid.as_raw(),
            code,
            signal: signal
                .map(|number| Signal::from_number(number).map_or(number.to_string(), |signal| signal.to_string())),
            core: Some(core),
            uptime: lifetime.as_secs_f64(),
            rusage: Some(usage),
            oom: if self.is_over_limit { Some(true) } else { self.was_killed_for_memory(signal) },
            restarts: self.restarts,
        };
        let ending = match (self.is_over_limit, code) {
            (true, _) => Ending::OverLimit,
            (false, Some(0)) => Ending::Success,
            (false, _) => Ending::Failure,
        };
        Ended { exit, ending, lifetime, code: exit_code(status) }
    }

    /// `None` when it was killed and nobody counts by whom.
    fn was_killed_for_memory(&self, signal: Option<i32>) -> Option<bool> {
        if signal != Some(libc::SIGKILL) {
            return Some(false);
        }
        let (kills, before) = self.oom_kills.as_ref()?;
        Some(kills.count()? > *before)
    }
}

/// How a child ended.
#[derive(Clone, Debug)]
pub(super) struct Ended {
    pub exit: Exit,
    pub ending: Ending,
    pub lifetime: Duration,
    /// As exit code of ours.
    pub code: u8,
}

/// What a shell makes of an end: the exit code, or 128 and the signal's number.
const fn exit_code(status: Status) -> u8 {
    match status {
        Status::Exited(code) => code,
        Status::Killed { signal, .. } => killed_by(signal),
    }
}

/// The exit code that says so.
pub(super) const fn killed_by(signal: i32) -> u8 {
    // At most 128 + 64.
    128_u8.wrapping_add((signal & 0x7f) as u8)
}

/// Exit code when a program is not found.
const NOT_FOUND: u8 = 127;
/// Exit code when a program is there and cannot be run.
const NOT_EXECUTABLE: u8 = 126;
/// Exit code when it was we who failed.
pub const OWN_FAILURE: u8 = 125;

/// Why a program was not started, as exit code: by the rules of env(1), timeout(1) and chroot(1).
pub(super) fn code_of(error: &io::Error) -> u8 {
    match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::ENOENT | Errno::ENOTDIR) => NOT_FOUND,
        None | Some(Errno::EAGAIN | Errno::ENOMEM | Errno::EMFILE | Errno::ENFILE | Errno::ENOSYS | Errno::ESRCH) => {
            OWN_FAILURE
        }
        Some(_) => NOT_EXECUTABLE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_as_a_shell_has_them() {
        assert_eq!(exit_code(Status::Exited(7)), 7);
        assert_eq!(exit_code(Status::Killed { signal: libc::SIGTERM, core: false }), 143);
        assert_eq!(exit_code(Status::Killed { signal: 64, core: false }), 192);
        let code = |errno| code_of(&io::Error::from_raw_os_error(errno));
        assert_eq!(
            [libc::ENOENT, libc::EACCES, libc::ENOEXEC, libc::EISDIR, libc::EAGAIN].map(code),
            [127, 126, 126, 126, 125]
        );
    }
}
