//! Why a target that was chosen cannot be one.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::process::ProcessError;

/// Nothing was started. The `Display` is a sentence for the user.
#[derive(Debug)]
pub enum TargetError {
    /// There is no such process, it cannot be read, or the kernel refuses a descriptor.
    Process(ProcessError),
    /// It has ended, and only its parent has not noticed.
    Zombie {
        /// Its id.
        pid: i32,
    },
    /// A pid file names our own process.
    Itself {
        /// Its id.
        pid: i32,
    },
    /// The pid file cannot be read.
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The pid file names no process.
    NoId {
        /// The file.
        file: PathBuf,
        /// How what stands there begins.
        got: String,
    },
}

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Process(reason) => reason.fmt(f),
            Self::Zombie { pid } => write!(f, "cannot observe process {pid}: it has ended (a zombie)"),
            Self::Itself { pid } => write!(f, "expected the id of another process, got our own, {pid}"),
            Self::Unreadable { file, error } => write!(f, "cannot read the pid file {}: {error}", file.display()),
            Self::NoId { file, got } => write!(f, "expected the id of a process in {}, got {got:?}", file.display()),
        }
    }
}

impl std::error::Error for TargetError {}

impl From<ProcessError> for TargetError {
    fn from(reason: ProcessError) -> Self {
        Self::Process(reason)
    }
}
