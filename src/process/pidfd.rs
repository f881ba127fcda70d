//! A process by descriptor instead of by number: it stays the same process whoever gets the number next.
#![allow(unsafe_code)] // pidfd_open(2) and pidfd_send_signal(2) have no safe binding.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::ptr::null;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// A descriptor from pidfd_open(2); closed on exec.
#[derive(Debug)]
pub(super) struct PidFd(OwnedFd);

impl PidFd {
    /// Of the process that has this id now, as of a zombie. `ENOSYS` before Linux 5.3, `ESRCH` when there is none,
    /// `EINVAL` (or, since 6.15, `ENOENT`) for the id of a thread that is not its process's first.
    pub(super) fn open(pid: i32) -> Result<Self, Errno> {
        // SAFETY: no memory is passed.
        Ok(Self(descriptor(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) })?))
    }

    /// Whether the process has ended, waited for or not: from then on the descriptor polls readable.
    pub(super) fn has_ended(&self) -> Result<bool, Errno> {
        let mut watched = [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
        poll(&mut watched, PollTimeout::ZERO).map(|ready| ready > 0)
    }

    /// Whether the process has ended and was waited for, so that nothing is left of it.
    pub(super) fn is_gone(&self) -> bool {
        let (fd, none) = (self.0.as_raw_fd(), null::<libc::siginfo_t>());
        // SAFETY: a null `siginfo` stands for that of kill(2). Signal 0 only asks; a process that is not ours to signal
        // is EPERM, and there.
        let result = unsafe { libc::syscall(libc::SYS_pidfd_send_signal, fd, 0, none, 0) };
        Errno::result(result) == Err(Errno::ESRCH)
    }
}

impl AsFd for PidFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// The new descriptor that a system call answered with.
fn descriptor(result: libc::c_long) -> Result<OwnedFd, Errno> {
    let fd = RawFd::try_from(Errno::result(result)?).map_err(|_| Errno::EOVERFLOW)?;
    // SAFETY: the kernel has just made it for us.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn a_zombie_has_ended_and_is_gone_when_it_was_waited_for() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let pidfd = PidFd::open(child.id().try_into().unwrap()).unwrap();
        assert_eq!((pidfd.has_ended(), pidfd.is_gone()), (Ok(false), false));
        drop(child.stdin.take());
        let mut watched = [PollFd::new(pidfd.as_fd(), PollFlags::POLLIN)];
        assert_eq!(poll(&mut watched, 10_000_u16), Ok(1));
        assert_eq!((pidfd.has_ended(), pidfd.is_gone()), (Ok(true), false));
        child.wait().unwrap();
        assert_eq!((pidfd.has_ended(), pidfd.is_gone()), (Ok(true), true));
    }
}
