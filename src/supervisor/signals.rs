//! The signals of this process while it supervises a child: all of them are blocked and read from a signalfd(2), and the child
//! gets back what this process was started with.
//!
//! Not blocked are those that the kernel sends for what a thread just did (`SIGSEGV` and the like); `SIGKILL` and `SIGSTOP`
//! cannot be. A blocked signal counts as ignored for terminals, so writing to one from the background
//! (`SIGTTOU`) never stops this process.
#![allow(unsafe_code)] // Dispositions and masks with real-time signals have no safe binding.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

use nix::errno::Errno;
use nix::sys::resource::{Resource, getrlimit, rlim_t, setrlimit};
use nix::sys::signal::{SigHandler, SigSet, SigmaskHow, Signal as Standard, pthread_sigmask, signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::unistd::Pid;

use crate::process::Signal;

/// Those that say something about the thread that gets them, and about nobody else.
const SYNCHRONOUS: [Standard; 7] = [
    Standard::SIGABRT,
    Standard::SIGBUS,
    Standard::SIGFPE,
    Standard::SIGILL,
    Standard::SIGSEGV,
    Standard::SIGSYS,
    Standard::SIGTRAP,
];

/// What this process was started with.
#[derive(Clone, Copy, Debug)]
pub struct Inherited {
    mask: SigSet,
    /// Then the kernel would reap our children itself, and nobody learn how they ended.
    child_was_ignored: bool,
    /// `RLIMIT_NOFILE`, soft and hard: raised for ourselves, and too many for a program that uses select(2).
    descriptors: (rlim_t, rlim_t),
}

impl Inherited {
    /// Blocks all signals for this thread and those that it starts. Must come before any thread is started: one that does not
    /// block a signal gets it.
    ///
    /// # Errors
    /// What `pthread_sigmask(3)` and `sigaction(2)` lack.
    pub fn block() -> io::Result<Self> {
        let mut mask = SigSet::empty();
        pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&blocked()), Some(&mut mask))?;
        let child_was_ignored = is_ignored(Standard::SIGCHLD)?;
        if child_was_ignored {
            // SAFETY: the default action runs no code of ours.
            unsafe { signal(Standard::SIGCHLD, SigHandler::SigDfl) }?;
        }
        Ok(Self { mask, child_was_ignored, descriptors: getrlimit(Resource::RLIMIT_NOFILE)? })
    }

    /// Puts back for this process what it was started with. Async-signal-safe: between fork(2) and exec(2) it is called in the
    /// child of a process that has threads.
    pub(super) fn restore(&self) -> Result<(), Errno> {
        if self.child_was_ignored {
            // SAFETY: ignoring runs no code of ours; sigaction(2) is async-signal-safe.
            unsafe { signal(Standard::SIGCHLD, SigHandler::SigIgn) }?;
        }
        let (soft, hard) = self.descriptors;
        setrlimit(Resource::RLIMIT_NOFILE, soft, hard)?;
        pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&self.mask), None)
    }
}

/// Lets a command start with no signal blocked; else it would have all those that this process blocks for its own sake.
pub(super) fn unblock_in(command: &mut Command) {
    let unblock = || Ok(pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None)?);
    // SAFETY: it runs between fork(2) and exec(2), makes one system call, and neither allocates nor locks.
    unsafe { command.pre_exec(unblock) };
}

/// Whether a signal's disposition is to be ignored.
fn is_ignored(signal: Standard) -> io::Result<bool> {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: without a new action sigaction(2) only writes the present one, to a place that is large enough.
    let result = unsafe { libc::sigaction(signal as libc::c_int, std::ptr::null(), action.as_mut_ptr()) };
    Errno::result(result)?;
    // SAFETY: all zeros is a valid `sigaction`, and the kernel filled it.
    Ok(unsafe { action.assume_init() }.sa_sigaction == libc::SIG_IGN)
}

fn blocked() -> SigSet {
    // With the real-time ones; the C library leaves out its own.
    let mut set = SigSet::all();
    for synchronous in SYNCHRONOUS {
        set.remove(synchronous);
    }
    set
}

/// A signal that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Came {
    /// A child of ours ended, was stopped or goes on; several such may come as one.
    Child,
    /// One for the child.
    Other(Signal),
}

/// The signals that were sent to this process.
#[derive(Debug)]
pub(super) struct Incoming(SignalFd);

impl Incoming {
    /// Begins to read the signals that [`Inherited::block`] blocked.
    pub fn open() -> io::Result<Self> {
        Ok(Self(SignalFd::with_flags(&blocked(), SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?))
    }

    /// The next one, `None` when none waits.
    pub fn next(&self) -> io::Result<Option<Came>> {
        while let Some(info) = self.0.read_signal()? {
            let number = i32::try_from(info.ssi_signo).unwrap_or_default();
            // A thread that writes where nobody reads gets this from the kernel in its own name.
            let is_own_pipe = number == libc::SIGPIPE && i32::try_from(info.ssi_pid) == Ok(Pid::this().as_raw());
            match Signal::from_number(number) {
                _ if number == libc::SIGCHLD => return Ok(Some(Came::Child)),
                Some(signal) if !is_own_pipe => return Ok(Some(Came::Other(signal))),
                _ => {}
            }
        }
        Ok(None)
    }
}

impl AsFd for Incoming {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
