//! What a command leads to: a question, a picture again and again, something to follow; and how answers are written. Pure.

use std::fmt;
use std::time::Duration;

use log::LevelFilter;
use serde_json::Value;

use super::render::Style;
use crate::manhole::question::{Question, Request};

/// What a command leads to.
pub enum Step {
    /// A list of the commands, or what one of them does.
    Help(Option<String>),
    /// A question, and how the answer is written.
    Ask(Request, Written),
    /// Several questions, and again every so often until a key is pressed.
    Watch(Watch),
    /// What comes, until it is enough or interrupted.
    Follow(Feed),
    /// The end of the dialogue.
    Exit,
}

/// What can be followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feed {
    /// The events of the agent, so many more of them if there is a limit.
    Events(Option<u64>),
    /// The process's log, what is at least so grave.
    Log(LevelFilter),
}

/// How an answer is written for people.
#[derive(Clone, Copy)]
pub enum Written {
    /// By this.
    By(fn(&Value, &Style) -> String),
    /// As JSON: as it came, or with a line for each value on a terminal.
    Json,
}

/// What is asked again and again.
pub struct Watch {
    /// The questions, each with the name that its answer has in JSON.
    pub questions: &'static [(&'static str, Ask)],
    /// How long a picture stands.
    pub every: Duration,
    /// Draws the answers, given those before and the seconds in between.
    pub draw: fn(&Frame<'_>, &Style) -> String,
}

/// Makes a question.
pub type Ask = fn() -> Question;

/// The answers of one round, and of the one before.
pub struct Frame<'a> {
    /// In the order of the questions.
    pub now: &'a [Value],
    /// The same of the round before, with the seconds since.
    pub before: Option<(&'a [Value], f64)>,
}

/// Arguments that a command does not take; the sentence says what was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage(pub String);

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
