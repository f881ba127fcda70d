//! The WAMP router without I/O: a message of one peer in, messages for any of them out. Nothing here does I/O, spawns,
//! locks, logs or reads a clock; it may use `wamp/` and `sync::clock`.
//!
//! A driver owns the connections and a [`Router`]. It calls
//! - [`Router::open`] for a new connection, under a [`PeerId`] of its own choice that it never uses again,
//! - [`Router::receive`] for each message, or [`Router::violation`] for what was none,
//! - [`Router::lost`] when a connection is gone,
//! - [`Router::not_delivered`] for a message that it had to drop,
//! - `Router::replace_users` when there are others (feature `auth`),
//! - [`Router::expire`] when [`Router::next_deadline`] has come,
//!
//! and after each of them carries out what stands in the [`Outbox`], in that order.
//!
//! Which file has what: `welcome` lets sessions in, `authentication` asks who they are (of `users`, with `randomness`;
//! `unproved` takes the driver's word for it, which is `evidence`, by `rules`; `failures` knows how often an address was
//! wrong, `network` whose it is), `authorization` and `roles` say what they may do, `realm` sorts a session's messages,
//! `departure` ends sessions, and `replacement` says which when the users are others. `broker`, `audience` and `retention`
//! have publish and subscribe, `dealer` and `callees` registrations, `calls` the life of a call, `table`, `pattern` and
//! `shapes` what URIs are looked up in. `meta` and `orders` have the meta API (what asks and what acts), with `arguments`
//! and `testaments`; `session` what is known of a peer, `turn` and `timers` what handling a message may use.

mod arguments;
mod audience;
#[cfg(feature = "auth")]
mod authentication;
mod authorization;
mod broker;
mod callees;
mod calls;
mod dealer;
mod departure;
#[cfg(feature = "auth")]
mod evidence;
#[cfg(feature = "auth")]
mod failures;
mod limits;
mod meta;
mod network;
mod orders;
mod pattern;
#[cfg(feature = "auth")]
mod randomness;
mod realm;
#[cfg(feature = "auth")]
mod replacement;
mod retention;
mod roles;
#[cfg(feature = "auth")]
mod rules;
mod session;
mod shapes;
mod shares;
mod table;
mod testaments;
mod timers;
mod turn;
#[cfg(feature = "auth")]
mod unproved;
#[cfg(feature = "auth")]
pub mod users;
mod welcome;

#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::sync::clock::Now;
use crate::wamp::error::uri;
use crate::wamp::id::RandomIds;
use crate::wamp::message::Kind;
use crate::wamp::{Message, RequestId, Uri};

#[cfg(feature = "auth")]
pub use authentication::LoginConfig;
#[cfg(feature = "auth")]
use authentication::Logins;
pub use authorization::{Action, Anonymous};
#[cfg(feature = "auth")]
pub use evidence::{Evidence, Fingerprint};
pub use limits::{Counters, LIMIT_EXCEEDED, Limits, Share};
pub use network::network_of;
use realm::Realm;
pub use roles::{Disclosure, Permission, Role};
pub use session::Locality;
use session::Peer;
use timers::{Timer, Timers};
use turn::{Turn, Violation};

/// A connection, by the number that the driver gave it. Never used for a second one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(pub u64);

/// Why the driver did not queue a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undelivered {
    /// The peer's queue is full.
    QueueFull,
    /// It is longer than the peer takes.
    TooLong,
}

/// What the driver has to do.
#[derive(Clone, Debug, PartialEq)]
// `Send` is by far the commonest: a box would cost an allocation for each message.
#[allow(clippy::large_enum_variant)]
pub enum Output {
    /// Send a message to one peer.
    Send {
        /// To whom.
        to: PeerId,
        /// What.
        message: Message,
    },
    /// Send the same EVENT to many peers: one encoding for each serializer does.
    Fanout {
        /// To whom; at least one, none twice.
        to: Vec<PeerId>,
        /// What.
        message: Arc<Message>,
    },
    /// Close the connection once what was sent to it before is on its way. The router has forgotten the peer already:
    /// it ignores what still arrives from it, and need not be told that it is lost.
    Close {
        /// Whose.
        peer: PeerId,
    },
    /// Note that a peer's login was wrong. It is told later, and may be gone by then.
    LoginFailed {
        /// Whose.
        peer: PeerId,
        /// What was expected, and who it said it is.
        sentence: String,
    },
}

