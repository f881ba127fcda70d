//! From the router to its peers: what is queued, what is given back, and who is given up.

use std::time::Instant;

use super::super::backpressure::{Admission, Pressure};
use super::super::peer::{Loss, Peer, Place, Stage};
use super::Exchange;
use crate::router::{Output, PeerId, Undelivered};
use crate::sync::clock::Now;
use crate::terminal::printable;
use crate::transport::{SharedMessage, TransportError};
use crate::wamp::Message;
use crate::wamp::error::uri;

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

impl Exchange {
    /// Carries out what the router says.
    pub(super) fn route(&mut self, now: Now) {
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
                Output::LoginFailed { peer, sentence } => {
                    self.counters.logins_failed.add(1);
                    if let Some(Peer { place, .. }) = self.peers.get(&peer) {
                        log::warn!("{place}: refused a login: {}", loggable(&sentence));
                    }
                }
            }
        }
    }

    const fn pressure(&self) -> Pressure {
        if self.waiting > self.settings.queued_bytes { Pressure::High } else { Pressure::Low }
    }

    /// While more waits in all than may: gives up whoever has kept it waiting longest, and since then or before. So room is
    /// made by those that do not read, not by whoever is sent something next.
    pub(super) fn relieve(&mut self, since: Instant, now: Now) {
        while self.pressure() == Pressure::High {
            let share = self.waiting / self.peers.len().max(1) / 2;
            let crowd = self.peers.iter().filter_map(|(id, peer)| Some((peer.crowds_since(share)?, *id)));
            let Some((_, id)) = crowd.min().filter(|(oldest, _)| *oldest <= since) else { return };
            self.lose(id, Loss::Slow, now);
        }
    }

    fn send(&mut self, id: PeerId, message: Outgoing<'_>, now: Now) {
        let pressure = self.pressure();
        let Some(peer) = self.peers.get_mut(&id) else { return };
        let mut admission = peer.admit(message.as_ref(), pressure, now.mono);
        if admission == Admission::MakeRoom {
            self.relieve(now.mono, now);
            admission = if self.pressure() == Pressure::High { Admission::Close } else { Admission::Queue };
        }
        let Some(peer) = self.peers.get_mut(&id) else { return };
        match admission {
            Admission::Queue => {
                self.counters.messages_out.add(1);
                match message {
                    Outgoing::Own(message) => peer.transport.send(message),
                    Outgoing::Shared(shared) => peer.transport.send_shared(shared),
                }
                let refused = peer.transport.take_back();
                peer.recount(&mut self.waiting);
                self.touch(id);
                if let Some(message) = refused {
                    self.give_back(id, &message, Undelivered::TooLong, now);
                }
            }
            Admission::GiveBack => self.give_back(id, message.as_ref(), Undelivered::QueueFull, now),
            Admission::MakeRoom | Admission::Close => self.lose(id, Loss::Overrun, now),
        }
    }

    fn give_back(&mut self, id: PeerId, message: &Message, why: Undelivered, now: Now) {
        match message {
            Message::Event { .. } => self.counters.events_dropped.add(1),
            Message::Invocation { .. } => self.counters.invocations_undelivered.add(1),
            _ => self.counters.results_undelivered.add(1),
        }
        self.router.not_delivered(id, message, why, now, &mut self.outbox);
    }

    /// What a message says about its receiver.
    fn notice(&mut self, id: PeerId, message: &Message) {
        match message {
            Message::Welcome { session, .. } => {
                let Some(peer) = self.peers.get_mut(&id) else { return };
                log::debug!("{}: session {session}", peer.place);
                peer.transport.welcome();
                if std::mem::replace(&mut peer.stage, Stage::Joined) == Stage::Opening {
                    self.strangers -= 1;
                }
            }
            Message::Abort { details, reason } => {
                let Some(peer) = self.peers.get(&id) else { return };
                let sentence = details.message.as_deref().unwrap_or_default();
                if reason.as_str() == uri::PROTOCOL_VIOLATION {
                    self.counters.violations.add(1);
                    log::warn!("{}: broke the protocol: {}", peer.place, loggable(sentence));
                } else {
                    log::debug!("{}: refused with {reason}: {}", peer.place, loggable(sentence));
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
    pub(super) fn lose(&mut self, id: PeerId, loss: Loss, now: Now) {
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
        self.unfinished = self.unfinished.saturating_sub(peer.unfinished());
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
            Loss::Slow => counters.slow_closed.add(1),
            Loss::Unfinished => counters.unfinished_closed.add(1),
            Loss::Displaced => counters.displaced.add(1),
        }
        log::warn!("{place}: closed: {loss}");
    }
}

/// A sentence that may quote a peer, fit for one line of a log.
fn loggable(sentence: &str) -> String {
    const LONGEST: usize = 200;
    printable(sentence).chars().take(LONGEST).collect()
}
