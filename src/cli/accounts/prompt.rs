//! A secret from whoever sits at the terminal, without an echo; or a line of the standard input that is none.

use std::io::{self, BufRead, IsTerminal, Write};
use std::os::fd::AsFd;

use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};

use crate::cli::failure::Failure;
use crate::cli::secret::text_of;
use crate::cli::signals::Signals;
use crate::sync::wait::{Interest, wait};
use crate::sync::waker::Waker;
use crate::wamp::auth::Secret;

/// Asks for a secret, twice at a terminal.
///
/// # Errors
/// [`Failure::Usage`] when it is empty, or not the same twice; [`Failure::Interrupted`]; [`Failure::Input`].
pub fn secret(of: &str) -> Result<Secret, Failure> {
    let stdin = io::stdin();
    if !stdin.is_terminal() {
        let text = text_of("the standard input", stdin.lock())?;
        let line = text.expose().strip_suffix('\n').unwrap_or(text.expose());
        return checked(Secret::new(line.strip_suffix('\r').unwrap_or(line).to_owned()));
    }
    let silence = Silence::begin()?;
    let first = checked(silence.ask(&format!("secret of {of}: "))?)?;
    if silence.ask("again: ")? == first {
        Ok(first)
    } else {
        Err(Failure::Usage("expected the same secret twice, got two".to_owned()))
    }
}

fn checked(secret: Secret) -> Result<Secret, Failure> {
    match secret.expose() {
        "" => Err(Failure::Usage("expected a secret, got nothing".to_owned())),
        text if text.contains('\n') => Err(Failure::Usage("expected one line, got more".to_owned())),
        _ => Ok(secret),
    }
}

/// The terminal without echo; it is as before when this goes, also when a signal came.
struct Silence {
    before: Termios,
    signals: Signals,
    interrupt: Waker,
}

impl Silence {
    fn begin() -> Result<Self, Failure> {
        let signals = Signals::catch()?;
        let interrupt = Waker::new().map_err(|error| Failure::System { what: "make an eventfd".to_owned(), error })?;
        let waker = interrupt.clone();
        signals.then(move || waker.wake());
        let before = tcgetattr(io::stdin()).map_err(refused)?;
        let mut silent = before.clone();
        silent.local_flags.remove(LocalFlags::ECHO);
        silent.local_flags.insert(LocalFlags::ECHONL);
        tcsetattr(io::stdin(), SetArg::TCSAFLUSH, &silent).map_err(refused)?;
        Ok(Self { before, signals, interrupt })
    }

    fn ask(&self, prompt: &str) -> Result<Secret, Failure> {
        let stdin = io::stdin();
        // Whoever sits there reads it there; where the standard output goes does not matter.
        let _ = io::stderr().write_all(prompt.as_bytes());
        // The terminal hands out whole lines. A signal ends the wait before its handler has run.
        loop {
            let sources = [(stdin.as_fd(), Interest::READ), (self.interrupt.as_fd(), Interest::READ)];
            let [line, _] = wait(sources, None).map_err(input)?;
            if self.signals.came() {
                return Err(Failure::Interrupted);
            }
            if line.readable {
                break;
            }
        }
        let mut line = String::new();
        stdin.lock().read_line(&mut line).map_err(input)?;
        let length = line.trim_end_matches(['\r', '\n']).len();
        line.truncate(length);
        Ok(Secret::new(line))
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        // At once: waiting for what was shown to be read could take for ever.
        let _ = tcsetattr(io::stdin(), SetArg::TCSANOW, &self.before);
    }
}

fn input(error: io::Error) -> Failure {
    Failure::Input { name: "the standard input".to_owned(), error }
}

fn refused(errno: nix::errno::Errno) -> Failure {
    Failure::System { what: "switch off the terminal's echo".to_owned(), error: errno.into() }
}
