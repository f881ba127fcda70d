//! When the next tick is due. Pure.

use std::time::{Duration, Instant};

/// Ticks at a fixed phase: the first at once, then every `interval` after the first, however late each was noticed. Ticks
/// that were missed are left out, not made up for.
#[derive(Debug)]
pub(super) struct Schedule {
    first: Instant,
    interval: Duration,
    next: Instant,
}

impl Schedule {
    /// `interval` must not be zero.
    pub(super) const fn new(first: Instant, interval: Duration) -> Self {
        Self { first, interval, next: first }
    }

    /// The time between two ticks.
    pub(super) const fn interval(&self) -> Duration {
        self.interval
    }

    /// When the first tick was due.
    pub(super) const fn first(&self) -> Instant {
        self.first
    }

    /// When to wake up.
    pub(super) const fn next(&self) -> Instant {
        self.next
    }

    /// Whether a tick is due. If so the next one is in the future afterwards.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        if now < self.next {
            return false;
        }
        let since_first = now.saturating_duration_since(self.first).as_nanos();
        let into_interval = since_first % self.interval.as_nanos().max(1);
        let into_interval = Duration::from_nanos(u64::try_from(into_interval).unwrap_or(u64::MAX));
        self.next = now + self.interval.saturating_sub(into_interval);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn the_first_tick_is_at_once_and_a_late_one_does_not_move_the_others() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start, 100 * MS);
        assert!(schedule.take(start));
        assert!(!schedule.take(start));
        assert!(!schedule.take(start + 99 * MS));
        assert!(schedule.take(start + 130 * MS));
        assert_eq!(schedule.next(), start + 200 * MS);
        assert!(schedule.take(start + 200 * MS));
        assert_eq!(schedule.next(), start + 300 * MS);
    }

    #[test]
    fn missed_ticks_are_left_out() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start, 100 * MS);
        assert!(schedule.take(start + 1234 * MS));
        assert!(!schedule.take(start + 1299 * MS));
        assert_eq!(schedule.next(), start + 1300 * MS);
    }

    #[test]
    fn does_not_drift_over_a_year_of_odd_intervals() {
        let start = Instant::now();
        let interval = Duration::from_nanos(333_333_333);
        let mut schedule = Schedule::new(start, interval);
        let year = Duration::from_secs(365 * 86_400);
        assert!(schedule.take(start + year));
        let phase = schedule.next().duration_since(start).as_nanos() % interval.as_nanos();
        assert_eq!(phase, 0);
        assert!(schedule.next() > start + year);
    }
}
