//! A client's connection to a router: one transport and the session on it, from the first step to the end. Knows the
//! deadlines of a session; who decides what to say in it, and what to do when it is lost, drives this from above.

pub mod client;

use std::fmt;
use std::io;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use crate::sync::wait::{Interest, earlier};
use crate::transport::dial::Limit;
use crate::transport::traffic::Traffic;
use crate::transport::{Incoming, Transport, TransportError};
use crate::wamp::Uri;
use crate::wamp::auth::{Login, NONCE_LENGTH};
use crate::wamp::event::{Closing, Event};
use crate::wamp::session::{Session, Violation};

/// How long the router may take to answer HELLO.
const WELCOME_PATIENCE: Duration = Duration::from_secs(10);

/// How long the router may take to answer GOODBYE.
const GOODBYE_PATIENCE: Duration = Duration::from_secs(1);

/// How long the router may take nothing of what waits for it.
const DRAIN_PATIENCE: Duration = Duration::from_secs(30);

/// What may wait because the router does not read, before we read no further requests: our answers would only add to it.
const BACKLOG: usize = 1 << 20;

/// What this program calls itself in HELLO.
pub const AGENT: &str = concat!("wampproc-", env!("CARGO_PKG_VERSION"));

/// One connection with the session on it.
pub struct Link {
    transport: Box<dyn Transport>,
    session: Session,
    phase: Phase,
    limit: Limit,
    /// When the router must have answered what the phase waits for.
    patience: Option<Instant>,
    /// Whether reading stopped because too much waits to be written: more may have been read off the socket already.
    held_back: bool,
    /// The most that ever waited to be written.
    most_queued: usize,
    /// Since when the router takes nothing, though something waits for it.
    stalled: Option<Instant>,
}

/// What a connection has carried, and what waits because the router does not read: bytes, or messages in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// What has gone over it.
    pub traffic: Traffic,
    /// What waits.
    pub queued: u64,
    /// The most that ever did.
    pub queued_max: u64,
}

/// How far it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The transport is not open yet.
    Opening,
    /// HELLO is out.
    Joining,
    /// WELCOME came.
    Joined,
    /// GOODBYE is out.
    Leaving,
    /// The last words are said.
    HungUp,
}

/// Why a link ended. Its `Display` is a sentence for the user.
#[derive(Debug)]
pub enum LinkError {
    /// The router could not be reached.
    Unreachable(TransportError),
    /// The router refused the session.
    Refused(Closing),
    /// The connection is gone.
    Lost(TransportError),
    /// The router ended the session.
    Ended(Closing),
    /// The router broke the protocol.
    Violation(Violation),
    /// The router did not answer in time.
    Unanswered(&'static str),
    /// The kernel gives no randomness to log in with.
    Randomness(io::Error),
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(error) => write!(f, "cannot connect: {error}"),
            Self::Refused(closing) => write!(f, "the router refuses the session: {closing}"),
            Self::Lost(error) => write!(f, "connection lost: {error}"),
            Self::Ended(closing) => write!(f, "the router ended the session: {closing}"),
            Self::Violation(violation) => violation.fmt(f),
            Self::Randomness(error) => write!(f, "cannot log in without random numbers: {error}"),
            Self::Unanswered(what) => write!(f, "the router did not answer {what} in time"),
        }
    }
}

impl std::error::Error for LinkError {}

impl Link {
    /// Joins a realm over a transport that has taken its first step. The router has 10 s to answer HELLO.
    ///
    /// # Errors
    /// [`LinkError::Randomness`].
    pub fn join(transport: Box<dyn Transport>, realm: &Uri, login: &Login) -> Result<Self, LinkError> {
        Self::join_within(transport, realm, login, Limit::EachStep)
    }

    /// Joins a realm; the router has as much time to answer HELLO as the limit gives.
    ///
    /// # Errors
    /// [`LinkError::Randomness`].
    pub fn join_within(
        transport: Box<dyn Transport>,
        realm: &Uri,
        login: &Login,
        limit: Limit,
    ) -> Result<Self, LinkError> {
        let attempt = login.attempt(nonce()?);
        Ok(Self {
            transport,
            session: Session::join(realm.clone(), AGENT, attempt),
            phase: Phase::Opening,
            limit,
            patience: None,
            held_back: false,
            most_queued: 0,
            stalled: None,
        })
    }

    /// The session, to make requests and give answers in. [`Link::flush`] sends them.
    pub fn session(&mut self) -> &mut Session {
        &mut self.session
    }