/// What the driver has to do, in order.
pub type Outbox = VecDeque<Output>;

/// What a router is like.
#[derive(Clone, Debug)]
pub struct RouterConfig {
    /// The realms there are. None is made on demand.
    pub realms: Vec<Uri>,
    /// The router's name and version, as in WELCOME.
    pub agent: String,
    /// How long a connection may stay without a HELLO.
    pub hello_timeout: Duration,
    /// How long a client may take to answer the router's GOODBYE.
    pub goodbye_timeout: Duration,
    /// How much there may be.
    pub limits: Limits,
    /// What sessions may do that did not log in.
    pub anonymous: Anonymous,
    /// How clients log in. Without it everybody is let in anonymously, and may do everything.
    #[cfg(feature = "auth")]
    pub logins: Option<LoginConfig>,
}

impl RouterConfig {
    /// A router of these realms, otherwise as by default.
    #[must_use]
    pub fn new(realms: Vec<Uri>, agent: impl Into<String>) -> Self {
        Self {
            realms,
            agent: agent.into(),
            hello_timeout: Duration::from_secs(10),
            goodbye_timeout: Duration::from_secs(1),
            limits: Limits::default(),
            anonymous: Anonymous::default(),
            #[cfg(feature = "auth")]
            logins: None,
        }
    }
}

/// The router: every realm, and every connection in any state.
#[derive(Debug)]
pub struct Router {
    config: RouterConfig,
    ids: RandomIds,
    realms: Vec<Realm>,
    peers: HashMap<PeerId, Peer>,
    /// Where those come from that are not on this machine.
    networks: HashMap<PeerId, IpAddr>,
    timers: Timers,
    counters: Counters,
    #[cfg(feature = "auth")]
    logins: Option<Logins>,
}

impl Router {
    /// A router without peers.
    #[must_use]
    pub fn new(config: RouterConfig, ids: RandomIds) -> Self {
        let realms = config.realms.iter().cloned().map(Realm::new).collect();
        Self {
            #[cfg(feature = "auth")]
            logins: config.logins.as_ref().map(Logins::new),
            config,
            ids,
            realms,
            peers: HashMap::new(),
            networks: HashMap::new(),
            timers: Timers::default(),
            counters: Counters::default(),
        }
    }

    /// A new connection from there, which has until the deadline of the configuration to say HELLO.
    pub fn open(&mut self, peer: PeerId, locality: Locality, now: Now) {
        let deadline = now.mono + self.config.hello_timeout;
        self.timers.set(deadline, Timer::Peer(peer));
        self.peers.insert(peer, Peer::Opening { deadline, locality });
    }

    /// Where a peer connects from, so that what counts for its address does; to be told before its HELLO.
    pub fn locate(&mut self, peer: PeerId, address: IpAddr) {
        if !address.to_canonical().is_loopback() {
            self.networks.insert(peer, network_of(address));
        }
        #[cfg(feature = "auth")]
        if let Some(logins) = &mut self.logins {
            logins.locate(peer, address);
        }
    }

