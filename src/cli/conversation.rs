//! What `call`, `subscribe` and `publish` have in common: one session for one request, a deadline, signals.

use std::fmt::Display;
use std::time::{Duration, Instant};

use humantime::format_duration;

use super::failure::Failure;
use super::given::{Given, Timeout};
use super::signals::Signals;
use crate::link::client::{Client, Waited};
use crate::sync::wait::earlier;
use crate::sync::waker::Waker;
use crate::transport::dial;
use crate::wamp::event::Event;
use crate::wamp::session::Session;

/// A session that is made for one request.
pub struct Conversation {
    client: Client,
    signals: Signals,
    limit: Option<Limit>,
}

/// What the router's GOODBYE is worth when a conversation has gone well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goodbye {
    /// Nothing: what was asked for is there already.
    Courtesy,
    /// Everything: only it tells that the router has taken what was sent.
    Receipt,
}

/// How long the router's GOODBYE is waited for when it is worth nothing.
const COURTESY: Duration = Duration::from_secs(1);

/// When it must be over, and how long that was from the start.
#[derive(Clone, Copy)]
struct Limit {
    deadline: Instant,
    timeout: Duration,
}

/// Joins the realm, has the conversation, and says GOODBYE, however it went. Who is out of time, out of patience or out of
/// readers does not wait for the answer.
///
/// # Errors
/// [`Failure`]: that of the conversation, or of the way to it.
pub fn converse(
    given: &Given,
    conversation: impl FnOnce(&mut Conversation) -> Result<Goodbye, Failure>,
) -> Result<(), Failure> {
    let (limit, way_in) = match given.timeout {
        Timeout::Unsaid => (None, dial::Limit::EachStep),
        Timeout::Never => (None, dial::Limit::Until(None)),
        Timeout::After(timeout) => {
            let deadline = Instant::now() + timeout;
            (Some(Limit { deadline, timeout }), dial::Limit::Until(Some(deadline)))
        }
    };
    let signals = Signals::catch()?;
    let waker = Waker::new().map_err(|error| Failure::System { what: "make an eventfd".to_owned(), error })?;
    let interrupt = waker.clone();
    signals.then(move || interrupt.wake());
    let client = Client::join(&given.url, &given.realm, way_in, waker)
        .map_err(|error| if signals.came() { Failure::Interrupted } else { error.into() })?;
    let mut session = Conversation { client, signals, limit };
    let outcome = conversation(&mut session);
    let Conversation { client, signals, limit } = session;
    let (now, deadline) = (Instant::now(), limit.map(|limit| limit.deadline));
    match outcome {
        Ok(Goodbye::Receipt) => {
            client.leave(deadline).map_err(|error| if signals.came() { Failure::Interrupted } else { error.into() })
        }
        Ok(Goodbye::Courtesy) => {
            let _ = client.leave(earlier(deadline, Some(now + COURTESY)));
            Ok(())
        }
        Err(failure) => {
            match &failure {
                Failure::Link(_) => {}
                Failure::Wamp(_) => drop(client.leave(earlier(deadline, Some(now + COURTESY)))),
                _ => drop(client.leave(Some(now))),
            }
            Err(failure)
        }
    }
}

impl Conversation {
    /// The session, to make the request in; it goes out with the next wait.
    pub fn session(&mut self) -> &mut Session {
        self.client.session()
    }

    /// Waits for an event of the session. `missing` says what there is not if none comes in time, as in "no result".
    ///
    /// # Errors
    /// [`Failure::Wamp`] when the request failed, [`Failure::TimedOut`], [`Failure::Interrupted`], [`Failure::Link`].
    pub fn hear(&mut self, missing: impl Display) -> Result<Event, Failure> {
        // Both before waiting: events that come without a pause must not keep either from being seen.
        if self.signals.came() {
            return Err(Failure::Interrupted);
        }
        if self.limit.is_some_and(|limit| Instant::now() >= limit.deadline) {
            return Err(self.timed_out(missing));
        }
        match self.client.wait(self.limit.map(|limit| limit.deadline))? {
            Waited::Event(Event::Failed { error, .. }) => Err(Failure::Wamp(error)),
            Waited::Event(event) => Ok(event),
            Waited::TimedOut => Err(self.timed_out(missing)),
            Waited::Interrupted => Err(Failure::Interrupted),
        }
    }

    fn timed_out(&self, missing: impl Display) -> Failure {
        let timeout = self.limit.map(|limit| limit.timeout).unwrap_or_default();
        Failure::TimedOut(format!("{missing} within {}", format_duration(timeout)))
    }
}
