//! When to try again after a connection was refused or lost: exponential with jitter. Pure.

use std::time::{Duration, Instant};

/// How patiently to reconnect.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReconnectPolicy {
    /// The first delay.
    pub initial: Duration,
    /// What each further delay is multiplied by: 1 to 1000.
    pub factor: f64,
    /// The longest delay, of the first one too; at most a day.
    pub max: Duration,
    /// A session that was this long whole begins with the first delay again.
    pub healthy: Duration,
}

impl Default for ReconnectPolicy {
    /// 0.1 s × 1.5 up to 30 s; healthy after 5 s.
    fn default() -> Self {
        Self {
            initial: Duration::from_millis(100),
            factor: 1.5,
            max: Duration::from_secs(30),
            healthy: Duration::from_secs(5),
        }
    }
}

/// The state between attempts.
#[derive(Clone, Debug)]
pub struct Reconnect {
    policy: ReconnectPolicy,
    delay: Duration,
    whole_since: Option<Instant>,
}

impl Reconnect {
    /// Begins with the first delay.
    #[must_use]
    pub fn new(policy: ReconnectPolicy) -> Self {
        // A delay that no clock can count to is as good as a day.
        let max = policy.max.min(Duration::from_secs(86_400));
        let factor = if policy.factor.is_finite() { policy.factor.clamp(1.0, 1000.0) } else { 1.0 };
        let policy = ReconnectPolicy { initial: policy.initial.min(max), factor, max, ..policy };
        Self { policy, delay: policy.initial, whole_since: None }
    }

    /// The session is whole: joined, and everything registered.
    pub fn whole(&mut self, now: Instant) {
        self.whole_since = Some(now);
    }

    /// An attempt failed, or the connection was lost: how long to wait. `chance` (0 to 1) spreads agents that lost the same
    /// router at the same moment over the second half of the delay.
    pub fn next_delay(&mut self, now: Instant, chance: f64) -> Duration {
        let whole_for = self.whole_since.take().map(|since| now.saturating_duration_since(since));
        if whole_for.is_some_and(|time| time >= self.policy.healthy) {
            self.delay = self.policy.initial;
        }
        let delay = self.delay.mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0);
        self.delay = self.delay.mul_f64(self.policy.factor).min(self.policy.max);
        delay
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn reconnect() -> Reconnect {
        Reconnect::new(ReconnectPolicy { initial: SECOND, factor: 2.0, max: 5 * SECOND, healthy: 10 * SECOND })
    }

    #[test]
    fn delays_grow_to_the_longest() {
        let (mut reconnect, now) = (reconnect(), Instant::now());
        let delays: Vec<_> = (0..5).map(|_| reconnect.next_delay(now, 1.0)).collect();
        assert_eq!(delays, [SECOND, 2 * SECOND, 4 * SECOND, 5 * SECOND, 5 * SECOND]);
    }

    #[test]
    fn no_delay_is_longer_than_the_longest() {
        let policy = ReconnectPolicy { initial: 20 * SECOND, max: SECOND, ..ReconnectPolicy::default() };
        assert_eq!(Reconnect::new(policy).next_delay(Instant::now(), 1.0), SECOND);
    }

    #[test]
    fn jitter_stays_in_the_second_half() {
        let now = Instant::now();
        assert_eq!(reconnect().next_delay(now, 0.0), SECOND / 2);
        assert_eq!(reconnect().next_delay(now, 7.0), SECOND);
        assert_eq!(reconnect().next_delay(now, f64::NAN.max(0.0)), SECOND / 2);
    }

    #[test]
    fn only_a_healthy_session_starts_over() {
        let (mut reconnect, start) = (reconnect(), Instant::now());
        reconnect.next_delay(start, 1.0);
        reconnect.whole(start);
        assert_eq!(reconnect.next_delay(start + 9 * SECOND, 1.0), 2 * SECOND, "it was whole for too short a time");
        reconnect.whole(start);
        assert_eq!(reconnect.next_delay(start + 10 * SECOND, 1.0), SECOND);
        assert_eq!(
            reconnect.next_delay(start + 60 * SECOND, 1.0),
            2 * SECOND,
            "time without a session counts for nothing"
        );
    }
}
