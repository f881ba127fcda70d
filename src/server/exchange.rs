//! Between the router and its peers: reads from those that are ready, hands over what the router says, and gives up those
//! that are gone. It waits for nothing; `event_loop` tells it who is ready.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::backpressure::{Admission, Pressure};
use super::counters::Counters;
use super::peer::{Loss, Peer, Place, Stage};
use super::registry::Registry;
use crate::router::{Outbox, Output, PeerId, Router};
use crate::sync::clock::Now;
use crate::sync::epoll::Event;
use crate::transport::{Incoming, SharedMessage, TransportError};
use crate::wamp::Message;
use crate::wamp::error::uri;

/// Messages taken from one peer before the others have their turn.
const ROUND: usize = 64;

/// What does not change.
#[derive(Clone, Copy, Debug)]
pub(super) struct ExchangeSettings {
    /// How long a peer may take nothing.
    pub drain: Duration,
    /// Bytes that may wait for sockets, in all.
    pub queued_bytes: usize,
}

/// The router with its peers.
pub(super) struct Exchange {
    router: Router,
    outbox: Outbox,
    peers: HashMap<PeerId, Peer>,
    /// Those in this process.
    inside: Vec<PeerId>,
    /// Those that may have something to read, the one that has waited longest first. Messages can lie in a transport's buffer
    /// while its descriptor is not readable, so this does not come from the kernel alone.
    ready: VecDeque<PeerId>,
    /// Those to be flushed at the end of the turn.
    touched: Vec<PeerId>,
    /// Those given up, whose descriptors are still waited for.
    gone: Vec<Peer>,
    /// Those without a session.
    strangers: usize,
    /// Bytes that wait for sockets, in all.
    waiting: usize,
    settings: ExchangeSettings,
    counters: Arc<Counters>,
}

/// A message on its way to a peer, for the length of one call.
#[allow(clippy::large_enum_variant)]
enum Outgoing<'a> {
    Own(Message),
    Shared(&'a SharedMessage),
}

impl AsRef<Message> for Outgoing<'_> {
    fn as_ref(&self) -> &Message {
        match self {
            Self::Own(message) => message,
            Self::Shared(shared) => shared.message(),
        }
    }
}

/// Whether a peer has more to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Served {
    All,
    /// Its round is over, or it must wait.
    More,
}

impl Exchange {
    pub fn new(router: Router, settings: ExchangeSettings, counters: Arc<Counters>) -> Self {
        Self {
            router,
            outbox: Outbox::new(),
            peers: HashMap::new(),
            inside: Vec::new(),
            ready: VecDeque::new(),
            touched: Vec::new(),
            gone: Vec::new(),
            strangers: 0,
            waiting: 0,
            settings,
            counters,
        }
    }

    /// A new peer. It is read in the next turn, for it may have said something already.
    pub fn open(&mut self, id: PeerId, peer: Peer, now: Now) {
        if peer.place == Place::Inside {
            self.inside.push(id);
        }
        self.strangers += 1;
        self.peers.insert(id, peer);
        self.router.open(id, now);
        self.wake(id);
        self.touch(id);
    }

