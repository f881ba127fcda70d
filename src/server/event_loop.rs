//! The router's thread: one turn after the other, each from what the kernel and the clock tell to what they shall tell of.
//!
//! A turn: sleep; accept callers; go on with visitors; read a round from every peer that is ready; do what is due; write, once
//! for each peer that has something to be told. Idle, it sleeps until the first ping is due, or for ever when there are no
//! pings.
//!
//! All visitors of a turn share [`Settings::visits`], since a handshake of TLS takes a signature, which is ms: however many
//! knock, sessions wait for one handshake and not for all. Who gets no turn waits for the next one, as `turns` has it.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};
use std::net::IpAddr;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::counters::Counters;
use super::exchange::Exchange;
use super::http;
use super::listener::{Accepted, Listener};
use super::order::Order;
use super::origin::Access;
use super::peer::{Peer, Place};
use super::registry::{Registry, Watch};
use super::room;
use super::site;
use super::turns::Turns;
use super::visitor::{Visit, Visitor};
use super::{Capacity, Timeouts};
use crate::router::PeerId;
use crate::sync::clock::Now;
use crate::sync::epoll::Event;
use crate::sync::mailbox::Mailbox;
use crate::sync::wait::{Interest, earlier, until};
use crate::sync::waker::Waker;
use crate::transport::Transport;
use crate::transport::keepalive::KeepalivePolicy;
use crate::transport::memory::Memory;
use crate::transport::rawsocket::RawSocket;
use crate::transport::socket::Socket;
use crate::transport::stream::Stream;
use crate::transport::tls::TlsServer;
use crate::transport::websocket::Channel;

/// The tokens that are no connection's.
const BELL: u64 = 0;
const FIRST_LISTENER: u64 = 1;

/// Callers accepted in one turn.
const CALLERS: usize = 64;

/// What does not change while it runs.
pub(super) struct Settings {
    pub access: Access,
    pub tls: Option<TlsServer>,
    pub keepalive: KeepalivePolicy,
    pub timeouts: Timeouts,
    pub capacity: Capacity,
    /// How long visitors may keep the sessions waiting in a turn; the one that goes beyond it is the turn's last.
    pub visits: Duration,
}

/// What the thread owns.
pub(super) struct EventLoop {
    registry: Registry,
    /// That it is closed is the sign to stop.
    orders: Mailbox<Order>,
    bell: (Waker, Watch),
    /// Until it stops.
    listeners: BTreeMap<u64, (Listener, Watch)>,
    visitors: HashMap<u64, Visitor>,
    /// Those that can go on. Some may be gone.
    ready: Turns,
    exchange: Exchange,
    /// Never used twice.
    next_token: u64,
    /// When what is left is closed.
    stopping: Option<Instant>,
    /// Whether it was logged that there is no room, since there last was some.
    complained: bool,
    settings: Settings,
    counters: Arc<Counters>,
}

impl EventLoop {
    /// Makes ready to serve.
    ///
    /// # Errors
    /// When the kernel refuses a descriptor or a registration.
    pub fn new(
        settings: Settings,
        listeners: Vec<Listener>,
        exchange: Exchange,
        (orders, bell): (Mailbox<Order>, Waker),
        counters: Arc<Counters>,
    ) -> io::Result<Self> {
        let registry = Registry::new()?;
        let mut next_token = FIRST_LISTENER;
        let mut watched = BTreeMap::new();
        for listener in listeners {
            let watch = registry.add(listener.fd(), next_token)?;
            watched.insert(next_token, (listener, watch));
            next_token += 1;
        }
        let watch = registry.add(bell.as_fd(), BELL)?;
        Ok(Self {
            registry,
            orders,
            bell: (bell, watch),
            listeners: watched,
            visitors: HashMap::new(),
            ready: Turns::default(),
            exchange,
            next_token,
            stopping: None,
            complained: false,
            settings,
            counters,
        })
    }

    /// Makes a peer of an end in memory.
    ///
    /// # Errors
    /// When the kernel refuses the registration.
    pub fn add_inside(&mut self, memory: Memory, now: Now) -> io::Result<()> {
        let token = self.draw_token();
        let watch = self.registry.add(memory.fd(), token)?;
        self.exchange.open(PeerId(token), Peer::inside(memory, watch), now);
        Ok(())
    }

