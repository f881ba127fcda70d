//! What may be queued for a peer that reads slower than others write, or not at all. Pure.
//!
//! The rules, from the mildest on:
//!
//! 1. EVENTs, INVOCATIONs and progressive RESULTs are queued while no more than `soft` waits. Beyond that an EVENT is
//!    dropped; an INVOCATION or a progressive RESULT is given back to the router, which ends that call with an ERROR.
//! 2. What answers the peer's own requests is queued beyond `soft`. Answers can bring a queue beyond `pause` (and one event
//!    at a time, when it is several times as long in the peer's serialization as it was in the publisher's); from there on
//!    the peer is not read until it has taken some. A client that pipelines is slowed down by TCP, not cut off.
//! 3. Beyond `hard` the connection is closed: all that was asked for before reading stopped.
//! 4. While all queues together hold more than [`super::Capacity::queued_bytes`], `fair` takes the place of `soft`. An answer
//!    behind more than that makes room: of those with at least half an average share the one goes that has kept its queue
//!    waiting longest ([`Backlog`]), until there is room, and so does everybody who has done so for the drain timeout. A
//!    client that reads has a young queue, however long; one that takes a little now and then has an old one.
//! 5. Who takes nothing at all for the drain timeout (30 s) is closed, however little waits.
//!
//! # Nobody waits for ever
//!
//! The router's thread never blocks; there are two things that it does not read, and each ends.
//!
//! - *A socket whose answers wait (`pause`)* is read again when its client reads. A client that only writes, and waits
//!   until that is taken, has asked for megabytes that it does not read; rule 5 ends it. Events do not stop the reading, so
//!   a subscriber that publishes without looking at its events first loses events, and is not held up.
//! - *All sockets in a session, while an end in memory is full*: the embedded agent has 256 messages in its mailbox. It is
//!   read all the time itself, so whatever it has to say finds room, and it comes back to its mailbox. If it never does,
//!   rule 5 ends it, and the sockets are read again. So pipelined calls to the agent are slowed down, not refused.
//!
//! Neither waits for the other: to write to an end in memory needs no socket to be writable, and to write to a socket
//! queues without waiting. A peer that is not read is not held to its pings either; they are read when it is.

use std::time::Instant;

use crate::transport::MAX_MESSAGE;
use crate::wamp::Message;

/// How much may wait for one peer, in the unit of its [`crate::transport::Transport::queued`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    /// More than this: nothing that the peer can do without.
    pub soft: usize,
    /// More than this: the peer is not read.
    pub pause: usize,
    /// More than this: the peer is closed.
    pub hard: usize,
    /// Instead of the first, while all together have too much waiting; answers beyond it need room.
    pub fair: usize,
}

/// Bytes, for a socket. The gap between `soft` and `pause` is more than the one message that may overshoot, as it came in.
pub(super) const SOCKET: Limits =
    Limits { soft: MAX_MESSAGE, pause: 3 * MAX_MESSAGE, hard: 32 * MAX_MESSAGE, fair: 64 * 1024 };

/// Messages, for an end in memory, beyond the 256 in its mailbox. It is always read, and its messages are no bytes.
pub(super) const MEMORY: Limits = Limits { soft: 1024, pause: usize::MAX, hard: 8192, fair: 1024 };

/// How much all have waiting together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pressure {
    /// No more than may.
    Low,
    /// More.
    High,
}

/// What becomes of a message for a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// It is queued.
    Queue,
    /// It is, if those that have kept theirs waiting longer make room for it.
    MakeRoom,
    /// It is not, and the router is told.
    GiveBack,
    /// It is not, and the peer is closed.
    Close,
}

/// What the peer can do without, for a price that is known.
fn is_optional(message: &Message) -> bool {
    match message {
        Message::Event { .. } | Message::Invocation { .. } => true,
        Message::Result { details, .. } => details.progress,
        _ => false,
    }
}

impl Limits {
    /// How much may wait already for the message to be queued behind it.
    pub fn room_for(&self, message: &Message, pressure: Pressure) -> usize {
        match pressure {
            Pressure::High => self.fair,
            Pressure::Low if is_optional(message) => self.soft,
            Pressure::Low => self.hard,
        }
    }

