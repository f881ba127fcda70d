//! What is supervised, and how.

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

use super::restart::RestartRule;
use crate::process::Signal;
use crate::sync::waker::Waker;

/// A program with all that its supervision needs to know.
#[derive(Clone, Debug)]
pub struct ChildCommand {
    /// The program: a path, or a name to be found in `PATH`.
    pub program: OsString,
    /// Its arguments, without its name.
    pub arguments: Vec<OsString>,
    /// The variable of our environment that it does not get, if any: it holds a secret of ours.
    pub withheld: Option<OsString>,
    /// What follows its end.
    pub restart: RestartRule,
    /// What asks it to end.
    pub stop_signal: Signal,
    /// How long it may take to end before it is killed.
    pub stop_timeout: Duration,
    /// Bytes of memory (RSS of its process) over which it is restarted.
    pub memory_limit: Option<u64>,
    /// Bytes of its output that are kept.
    pub capture: Option<u64>,
    /// Whether its output is published.
    pub publication: Publication,
    /// Rung at each SIGHUP, which the child does not get then.
    pub on_hangup: Option<Waker>,
}

/// Where a child's output goes when it comes through this process: its own stdout and stderr.
#[derive(Debug)]
pub struct Outlets {
    /// For the child's standard output.
    pub stdout: OwnedFd,
    /// For its standard error.
    pub stderr: OwnedFd,
}

/// What becomes of a child's output besides being passed on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Publication {
    /// Nothing.
    #[default]
    Off,
    /// It is published, as far as the limits allow.
    On,
}

impl ChildCommand {
    /// A program that is run once, and asked to end by `SIGTERM` with 10 s to do so.
    #[must_use]
    pub fn new(program: impl Into<OsString>) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
            withheld: None,
            restart: RestartRule::default(),
            stop_signal: Signal::TERM,
            stop_timeout: Duration::from_secs(10),
            memory_limit: None,
            capture: None,
            publication: Publication::Off,
            on_hangup: None,
        }
    }

    /// What the program is called: the last part of its path.
    #[must_use]
    pub fn name(&self) -> String {
        Path::new(&self.program).file_name().unwrap_or(&self.program).to_string_lossy().into_owned()
    }

    /// Whether its output goes through this process.
    #[must_use]
    pub(super) fn is_captured(&self) -> bool {
        self.capture.is_some() || self.publication == Publication::On
    }
}