    /// The descriptor to wait for.
    #[must_use]
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.transport.fd()
    }

    /// What to wait for on it.
    #[must_use]
    pub fn interest(&self) -> Interest {
        let interest = self.transport.interest();
        if self.is_backed_up() { Interest { read: false, ..interest } } else { interest }
    }

    /// When [`Link::expire`] wants to be called.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        let stalled = self.stalled.map(|since| since + DRAIN_PATIENCE);
        earlier(earlier(self.transport.deadline(), self.patience), stalled)
    }

    /// Whether so much waits to be written that nothing should be added that nobody waits for.
    #[must_use]
    pub fn is_backed_up(&self) -> bool {
        self.transport.queued() > BACKLOG
    }

    /// Whether what waited is mostly gone, so that events may be added again: well below what makes it
    /// [`Link::is_backed_up`], so that it does not go to and fro with every event.
    #[must_use]
    pub fn is_relieved(&self) -> bool {
        self.transport.queued() <= BACKLOG / 2
    }

    /// What has gone over the connection, and what waits.
    #[must_use]
    pub fn load(&self) -> Load {
        let queued = self.transport.queued() as u64;
        Load { traffic: self.transport.traffic(), queued, queued_max: queued.max(self.most_queued as u64) }
    }

    /// Whether there may be events to receive although the descriptor is not ready: reading was held back until our own
    /// answers were written, and now they are.
    #[must_use]
    pub fn may_go_on(&self) -> bool {
        self.held_back && !self.is_backed_up()
    }

    /// The next event, without waiting; `None` until the descriptor is ready, or [`Link::may_go_on`] after a flush.
    ///
    /// # Errors
    /// [`LinkError`]: the link has ended, and can only be dropped.
    pub fn receive(&mut self, now: Instant) -> Result<Option<Event>, LinkError> {
        self.held_back = false;
        loop {
            // What the last event led to counts as waiting, although it is written only with the next flush.
            if self.phase != Phase::Opening {
                self.send();
            }
            if self.is_backed_up() {
                break;
            }
            let incoming = match self.transport.receive(now) {
                Ok(incoming) => incoming,
                Err(error) => return Err(self.lost(error)),
            };
            let event = match incoming {
                Incoming::Nothing => return Ok(None),
                Incoming::Progress => continue,
                Incoming::Open => {
                    self.phase = Phase::Joining;
                    self.patience = self.limit.deadline(WELCOME_PATIENCE, now);
                    self.flush(now)?;
                    continue;
                }
                Incoming::Message(message) => match self.session.receive(message) {
                    Ok(event) => event,
                    Err(violation) => return Err(self.violated(violation, now)),
                },
                Incoming::Malformed(sentence) => {
                    let violation = self.session.violation(sentence);
                    return Err(self.violated(violation, now));
                }
                Incoming::Closed => return Err(self.lost(TransportError::HungUp)),
            };
            match event {
                // CHALLENGE is answered, which can have taken a while of its own.
                None if self.phase == Phase::Joining => {
                    self.patience = self.limit.deadline(WELCOME_PATIENCE, Instant::now());
                }
                None => {}
                Some(Event::Joined { session, details }) => {
                    self.phase = Phase::Joined;
                    self.patience = None;
                    return Ok(Some(Event::Joined { session, details }));
                }
                Some(Event::Refused(closing)) => {
                    self.hang_up(now);
                    return Err(LinkError::Refused(closing));
                }
                Some(Event::Ended(closing)) => {
                    self.hang_up(now);
                    return Err(LinkError::Ended(closing));
                }
                Some(Event::Left) => {
                    self.hang_up(now);
                    return Ok(Some(Event::Left));
                }
                Some(event) => return Ok(Some(event)),
            }
        }
        self.held_back = true;
        Ok(None)
    }

    /// Sends what the session has to say, as far as the router takes it.
    ///
    /// # Errors
    /// [`LinkError`]: the link has ended.
    pub fn flush(&mut self, now: Instant) -> Result<(), LinkError> {
        if self.phase == Phase::Opening {
            return Ok(());
        }
        self.send();
        let before = self.transport.queued();
        self.most_queued = self.most_queued.max(before);
        self.transport.flush(now).map_err(|error| self.lost(error))?;
        let after = self.transport.queued();
        self.stalled = match self.stalled {
            _ if after == 0 => None,
            Some(since) if after >= before => Some(since),
            _ => Some(now),
        };
        Ok(())
    }

    /// Does what is due.
    ///
    /// # Errors
    /// [`LinkError`]: the router is given up.
    pub fn expire(&mut self, now: Instant) -> Result<(), LinkError> {
        if self.patience.is_some_and(|deadline| now >= deadline) {
            let unanswered = if self.phase == Phase::Joining { "HELLO" } else { "GOODBYE" };
            self.hang_up(now);
            return Err(LinkError::Unanswered(unanswered));
        }
        if self.stalled.is_some_and(|since| now >= since + DRAIN_PATIENCE) {
            return Err(self.lost(TransportError::TooSlow("read what was sent")));
        }
        self.transport.expire(now).map_err(|error| self.lost(error))
    }

    /// Ends the session; [`Event::Left`] follows, or an error, within a second.
    pub fn leave(&mut self, reason: &str, now: Instant) {
        self.leave_until(reason, Some(now + GOODBYE_PATIENCE));
    }

    /// Ends the session; [`Event::Left`] follows, or an error, when `deadline` has come at the latest.
    pub fn leave_until(&mut self, reason: &str, deadline: Option<Instant>) {
        if !matches!(self.phase, Phase::Leaving | Phase::HungUp) {
            self.phase = Phase::Leaving;
            self.patience = deadline;
            self.session.leave(reason);
        }
    }

    /// After an error: takes and forgets what the router still sends, so that our last words reach it. True when there is
    /// nothing more to wait for, by [`Link::deadline`] at the latest.
    #[must_use]
    pub fn discard(&mut self, now: Instant) -> bool {
        self.phase != Phase::HungUp || self.transport.discard(now)
    }

    /// Whether there is an open transport that a GOODBYE could go over.
    #[must_use]
    pub fn is_joined(&self) -> bool {
        self.phase == Phase::Joined
    }

    fn send(&mut self) {
        while let Some(message) = self.session.next_message() {
            self.transport.send(message);
        }
    }

    /// Says the last words, as far as they go out without waiting.
    fn hang_up(&mut self, now: Instant) {
        self.send();
        self.phase = Phase::HungUp;
        self.patience = None;
        self.transport.close(now);
        // Nobody is left to be told if this fails.
        let _ = self.transport.flush(now);
    }

    fn violated(&mut self, violation: Violation, now: Instant) -> LinkError {
        self.hang_up(now);
        LinkError::Violation(violation)
    }

    fn lost(&self, error: TransportError) -> LinkError {
        if self.phase == Phase::Opening { LinkError::Unreachable(error) } else { LinkError::Lost(error) }
    }
}