    /// What the kernel says about a peer.
    pub fn heed(&mut self, id: PeerId, event: Event) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        peer.broken |= event.broken;
        peer.writable |= event.writable;
        if event.readable {
            self.wake(id);
        }
        self.touch(id);
    }

    /// Peers there are.
    pub fn len(&self) -> usize {
        self.peers.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.peers.is_empty()
    }

    /// Peers without a session.
    pub const fn strangers(&self) -> usize {
        self.strangers
    }

    /// When [`Exchange::expire_sessions`] is due.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.router.next_deadline()
    }

    /// The peer may have something to read.
    fn wake(&mut self, id: PeerId) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        if !std::mem::replace(&mut peer.ready, true) {
            self.ready.push_back(id);
        }
    }

    /// The peer must be flushed before the turn is over.
    fn touch(&mut self, id: PeerId) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        if !std::mem::replace(&mut peer.touched, true) {
            self.touched.push(id);
        }
    }

    /// Whether there is something to read that need not wait.
    pub fn has_work(&self) -> bool {
        if self.is_congested() {
            self.ready.iter().any(|id| self.peers.get(id).is_some_and(|peer| !peer.yields()))
        } else {
            !self.ready.is_empty()
        }
    }

    /// Whether an end in memory is full, so that those who yield must wait.
    fn is_congested(&self) -> bool {
        self.inside.iter().any(|id| self.peers.get(id).is_some_and(|peer| peer.transport.queued() > 0))
    }

    /// Reads a round from every peer that is ready.
    pub fn serve(&mut self, now: Now) {
        // Who must wait comes first the next time, whose round is over comes last.
        let (mut waiting, mut again) = (VecDeque::new(), VecDeque::new());
        for id in std::mem::take(&mut self.ready) {
            let Some(peer) = self.peers.get(&id) else { continue };
            if peer.yields() && self.is_congested() {
                waiting.push_back(id);
                continue;
            }
            let served = self.serve_one(id, now);
            self.touch(id);
            let Some(peer) = self.peers.get_mut(&id) else { continue };
            if served == Served::All {
                peer.ready = false;
            } else if peer.paused && !peer.broken {
                peer.ready = false;
                peer.parked = true;
            } else {
                again.push_back(id);
            }
        }
        // Whoever woke up meanwhile is behind those that were there before.
        let woken = std::mem::replace(&mut self.ready, waiting);
        self.ready.append(&mut again);
        self.ready.extend(woken);
    }

    fn serve_one(&mut self, id: PeerId, now: Now) -> Served {
        for _ in 0..ROUND {
            let Some(peer) = self.peers.get_mut(&id) else { return Served::All };
            if peer.paused && !peer.broken {
                return Served::More;
            }
            match peer.transport.receive(now.mono) {
                Ok(Incoming::Nothing) => return Served::All,
                Ok(Incoming::Progress | Incoming::Open) => continue,
                Ok(Incoming::Message(_) | Incoming::Malformed(_)) if peer.stage == Stage::Leaving => continue,
                Ok(Incoming::Message(message)) => {
                    self.counters.messages_in.add(1);
                    self.router.receive(id, message, now, &mut self.outbox);
                }
                Ok(Incoming::Malformed(sentence)) => self.router.violation(id, &sentence, now, &mut self.outbox),
                Ok(Incoming::Closed) => self.lose(id, Loss::Closed, now),
                Err(error) => self.lose(id, Loss::Transport(error), now),
            }
            self.route(now);
            if self.is_congested() && self.peers.get(&id).is_some_and(Peer::yields) {
                return Served::More;
            }
        }
        Served::More
    }

    /// Does what is due for one peer.
    pub fn expire(&mut self, id: PeerId, now: Now) {
        let congested = self.is_congested();
        let Some(peer) = self.peers.get_mut(&id) else { return };
        peer.watch.rang();
        let held = peer.held(congested);
        if let Err(loss) = peer.expire(held, self.settings.drain, now.mono) {
            self.lose(id, loss, now);
        }
        self.touch(id);
    }

    /// Does what is due in the router.
    pub fn expire_sessions(&mut self, now: Now) {
        if self.router.next_deadline().is_some_and(|deadline| deadline <= now.mono) {
            self.router.expire(now, &mut self.outbox);
            self.route(now);
        }
    }

    /// Says GOODBYE to all.
    pub fn shutdown(&mut self, now: Now) {
        self.router.shutdown(now, &mut self.outbox);
        self.route(now);
    }

    /// Closes what is left, without waiting for anybody.
    pub fn close_all(&mut self, now: Now) {
        for peer in self.peers.values_mut() {
            peer.leave(now.mono);
            peer.flush(now.mono);
        }
    }

    /// Carries out what the router says.
    fn route(&mut self, now: Now) {
        while let Some(output) = self.outbox.pop_front() {
            match output {
                Output::Send { to, message } => {
                    self.notice(to, &message);
                    self.send(to, Outgoing::Own(message), now);
                }
                Output::Fanout { to, message } => {
                    let shared = SharedMessage::new(message);
                    for id in to {
                        self.send(id, Outgoing::Shared(&shared), now);
                    }
                }
                Output::Close { peer } => self.close(peer, now),
            }
        }
    }

    fn send(&mut self, id: PeerId, message: Outgoing<'_>, now: Now) {
        let pressure = if self.waiting > self.settings.queued_bytes { Pressure::High } else { Pressure::Low };
        let Some(peer) = self.peers.get_mut(&id) else { return };
        let admission = peer.admit(message.as_ref(), pressure, now.mono);
        match admission {
            Admission::Queue => {
                self.counters.messages_out.add(1);
                match message {
                    Outgoing::Own(message) => peer.transport.send(message),
                    Outgoing::Shared(shared) => peer.transport.send_shared(shared),
                }
                peer.recount(&mut self.waiting);
                self.touch(id);
            }
            Admission::GiveBack => self.give_back(id, message.as_ref(), now),
            Admission::Close => self.lose(id, Loss::Overrun, now),
        }
    }

    fn give_back(&mut self, id: PeerId, message: &Message, now: Now) {
        match message {
            Message::Event { .. } => self.counters.events_dropped.add(1),
            Message::Invocation { .. } => self.counters.invocations_undelivered.add(1),
            _ => self.counters.progress_undelivered.add(1),
        }
        self.router.not_delivered(id, message, now, &mut self.outbox);
    }

    /// What a message says about its receiver.
    fn notice(&mut self, id: PeerId, message: &Message) {
        match message {
            Message::Welcome { session, .. } => {
                let Some(peer) = self.peers.get_mut(&id) else { return };
                log::debug!("{}: session {session}", peer.place);
                if std::mem::replace(&mut peer.stage, Stage::Joined) == Stage::Opening {
                    self.strangers -= 1;
                }
            }
            Message::Abort { details, reason } => {
                let Some(peer) = self.peers.get(&id) else { return };
                let sentence = details.message.as_deref().unwrap_or_default();
                if reason.as_str() == uri::PROTOCOL_VIOLATION {
                    self.counters.violations.add(1);
                    log::warn!("{}: broke the protocol: {sentence}", peer.place);
                } else {
                    log::debug!("{}: refused with {reason}: {sentence}", peer.place);
                }
            }
            _ => {}
        }
    }

    /// The router has forgotten the peer: what is queued goes out, then the connection ends.
    fn close(&mut self, id: PeerId, now: Now) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        if peer.stage == Stage::Opening {
            self.strangers -= 1;
        }
        peer.leave(now.mono);
        self.touch(id);
    }

    /// The peer is given up.
    fn lose(&mut self, id: PeerId, loss: Loss, now: Now) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        let (place, stage) = (peer.place, peer.stage);
        if stage == Stage::Leaving {
            self.remove(id);
            return;
        }
        if stage == Stage::Opening {
            self.strangers -= 1;
        }
        // Who broke the framing can still be told so, and that takes its time.
        let lingers = matches!(loss, Loss::Transport(TransportError::Framing(_)));
        if lingers {
            peer.leave(now.mono);
            self.touch(id);
        } else {
            self.remove(id);
        }
        self.tell(place, &loss);
        self.router.lost(id, now, &mut self.outbox);
    }

    fn remove(&mut self, id: PeerId) {
        let Some(peer) = self.peers.remove(&id) else { return };
        self.waiting = self.waiting.saturating_sub(peer.counted());
        self.gone.push(peer);
        self.inside.retain(|&inside| inside != id);
    }

    /// Counts and logs a loss, once for each connection.
    fn tell(&self, place: Place, loss: &Loss) {
        let counters = &self.counters;
        match loss {
            Loss::Closed | Loss::Transport(TransportError::HungUp) => return log::debug!("{place}: {loss}"),
            Loss::Transport(TransportError::Silent(_)) => counters.silent_closed.add(1),
            Loss::Transport(TransportError::Framing(_)) => counters.violations.add(1),
            Loss::Transport(_) => {}
            Loss::Stalled(_) => counters.stalled_closed.add(1),
            Loss::Overrun => counters.overrun_closed.add(1),
        }
        log::warn!("{place}: closed: {loss}");
    }

    /// Ends a turn: writes what there is to say, and has the kernel and the clock tell when there is more to do.
    pub fn settle(&mut self, now: Now, registry: &mut Registry) {
        let mut settled = Vec::new();
        loop {
            self.route(now);
            let Some(id) = self.touched.pop() else { break };
            let Some(peer) = self.peers.get_mut(&id) else { continue };
            peer.touched = false;
            peer.flush(now.mono);
            peer.recount(&mut self.waiting);
            if let Some(error) = peer.failure() {
                self.lose(id, Loss::Transport(error), now);
                continue;
            }
            if peer.stage == Stage::Leaving && peer.place == Place::Inside {
                // Nothing more is said, and an end in memory has no closing handshake.
                self.lose(id, Loss::Closed, now);
                continue;
            }
            if !peer.paused && std::mem::take(&mut peer.parked) {
                self.wake(id);
            }
            settled.push(id);
        }
        let congested = self.is_congested();
        for id in settled.iter().chain(self.ready.iter().filter(|_| congested)) {
            if let Some(peer) = self.peers.get_mut(id) {
                peer.register(peer.held(congested), self.settings.drain, registry);
            }
        }
        for mut peer in self.gone.drain(..) {
            registry.forget(peer.transport.fd(), &mut peer.watch);
        }
    }
}
