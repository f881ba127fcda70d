//! One connection that speaks WAMP: what it may be sent, whether it is read, when it is given up.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use super::backpressure::{Admission, Backlog, Limits, MEMORY, Pressure, SOCKET};
use super::registry::{Registry, Watch};
use crate::sync::wait::{Interest, earlier};
use crate::transport::memory::Memory;
use crate::transport::unix::Credentials;
use crate::transport::{Transport, TransportError};
use crate::wamp::Message;

/// Where a peer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// At the other end of a socket.
    Remote(SocketAddr),
    /// At the other end of a Unix socket.
    Local(Credentials),
    /// In this process.
    Inside,
}

impl Place {
    /// Its address; who is on this machine comes as by loopback.
    pub fn address(&self) -> IpAddr {
        match self {
            Self::Remote(address) => address.ip(),
            Self::Local(_) | Self::Inside => Ipv4Addr::LOCALHOST.into(),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Remote(address) => address.fmt(f),
            Self::Local(peer) => peer.fmt(f),
            Self::Inside => f.write_str("in this process"),
        }
    }
}

/// How far a peer has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// No WELCOME yet.
    Opening,
    /// In a session.
    Joined,
    /// The router has forgotten it; what is queued goes out, and then the connection is closed.
    Leaving,
}

/// Why a peer is given up.
#[derive(Debug)]
pub(super) enum Loss {
    /// The connection says so.
    Transport(TransportError),
    /// It closed in good order.
    Closed,
    /// It took nothing for so long.
    Stalled(Duration),
    /// More answers than may wait.
    Overrun,
    /// It kept more waiting than its share, for longer than others, when there was no room for so much.
    Slow,
    /// A message that was not whole, when there was no room for so many of them.
    Unfinished,
    /// It had no session, and others called when there was no room.
    Displaced,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Transport(error) => error.fmt(f),
            Self::Closed => f.write_str("the peer closed"),
            Self::Stalled(time) => write!(f, "expected the peer to read, it took nothing for {} s", time.as_secs_f64()),
            Self::Overrun => f.write_str("expected the peer to read its answers, more wait than may"),
            Self::Slow => f.write_str("expected the peer to read before what waits for all took all the room"),
            Self::Displaced => {
                f.write_str("expected a session before others called, too many have none from its address")
            }
            Self::Unfinished => {
                f.write_str("expected the rest of its message before those of others took all the room")
            }
        }
    }
}

/// A connection that speaks WAMP.
pub(super) struct Peer {
    pub transport: Box<dyn Transport>,
    pub place: Place,
    pub stage: Stage,
    pub watch: Watch,
    /// Whether it stands in the queue of those that may have something to read.
    pub ready: bool,
    /// Whether it stands in the list of those to be flushed in this turn.
    pub touched: bool,
    /// Not read, because too many of its answers wait.
    pub paused: bool,
    /// Taken out of that queue when it was found paused: to be put back when it is not any more.
    pub parked: bool,
    /// The kernel says that the connection is broken; reading tells how.
    pub broken: bool,
    /// The descriptor became writable since the last flush.
    pub writable: bool,
    limits: Limits,
    /// The bytes of its queue that stand in the total.
    counted: usize,
    /// The bytes of its unfinished message that stand in the total, and when it was seen first.
    unfinished: usize,
    unfinished_since: Option<Instant>,
    backlog: Backlog,
    /// Since when it takes nothing, though something waits.
    stalled: Option<Instant>,
    failed: Option<TransportError>,
}

impl Peer {
    pub fn remote(transport: Box<dyn Transport>, place: Place, watch: Watch) -> Self {
        Self::new(transport, place, SOCKET, watch)
    }

    pub fn inside(memory: Memory, watch: Watch) -> Self {
        Self::new(Box::new(memory), Place::Inside, MEMORY, watch)
    }

    pub(super) fn new(transport: Box<dyn Transport>, place: Place, limits: Limits, watch: Watch) -> Self {
        Self {
            transport,
            place,
            stage: Stage::Opening,
            watch,
            ready: false,
            touched: false,
            paused: false,
            parked: false,
            broken: false,
            writable: false,
            limits,
            counted: 0,
            unfinished: 0,
            unfinished_since: None,
            backlog: Backlog::default(),
            stalled: None,
            failed: None,
        }
    }

    /// Whether it must wait while an end in memory is full: what it sends may go there. A broken one is read all the same,
    /// for the kernel tells of it until it is closed.
    pub fn yields(&self) -> bool {
        self.place != Place::Inside && self.stage == Stage::Joined && !self.broken
    }