    /// A message of a peer. Ignored when the peer is none (any more).
    pub fn receive(&mut self, peer: PeerId, message: Message, now: Now, out: &mut Outbox) {
        let Some(state) = self.peers.get(&peer).copied() else { return };
        match (state, message) {
            (Peer::Opening { locality, .. }, Message::Hello { realm, details }) => {
                self.hello(peer, locality, &realm, &details, now, out);
            }
            #[cfg(feature = "auth")]
            (Peer::Challenged { .. }, Message::Authenticate { signature, .. }) => {
                self.authenticate(peer, &signature, now, out);
            }
            (Peer::Joined { .. }, Message::Goodbye { .. }) => {
                out.push_back(Output::Send { to: peer, message: Message::goodbye(uri::GOODBYE_AND_OUT) });
                self.close(peer, now, out);
            }
            (Peer::Leaving { .. }, Message::Goodbye { .. }) | (_, Message::Abort { .. }) => self.close(peer, now, out),
            (Peer::Leaving { .. }, _) => {}
            #[cfg(feature = "auth")]
            (Peer::Failed { .. }, _) => {}
            #[cfg(feature = "auth")]
            (Peer::Challenged { .. }, other) => {
                let sentence = format!("expected AUTHENTICATE after CHALLENGE, got {}", other.kind().name());
                self.violation(peer, &sentence, now, out);
            }
            (Peer::Opening { .. }, other) => {
                self.violation(peer, &format!("expected HELLO first, got {}", other.kind().name()), now, out);
            }
            (Peer::Joined { realm }, message) => {
                let (realms, mut turn) = self.turn(now, out);
                let Some(realm) = realms.get_mut(realm) else { return };
                if let Err(Violation(sentence)) = realm.receive(peer, message, &mut turn) {
                    self.violation(peer, &sentence, now, out);
                }
            }
        }
    }

    /// A peer broke the protocol, in a way that `sentence` says (expected and got): it gets ABORT
    /// `wamp.error.protocol_violation`, and nobody else notices more than that it left.
    pub fn violation(&mut self, peer: PeerId, sentence: &str, now: Now, out: &mut Outbox) {
        if !self.peers.contains_key(&peer) {
            return;
        }
        self.counters.violations += 1;
        out.push_back(Output::Send { to: peer, message: Message::abort(uri::PROTOCOL_VIOLATION, sentence) });
        self.close(peer, now, out);
    }

    /// A connection is gone: its session has ended, its callers are answered, its callees interrupted.
    pub fn lost(&mut self, peer: PeerId, now: Now, out: &mut Outbox) {
        let Some(state) = self.peers.remove(&peer) else { return };
        self.networks.remove(&peer);
        #[cfg(feature = "auth")]
        self.forget_login(peer);
        if let Some(deadline) = state.deadline() {
            self.timers.cancel(deadline, Timer::Peer(peer));
        }
        if let Peer::Joined { realm } = state {
            let (realms, mut turn) = self.turn(now, out);
            if let Some(realm) = realms.get_mut(realm) {
                realm.leave(peer, &mut turn);
            }
        }
    }

    /// A message that came out of the router could not be queued for its peer. What is lost with it:
    /// - an EVENT: nothing but the event, which is counted;
    /// - an INVOCATION: its caller is answered with ERROR, `wamp.error.unavailable` where the queue is full and
    ///   `wamp.error.payload_size_exceeded` where it is too long;
    /// - a progressive RESULT: the call, which ends with that ERROR, as a stream with a hole is none;
    /// - another RESULT, or the ERROR of a call, that is too long: that ERROR takes its place;
    /// - an INTERRUPT: nothing, its callee goes on in vain;
    /// - any other: the connection, because its peer waits for that answer.
    pub fn not_delivered(&mut self, peer: PeerId, message: &Message, why: Undelivered, now: Now, out: &mut Outbox) {
        let Some(Peer::Joined { realm }) = self.peers.get(&peer).copied() else { return };
        let (realms, mut turn) = self.turn(now, out);
        let Some(realm) = realms.get_mut(realm) else { return };
        match message {
            Message::Event { .. } => turn.counters.events_lost += 1,
            Message::Invocation { request, .. } => realm.sessions.invocation_lost(peer, *request, why, &mut turn),
            Message::Result { request, details, .. } if details.progress => {
                realm.sessions.progress_lost(peer, *request, why, &mut turn);
            }
            Message::Result { request, .. } if why == Undelivered::TooLong => {
                turn.refuse(peer, Kind::Call, *request, calls::lost_result(why));
            }
            Message::Error { kind: Kind::Call, request, error, .. }
                if why == Undelivered::TooLong && error.as_str() != uri::PAYLOAD_SIZE_EXCEEDED =>
            {
                turn.refuse(peer, Kind::Call, *request, calls::lost_result(why));
            }
            Message::Interrupt { .. } => {}
            _ => self.close(peer, now, out),
        }
    }

