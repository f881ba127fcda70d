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

    /// Tells the builder, of an agent that is about a child.
    ///
    /// # Errors
    /// [`Failure::Usage`] when there is to be another process too.
    pub fn configure_with_child(&self, builder: AgentBuilder) -> Result<AgentBuilder, Failure> {
        if self.choice() != TargetChoice::Own {
            return Err(Failure::Usage("expected either COMMAND or --pid or --pidfile, got both".to_owned()));
        }
        Ok(match &self.gc {
            Some(method) => builder.gc(method.clone()),
            None => builder,
        })
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
                Err(Failure::Usage(format!("expected --pid, --pidfile or COMMAND with {flag}, got none")))
            }
            Some(method) => Ok(builder.target(choice).gc(method.clone())),
        }
    }
}
