//! What `serve` and `join` are told about the target.

use std::path::PathBuf;

use super::failure::Failure;
use crate::agent::AgentBuilder;
use crate::supervisor::{AtExit, GcMethod, TargetChoice};

/// What the flags say.
#[derive(Debug, Default)]
pub struct Target {
    /// The process's id.
    pub pid: Option<i32>,
    /// The file that names it.
    pub pid_file: Option<PathBuf>,
    /// What to do when it ends.
    pub at_exit: AtExit,
    /// How its garbage is collected.
    pub gc: Option<GcMethod>,
}

impl Target {
    fn choice(&self) -> TargetChoice {
        match (self.pid, &self.pid_file) {
            (Some(pid), _) => TargetChoice::Pid(pid),
            (None, Some(path)) => TargetChoice::PidFile { path: path.clone(), at_exit: self.at_exit },
            (None, None) => TargetChoice::Own,
        }
    }

    /// Tells the builder.
    ///
    /// # Errors
    /// [`Failure::Usage`] when something is said about a process that is not there.
    pub fn configure(&self, builder: AgentBuilder) -> Result<AgentBuilder, Failure> {
        let choice = self.choice();
        match &self.gc {
            None => Ok(builder.target(choice)),
            Some(_) if choice == TargetChoice::Own => {
                let flag = "--gc-signal and --gc-command";
                Err(Failure::Usage(format!("expected --pid or --pidfile with {flag}, got neither")))
            }
            Some(method) => Ok(builder.target(choice).gc(method.clone())),
        }
    }
}
