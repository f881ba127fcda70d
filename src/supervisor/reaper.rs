//! The one place that waits for children: those that were started here, and orphans of theirs that the kernel handed to this
//! process as subreaper.
#![allow(unsafe_code)] // waitid(2) for processes that a real-time signal ended, and wait4(2), have no safe binding.

use std::io;
use std::mem::MaybeUninit;
use std::process::{Child, Command};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nix::errno::Errno;
use nix::unistd::Pid;

use super::report::Usage;
use super::signals::unblock_in;

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// With an exit code.
    Exited(u8),
    /// By a signal.
    Killed { signal: i32, core: bool },
}

/// What became of a child.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Change {
    /// It has ended, and is reaped: its id may be another's soon.
    Ended { pid: Pid, status: Status, usage: Usage },
    /// A signal stopped it.
    Stopped { pid: Pid, signal: i32 },
}

/// What there is to know now.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Look {
    /// Something new.
    Change(Change),
    /// Somebody else is about to wait for a child that has ended; what is behind it shows when that is done.
    Claimed,
    /// All children go on as they were.
    Nothing,
    /// There are no children.
    Childless,
}

/// Looks for what is new, and takes it. Never waits.
pub(super) fn look() -> Result<Look, Errno> {
    // Held while looking, so that a child is not seen between its start and its being claimed.
    let claimed = claimed();
    loop {
        let Some(seen) = peek(libc::P_ALL, 0, libc::WEXITED | libc::WSTOPPED | libc::WNOHANG | libc::WNOWAIT)? else {
            return Ok(Look::Childless);
        };
        if seen.pid == 0 {
            return Ok(Look::Nothing);
        }
        let (pid, is_claimed) = (Pid::from_raw(seen.pid), claimed.contains(&seen.pid.unsigned_abs()));
        if seen.code == libc::CLD_STOPPED {
            // Taken, so that it is not seen again; gone when it went on or ended meanwhile. Who waits for an end misses nothing.
            let id = libc::id_t::try_from(seen.pid).unwrap_or_default();
            let taken = peek(libc::P_PID, id, libc::WSTOPPED | libc::WNOHANG)?;
            if !is_claimed && taken.is_some_and(|taken| taken.pid == seen.pid) {
                return Ok(Look::Change(Change::Stopped { pid, signal: seen.status }));
            }
            continue;
        }
        if is_claimed {
            return Ok(Look::Claimed);
        }
        let status = match seen.code {
            libc::CLD_KILLED => Status::Killed { signal: seen.status, core: false },
            libc::CLD_DUMPED => Status::Killed { signal: seen.status, core: true },
            // Exit codes have 8 bits.
            _ => Status::Exited((seen.status & 0xff) as u8),
        };
        return Ok(Look::Change(Change::Ended { pid, status, usage: reap(seen.pid)? }));
    }
}

/// The ids of children that others wait for.
static CLAIMED: Mutex<Vec<u32>> = Mutex::new(Vec::new());

fn claimed() -> MutexGuard<'static, Vec<u32>> {
    CLAIMED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts a child for which the caller waits by itself, and calls [`release`] then. No signal is blocked in it.
pub(super) fn spawn_claimed(command: &mut Command) -> io::Result<Child> {
    unblock_in(command);
    let mut claimed = claimed();
    let child = command.spawn()?;
    claimed.push(child.id());
    Ok(child)
}

/// That child was waited for.
pub(super) fn release(id: u32) {
    claimed().retain(|claimed| *claimed != id);
}

/// What waitid(2) tells of a child.
struct Seen {
    /// 0: nothing new.
    pid: i32,
    code: i32,
    status: i32,
}

/// `None` without children.
fn peek(kind: libc::idtype_t, id: libc::id_t, options: i32) -> Result<Option<Seen>, Errno> {
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    // SAFETY: `info` is a place for a siginfo_t.
    match Errno::result(unsafe { libc::waitid(kind, id, info.as_mut_ptr(), options) }) {
        Ok(_) => {}
        Err(Errno::ECHILD) => return Ok(None),
        Err(errno) => return Err(errno),
    }
    // SAFETY: all zeros is a valid siginfo_t, and the kernel fills it, or leaves the zeros when nothing is new.
    let info = unsafe { info.assume_init() };
    // SAFETY: these are what waitid(2) fills in, or zeros.
    let (pid, status) = unsafe { (info.si_pid(), info.si_status()) };
    Ok(Some(Seen { pid, code: info.si_code, status }))
}

/// Reaps a child that has ended.
fn reap(pid: i32) -> Result<Usage, Errno> {
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: no status is asked for, and `usage` is a place for a rusage.
    Errno::result(unsafe { libc::wait4(pid, std::ptr::null_mut(), libc::WNOHANG, usage.as_mut_ptr()) })?;
    // SAFETY: all zeros is a valid rusage, and the kernel filled it.
    let usage = unsafe { usage.assume_init() };
    Ok(Usage {
        user: duration(usage.ru_utime).as_secs_f64(),
        system: duration(usage.ru_stime).as_secs_f64(),
        // The kernel counts KiB.
        max_resident: count(usage.ru_maxrss).saturating_mul(1024),
        minor_faults: count(usage.ru_minflt),
        major_faults: count(usage.ru_majflt),
        voluntary: count(usage.ru_nvcsw),
        nonvoluntary: count(usage.ru_nivcsw),
    })
}

fn count(number: libc::c_long) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

// Its fields differ in size between machines.
#[allow(clippy::unnecessary_fallible_conversions)]
fn duration(time: libc::timeval) -> Duration {
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    Duration::from_secs(seconds) + Duration::from_micros(u64::try_from(time.tv_usec).unwrap_or_default())
}
