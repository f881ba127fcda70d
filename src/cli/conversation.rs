//! What `call`, `subscribe` and `publish` have in common: one session for one request, a deadline, signals.

use std::fmt::Display;
use std::io;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use humantime::format_duration;

use super::failure::Failure;
use super::given::{Place, Timeout};
use super::signals::Signals;
use super::{login, output};
use crate::link::client::{Client, Destination, Waited};
use crate::sync::wait::{Interest, earlier, until, wait};
use crate::sync::waker::Waker;
use crate::transport::dial;
use crate::wamp::event::Event;
use crate::wamp::session::Session;

/// A session that is made for one request.
pub struct Conversation {
    client: Client,
    signals: Signals,
    /// Rings when a signal comes.
    interrupt: Waker,
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
    place: &Place,
    timeout: Timeout,
    conversation: impl FnOnce(&mut Conversation) -> Result<Goodbye, Failure>,
) -> Result<(), Failure> {
    let login = place.login.resolve()?;
    let (limit, way_in) = match timeout {
        Timeout::Unsaid => (None, dial::Limit::EachStep),
        Timeout::Never => (None, dial::Limit::Until(None)),
        Timeout::After(timeout) => {
            let deadline = Instant::now() + timeout;
            (Some(Limit { deadline, timeout }), dial::Limit::Until(Some(deadline)))
        }
    };
    let tls = place.tls.resolve(std::slice::from_ref(&place.url))?;
    let signals = Signals::catch()?;
    let waker = Waker::new().map_err(|error| Failure::System { what: "make an eventfd".to_owned(), error })?;
    let (signal, interrupt) = (waker.clone(), waker.clone());
    signals.then(move || signal.wake());
    let Place { url, realm, serialization, .. } = place;
    let destination = Destination { url, serialization: *serialization, tls: tls.as_ref(), realm, login: &login };
    let client = Client::join(destination, way_in, waker).map_err(|error| match signals.came() {
        true => Failure::Interrupted,
        false => {
            let advice = login::advice(&login, &error);
            Failure::from(error).advised(advice)
        }
    })?;
    let mut session = Conversation { client, signals, interrupt, limit };
    let outcome = conversation(&mut session);
    let Conversation { client, signals, limit, .. } = session;
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

    /// From now on it is over when nobody reads the standard output any more.
    ///
    /// # Errors
    /// [`Failure::System`] when the kernel refuses a descriptor.
    pub fn only_for_a_reader(&mut self) -> Result<(), Failure> {
        let outlet = io::stdout().as_fd().try_clone_to_owned();
        self.client
            .outlet(outlet.map_err(|error| Failure::System { what: "watch the standard output".to_owned(), error })?);
        Ok(())
    }

    /// Prints bytes as their reader takes them, for as long as there is time.
    ///
    /// # Errors
    /// [`Failure::Output`], [`Failure::TimedOut`], [`Failure::Interrupted`].
    pub fn print(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        // A pipe with any room takes so many without waiting.
        for piece in bytes.chunks(libc::PIPE_BUF) {
            self.wait_for_room()?;
            output::bytes(piece)?;
        }
        Ok(())
    }

    fn wait_for_room(&self) -> Result<(), Failure> {
        let stdout = io::stdout();
        loop {
            self.check("nobody read the output")?;
            let timeout = until(self.limit.map(|limit| limit.deadline), Instant::now());
            let [room, _] =
                wait([(stdout.as_fd(), Interest::WRITE), (self.interrupt.as_fd(), Interest::READ)], timeout)
                    .map_err(Failure::Output)?;
            if room.writable {
                return Ok(());
            }
        }
    }

    /// Whether there is still time, and no signal.
    fn check(&self, missing: impl Display) -> Result<(), Failure> {
        if self.signals.came() {
            return Err(Failure::Interrupted);
        }
        if self.limit.is_some_and(|limit| Instant::now() >= limit.deadline) {
            return Err(self.timed_out(missing));
        }
        Ok(())
    }

    /// Waits for an event of the session. `missing` says what there is not if none comes in time, as in "no result".
    ///
    /// # Errors
    /// [`Failure::Wamp`] when the request failed, [`Failure::TimedOut`], [`Failure::Interrupted`], [`Failure::Link`],
    /// [`Failure::Output`] when it was only for a reader and that is gone.
    pub fn hear(&mut self, missing: impl Display) -> Result<Event, Failure> {
        // Before waiting: events that come without a pause must not keep it from being seen.
        self.check(&missing)?;
        match self.client.wait(self.limit.map(|limit| limit.deadline))? {
            Waited::Event(Event::Failed { error, .. }) => Err(Failure::Wamp(error)),
            Waited::Event(event) => Ok(event),
            Waited::TimedOut => Err(self.timed_out(missing)),
            Waited::Interrupted => Err(Failure::Interrupted),
            Waited::Unread => Err(Failure::Output(io::ErrorKind::BrokenPipe.into())),
        }
    }

    fn timed_out(&self, missing: impl Display) -> Failure {
        let timeout = self.limit.map(|limit| limit.timeout).unwrap_or_default();
        Failure::TimedOut(format!("{missing} within {}", format_duration(timeout)))
    }
}