    /// Whether the message may be queued.
    pub fn admit(&mut self, message: &Message, pressure: Pressure, now: Instant) -> Admission {
        let room = self.limits.room_for(message, pressure);
        if self.transport.queued() > room && !self.transport.interest().write {
            // The queue may be long only because the turn is not over yet.
            self.flush(now);
        }
        self.limits.admit(message, self.transport.queued(), pressure)
    }

    /// Puts right what this peer adds to the bytes that wait in all.
    pub fn recount(&mut self, total: &mut usize) {
        if self.place != Place::Inside {
            let queued = self.transport.queued();
            *total = total.saturating_sub(self.counted) + queued;
            self.counted = queued;
        }
    }

    /// What it adds to the bytes that wait in all.
    pub const fn counted(&self) -> usize {
        self.counted
    }

    /// Since when its queue waits, if that is one of at least so many bytes, and longer than may be while all together have
    /// too much.
    pub fn crowds_since(&self, share: usize) -> Option<Instant> {
        self.backlog.since().filter(|_| self.counted >= share && self.limits.crowds(self.counted))
    }

    /// Puts right what this peer adds to the bytes of unfinished messages in all.
    pub fn recount_unfinished(&mut self, total: &mut usize, now: Instant) {
        let unfinished = self.transport.unfinished();
        *total = total.saturating_sub(self.unfinished) + unfinished;
        if unfinished < self.unfinished {
            // That one became whole, this is another.
            self.unfinished_since = None;
        }
        self.unfinished = unfinished;
        self.unfinished_since = if unfinished == 0 { None } else { self.unfinished_since.or(Some(now)) };
    }

    /// What it adds to those bytes.
    pub const fn unfinished(&self) -> usize {
        self.unfinished
    }

    /// Since when the message is under way.
    pub const fn unfinished_since(&self) -> Option<Instant> {
        self.unfinished_since
    }

    /// Writes what the peer takes. How that went, [`Peer::failure`] tells.
    pub fn flush(&mut self, now: Instant) {
        let before = self.transport.queued();
        if let Err(error) = self.transport.flush(now) {
            self.failed.get_or_insert(error);
            return;
        }
        let after = self.transport.queued();
        self.backlog.took(before.saturating_sub(after), after, now);
        let waits = after > 0 || self.transport.interest().write;
        let moved = after < before || std::mem::take(&mut self.writable);
        self.stalled = match self.stalled {
            _ if !waits => None,
            Some(since) if !moved => Some(since),
            _ => Some(now),
        };
        self.paused = self.stage == Stage::Joined && self.limits.pauses(after);
    }

    /// Why the peer must be given up, if so.
    pub fn failure(&mut self) -> Option<TransportError> {
        self.failed.take()
    }

    /// Whether its reading must wait. `congested`: an end in memory is full.
    pub fn held(&self, congested: bool) -> Held {
        if congested && self.ready && self.yields() { Held::Yes } else { Held::No }
    }

    /// Has the kernel and the clock tell when there is something to do. A peer that is not read is not held to its pings.
    pub fn register(&mut self, held: Held, drain_timeout: Duration, registry: &mut Registry) {
        let is_read = self.is_read(held);
        let interest = self.transport.interest();
        let interest = Interest { read: interest.read && is_read, ..interest };
        let own = if is_read { self.transport.deadline() } else { None };
        let deadline = earlier(own, self.stalled.map(|since| since + drain_timeout));
        registry.set(self.transport.fd(), &mut self.watch, interest, deadline);
    }

    /// Does what is due.
    pub fn expire(&mut self, held: Held, drain_timeout: Duration, now: Instant) -> Result<(), Loss> {
        if self.stalled.is_some_and(|since| now >= since + drain_timeout) {
            return Err(Loss::Stalled(drain_timeout));
        }
        if self.is_read(held) { self.transport.expire(now).map_err(Loss::Transport) } else { Ok(()) }
    }

    /// The router has forgotten the peer: what waits goes out, what comes in does not matter.
    pub fn leave(&mut self, now: Instant) {
        if self.stage != Stage::Leaving {
            self.stage = Stage::Leaving;
            self.paused = false;
            self.transport.close(now);
        }
    }

    fn is_read(&self, held: Held) -> bool {
        !self.paused && held == Held::No
    }
}

/// Whether reading from a peer must wait, because an end in memory is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held {
    Yes,
    No,
}
