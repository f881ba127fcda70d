//! What other threads hold of a running agent: to publish events, to stop it, to wait for its end.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use serde::Serialize;

use super::dispatch::Answer;
use super::manhole;
use super::{AgentError, Ending};
use crate::sampler::Report;
use crate::supervisor;
use crate::sync::mailbox::{NotSent, Post};
use crate::sync::waker::Waker;
use crate::wamp::uri::{Form, Rules};
use crate::wamp::{Payload, Uri};

/// What other threads send to the loop.
#[derive(Debug)]
pub(super) enum Letter {
    /// From the sampler.
    Sampler(Report<Answer>),
    /// From whoever supervises the target.
    Supervisor(supervisor::Report),
    /// From the manhole, or one of its connections.
    Manhole(manhole::Report),
    /// An event of the embedding program.
    Publish { topic: String, payload: Payload },
}

impl Letter {
    /// Whether it only says something to whoever listens; anything else is owed to somebody.
    pub(super) const fn is_event(&self) -> bool {
        matches!(
            self,
            Self::Publish { .. }
                | Self::Sampler(Report::Stats(_) | Report::Watch(_))
                | Self::Supervisor(supervisor::Report::Output(_))
        )
    }
}

impl From<Report<Answer>> for Letter {
    fn from(report: Report<Answer>) -> Self {
        Self::Sampler(report)
    }
}

impl From<supervisor::Report> for Letter {
    fn from(report: supervisor::Report) -> Self {
        Self::Supervisor(report)
    }
}

impl From<manhole::Report> for Letter {
    fn from(report: manhole::Report) -> Self {
        Self::Manhole(report)
    }
}

/// Publishes events of the embedding program, from any thread. Clones publish through the same agent.
#[derive(Clone, Debug)]
pub struct Publisher {
    pub(super) post: Post<Letter>,
}

/// Why an event was not published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotPublished {
    /// The agent has more to do than it can: events come faster than they can be sent.
    Busy,
    /// The agent has ended.
    Stopped,
    /// The topic cannot stand in a URI.
    InvalidTopic,
}

impl fmt::Display for NotPublished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Busy => "the agent is busy: events come faster than they can be sent",
            Self::Stopped => "the agent has ended",
            Self::InvalidTopic => "expected a topic of components without white space, '#' and NUL, none of them empty",
        })
    }
}

impl std::error::Error for NotPublished {}

impl Publisher {
    /// Publishes `value` as the only argument of an event, under every prefix in force: `topic` is the last component of
    /// the URI, as in `on_pump_started`. Never waits. While the agent has no session the event is lost, as events are.
    ///
    /// # Errors
    /// [`NotPublished`], when the agent cannot take it now.
    pub fn publish(&self, topic: &str, value: &impl Serialize) -> Result<(), NotPublished> {
        if Uri::from(topic).check(Rules::Loose, Form::Exact).is_err() {
            return Err(NotPublished::InvalidTopic);
        }
        let letter = Letter::Publish { topic: topic.to_owned(), payload: Payload::of(value) };
        self.post.try_send(letter).map_err(|refused| match refused {
            NotSent::Full(_) => NotPublished::Busy,
            NotSent::Closed(_) => NotPublished::Stopped,
        })
    }
}

/// Asks an agent to end, from any thread or from a signal's handler thread. Clones ask the same agent.
#[derive(Clone, Debug)]
pub struct Stopper {
    pub(super) asked: Arc<AtomicBool>,
    pub(super) waker: Waker,
}

impl Stopper {
    /// Asks the agent to say GOODBYE and end; [`super::Agent::run`] then returns within 2 s. Never waits.
    pub fn stop(&self) {
        self.asked.store(true, Ordering::SeqCst);
        self.waker.wake();
    }

    pub(super) fn is_asked(&self) -> bool {
        self.asked.load(Ordering::SeqCst)
    }
}

/// An agent on a thread of its own. Dropping it stops the agent and waits for its end.
#[derive(Debug)]
pub struct RunningAgent {
    pub(super) stopper: Stopper,
    pub(super) thread: Option<JoinHandle<Result<Ending, AgentError>>>,
}

impl RunningAgent {
    /// Stops the agent and waits for its end.
    ///
    /// # Errors
    /// [`AgentError`] when the agent had ended before, for a reason of its own.
    pub fn stop(mut self) -> Result<(), AgentError> {
        self.join()
    }

    /// Whether the agent has ended, for whatever reason; [`RunningAgent::stop`] says which.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    fn join(&mut self) -> Result<(), AgentError> {
        self.stopper.stop();
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(result)) => result.map(|_| ()),
            Some(Err(_)) => Err(AgentError::Os(std::io::Error::other("the agent's thread panicked"))),
            None => Ok(()),
        }
    }
}

impl Drop for RunningAgent {
    fn drop(&mut self) {
        if let Err(error) = self.join() {
            log::warn!("the agent had ended: {error}");
        }
    }
}
