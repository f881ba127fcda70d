//! What the supervisor of a child is asked to do, and what it answers.

use std::fmt;
use std::time::Duration;

use super::report::Exit;
use crate::sync::ticket::Ticket;

/// Somebody asks for something; the answer comes as a [`Report`](super::Report) with the same ticket, when it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// By which the answer finds its question.
    pub ticket: Ticket,
    /// What is asked.
    pub order: Order,
}

/// What can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Start the child, if none runs.
    Start,
    /// End the child and all that descends from it, and leave it at that.
    Stop {
        /// How long they may take before they are killed; `None` is what the command says.
        timeout: Option<Duration>,
    },
    /// The same, and start it again; if none runs, only that.
    Restart {
        /// As for `Stop`.
        timeout: Option<Duration>,
    },
    /// The last bytes that the child wrote.
    Output {
        /// How many at most.
        bytes: u64,
    },
}

/// What was done.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// The child runs, and this is its id.
    Started(i32),
    /// The child has ended, and nothing is left of it.
    Stopped(Exit),
    /// What it wrote.
    Output(Captured),
}

/// What a child wrote to its stdout and stderr, in the order in which it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Captured {
    /// The newest of it.
    pub bytes: Vec<u8>,
    /// How many bytes there were in all, of all children.
    pub total: u64,
}

/// Why something was not done. Its `Display` is a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is a child already.
    Running,
    /// There is a child, which is being ended.
    Ending,
    /// There is no child.
    Stopped,
    /// The supervisor itself is about to end.
    Over,
    /// So many wait for the end of the child already.
    TooMany,
    /// Output is not kept.
    NotCaptured,
    /// The child cannot be started.
    CannotStart(String),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Running => "expected no process, got one that runs already",
            Self::Ending => "expected no process, got one that is being stopped",
            Self::Stopped => "expected a process that runs, got none",
            Self::Over => "the agent is about to end",
            Self::TooMany => "too many callers wait for the end of the process already: try again later",
            Self::NotCaptured => "the output of the process is not kept: start the agent with --capture",
            Self::CannotStart(why) => return f.write_str(why),
        })
    }
}

impl std::error::Error for Refusal {}
