//! SIGINT, SIGTERM and SIGHUP: each asks for an orderly end. The handler runs on ctrlc's thread, an ordinary one.
#![allow(unsafe_code)] // Looking at a signal's disposition, and setting it to "ignored", have no safe binding.

use std::io;
use std::mem::MaybeUninit;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nix::sys::signal::{SigHandler, Signal, signal};

use super::exit::Exit;
use super::failure::Failure;

/// A signal this long after the first is a second wish to end, and one that is granted at once. What comes earlier is
/// the same wish: timeout(1) signals its child and then its whole group.
const SAME_WISH: Duration = Duration::from_millis(500);

/// What there is to do when a signal comes.
type Action = Box<dyn Fn() + Send>;

/// The signals of this process from [`Signals::catch`] on.
#[derive(Clone)]
pub struct Signals {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    first: Option<Instant>,
    action: Option<Action>,
}

impl Signals {
    /// Begins to catch signals. Whatever comes before an action is set is kept for it. A SIGHUP that this process was
    /// started to ignore, by nohup(1), stays ignored.
    ///
    /// # Errors
    /// [`Failure::System`] when the kernel refuses the handler or its thread.
    pub fn catch() -> Result<Self, Failure> {
        let refused = |error| Failure::System { what: "catch signals".to_owned(), error };
        let hangup_is_ignored = is_ignored(Signal::SIGHUP).map_err(refused)?;
        let signals = Self { state: Arc::default() };
        let caught = signals.clone();
        ctrlc::set_handler(move || caught.signalled(Instant::now()))
            .map_err(|error| refused(io::Error::other(error)))?;
        if hangup_is_ignored {
            ignore(Signal::SIGHUP).map_err(refused)?;
        }
        Ok(signals)
    }

    /// What to do at the first signal, on the handler's thread; at once, if it came already.
    pub fn then(&self, action: impl Fn() + Send + 'static) {
        let mut state = self.lock();
        if state.first.is_some() {
            action();
        }
        state.action = Some(Box::new(action));
    }

    /// Whether a signal has come.
    #[must_use]
    pub fn came(&self) -> bool {
        self.lock().first.is_some()
    }

    fn signalled(&self, now: Instant) {
        let mut state = self.lock();
        match state.first {
            Some(first) if now.saturating_duration_since(first) < SAME_WISH => {}
            Some(_) => std::process::exit(Exit::Interrupted.code().into()),
            None => {
                state.first = Some(now);
                if let Some(action) = &state.action {
                    action();
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a signal's disposition is to be ignored.
fn is_ignored(signal: Signal) -> io::Result<bool> {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: without a new action sigaction(2) only writes the present one, to a place that is large enough.
    let result = unsafe { libc::sigaction(signal as libc::c_int, std::ptr::null(), action.as_mut_ptr()) };
    nix::errno::Errno::result(result)?;
    // SAFETY: all zeros is a valid `sigaction`, and the kernel filled it.
    Ok(unsafe { action.assume_init() }.sa_sigaction == libc::SIG_IGN)
}

fn ignore(ignored: Signal) -> io::Result<()> {
    // SAFETY: ignoring a signal runs no code of ours.
    unsafe { signal(ignored, SigHandler::SigIgn) }?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[test]
    fn a_signal_before_its_action_is_kept_and_a_repeated_one_is_the_same_wish() {
        let signals = Signals { state: Arc::default() };
        let now = Instant::now();
        assert!(!signals.came());
        signals.signalled(now);
        assert!(signals.came());
        let count = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&count);
        signals.then(move || {
            counted.fetch_add(1, Ordering::SeqCst);
        });
        signals.signalled(now + SAME_WISH - Duration::from_millis(1));
        assert_eq!(count.load(Ordering::SeqCst), 1);
    }
}
