//! What `serve` and `join` are told about the target.

use std::path::PathBuf;

use crate::agent::AgentBuilder;
use crate::supervisor::{AtExit, TargetChoice};

/// What the flags say.
#[derive(Debug, Default)]
pub struct Target {
    /// The process's id.
    pub pid: Option<i32>,
    /// The file that names it.
    pub pid_file: Option<PathBuf>,
    /// What to do when it ends.
    pub at_exit: AtExit,
}

impl Target {
    /// Tells the builder.
    #[must_use]
    pub fn configure(&self, builder: AgentBuilder) -> AgentBuilder {
        builder.target(match (self.pid, &self.pid_file) {
            (Some(pid), _) => TargetChoice::Pid(pid),
            (None, Some(path)) => TargetChoice::PidFile { path: path.clone(), at_exit: self.at_exit },
            (None, None) => TargetChoice::Own,
        })
    }
}
