//! A link for programs that wait for one thing at a time: what the commands `call`, `subscribe` and `publish` use.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Instant;

use super::{Link, LinkError};
use crate::sync::wait::{Interest, earlier, until, wait};
use crate::sync::waker::Waker;
use crate::transport::TransportError;
use crate::transport::dial::{Dial, Limit};
use crate::transport::keepalive::KeepalivePolicy;
use crate::transport::tls::TlsClient;
use crate::transport::url::Url;
use crate::wamp::Event;
use crate::wamp::Uri;
use crate::wamp::auth::Login;
use crate::wamp::codec::Serialization;
use crate::wamp::error::uri::CLOSE_NORMAL;
use crate::wamp::session::Session;

/// A client that waits.
pub struct Client {
    link: Link,
    interrupt: Waker,
    outlet: Option<OwnedFd>,
}

/// Where a client goes, and as whom.
#[derive(Clone, Copy, Debug)]
pub struct Destination<'a> {
    /// The router.
    pub url: &'a Url,
    /// How messages are written on the way.
    pub serialization: Serialization,
    /// Whom to trust, and who to be, where the URL says TLS; without it: whom the system trusts.
    pub tls: Option<&'a TlsClient>,
    /// The realm.
    pub realm: &'a Uri,
    /// Who to be there.
    pub login: &'a Login,
}

/// What ended a wait.
#[derive(Debug)]
pub enum Waited {
    /// An event of the session.
    Event(Event),
    /// The deadline.
    TimedOut,
    /// Somebody rang the waker that the client was made with.
    Interrupted,
    /// The reader at the other end of [`Client::outlet`] is gone.
    Unread,
}

impl Client {
    /// Connects and joins a realm, for as long as the limit allows. Ringing `interrupt` ends any wait.
    ///
    /// # Errors
    /// [`LinkError`]; who has no time left for HELLO's answer gets [`LinkError::Unanswered`], for any step before
    /// [`LinkError::Unreachable`] with [`TransportError::NoAnswer`] or [`TransportError::TooSlow`]; an interrupt is [`LinkError::Lost`].
    pub fn join(destination: Destination<'_>, limit: Limit, interrupt: Waker) -> Result<Self, LinkError> {
        let Destination { url, serialization, tls, realm, login } = destination;
        let dial = Dial::within(url, KeepalivePolicy::default(), limit, Instant::now());
        let dial = dial.map_err(LinkError::Unreachable)?.speaking(serialization).secured_by(tls.cloned());
        let link = Link::join_within(Box::new(dial), realm, login, limit)?;
        let mut client = Self { link, interrupt, outlet: None };
        loop {
            // The link keeps the time itself, and says what took too long.
            match client.wait(None)? {
                Waited::Event(Event::Joined { .. }) => return Ok(client),
                Waited::Event(_) | Waited::TimedOut | Waited::Unread => {}
                Waited::Interrupted => return Err(interrupted()),
            }
        }
    }

    /// Where what comes is written to. From now on it ends any wait that nobody reads there any more.
    pub fn outlet(&mut self, outlet: OwnedFd) {
        self.outlet = Some(outlet);
    }

    /// The session, to make requests in; they go out with the next wait.
    pub fn session(&mut self) -> &mut Session {
        self.link.session()
    }

    /// Waits for the session's next event.
    ///
    /// # Errors
    /// [`LinkError`]: the link has ended.
    pub fn wait(&mut self, deadline: Option<Instant>) -> Result<Waited, LinkError> {
        loop {
            let now = Instant::now();
            self.link.flush(now)?;
            self.link.expire(now)?;
            if let Some(event) = self.link.receive(now)? {
                return Ok(Waited::Event(event));
            }
            self.link.flush(now)?;
            if self.link.may_go_on() {
                continue;
            }
            if deadline.is_some_and(|deadline| now >= deadline) {
                return Ok(Waited::TimedOut);
            }
            let timeout = until(earlier(deadline, self.link.deadline()), now);
            let interrupt = self.interrupt.as_fd();
            // Waited for without an interest, a descriptor only tells that it is broken; the waker's never is.
            let outlet = self.outlet.as_ref().map_or(interrupt, AsFd::as_fd);
            let link = (self.link.fd(), self.link.interest());
            let [_, interrupted, unread] = wait([link, (interrupt, Interest::READ), (outlet, Interest::NONE)], timeout)
                .map_err(|error| LinkError::Lost(TransportError::Io(error)))?;
            if interrupted.readable {
                self.interrupt.hush();
                return Ok(Waited::Interrupted);
            }
            if unread.readable {
                return Ok(Waited::Unread);
            }
        }
    }

    /// Ends the session: says GOODBYE, and waits until `deadline` for the router to say it too, which tells that it has taken
    /// everything before it. A deadline that has passed means not to wait at all.
    ///
    /// # Errors
    /// [`LinkError`]: the router ended the session itself, the connection was lost, the answer did not come in time, or an
    /// interrupt came first ([`LinkError::Lost`]).
    pub fn leave(mut self, deadline: Option<Instant>) -> Result<(), LinkError> {
        self.outlet = None;
        self.link.leave_until(CLOSE_NORMAL, deadline);
        // Once in any case: a GOODBYE that nobody waits for goes out all the same.
        self.link.flush(Instant::now())?;
        loop {
            match self.wait(deadline)? {
                Waited::Event(Event::Left) => return Ok(()),
                Waited::Event(_) | Waited::Unread => {}
                Waited::TimedOut => return Err(LinkError::Unanswered("GOODBYE")),
                Waited::Interrupted => return Err(interrupted()),
            }
        }
    }
}

fn interrupted() -> LinkError {
    LinkError::Lost(TransportError::Io(io::ErrorKind::Interrupted.into()))
}
