//! What `call`, `subscribe` and `publish` have in common: one session, a deadline, signals.

use std::time::Instant;

use super::failure::Failure;
use super::given::Given;
use super::signals::Signals;
use crate::link::client::{Client, Waited};
use crate::sync::waker::Waker;
use crate::wamp::event::Event;
use crate::wamp::session::Session;

/// A session that is made for one request.
pub struct Conversation {
    client: Client,
    signals: Signals,
    deadline: Option<Instant>,
}

/// What came of a wait.
pub enum Heard {
    /// An event of the session.
    Event(Event),
    /// The deadline.
    Deadline,
    /// A signal.
    Signal,
}

/// Joins the realm, has the conversation, and says GOODBYE, however it went.
///
/// # Errors
/// [`Failure`]: that of the conversation, or of the way to it.
pub fn converse(
    given: &Given,
    conversation: impl FnOnce(&mut Conversation) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let deadline = given.timeout.map(|timeout| Instant::now() + timeout);
    let signals = Signals::catch()?;
    let waker = Waker::new().map_err(|error| Failure::System { what: "make an eventfd".to_owned(), error })?;
    let interrupt = waker.clone();
    signals.then(move || interrupt.wake());
    let client = Client::join(&given.url, &given.realm, deadline, waker)
        .map_err(|error| if signals.came() { Failure::Interrupted } else { error.into() })?;
    let mut session = Conversation { client, signals, deadline };
    let outcome = conversation(&mut session);
    if !matches!(outcome, Err(Failure::Link(_))) {
        session.client.leave();
    }
    outcome
}

impl Conversation {
    /// The session, to make requests in; they go out with the next wait.
    pub fn session(&mut self) -> &mut Session {
        self.client.session()
    }

    /// Waits for what comes first.
    ///
    /// # Errors
    /// [`Failure::Link`].
    pub fn hear(&mut self) -> Result<Heard, Failure> {
        // Both before waiting: events that come without a pause must not keep either from being seen.
        if self.signals.came() {
            return Ok(Heard::Signal);
        }
        if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Ok(Heard::Deadline);
        }
        Ok(match self.client.wait(self.deadline)? {
            Waited::Event(event) => Heard::Event(event),
            Waited::TimedOut => Heard::Deadline,
            Waited::Interrupted => Heard::Signal,
        })
    }
}
