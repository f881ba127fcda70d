//! Events that are dropped because the router does not read: when that begins, when it ends, and how many they were. Pure.

use serde::Serialize;

use crate::sync::clock::{Now, Timestamp};

/// Counts them.
#[derive(Debug, Default)]
pub(super) struct Drops {
    total: u64,
    present: Option<Present>,
    /// What ended with a session, so that nobody could be told.
    untold: Option<Ended>,
}

#[derive(Debug)]
struct Present {
    since: Now,
    dropped: u64,
}

/// It has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Started {
    ts: Timestamp,
    /// Bytes that wait for the router.
    queued: u64,
}

/// It is over.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Ended {
    ts: Timestamp,
    since: Timestamp,
    /// Seconds.
    duration: f64,
    /// Events; under several prefixes they count once.
    pub dropped: u64,
}

impl Drops {
    /// All there were.
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// Whether events are being dropped.
    pub const fn is_dropping(&self) -> bool {
        self.present.is_some()
    }

    /// From now on they are.
    pub fn begin(&mut self, now: Now, queued: u64) -> Started {
        self.present.get_or_insert(Present { since: now, dropped: 0 });
        Started { ts: now.wall, queued }
    }

    /// One was.
    pub fn count(&mut self) {
        if let Some(present) = &mut self.present {
            present.dropped += 1;
            self.total += 1;
        }
    }

    /// The router reads again.
    pub fn end(&mut self, now: Now) -> Option<Ended> {
        let Present { since, dropped } = self.present.take()?;
        let duration = now.mono.saturating_duration_since(since.mono).as_secs_f64();
        Some(Ended { ts: now.wall, since: since.wall, duration, dropped })
    }

    /// The session is over, and with it what waited for its router.
    pub fn session_ended(&mut self, now: Now) {
        let ended = self.end(now);
        self.untold = ended.or(self.untold);
    }

    /// What nobody could be told, if a session ended so.
    pub fn take_untold(&mut self) -> Option<Ended> {
        self.untold.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    #[test]
    fn drops_are_counted_from_their_beginning_to_their_end() {
        let (mut drops, start) = (Drops::default(), Instant::now());
        let at = |seconds| Now {
            mono: start + Duration::from_secs(seconds),
            wall: Timestamp::from_ns(seconds * 1_000_000_000),
        };
        drops.count();
        assert_eq!((drops.total(), drops.is_dropping()), (0, false), "nothing is dropped before it begins");
        let began = serde_json::to_string(&drops.begin(at(1), 2_000_000)).unwrap();
        assert_eq!(began, r#"{"ts":"1970-01-01T00:00:01.000Z","queued":2000000}"#);
        drops.count();
        drops.count();
        let ended = serde_json::to_string(&drops.end(at(3))).unwrap();
        let expected =
            r#"{"ts":"1970-01-01T00:00:03.000Z","since":"1970-01-01T00:00:01.000Z","duration":2.0,"dropped":2}"#;
        assert_eq!(ended, expected);
        assert_eq!((drops.end(at(4)), drops.total()), (None, 2));
        drops.session_ended(at(5));
        assert_eq!(drops.take_untold(), None);
        drops.begin(at(6), 0);
        drops.count();
        drops.session_ended(at(7));
        // Another session that ends without being whole leaves it as it is.
        drops.session_ended(at(8));
        assert_eq!(drops.take_untold().map(|ended| ended.dropped), Some(1));
        assert_eq!((drops.take_untold(), drops.total()), (None, 3));
    }
}
