//! A descriptor that whoever started this process has opened for it.
#![allow(unsafe_code)] // Making a number the descriptor that it stands for has no safe way.

use std::fs::File;
use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

use nix::errno::Errno;

/// Takes over an open descriptor, and sees to it that no child inherits it. Once for a number.
///
/// # Errors
/// `EBADF` when it is not open.
pub fn take(number: RawFd) -> io::Result<File> {
    // SAFETY: no memory is passed.
    let copy = Errno::result(unsafe { libc::fcntl(number, libc::F_DUPFD_CLOEXEC, 3) })?;
    // SAFETY: the kernel has just made it for us.
    let copy = unsafe { OwnedFd::from_raw_fd(copy) };
    if number > libc::STDERR_FILENO {
        // SAFETY: it was open a moment ago, and nobody in this process has it: nothing here was opened before it is taken.
        drop(unsafe { OwnedFd::from_raw_fd(number) });
    }
    Ok(copy.into())
}
