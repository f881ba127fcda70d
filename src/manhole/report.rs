//! What the manhole and its connections send to the agent, and what comes back.

use std::fmt;
use std::io;

use super::config::ConfigError;
use super::host_key::HostKeyError;
use super::listener::ListenError;
use super::question::{Answer, Heard, Question};
use crate::sync::mailbox::{NotSent, Post};
use crate::sync::ticket::Ticket;

/// What the manhole sends.
#[derive(Debug)]
pub enum Report {
    /// It listens.
    Started {
        /// The TCP port that was bound.
        port: Option<u16>,
        /// The host key's fingerprint.
        host_key: String,
    },
    /// It could not be started, and its thread has ended.
    Failed(StartError),
    /// Listener and connections are closed, and its thread has ended.
    Stopped,
    /// A command wants to know something.
    Asked {
        /// What.
        question: Question,
        /// Where the answer goes.
        reply: Reply,
    },
    /// A connection wants to hear what is published.
    Follow {
        /// Which.
        connection: u64,
        /// Where the events go.
        post: Post<Heard>,
    },
    /// A connection has heard enough.
    Unfollow {
        /// Which.
        connection: u64,
    },
}

/// Why a manhole does not start. Its `Display` is a sentence.
#[derive(Debug)]
pub enum StartError {
    /// A file that the configuration names will not do.
    Config(ConfigError),
    /// Nobody can be listened for.
    Listen(ListenError),
    /// There is no host key.
    HostKey(HostKeyError),
    /// The kernel refuses a descriptor, a thread or randomness.
    Resources(io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => error.fmt(f),
            Self::Listen(error) => error.fmt(f),
            Self::HostKey(error) => error.fmt(f),
            Self::Resources(error) => write!(f, "cannot start the manhole: {error}"),
        }
    }
}

impl std::error::Error for StartError {}

impl From<io::Error> for StartError {
    fn from(error: io::Error) -> Self {
        Self::Resources(error)
    }
}

/// The way back to a connection.
#[derive(Debug)]
pub struct Reply {
    pub(super) ticket: Ticket,
    pub(super) post: Post<Answered>,
}

/// An answer with the number of its question.
#[derive(Debug)]
pub(super) struct Answered {
    pub ticket: Ticket,
    pub answer: Answer,
}

impl Reply {
    /// Answers. Never waits: for a connection that is gone, or takes nothing, the answer is dropped.
    pub fn send(self, answer: Answer) {
        let _ = self.post.try_send(Answered { ticket: self.ticket, answer });
    }
}

/// Somebody who hears what is published.
#[derive(Debug)]
pub struct Follower {
    post: Post<Heard>,
    missed: u64,
}

/// Whether a follower is still there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It is.
    There,
    /// It has hung up.
    Gone,
}

impl Follower {
    /// Who hears by this.
    #[must_use]
    pub const fn new(post: Post<Heard>) -> Self {
        Self { post, missed: 0 }
    }

    /// Tells of an event. Never waits: one that does not fit is counted, and the next one tells how many were missed.
    pub fn tell(&mut self, topic: &str, payload: &crate::wamp::Payload) -> Presence {
        let heard = Heard { topic: topic.to_owned(), payload: payload.clone(), missed: self.missed };
        match self.post.try_send(heard) {
            Ok(()) => self.missed = 0,
            Err(NotSent::Full(_)) => self.missed += 1,
            Err(NotSent::Closed(_)) => return Presence::Gone,
        }
        Presence::There
    }
}