    /// When [`Router::expire`] is due, if ever. O(log n) in the number of deadlines.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        self.timers.next()
    }

    /// Does what is due: ends calls that took too long, closes connections that never said HELLO or did not answer
    /// GOODBYE.
    pub fn expire(&mut self, now: Now, out: &mut Outbox) {
        while let Some(timer) = self.timers.take_due(now.mono) {
            match timer {
                Timer::Call { caller, request } => self.call_timed_out(caller, request, now, out),
                Timer::Peer(peer) => match self.peers.get(&peer) {
                    Some(Peer::Opening { .. }) => {
                        let seconds = self.config.hello_timeout.as_secs_f64();
                        self.violation(peer, &format!("expected HELLO within {seconds} s, got nothing"), now, out);
                    }
                    Some(Peer::Leaving { .. }) => self.close(peer, now, out),
                    #[cfg(feature = "auth")]
                    Some(Peer::Challenged { .. }) => {
                        self.violation(peer, "expected AUTHENTICATE in time, got nothing", now, out);
                    }
                    #[cfg(feature = "auth")]
                    Some(Peer::Failed { .. }) => self.refuse_login(peer, now, out),
                    Some(Peer::Joined { .. }) | None => {}
                },
            }
        }
    }

    /// Ends every session with GOODBYE `wamp.close.system_shutdown`. The driver opens no more connections, and goes on
    /// until [`Router::is_empty`], which the deadline for their answers ensures.
    pub fn shutdown(&mut self, now: Now, out: &mut Outbox) {
        // Nobody is left who could hear that the others have left, or wait for an answer.
        self.timers.clear();
        for realm in &mut self.realms {
            realm.clear();
        }
        let deadline = now.mono + self.config.goodbye_timeout;
        self.peers.retain(|&to, state| {
            let joined = matches!(state, Peer::Joined { .. } | Peer::Leaving { .. });
            let message = match state {
                Peer::Joined { .. } => Some(Message::goodbye(uri::SYSTEM_SHUTDOWN)),
                Peer::Leaving { .. } => None,
                _ => Some(Message::abort(uri::SYSTEM_SHUTDOWN, "the router shuts down")),
            };
            out.extend(message.map(|message| Output::Send { to, message }));
            if joined {
                *state = Peer::Leaving { deadline };
                self.timers.set(deadline, Timer::Peer(to));
            } else {
                out.push_back(Output::Close { peer: to });
            }
            joined
        });
    }

    /// Whether there is no connection.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.peers.is_empty()
    }

    /// What has happened so far.
    #[must_use]
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    fn close(&mut self, peer: PeerId, now: Now, out: &mut Outbox) {
        out.push_back(Output::Close { peer });
        self.lost(peer, now, out);
    }

    fn call_timed_out(&mut self, caller: PeerId, request: RequestId, now: Now, out: &mut Outbox) {
        let Some(Peer::Joined { realm }) = self.peers.get(&caller).copied() else { return };
        let (realms, mut turn) = self.turn(now, out);
        if let Some(realm) = realms.get_mut(realm) {
            realm.sessions.call_timed_out(caller, request, &mut turn);
        }
    }

    fn turn<'a>(&'a mut self, now: Now, out: &'a mut Outbox) -> (&'a mut [Realm], Turn<'a>) {
        let Self { config, ids, realms, peers, timers, counters, .. } = self;
        let RouterConfig { limits, goodbye_timeout, .. } = config;
        (realms, Turn { now, limits, goodbye_timeout: *goodbye_timeout, peers, ids, timers, counters, out })
    }
}
