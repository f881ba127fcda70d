//! What went over a connection. Pure.

use std::ops::AddAssign;
use std::time::Duration;

/// What went over a connection since it was begun.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// From the peer.
    pub received: Flow,
    /// To the peer; messages count when they are queued, bytes when they are written.
    pub sent: Flow,
    /// How long the peer took to answer the last ping that it answered; `None`: there was none yet.
    pub round_trip: Option<Duration>,
}

/// One direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flow {
    /// WAMP messages.
    pub messages: u64,
    /// Bytes, with all that frames the messages and the handshakes before them; `None` where messages are never written.
    pub bytes: Option<u64>,
}

impl Flow {
    /// One message more.
    pub fn count(&mut self) {
        self.messages += 1;
    }

    /// The same messages in so many bytes.
    #[must_use]
    pub const fn of_bytes(self, bytes: u64) -> Self {
        Self { bytes: Some(bytes), ..self }
    }
}

impl AddAssign for Flow {
    fn add_assign(&mut self, other: Self) {
        self.messages += other.messages;
        self.bytes = match (self.bytes, other.bytes) {
            (None, None) => None,
            (one, another) => Some(one.unwrap_or_default() + another.unwrap_or_default()),
        };
    }
}

/// What went over a later connection too. Its round trip is the newer one.
impl AddAssign for Traffic {
    fn add_assign(&mut self, later: Self) {
        self.received += later.received;
        self.sent += later.sent;
        self.round_trip = later.round_trip.or(self.round_trip);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_add_up() {
        let flow = |messages, bytes| Flow { messages, bytes };
        let (ms, none) = (Duration::from_millis(3), Traffic::default());
        let one = Traffic { received: flow(1, Some(10)), sent: flow(2, None), round_trip: Some(ms) };
        let mut sum = none;
        sum += one;
        assert_eq!(sum, one);
        sum += Traffic { received: flow(3, Some(5)), sent: flow(1, None), round_trip: None };
        assert_eq!(sum, Traffic { received: flow(4, Some(15)), sent: flow(3, None), round_trip: Some(ms) });
    }
}