/// Random bytes for a login.
#[cfg(feature = "auth")]
fn nonce() -> Result<[u8; NONCE_LENGTH], LinkError> {
    let mut nonce = [0; NONCE_LENGTH];
    getrandom::fill(&mut nonce).map_err(|error| LinkError::Randomness(io::Error::other(error)))?;
    Ok(nonce)
}

/// No method of this build needs random bytes.
#[cfg(not(feature = "auth"))]
#[allow(clippy::unnecessary_wraps)]
const fn nonce() -> Result<[u8; NONCE_LENGTH], LinkError> {
    Ok([0; NONCE_LENGTH])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::dial::Dial;
    use crate::transport::keepalive::KeepalivePolicy;
    use crate::transport::memory;
    use std::net::TcpListener;

    #[test]
    fn a_limit_replaces_the_usual_time_of_every_step() {
        let now = Instant::now();
        let (realm, minute) = (Uri::from("realm1"), now + Duration::from_secs(60));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("ws://{}/ws", listener.local_addr().unwrap()).parse().unwrap();
        for (limit, expected) in [
            (Limit::EachStep, Some(now + WELCOME_PATIENCE)),
            (Limit::Until(Some(minute)), Some(minute)),
            (Limit::Until(None), None),
        ] {
            let dial = Dial::within(&url, KeepalivePolicy::default(), limit, now).unwrap();
            assert_eq!(dial.deadline(), expected, "connecting, {limit:?}");
            let (here, _there) = memory::pair().unwrap();
            let mut link = Link::join_within(Box::new(here), &realm, &Login::default(), limit).unwrap();
            assert!(link.receive(now).unwrap().is_none());
            assert_eq!((link.phase, link.deadline()), (Phase::Joining, expected), "HELLO, {limit:?}");
        }
    }
}
