//! SIGHUP as the wish that files be read again, instead of one to end. Whoever catches it rings a bell; a thread hears it.
#![allow(unsafe_code)] // Setting a signal's handler has no safe binding.

use std::io;
use std::os::fd::AsFd;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::errno::Errno;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

use super::failure::Failure;
use crate::sync::thread::Thread;
use crate::sync::wait::{Interest, wait};
use crate::sync::waker::Waker;

/// Rung by the handler, which can reach nothing else.
static BELL: OnceLock<Waker> = OnceLock::new();

/// Whether the bell was rung by whoever wants the thread to end.
static IS_OVER: AtomicBool = AtomicBool::new(false);

/// What is read from files, and can be read again.
pub struct Reloadable {
    /// What it is, for the log: more than one.
    pub what: &'static str,
    /// Reads it. When that fails, all stays as it was.
    pub read: Box<dyn Fn() -> Result<(), Failure> + Send>,
}

/// Who catches the signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Catcher {
    /// A handler of this process.
    Handler,
    /// The supervisor of a child, which has all signals of this process, and rings [`bell`].
    Supervisor,
}

/// What SIGHUP is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hangup {
    /// Nothing of ours: it ends the program, or is the child's.
    Usual,
    /// Files are read again.
    Reload,
}

/// For as long as it lives, SIGHUP has files read again. There is one at a time in a process.
#[derive(Debug)]
pub struct OnHangup {
    // The order of the fields is the order in which they go: the thread is told to end before it is waited for.
    _end: End,
    _thread: Thread,
}

/// What is to be rung at each SIGHUP by who catches it.
///
/// # Errors
/// [`Failure::System`] when the kernel refuses a descriptor.
pub fn bell() -> Result<&'static Waker, Failure> {
    if BELL.get().is_none() {
        let _ = BELL.set(Waker::new().map_err(refused)?);
    }
    BELL.get().ok_or_else(|| refused(io::ErrorKind::Other.into()))
}

fn refused(error: io::Error) -> Failure {
    Failure::System { what: "catch SIGHUP".to_owned(), error }
}

#[derive(Debug)]
struct End;

impl Drop for End {
    fn drop(&mut self) {
        IS_OVER.store(true, Ordering::SeqCst);
        if let Some(bell) = BELL.get() {
            bell.wake();
        }
    }
}

impl OnHangup {
    /// Reads all of these at each SIGHUP from now on, on a thread of its own. Of several that come meanwhile one counts.
    ///
    /// # Errors
    /// [`Failure::System`] when the kernel refuses the handler, a descriptor or the thread.
    pub fn run(table: Vec<Reloadable>, catcher: Catcher) -> Result<Self, Failure> {
        let bell = bell()?;
        IS_OVER.store(false, Ordering::SeqCst);
        let thread = Thread::spawn("reload", move || listen(bell, &table)).map_err(refused)?;
        let hangup = Self { _end: End, _thread: thread };
        if catcher == Catcher::Handler {
            let handler = SigAction::new(SigHandler::Handler(ring), SaFlags::SA_RESTART, SigSet::empty());
            // SAFETY: the handler only rings the bell, by an atomic swap and write(2), and leaves errno as it was.
            unsafe { sigaction(Signal::SIGHUP, &handler) }.map_err(|errno| refused(errno.into()))?;
        }
        Ok(hangup)
    }
}

extern "C" fn ring(_: libc::c_int) {
    let errno = Errno::last_raw();
    if let Some(bell) = BELL.get() {
        bell.wake();
    }
    Errno::set_raw(errno);
}

fn listen(bell: &Waker, table: &[Reloadable]) {
    loop {
        match wait([(bell.as_fd(), Interest::READ)], None) {
            Ok(_) => bell.hush(),
            Err(error) => {
                log::error!("SIGHUP is not heard any more: {error}");
                return;
            }
        }
        if IS_OVER.load(Ordering::SeqCst) {
            return;
        }
        for Reloadable { what, read } in table {
            match read() {
                Ok(()) => log::info!("the {what} were read again"),
                Err(failure) => log::error!("the {what} stay as they were: {failure}"),
            }
        }
    }
}
