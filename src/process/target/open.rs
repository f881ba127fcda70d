//! Opening a process as a target, so that everything opened is of the same process.

use std::fs;
use std::os::fd::{AsFd, AsRawFd};

use nix::errno::Errno;
use nix::time::clock_getcpuclockid;
use nix::unistd::Pid;

use super::super::affinity;
use super::super::error::{NoTarget, ProcessError};
use super::super::identity::Identity;
use super::super::kept::{Buffer, Kept};
use super::super::life::Life;
use super::super::pidfd::PidFd;
use super::super::{memory, parse, whole};
use super::{STAT, Target};

impl Target {
    /// The process with this id now.
    ///
    /// Its pidfd is opened first, then its files, and last the pidfd is asked whether the process is there still: while it
    /// is, its id is nobody else's. Before Linux 5.3 the first of the files stands in for the pidfd.
    ///
    /// # Errors
    /// [`ProcessError::NoTarget`] when the number is no process's that we can see; [`ProcessError::Gone`] when it ended
    /// meanwhile; [`ProcessError::Unsupported`] as for [`own`](Self::own), which this is for our own id.
    pub fn open(pid: i32) -> Result<Self, ProcessError> {
        let refused = |reason| Err(ProcessError::NoTarget { pid, reason });
        if pid < 1 {
            return refused(NoTarget::OutOfRange);
        }
        if pid == Pid::this().as_raw() {
            return Self::own();
        }
        let life = match PidFd::open(pid) {
            Ok(pidfd) => {
                let is_ours = match pid_in_proc(&pidfd) {
                    Some(known_as) => known_as == pid || known_as == WAITED_FOR,
                    None => own_pid_in_proc()? == Some(Pid::this().as_raw()),
                };
                if !is_ours {
                    return refused(NoTarget::OtherNamespace);
                }
                Life::Watched { pid, pidfd }
            }
            Err(Errno::ESRCH) => return refused(NoTarget::NoSuchProcess),
            Err(Errno::EINVAL | Errno::ENOENT) => {
                return refused(NoTarget::Thread { process: process_of(pid).filter(|process| *process != pid) });
            }
            Err(errno @ (Errno::ENOSYS | Errno::EPERM)) => Self::without_pidfd(pid, errno)?,
            Err(errno) => return Err(ProcessError::Os { what: format!("open a pidfd of process {pid}"), errno }),
        };
        Self::attach(pid, life)
    }

    /// `errno` is the reason why there is none.
    pub(super) fn without_pidfd(pid: i32, errno: Errno) -> Result<Life, ProcessError> {
        let refused = |reason| Err(ProcessError::NoTarget { pid, reason });
        if own_pid_in_proc()? != Some(Pid::this().as_raw()) {
            return refused(NoTarget::OtherNamespace);
        }
        let stat = match Kept::open(pid, "stat") {
            Ok(stat) => stat,
            Err(ProcessError::Os { errno: Errno::ENOENT, .. }) => return refused(NoTarget::NoSuchProcess),
            Err(error) => return Err(error),
        };
        match process_of(pid) {
            Some(process) if process != pid => refused(NoTarget::Thread { process: Some(process) }),
            _ => Ok(Life::Read { stat, errno }),
        }
    }

    /// Opens the files of the process that `life` is about.
    pub(super) fn attach(pid: i32, life: Life) -> Result<Self, ProcessError> {
        let judge = |error| life.judge(error);
        let needed = |name| Kept::open(pid, name).map_err(|error| hidden(pid, life.judge(error)));
        let stat = needed("stat")?;
        let status = needed("status")?;
        let io = unless_refused(Kept::open(pid, "io")).map_err(judge)?;
        let descriptors = unless_refused(Kept::open(pid, "fd")).map_err(judge)?;
        let cpus = affinity::get(pid).map_err(judge)?;
        let cpu_clock = clock_getcpuclockid(Pid::from_raw(pid));
        let mut buffer = Buffer::new();
        let start = stat.read(&mut buffer).map_err(judge)?;
        let start = parse::stat(start).ok_or_else(|| stat.malformed(STAT))?.starttime;
        let identity = Identity::new(pid, start, cpus)?;
        let memory_total = memory::total()?;
        // Last: that it is there says that all that was opened by its id is its own.
        life.check()?;
        Ok(Self { identity, life, status, stat, io, io_refused: None, descriptors, cpu_clock, buffer, memory_total })
    }
}

/// The kernel's reason, for a file that is not for us to see, or that this kernel is built without.
fn unless_refused(opened: Result<Kept, ProcessError>) -> Result<Result<Kept, Errno>, ProcessError> {
    match opened {
        Err(ProcessError::Os { errno: errno @ (Errno::EACCES | Errno::EPERM | Errno::ENOENT), .. }) => Ok(Err(errno)),
        opened => opened.map(Ok),
    }
}

/// The process is there; so it is `/proc` that does not show what all processes have.
fn hidden(pid: i32, error: ProcessError) -> ProcessError {
    match error {
        ProcessError::Os { errno: Errno::ENOENT | Errno::EACCES | Errno::EPERM, .. } => {
            ProcessError::NoTarget { pid, reason: NoTarget::Hidden }
        }
        error => error,
    }
}

/// The id that `/proc` has for us; `None` when it has none, being another PID namespace's.
pub(super) fn own_pid_in_proc() -> Result<Option<i32>, ProcessError> {
    match fs::read_link("/proc/self") {
        Ok(link) => Ok(link.to_str().and_then(|link| link.parse().ok())),
        Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(None),
        Err(error) => Err(ProcessError::os("read /proc/self", &error)),
    }
}

/// The id that `/proc` has for the process of a pidfd: 0 when it is in none of its namespaces, [`WAITED_FOR`] when nothing
/// is left of it (pidfd_open(2)). `None` when `/proc` does not tell.
fn pid_in_proc(pidfd: &PidFd) -> Option<i32> {
    let text = fs::read_to_string(format!("/proc/self/fdinfo/{}", pidfd.as_fd().as_raw_fd())).ok()?;
    text.lines().find_map(|line| line.strip_prefix("Pid:")?.trim().parse().ok())
}

const WAITED_FOR: i32 = -1;

/// The id of the process that a thread belongs to.
fn process_of(tid: i32) -> Option<i32> {
    Some(whole::status(&fs::read(format!("/proc/{tid}/status")).ok()?)?.tgid)
}
