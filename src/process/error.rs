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
        let plain = ProcessError::os("read x", &io::Error::other("no errno"));
        assert_eq!(plain.to_string(), "cannot read x: I/O error");
    }
}
