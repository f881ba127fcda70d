//! The end of a connection, whatever its framing: what is queued goes out, then it is said that nothing follows, then the peer
//! hangs up; each in its time. And the limits that all framings have.

use std::io::{self, Read};
use std::time::{Duration, Instant};

use super::socket::Socket;

/// How long the peer may take to hang up, once it was told that nothing follows.
pub(super) const CLOSE_PATIENCE: Duration = Duration::from_millis(500);

/// Bytes of answers to pings that may wait while the peer does not read; more than one round of reading can bring. Whoever
/// lets more wait wants to fill our memory.
pub(super) const MAX_PONGS: usize = 128 * 1024;

/// Entries that an empty queue may keep room for.
pub(super) const IDLE_ENTRIES: usize = 32;

/// Reads of what nobody wants, before other work gets its turn.
const DISCARDED_READS: usize = 64;

/// How far the end of a connection is, and when each step must be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Closing {
    /// What is queued goes out first.
    Draining(Instant),
    /// It is out and said, or the peer has said so.
    Said(Instant),
}

impl Closing {
    /// When this step must be done.
    pub(super) const fn deadline(self) -> Instant {
        match self {
            Self::Draining(deadline) | Self::Said(deadline) => deadline,
        }
    }
}

/// Takes and forgets a round of what comes. True when nothing more can come.
pub(super) fn forget_round(mut socket: &Socket) -> bool {
    let mut waste = [0; 4096];
    for _ in 0..DISCARDED_READS {
        match socket.read(&mut waste) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return error.kind() != io::ErrorKind::WouldBlock,
        }
    }
    false
}
