//! Whether the peer is alive: when to send a ping, and when to give up. Pure; the transports drive it.

use std::time::{Duration, Instant};

/// How a connection is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeepalivePolicy {
    /// Silence after which a ping is sent; `None`: never, and the peer may be silent for as long as it likes.
    pub interval: Option<Duration>,
    /// How long the peer may take to answer a ping by whatever it sends.
    pub patience: Duration,
}

impl Default for KeepalivePolicy {
    /// A ping after 10 s of silence, and 10 s for the answer.
    fn default() -> Self {
        Self { interval: Some(Duration::from_secs(10)), patience: Duration::from_secs(10) }
    }
}

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Nothing yet.
    Nothing,
    /// A ping.
    Ping,
    /// Giving up; the peer has been silent for so long.
    GiveUp(Duration),
}

/// The watch over one peer.
#[derive(Clone, Debug)]
pub struct Keepalive {
    policy: KeepalivePolicy,
    heard: Instant,
    /// When the ping went out that nothing has answered.
    pinged: Option<Instant>,
    /// When the ping went out that no pong has answered.
    awaited: Option<Instant>,
    round_trip: Option<Duration>,
}

impl Keepalive {
    /// Begins to watch.
    #[must_use]
    pub const fn new(policy: KeepalivePolicy, now: Instant) -> Self {
        Self { policy, heard: now, pinged: None, awaited: None, round_trip: None }
    }

    /// Something came from the peer.
    pub fn heard(&mut self, now: Instant) {
        self.heard = now;
        self.pinged = None;
    }

    /// A pong came. How long the last pong took that answered a ping.
    pub fn answered(&mut self, now: Instant) -> Option<Duration> {
        if let Some(pinged) = self.awaited.take() {
            self.round_trip = Some(now.saturating_duration_since(pinged));
        }
        self.heard(now);
        self.round_trip
    }

    /// When [`Keepalive::due`] has an answer other than nothing.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        match self.pinged {
            Some(pinged) => pinged.checked_add(self.policy.patience),
            None => self.policy.interval.and_then(|interval| self.heard.checked_add(interval)),
        }
    }

    /// What is due. A ping is due once; the caller sends it.
    pub fn due(&mut self, now: Instant) -> Due {
        if self.deadline().is_none_or(|deadline| now < deadline) {
            return Due::Nothing;
        }
        if self.pinged.is_some() {
            return Due::GiveUp(now.saturating_duration_since(self.heard));
        }
        self.pinged = Some(now);
        self.awaited = Some(now);
        Due::Ping
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn watch(interval: Option<Duration>) -> (Keepalive, Instant) {
        let start = Instant::now();
        (Keepalive::new(KeepalivePolicy { interval, patience: 5 * SECOND }, start), start)
    }

    #[test]
    fn silence_is_pinged_once_then_given_up() {
        let (mut watch, start) = watch(Some(10 * SECOND));
        assert_eq!(watch.due(start + 9 * SECOND), Due::Nothing);
        assert_eq!(watch.due(start + 10 * SECOND), Due::Ping);
        assert_eq!(watch.due(start + 14 * SECOND), Due::Nothing);
        assert_eq!(watch.deadline(), Some(start + 15 * SECOND));
        assert_eq!(watch.due(start + 15 * SECOND), Due::GiveUp(15 * SECOND));
    }

    #[test]
    fn whatever_the_peer_sends_puts_the_ping_off() {
        let (mut watch, start) = watch(Some(10 * SECOND));
        watch.heard(start + 9 * SECOND);
        assert_eq!(watch.due(start + 18 * SECOND), Due::Nothing);
        assert_eq!(watch.due(start + 19 * SECOND), Due::Ping);
        watch.heard(start + 20 * SECOND);
        assert_eq!(watch.due(start + 25 * SECOND), Due::Nothing);
        assert_eq!(watch.deadline(), Some(start + 30 * SECOND));
    }

    #[test]
    fn a_pong_tells_how_long_it_took_whatever_came_before_it() {
        let (mut watch, start) = watch(Some(10 * SECOND));
        assert_eq!(watch.answered(start + SECOND), None, "nobody asked");
        assert_eq!(watch.due(start + 11 * SECOND), Due::Ping);
        watch.heard(start + 12 * SECOND);
        assert_eq!(watch.answered(start + 14 * SECOND), Some(3 * SECOND));
        assert_eq!(watch.answered(start + 15 * SECOND), Some(3 * SECOND));
        assert_eq!(watch.deadline(), Some(start + 25 * SECOND));
    }

    #[test]
    fn without_an_interval_there_is_nothing_to_wake_up_for() {
        let (mut watch, start) = watch(None);
        assert_eq!(watch.deadline(), None);
        assert_eq!(watch.due(start + 100_000 * SECOND), Due::Nothing);
    }
}
