//! A process by descriptor instead of by number: it stays the same process whoever gets the number next.
#![allow(unsafe_code)] // pidfd_open(2), pidfd_send_signal(2) and pidfd_getfd(2) have no safe binding.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::ptr::null;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::signal::Signal;

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

    /// Sends a signal. `ESRCH` when the process was waited for.
    pub(super) fn signal(&self, signal: Signal) -> Result<(), Errno> {
        let (fd, none) = (self.0.as_raw_fd(), null::<libc::siginfo_t>());
        // SAFETY: a null `siginfo` stands for that of kill(2).
        Errno::result(unsafe { libc::syscall(libc::SYS_pidfd_send_signal, fd, signal.number(), none, 0) }).map(drop)
    }

    /// Whether the process has ended and was waited for, so that nothing is left of it.
    pub(super) fn is_gone(&self) -> bool {
        let (fd, none) = (self.0.as_raw_fd(), null::<libc::siginfo_t>());
        // SAFETY: a null `siginfo` stands for that of kill(2). Signal 0 only asks; a process that is not ours to signal
        // is EPERM, and there.
        let result = unsafe { libc::syscall(libc::SYS_pidfd_send_signal, fd, 0, none, 0) };
        Errno::result(result) == Err(Errno::ESRCH)
    }

    /// Our own descriptor for what `fd` is in the process (Linux 5.6): the same open file, not a new one. `EPERM` when we
    /// may not trace it, `EBADF` when it has no such descriptor, `ESRCH` when it has ended.
    pub(super) fn get(&self, fd: RawFd) -> Result<OwnedFd, Errno> {
        // SAFETY: no memory is passed.
        descriptor(unsafe { libc::syscall(libc::SYS_pidfd_getfd, self.0.as_raw_fd(), fd, 0) })
    }

    /// Why it gives us none of the process's descriptors; `None` when it does.
    pub(super) fn refuses_descriptors(&self) -> Option<Errno> {
        // No process has that many; whether we may is looked at first.
        self.get(RawFd::MAX).err().filter(|errno| !matches!(errno, Errno::EBADF | Errno::ESRCH))
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
    use std::os::unix::fs::MetadataExt;
    use std::process::{Command, Stdio};

    fn inode(fd: OwnedFd) -> u64 {
        std::fs::File::from(fd).metadata().unwrap().ino()
    }

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
        assert_eq!(pidfd.get(0).unwrap_err(), Errno::ESRCH);
    }

    #[test]
    fn a_descriptor_of_it_is_the_same_file() {
        let pidfd = PidFd::open(std::process::id().try_into().unwrap()).unwrap();
        let file = std::fs::File::open("/").unwrap();
        let same = pidfd.get(file.as_raw_fd()).unwrap();
        assert_eq!(inode(same), file.metadata().unwrap().ino());
        assert_eq!(pidfd.get(i32::MAX).unwrap_err(), Errno::EBADF);
    }
}