    /// Serves until it is told to stop and everybody has left, or had the time to.
    pub fn run(mut self) {
        let mut events = Vec::new();
        while !self.is_over() {
            let timeout = self.timeout(Instant::now());
            if let Err(error) = self.registry.wait(timeout, &mut events) {
                // Only a bug of ours can make this call fail, and then there is nothing to wait for any more.
                log::error!("the router stops: epoll_wait: {error}");
                break;
            }
            self.turn(&mut events, Now::read());
        }
        self.exchange.close_all(Now::read());
        log::info!("the router has stopped: {}", self.counters);
    }

    fn is_over(&self) -> bool {
        self.stopping.is_some_and(|deadline| self.exchange.is_empty() || Instant::now() >= deadline)
    }

    fn timeout(&self, now: Instant) -> Option<Duration> {
        if self.exchange.has_work() || !self.ready.is_empty() {
            return Some(Duration::ZERO);
        }
        let deadline = earlier(self.registry.next_deadline(), self.exchange.next_deadline());
        until(earlier(deadline, self.stopping), now)
    }

    fn turn(&mut self, events: &mut Vec<Event>, now: Now) {
        for event in events.drain(..) {
            match event.token {
                BELL => self.listen_to_bell(now),
                token if self.listeners.contains_key(&token) => self.accept(token, now),
                token => match self.visitors.get_mut(&token) {
                    Some(visitor) if visitor.ready => {}
                    Some(visitor) => {
                        visitor.ready = true;
                        self.ready.push(token, visitor.place().address());
                    }
                    None => self.exchange.heed(PeerId(token), event),
                },
            }
        }
        self.visit_ready(now);
        self.exchange.serve(now);
        while let Some(token) = self.registry.pop_due(now.mono) {
            match token {
                token if self.listeners.contains_key(&token) => self.wake_listener(token, now),
                token if self.visitors.contains_key(&token) => self.visit(token, Visitor::expire, now),
                token => self.exchange.expire(PeerId(token), now),
            }
        }
        self.exchange.expire_sessions(now);
        self.exchange.settle(now, &mut self.registry);
    }

    fn listen_to_bell(&mut self, now: Now) {
        self.bell.0.hush();
        while let Ok(order) = self.orders.try_recv() {
            let Some(order) = order else { return };
            self.obey(order, now);
        }
        if self.stopping.is_none() {
            self.stopping = Some(now.mono + self.settings.timeouts.shutdown);
            for (_, (listener, mut watch)) in std::mem::take(&mut self.listeners) {
                self.registry.forget(listener.fd(), &mut watch);
            }
            for (_, visitor) in self.visitors.drain() {
                visitor.forget(&mut self.registry);
            }
            self.exchange.shutdown(now);
        }
    }

    #[cfg_attr(not(feature = "auth"), allow(clippy::unused_self, unused_variables))] // Then there are no orders.
    fn obey(&mut self, order: Order, now: Now) {
        match order {
            #[cfg(feature = "auth")]
            Order::Users(users) => self.exchange.replace_users(users, now),
        }
    }

    fn accept(&mut self, token: u64, now: Now) {
        for _ in 0..CALLERS {
            let Some((listener, _)) = self.listeners.get_mut(&token) else { return };
            match listener.accept(now.mono) {
                Accepted::Connection(socket, place) => self.admit(socket, place, now),
                Accepted::SentAway => self.counters.rejected.add(1),
                Accepted::Gone => {}
                Accepted::Nobody => break,
            }
        }
        self.wait_for_callers(token);
    }

    fn wake_listener(&mut self, token: u64, now: Now) {
        let Some((listener, watch)) = self.listeners.get_mut(&token) else { return };
        watch.rang();
        listener.wake();
        self.accept(token, now);
    }

    fn wait_for_callers(&mut self, token: u64) {
        let Some((listener, watch)) = self.listeners.get_mut(&token) else { return };
        let rest = listener.resting();
        let interest = if rest.is_some() { Interest::NONE } else { Interest::READ };
        self.registry.set(listener.fd(), watch, interest, rest);
    }

