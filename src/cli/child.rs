//! What `serve` and `join` are told about a child, and their end when they have one.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use super::failure::Failure;
use super::logger;
use super::reload::{self, Hangup};
use crate::agent::{AgentBuilder, AgentError, Ending};
use crate::process::Signal;
use crate::supervisor::{ChildCommand, ChildSupervisor, Inherited, Outlets, Publication, RestartPolicy, RestartRule};

/// What the command line says.
#[derive(Debug, Default)]
pub struct Child {
    /// The program and its arguments; nothing when there is none.
    pub command: Vec<OsString>,
    /// The variable with our own secret, which it does not get.
    pub withheld: Option<OsString>,
    /// What follows its end.
    pub restart: RestartRule,
    /// What asks it to end.
    pub stop_signal: Option<Signal>,
    /// How long it may take to end.
    pub stop_timeout: Duration,
    /// Bytes of memory over which it is restarted.
    pub memory_limit: Option<u64>,
    /// Bytes of its output that are kept.
    pub capture: Option<u64>,
    /// Whether its output is published.
    pub publication: Publication,
}

/// A child that is to be started when its agent runs.
#[derive(Debug)]
pub struct Supervised(ChildSupervisor);

impl Child {
    /// Adds a word behind `--`.
    ///
    /// # Errors
    /// When the program's name is empty.
    pub fn push(&mut self, word: &OsStr) -> Result<(), String> {
        if self.command.is_empty() && word.is_empty() {
            return Err("expected a program, got nothing".to_owned());
        }
        self.command.push(word.to_owned());
        Ok(())
    }

    /// Whether there is one.
    #[must_use]
    pub fn is_given(&self) -> bool {
        !self.command.is_empty()
    }

    /// Makes this process a child's supervisor, if it is to have one; SIGHUP is passed on to it, or kept for that. Must come before
    /// any thread is started.
    ///
    /// # Errors
    /// [`Failure::Usage`] for flags that mean nothing without a child; else when the kernel refuses.
    pub fn supervise(&self, hangup: Hangup) -> Result<Option<Supervised>, Failure> {
        let Some((program, arguments)) = self.command.split_first() else {
            return self.idle_flag().map_or(Ok(None), |flag| {
                Err(Failure::Usage(format!("expected COMMAND behind -- with --{flag}, got none")))
            });
        };
        logger::mark();
        let refused = |error| Failure::before_child(Failure::System { what: "supervise a process".to_owned(), error });
        let on_hangup = match hangup {
            Hangup::Usual => None,
            Hangup::Reload => Some(reload::bell().map_err(Failure::before_child)?.clone()),
        };
        let inherited = Inherited::block().map_err(refused)?;
        let command = ChildCommand {
            arguments: arguments.to_vec(),
            withheld: self.withheld.clone(),
            restart: self.restart,
            stop_signal: self.stop_signal.unwrap_or(Signal::TERM),
            stop_timeout: self.stop_timeout,
            memory_limit: self.memory_limit,
            capture: self.capture,
            publication: self.publication,
            on_hangup,
            ..ChildCommand::new(program)
        };
        Ok(Some(Supervised(ChildSupervisor::start(command, outlets().map_err(refused)?, inherited).map_err(refused)?)))
    }

    /// A flag that was given though there is no child.
    fn idle_flag(&self) -> Option<&'static str> {
        let given = [
            ("restart", self.restart.policy != RestartPolicy::Never),
            ("restart-max", self.restart.limit.is_some()),
            ("memory-limit", self.memory_limit.is_some()),
            ("capture", self.capture.is_some()),
            ("publish-output", self.publication == Publication::On),
        ];
        given.into_iter().find(|(_, is_given)| *is_given).map(|(flag, _)| flag)
    }
}

fn outlets() -> io::Result<Outlets> {
    let stdout = io::stdout().as_fd().try_clone_to_owned()?;
    Ok(Outlets { stdout, stderr: io::stderr().as_fd().try_clone_to_owned()? })
}

impl Supervised {
    /// Tells the builder.
    #[must_use]
    pub fn configure(&self, builder: AgentBuilder) -> AgentBuilder {
        builder.child(self.0.control())
    }

    /// The end, with the child's exit code, whatever became of the agent: nothing about the bus ends the child.
    ///
    /// # Errors
    /// [`Failure::Child`], when that code is not 0.
    pub fn end(self, agent: Result<Ending, AgentError>) -> Result<(), Failure> {
        if let Err(error) = agent {
            log::error!("{error}; the child goes on without the bus");
        }
        match self.0.wait().code {
            0 => Ok(()),
            code => Err(Failure::Child(code)),
        }
    }
}
