//! Time as a value: the kernel's clocks, and how a wall-clock moment is written.

use std::fmt;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// One moment, on both clocks that matter: `mono` for durations and deadlines, `wall` only to be shown. A step of the
/// wall clock never reaches anything that was computed from `mono`.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// `CLOCK_MONOTONIC`.
    pub mono: Instant,
    /// `CLOCK_REALTIME`.
    pub wall: Timestamp,
}

impl Now {
    /// Reads both clocks.
    #[must_use]
    pub fn read() -> Self {
        Self { mono: Instant::now(), wall: Timestamp::now() }
    }
}

/// A wall-clock moment in ns since the Unix epoch (1970 to 2554), shown as ISO 8601 UTC with milliseconds:
/// `2026-11-22T08:07:25.801Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp {
    ns: u64,
}

impl Timestamp {
    /// The clock's present reading; a clock set before 1970 reads as the epoch.
    #[must_use]
    pub fn now() -> Self {
        Self::from(SystemTime::now())
    }

    /// From ns since the Unix epoch.
    #[must_use]
    pub const fn from_ns(ns: u64) -> Self {
        Self { ns }
    }

    /// ns since the Unix epoch.
    #[must_use]
    pub const fn ns(self) -> u64 {
        self.ns
    }

    /// The moment `duration` earlier; the epoch when that lies before it.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self { ns: self.ns.saturating_sub(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)) }
    }
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { ns: u64::try_from(since.as_nanos()).unwrap_or(u64::MAX) }
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = UNIX_EPOCH + Duration::from_nanos(self.ns);
        write!(f, "{}", humantime::format_rfc3339_millis(time))
    }
}

impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_as_iso_8601_with_milliseconds() {
        assert_eq!(Timestamp::from_ns(1_795_334_845_801_999_999).to_string(), "2026-11-22T08:07:25.801Z");
        assert_eq!(Timestamp::from_ns(0).to_string(), "1970-01-01T00:00:00.000Z");
        // Every moment that fits is within what the formatter can write.
        assert_eq!(Timestamp::from_ns(u64::MAX).to_string(), "2554-07-21T23:34:33.709Z");
    }
}
