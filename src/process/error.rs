//! What can go wrong with a target process.

use std::fmt;
use std::io;

use nix::errno::Errno;

/// Why something about a process could not be learnt or done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProcessError {
    /// The kernel refused.
    Os {
        /// What was tried, as in "cannot …": `read /proc/17/status`.
        what: String,
        /// Its reason.
        errno: Errno,
    },
    /// The process has ended and was waited for.
    Gone {
        /// Its id while it lived.
        pid: i32,
    },
    /// What was given as a process's id names none that can be a target.
    NoTarget {
        /// What was given.
        pid: i32,
        /// Why not.
        reason: NoTarget,
    },
    /// There is no process to speak of now.
    Absent {
        /// Why: a sentence without its full stop.
        why: String,
    },
    /// A file of `/proc` or `/sys` does not hold what proc(5) says it does.
    Malformed {
        /// The file.
        file: String,
        /// What was looked for in it.
        expected: &'static str,
    },
    /// This host, this build or this kind of target cannot do it.
    Unsupported {
        /// What is missing.
        feature: &'static str,
        /// What would help.
        remedy: &'static str,
    },
}

/// Why a number is no target's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoTarget {
    /// Ids are positive.
    OutOfRange,
    /// No process has it now.
    NoSuchProcess,
    /// It is the id of a thread that is not its process's first.
    Thread {
        /// Its process's id; `None` when `/proc` does not tell.
        process: Option<i32>,
    },
    /// The `/proc` in sight belongs to another PID namespace, where this process is another number or none.
    OtherNamespace,
    /// It lives, but `/proc` is mounted with `hidepid`, and we are not to see it.
    Hidden,
}

impl fmt::Display for NoTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfRange => f.write_str("expected a process id, a whole number from 1"),
            Self::NoSuchProcess => f.write_str("there is no such process"),
            Self::Thread { process: Some(process) } => write!(f, "it is a thread of process {process}"),
            Self::Thread { process: None } => f.write_str("it is a thread of another process"),
            Self::OtherNamespace => {
                f.write_str("/proc belongs to another PID namespace: mount the one that this process runs in")
            }
            Self::Hidden => {
                f.write_str("it runs, but /proc hides it from us (hidepid): run as its user, or with CAP_SYS_PTRACE")
            }
        }
    }
}

impl ProcessError {
    /// From a failed call of the standard library; one that carries no errno is told as `EIO`.
    pub(super) fn os(what: impl Into<String>, error: &io::Error) -> Self {
        let errno = error.raw_os_error().map_or(Errno::EIO, Errno::from_raw);
        Self::Os { what: what.into(), errno }
    }
}

impl fmt::Display for ProcessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Os { what, errno } => write!(f, "cannot {what}: {}", errno.desc()),
            Self::Gone { pid } => write!(f, "process {pid} has ended"),
            Self::NoTarget { pid, reason } => write!(f, "cannot observe process {pid}: {reason}"),
            Self::Absent { why } => f.write_str(why),
            Self::Malformed { file, expected } => write!(f, "cannot make sense of {file}: expected {expected}"),
            Self::Unsupported { feature, remedy } => write!(f, "{feature} is not available: {remedy}"),
        }
    }
}

impl std::error::Error for ProcessError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_sentences_without_names_of_types() {
        let os = ProcessError::Os { what: "set the CPU affinity of thread 9".into(), errno: Errno::EPERM };
        assert_eq!(os.to_string(), "cannot set the CPU affinity of thread 9: Operation not permitted");
        assert_eq!(ProcessError::Gone { pid: 9 }.to_string(), "process 9 has ended");
        let thread = ProcessError::NoTarget { pid: 9, reason: NoTarget::Thread { process: Some(8) } };
        assert_eq!(thread.to_string(), "cannot observe process 9: it is a thread of process 8");
        let plain = ProcessError::os("read x", &io::Error::other("no errno"));
        assert_eq!(plain.to_string(), "cannot read x: I/O error");
    }
}