    /// Lets a caller in, if there is room.
    fn admit(&mut self, socket: Socket, place: Place, now: Now) {
        self.counters.connections.add(1);
        let has_room = self.has_room() || (self.make_room(place.address(), now) && self.has_room());
        let now = now.mono;
        let token = self.draw_token();
        let watch = match self.registry.add(socket.as_fd(), token) {
            Ok(watch) if has_room => watch,
            refused => {
                // It is closed at once, so it gets no more than what its socket takes without waiting.
                if self.settings.tls.is_none() {
                    let _ = (&socket).write(&http::encode(&site::no_room()));
                }
                self.counters.rejected.add(1);
                match refused {
                    Ok(mut watch) => {
                        self.registry.forget(socket.as_fd(), &mut watch);
                        if !std::mem::replace(&mut self.complained, true) {
                            log::warn!("{place}: refused, there are as many connections as may be");
                        }
                    }
                    Err(error) => log::warn!("{place}: refused: {error}"),
                }
                return;
            }
        };
        self.complained = false;
        log::debug!("{place}: connected");
        let deadline = now + self.settings.timeouts.head;
        // Nobody is between the ends of a Unix socket.
        let tls = match place {
            Place::Remote(_) => self.settings.tls.clone(),
            Place::Local(_) | Place::Inside => None,
        };
        let mut visitor = Visitor::new(socket.into(), place, tls, watch, deadline);
        visitor.register(Interest::READ, &mut self.registry);
        self.visitors.insert(token, visitor);
    }

    fn has_room(&self) -> bool {
        let Capacity { connections, strangers, .. } = self.settings.capacity;
        let here = self.visitors.len();
        here + self.exchange.len() < connections && here + self.exchange.strangers() < strangers
    }

    /// Whether one of those without a session went for a caller from there.
    fn make_room(&mut self, caller: IpAddr, now: Now) -> bool {
        let visitors = self.visitors.iter().map(|(token, visitor)| (*token, visitor.place().address()));
        let Some(token) = room::displaced(visitors.chain(self.exchange.strangers_from()), caller) else { return false };
        match self.remove_visitor(token) {
            Some(visitor) => {
                self.counters.displaced.add(1);
                visitor.forget(&mut self.registry);
            }
            None => self.exchange.displace(PeerId(token), now),
        }
        true
    }

    fn remove_visitor(&mut self, token: u64) -> Option<Visitor> {
        let visitor = self.visitors.remove(&token)?;
        if visitor.ready {
            self.ready.forget(token, visitor.place().address());
        }
        Some(visitor)
    }

    /// Goes on with visitors until their time is over; at least one.
    fn visit_ready(&mut self, now: Now) {
        let begun = Instant::now();
        while let Some(token) = self.ready.pop() {
            let Some(visitor) = self.visitors.get_mut(&token) else { continue };
            visitor.ready = false;
            self.visit(token, Visitor::advance, now);
            if begun.elapsed() >= self.settings.visits {
                return;
            }
        }
    }

    /// Goes on with a visitor, by one of its two ways to do so.
    fn visit(&mut self, token: u64, step: fn(&mut Visitor, &Access, Instant) -> Visit, now: Now) {
        let Some(visitor) = self.visitors.get_mut(&token) else { return };
        match step(visitor, &self.settings.access, now.mono) {
            Visit::Waits(interest) => visitor.register(interest, &mut self.registry),
            Visit::Over => {
                if let Some(visitor) = self.remove_visitor(token) {
                    self.counters.answered.add(visitor.answers());
                    visitor.forget(&mut self.registry);
                }
            }
            Visit::Upgraded { early, serialization } => self.promote(token, now, |socket, settings| {
                let channel = Channel::accepted(socket, early, serialization, settings.keepalive, now.mono);
                Box::new(channel.draining_within(settings.timeouts.drain))
            }),
            Visit::RawSocket { early } => self.promote(token, now, |socket, settings| {
                let socket = RawSocket::accepted(socket, early, settings.keepalive);
                Box::new(socket.draining_within(settings.timeouts.drain))
            }),
        }
    }

    /// Makes a peer of a visitor.
    fn promote(&mut self, token: u64, now: Now, open: impl FnOnce(Stream, &Settings) -> Box<dyn Transport>) {
        let Some(visitor) = self.visitors.remove(&token) else { return };
        let (socket, place, mut watch) = visitor.into_parts();
        self.registry.clear_deadline(&mut watch);
        #[cfg(feature = "auth")]
        self.exchange.vouch(PeerId(token), |names| super::evidence::of(&socket, place, names));
        let transport = open(socket, &self.settings);
        self.counters.upgraded.add(1);
        self.exchange.open(PeerId(token), Peer::remote(transport, place, watch), now);
    }

    fn draw_token(&mut self) -> u64 {
        let token = self.next_token;
        self.next_token += 1;
        token
    }
}
