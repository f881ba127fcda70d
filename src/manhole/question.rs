//! What a command asks, and of whom; and what comes back. Values, nothing more.

use log::LevelFilter;

use crate::process::Subject;
use crate::wamp::Payload;

/// What a command wants to know or to have done.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// The agent answers.
    Agent(Question),
    /// The manhole answers.
    Manhole(Inquiry),
    /// The level of the process's log is shown, or set.
    LogLevel(Option<LevelFilter>),
    /// A command of the embedding program runs.
    Custom {
        /// Its place among the program's commands.
        number: usize,
        /// The words behind its name.
        arguments: Vec<String>,
    },
}

/// What the agent can be asked.
#[derive(Clone, Debug, PartialEq)]
pub enum Question {
    /// A call of the API.
    Call {
        /// The procedure's name, the last component of its URI.
        procedure: String,
        /// Its arguments.
        payload: Payload,
    },
    /// Something about the target that the API has no procedure for.
    Inspect(Subject),
    /// The agent's own session with its router.
    Session,
}

/// What the manhole can be asked about its connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inquiry {
    /// Who is connected.
    Who,
    /// That a connection be ended.
    Kick {
        /// Its number in the answer to [`Inquiry::Who`].
        number: u32,
    },
}

/// What comes back: a JSON text, or why there is none.
pub type Answer = Result<String, Refusal>;

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The kind of error, as WAMP callers get it.
    pub uri: String,
    /// One sentence.
    pub sentence: String,
}

impl Refusal {
    /// With that URI and sentence.
    #[must_use]
    pub fn new(uri: &str, sentence: impl Into<String>) -> Self {
        Self { uri: uri.to_owned(), sentence: sentence.into() }
    }

    /// Something that would answer has too much to do.
    #[must_use]
    pub fn busy() -> Self {
        Self::new("wampproc.error.busy", "the agent has too much to do: try again later")
    }
}

/// An event that the agent publishes, as those who follow get it.
#[derive(Clone, Debug, PartialEq)]
pub struct Heard {
    /// The last component of its URI.
    pub topic: String,
    /// The arguments.
    pub payload: Payload,
    /// How many before it did not get here, because too many waited.
    pub missed: u64,
}