    /// Whether a message may be queued behind what waits already.
    pub fn admit(&self, message: &Message, queued: usize, pressure: Pressure) -> Admission {
        if queued <= self.room_for(message, pressure) {
            Admission::Queue
        } else if is_optional(message) {
            Admission::GiveBack
        } else if queued <= self.hard {
            Admission::MakeRoom
        } else {
            Admission::Close
        }
    }

    /// Whether a peer for which so much waits has more than everybody may while all together have too much.
    pub const fn crowds(&self, queued: usize) -> bool {
        queued > self.fair
    }

    /// Whether a peer for which so much waits is not read.
    pub const fn pauses(&self, queued: usize) -> bool {
        queued > self.pause
    }
}

/// How old a queue is: since when something waits of which not all has been taken. Not how long something has been waiting in
/// it, which is for ever where answers come as fast as they are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Backlog {
    /// The moment, and how much of what waited then still does.
    oldest: Option<(Instant, usize)>,
}

impl Backlog {
    /// So much was taken, and so much is left.
    pub fn took(&mut self, taken: usize, left: usize, now: Instant) {
        self.oldest = match self.oldest {
            _ if left == 0 => None,
            Some((since, waits)) if taken < waits => Some((since, waits - taken)),
            _ => Some((now, left)),
        };
    }

    /// Since when that waits of which something still does.
    pub fn since(&self) -> Option<Instant> {
        self.oldest.map(|(since, _)| since)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::wamp::codec::json;

    const LIMITS: Limits = Limits { soft: 10, pause: 20, hard: 30, fair: 5 };

    fn verdicts<const N: usize>(text: &str, pressure: Pressure, queued: [usize; N]) -> [Admission; N] {
        let message = json::decode(text).unwrap();
        queued.map(|queued| LIMITS.admit(&message, queued, pressure))
    }

    #[test]
    fn what_a_peer_can_do_without_is_queued_up_to_the_soft_limit() {
        use Admission::{GiveBack, Queue};
        for text in ["[36,1,2,{}]", "[68,1,2,{}]", "[50,1,{\"progress\":true}]"] {
            assert_eq!(verdicts(text, Pressure::Low, [0, 10, 11, 31]), [Queue, Queue, GiveBack, GiveBack], "{text}");
            assert_eq!(verdicts(text, Pressure::High, [0, 5, 6]), [Queue, Queue, GiveBack], "{text}");
        }
    }

    #[test]
    fn answers_are_queued_up_to_the_hard_limit() {
        use Admission::{Close, MakeRoom, Queue};
        for text in ["[50,1,{}]", "[8,48,1,{},\"a.b\"]", "[17,1,2]", "[65,1,2]", "[69,1,{}]", "[6,{},\"a.b\"]"] {
            assert_eq!(verdicts(text, Pressure::Low, [0, 11, 30, 31]), [Queue, Queue, Queue, Close], "{text}");
            assert_eq!(
                verdicts(text, Pressure::High, [0, 5, 6, 30, 31]),
                [Queue, Queue, MakeRoom, MakeRoom, Close],
                "{text}"
            );
        }
    }

    #[test]
    fn events_alone_never_stop_the_reading() {
        // The last one admitted may be as long as a message can be, and its details as long as two URIs.
        assert!(!SOCKET.pauses(SOCKET.soft + MAX_MESSAGE + 4096));
        assert!(SOCKET.pauses(SOCKET.hard), "reading stops before the connection does");
    }

    #[test]
    fn a_queue_is_as_old_as_what_waits_in_it() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let (mut steady, mut trickle) = (Backlog::default(), Backlog::default());
        for second in 0..100 {
            // Both always have 1000 bytes waiting. One takes as many in two seconds, the other in a thousand.
            steady.took(if second == 0 { 0 } else { 500 }, 1000, at(second));
            trickle.took(u64::from(second > 0) as usize, 1000, at(second));
        }
        assert_eq!((steady.since(), trickle.since()), (Some(at(98)), Some(at(0))));
        trickle.took(1000, 0, at(100));
        assert_eq!(trickle.since(), None);
    }
}
