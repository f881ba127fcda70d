//! The deadlines, soonest first.

use std::collections::BTreeSet;
use std::time::Instant;

use super::PeerId;
use crate::wamp::RequestId;

/// What a deadline is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// A peer must say HELLO, or answer GOODBYE.
    Peer(PeerId),
    /// A call must have a result.
    Call { caller: PeerId, request: RequestId },
}

/// Deadlines. Who sets one keeps the moment too, to take it back. All in O(log n).
#[derive(Debug, Default)]
pub(super) struct Timers {
    queue: BTreeSet<(Instant, Timer)>,
}

impl Timers {
    pub fn set(&mut self, at: Instant, timer: Timer) {
        self.queue.insert((at, timer));
    }

    pub fn cancel(&mut self, at: Instant, timer: Timer) {
        self.queue.remove(&(at, timer));
    }

    pub fn clear(&mut self) {
        self.queue.clear();
    }

    pub fn next(&self) -> Option<Instant> {
        self.queue.first().map(|(at, _)| *at)
    }

    /// Takes the first one that is due.
    pub fn take_due(&mut self, now: Instant) -> Option<Timer> {
        if self.next()? > now {
            return None;
        }
        self.queue.pop_first().map(|(_, timer)| timer)
    }
}
