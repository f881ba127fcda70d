//! Between the router and its peers: reads from those that are ready, hands over what the router says, and gives up those
//! that are gone. It waits for nothing; `event_loop` tells it who is ready. Here is what comes in, `delivery` has what goes
//! out.

mod delivery;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::counters::Counters;
use super::peer::{Loss, Peer, Place, Stage};
use super::registry::Registry;
#[cfg(feature = "auth")]
use crate::router::Evidence;
#[cfg(feature = "auth")]
use crate::router::users::Directory;
use crate::router::{Locality, Outbox, PeerId, Router};
use crate::sync::clock::Now;
use crate::sync::epoll::Event;
use crate::transport::Incoming;

/// Messages taken from one peer before the others have their turn, if they do not take too much time.
const ROUND: usize = 64;

/// How long one peer's messages may keep the others waiting in a turn. The one that goes beyond it is the round's last: a
/// long text to parse, an event for thousands of subscribers, a list of everything.
pub(super) const ROUND_TIME: Duration = Duration::from_millis(2);

/// What does not change.
#[derive(Clone, Copy, Debug)]
pub(super) struct ExchangeSettings {
    /// How long a peer may take nothing.
    pub drain: Duration,
    /// Bytes that may wait for sockets, in all.
    pub queued_bytes: usize,
    /// Bytes of messages that are not whole, in all.
    pub unfinished_bytes: usize,
    /// Messages of one peer are taken for as long, in a turn; at least one.
    pub round: Duration,
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
    /// Bytes of messages that are not whole, in all.
    unfinished: usize,
    settings: ExchangeSettings,
    counters: Arc<Counters>,
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
            unfinished: 0,
            settings,
            counters,
        }
    }

    /// A new peer. It is read in the next turn, for it may have said something already.
    pub fn open(&mut self, id: PeerId, peer: Peer, now: Now) {
        let locality = match peer.place {
            Place::Inside => {
                self.inside.push(id);
                Locality::Embedded
            }
            Place::Remote(_) | Place::Local(_) => Locality::Remote,
        };
        if peer.place != Place::Inside {
            self.router.locate(id, peer.place.address());
        }
        self.strangers += 1;
        self.peers.insert(id, peer);
        self.router.open(id, locality, now);
        self.wake(id);
        self.touch(id);
    }

    /// What is known of a peer that is about to be opened, if the router wants to know.
    #[cfg(feature = "auth")]
    pub fn vouch(&mut self, id: PeerId, evidence: impl FnOnce(&mut dyn Iterator<Item = &str>) -> Evidence) {
        if self.router.has_logins() {
            let evidence = evidence(&mut self.router.certificate_names());
            self.router.vouch(id, evidence);
        }
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

    /// The addresses of those without a session.
    pub fn strangers_from(&self) -> impl Iterator<Item = (u64, IpAddr)> {
        let strangers =
            self.peers.iter().filter(|(_, peer)| peer.stage == Stage::Opening && peer.place != Place::Inside);
        strangers.map(|(id, peer)| (id.0, peer.place.address()))
    }

    /// Gives one of those up for another.
    pub fn displace(&mut self, id: PeerId, now: Now) {
        self.lose(id, Loss::Displaced, now);
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
            self.make_room_for(id, now);
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

    /// Counts what has come of the peer's unfinished message. While there is too much in all, one of those goes who have at
    /// least an average share of it: the one whose message has been under way longest. So who fills the memory slowly makes
    /// room for who has something to say.
    fn make_room_for(&mut self, id: PeerId, now: Now) {
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.recount_unfinished(&mut self.unfinished, now.mono);
        }
        while self.unfinished > self.settings.unfinished_bytes {
            let share = self.unfinished / self.peers.len().max(1);
            let having = self.peers.iter().filter(|(_, peer)| peer.unfinished() >= share);
            let since = having.filter_map(|(id, peer)| Some((peer.unfinished_since()?, *id)));
            let Some((_, oldest)) = since.min() else { return };
            self.lose(oldest, Loss::Unfinished, now);
        }
    }

    fn serve_one(&mut self, id: PeerId, now: Now) -> Served {
        let begun = Instant::now();
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
            let must_wait = self.is_congested() && self.peers.get(&id).is_some_and(Peer::yields);
            if must_wait || begun.elapsed() >= self.settings.round {
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

    /// Has other users log in, and says GOODBYE to those who are not among them as before.
    #[cfg(feature = "auth")]
    pub fn replace_users(&mut self, users: Arc<Directory>, now: Now) {
        let ended = self.router.replace_users(users, now, &mut self.outbox);
        log::info!("the users are others now; that ended {ended} sessions");
        self.route(now);
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

    /// Ends a turn: writes what there is to say, and has the kernel and the clock tell when there is more to do.
    pub fn settle(&mut self, now: Now, registry: &mut Registry) {
        let mut settled = Vec::new();
        if let Some(since) = now.mono.checked_sub(self.settings.drain) {
            self.relieve(since, now);
        }
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
