//! Signals by number and by name (signal(7)), the real-time ones too, and sending them.
#![allow(unsafe_code)] // The binding of kill(2) knows no real-time signals.

use std::fmt;
use std::str::FromStr;

use nix::errno::Errno;
use nix::sys::signal::Signal as Standard;

/// A signal that can be sent: 1 to 64, without those that the C library keeps for itself (32, 33, with musl 34 too).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Signal(i32);

impl Signal {
    /// Asks a process to end.
    pub const TERM: Self = Self(libc::SIGTERM);
    /// Ends a process.
    pub const KILL: Self = Self(libc::SIGKILL);
    /// Stops a process, whatever it thinks of that.
    pub const STOP: Self = Self(libc::SIGSTOP);
    /// Lets a stopped process go on.
    pub const CONT: Self = Self(libc::SIGCONT);

    /// By its number; `None` when there is no such signal.
    #[must_use]
    pub fn from_number(number: i32) -> Option<Self> {
        let is_real_time = (libc::SIGRTMIN()..=libc::SIGRTMAX()).contains(&number);
        (is_real_time || Standard::try_from(number).is_ok()).then_some(Self(number))
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> i32 {
        self.0
    }

    /// Whether it does nothing to a process that has not asked for it (and `SIGCONT`, which only lets go on).
    #[must_use]
    pub const fn is_harmless(self) -> bool {
        matches!(self.0, libc::SIGCONT | libc::SIGCHLD | libc::SIGURG | libc::SIGWINCH)
    }

    /// Sends it to a process by its id, to a process group by the negative id of that: kill(2).
    ///
    /// # Errors
    /// `ESRCH` when there is none, `EPERM` when it is not ours to signal.
    pub fn send(self, id: i32) -> Result<(), Errno> {
        // SAFETY: no memory is passed.
        Errno::result(unsafe { libc::kill(id, self.0) }).map(drop)
    }
}

/// As in `SIGTERM`, `SIGRTMIN+1`.
impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Standard::try_from(self.0) {
            Ok(signal) => f.write_str(signal.as_str()),
            Err(_) => write!(f, "SIGRTMIN+{}", self.0 - libc::SIGRTMIN()),
        }
    }
}

/// A number, or a name with or without `SIG` in any case: `15`, `TERM`, `sigterm`, `RTMIN+1`, `RTMAX-1`.
impl FromStr for Signal {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let name = text.to_ascii_uppercase();
        let name = name.strip_prefix("SIG").unwrap_or(&name);
        let offset = |rest: &str| if rest.is_empty() { Some(0) } else { rest.parse::<i32>().ok() };
        let number = if let Ok(number) = text.parse() {
            Some(number)
        } else if let Some(rest) = name.strip_prefix("RTMIN") {
            offset(rest).filter(|offset| *offset >= 0).and_then(|offset| libc::SIGRTMIN().checked_add(offset))
        } else if let Some(rest) = name.strip_prefix("RTMAX") {
            offset(rest).filter(|offset| *offset <= 0).and_then(|offset| libc::SIGRTMAX().checked_add(offset))
        } else {
            format!("SIG{name}").parse::<Standard>().ok().map(|signal| signal as i32)
        };
        number
            .and_then(Self::from_number)
            .ok_or_else(|| format!("expected a signal's name or number, like TERM or 15, got {text:?}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_name_and_by_number() {
        for (text, number, name) in [
            ("15", libc::SIGTERM, "SIGTERM"),
            ("TERM", libc::SIGTERM, "SIGTERM"),
            ("sigusr1", libc::SIGUSR1, "SIGUSR1"),
            ("RTMIN", libc::SIGRTMIN(), "SIGRTMIN+0"),
            ("SIGRTMIN+3", libc::SIGRTMIN() + 3, "SIGRTMIN+3"),
            ("rtmax-1", libc::SIGRTMAX() - 1, &format!("SIGRTMIN+{}", libc::SIGRTMAX() - 1 - libc::SIGRTMIN())),
        ] {
            let signal: Signal = text.parse().unwrap();
            assert_eq!((signal.number(), signal.to_string().as_str()), (number, name), "{text}");
            assert_eq!(signal.to_string().parse(), Ok(signal));
        }
        for text in ["", "0", "-1", "65", "32", "SIG", "NOSUCH", "RTMIN+99", "RTMIN-1", "RTMAX+1", "RTMIN+2147483647"] {
            let sentence = text.parse::<Signal>().unwrap_err();
            assert!(sentence.starts_with("expected a signal's name or number"), "{sentence}");
        }
    }

    #[test]
    fn what_is_sent_to_nobody_is_refused() {
        assert_eq!(Signal::CONT.send(i32::MAX), Err(Errno::ESRCH));
        assert_eq!(Signal::CONT.send(std::process::id().try_into().unwrap()), Ok(()));
    }
}
