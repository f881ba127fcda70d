//! SIGHUP as the wish that files be read again, instead of one to end. The handler rings a bell; a thread hears it.
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

/// For as long as it lives, SIGHUP has something done. There is one at a time in a process.
#[derive(Debug)]
pub struct OnHangup {
    // The order of the fields is the order in which they go: the thread is told to end before it is waited for.
    _end: End,
    _thread: Thread,
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
    /// Does this at each SIGHUP from now on, on a thread of its own. Of several that come meanwhile one counts. (A process that
    /// blocks the signal, to read it elsewhere, gets none.)
    ///
    /// # Errors
    /// [`Failure::System`] when the kernel refuses the handler, a descriptor or the thread.
    pub fn run(action: impl Fn() + Send + 'static) -> Result<Self, Failure> {
        let refused = |error| Failure::System { what: "catch SIGHUP".to_owned(), error };
        if BELL.get().is_none() {
            let _ = BELL.set(Waker::new().map_err(refused)?);
        }
        let Some(bell) = BELL.get() else { return Err(refused(io::ErrorKind::Other.into())) };
        IS_OVER.store(false, Ordering::SeqCst);
        let thread = Thread::spawn("reload", move || listen(bell, action)).map_err(refused)?;
        let hangup = Self { _end: End, _thread: thread };
        let handler = SigAction::new(SigHandler::Handler(ring), SaFlags::SA_RESTART, SigSet::empty());
        // SAFETY: the handler only rings the bell, by an atomic swap and write(2), and leaves errno as it was.
        unsafe { sigaction(Signal::SIGHUP, &handler) }.map_err(|errno| refused(errno.into()))?;
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

fn listen(bell: &Waker, action: impl Fn()) {
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
        action();
    }
}
