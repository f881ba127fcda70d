//! Whether the target still is there. What cannot be read is not therefore dead (`hidepid`, `subset=pid`, another user's
//! files): the pidfd is asked.

use std::os::fd::{AsFd, BorrowedFd};

use nix::errno::Errno;

use super::error::ProcessError;
use super::kept::{Buffer, Kept};
use super::pidfd::PidFd;
use super::whole;

/// How the end of a process is told.
#[derive(Debug)]
pub(super) enum Life {
    /// This code runs in it.
    Own,
    /// By its pidfd.
    Watched { pid: i32, pidfd: PidFd },
    /// By its kept `stat`, where the kernel has no pidfds (before Linux 5.3, or a sandbox that refuses them).
    Read { stat: Kept, errno: Errno },
}

impl Life {
    pub(super) fn pidfd(&self) -> Option<&PidFd> {
        match self {
            Self::Watched { pidfd, .. } => Some(pidfd),
            Self::Own | Self::Read { .. } => None,
        }
    }

    pub(super) fn borrowed(&self) -> Option<BorrowedFd<'_>> {
        self.pidfd().map(AsFd::as_fd)
    }

    /// Whether it has ended, waited for or not.
    pub(super) fn has_ended(&self) -> bool {
        match self {
            Self::Own => false,
            // poll(2) of one descriptor fails only for want of memory, which says nothing about the process.
            Self::Watched { pidfd, .. } => pidfd.has_ended().unwrap_or(false),
            Self::Read { stat, .. } => match stat.read(&mut Buffer::new()) {
                // A first thread that has ended while others run is a zombie too.
                Ok(text) => {
                    whole::stat(text).is_some_and(|stat| matches!(stat.state, 'Z' | 'X' | 'x') && stat.num_threads <= 1)
                }
                Err(error) => matches!(error, ProcessError::Gone { .. }),
            },
        }
    }

    /// An error, or [`ProcessError::Gone`] when the reason for it is that the process was waited for.
    pub(super) fn judge(&self, error: ProcessError) -> ProcessError {
        match (self, error) {
            (Self::Own, ProcessError::Gone { pid }) => unreadable(pid),
            (Self::Watched { pid, pidfd }, error) => match (pidfd.is_gone(), error) {
                (true, _) => ProcessError::Gone { pid: *pid },
                (false, ProcessError::Gone { pid }) => unreadable(pid),
                (false, error) => error,
            },
            (Self::Read { stat, .. }, error) => match stat.read(&mut Buffer::new()) {
                Err(gone @ ProcessError::Gone { .. }) => gone,
                _ => error,
            },
            (Self::Own, error) => error,
        }
    }

    /// `Ok` while it was not waited for: then what was learnt by its id until now was about itself.
    pub(super) fn check(&self) -> Result<(), ProcessError> {
        match self {
            Self::Own => Ok(()),
            Self::Watched { pid, pidfd } if pidfd.is_gone() => Err(ProcessError::Gone { pid: *pid }),
            Self::Watched { .. } => Ok(()),
            Self::Read { stat, .. } => stat.read(&mut Buffer::new()).map(|_| ()),
        }
    }
}

/// A file that answers as if the process were gone, which it is not: it has none of what the file tells.
fn unreadable(pid: i32) -> ProcessError {
    ProcessError::Os { what: format!("read the files of process {pid}"), errno: Errno::ESRCH }
}
