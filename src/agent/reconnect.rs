//! Which router to try next after a connection was refused or lost, and when: one after the other, then a wait that grows from
//! round to round, with jitter. Pure.
//!
//! What grows to minutes is the wait before a router that is there and turns us away, because an attempt costs it something.
//! Where nobody is, an attempt is one packet that nobody answers or the kernel does, so there the wait stays short, and a
//! router that comes back is found soon, however long it was away. The first attempt after a long healthy session waits for
//! nothing, since then it is most likely the connection that failed and not the router.

use std::time::{Duration, Instant};

/// How patiently to reconnect.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReconnectPolicy {
    /// The first wait.
    pub initial: Duration,
    /// What each further wait is multiplied by: 1 to 1000.
    pub factor: f64,
    /// The longest wait, of the first one too; at most a day.
    pub max: Duration,
    /// The longest wait while there is nobody: no connection could be made to any router, or no address found.
    pub absent: Duration,
    /// A session that was this long whole begins with the first wait again, and with one attempt before it.
    pub healthy: Duration,
}

impl Default for ReconnectPolicy {
    /// As Autobahn's, 1.5 s × 1.5 up to 300 s; 2 s while nobody is there; healthy after 5 s.
    fn default() -> Self {
        Self {
            initial: Duration::from_millis(1500),
            factor: 1.5,
            max: Duration::from_secs(300),
            absent: Duration::from_secs(2),
            healthy: Duration::from_secs(5),
        }
    }
}

/// What an attempt met with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Obstacle {
    /// Nobody: no connection could be made.
    Absence,
    /// Somebody, who did not let us in or let us down.
    Rejection,
}

/// The next attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// The number of the router to try, from 0.
    pub router: usize,
    /// How long to wait before.
    pub delay: Duration,
    /// Whether every router has failed since the last session or wait.
    pub begins_round: bool,
}

/// The state between attempts.
#[derive(Clone, Debug)]
pub struct Reconnect {
    policy: ReconnectPolicy,
    /// How many there are.
    routers: usize,
    /// The one that was tried last.
    router: usize,
    /// Attempts of this round that failed.
    failed: usize,
    /// The worst that those met with.
    worst: Obstacle,
    delay: Duration,
    whole_since: Option<Instant>,
}

impl Reconnect {
    /// Begins with the first of so many routers, at least one, and the first wait.
    #[must_use]
    pub fn new(policy: ReconnectPolicy, routers: usize) -> Self {
        // A wait that no clock can count to is as good as a day.
        let max = policy.max.min(Duration::from_secs(86_400));
        let factor = if policy.factor.is_finite() { policy.factor.clamp(1.0, 1000.0) } else { 1.0 };
        let policy = ReconnectPolicy { initial: policy.initial.min(max), factor, max, ..policy };
        Self {
            policy,
            routers: routers.max(1),
            router: 0,
            failed: 0,
            worst: Obstacle::Absence,
            delay: policy.initial,
            whole_since: None,
        }
    }

    /// The number of the router that is being tried, or that there is a session with.
    #[must_use]
    pub const fn router(&self) -> usize {
        self.router
    }

    /// The session is whole: joined, and everything registered.
    pub fn whole(&mut self, now: Instant) {
        self.whole_since = Some(now);
    }

    /// An attempt failed, or the connection was lost: what to do next. `chance` (0 to 1) spreads agents that lost the same
    /// router at the same moment over the second half of the wait.
    pub fn next(&mut self, met: Obstacle, now: Instant, chance: f64) -> Retry {
        let whole_for = self.whole_since.take().map(|since| now.saturating_duration_since(since));
        if whole_for.is_some_and(|time| time >= self.policy.healthy) {
            self.delay = self.policy.initial;
            self.begin_round();
            return Retry { router: self.router, delay: Duration::ZERO, begins_round: false };
        }
        self.failed += 1;
        self.worst = self.worst.max(met);
        self.router = (self.router + 1) % self.routers;
        if self.failed < self.routers {
            return Retry { router: self.router, delay: Duration::ZERO, begins_round: false };
        }
        let longest = match self.begin_round() {
            Obstacle::Absence => self.policy.absent.min(self.policy.max),
            Obstacle::Rejection => self.policy.max,
        };
        let whole = self.delay.min(longest);
        // What had grown by rejections stays, and what nobody rejected grows no further than the wait for nobody.
        self.delay = self.delay.max(whole.mul_f64(self.policy.factor).min(longest));
        Retry { router: self.router, delay: whole.mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0), begins_round: true }
    }

    /// Forgets what this round met with, which is the answer.
    fn begin_round(&mut self) -> Obstacle {
        self.failed = 0;
        std::mem::replace(&mut self.worst, Obstacle::Absence)
    }
}

#[cfg(test)]
mod tests {
    use super::Obstacle::{Absence, Rejection};
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const POLICY: ReconnectPolicy =
        ReconnectPolicy { initial: SECOND, factor: 2.0, max: Duration::from_secs(5), absent: SECOND, healthy: SECOND };

    fn waits(reconnect: &mut Reconnect, met: &[Obstacle]) -> Vec<f64> {
        let now = Instant::now();
        met.iter().map(|met| reconnect.next(*met, now, 1.0).delay.as_secs_f64()).collect()
    }

    #[test]
    fn waits_before_a_router_that_turns_us_away_grow_to_the_longest() {
        let mut reconnect = Reconnect::new(POLICY, 1);
        assert_eq!(waits(&mut reconnect, &[Rejection; 5]), [1.0, 2.0, 4.0, 5.0, 5.0]);
        let mut usual = Reconnect::new(ReconnectPolicy::default(), 1);
        let waits = waits(&mut usual, &[Rejection; 20]);
        assert_eq!(waits[..3], [1.5, 2.25, 3.375]);
        assert_eq!(waits[14..], [300.0; 6]);
    }

    #[test]
    fn a_router_that_comes_back_is_found_soon_however_long_it_was_away() {
        let (mut reconnect, start) = (Reconnect::new(ReconnectPolicy::default(), 1), Instant::now());
        reconnect.whole(start);
        let lost = start + 3600 * SECOND;
        let mut now = lost;
        let mut longest = Duration::ZERO;
        let first = reconnect.next(Rejection, now, 1.0);
        assert_eq!(first.delay, Duration::ZERO);
        while now < lost + 3600 * SECOND {
            let retry = reconnect.next(Absence, now, 1.0);
            longest = longest.max(retry.delay);
            now += retry.delay;
        }
        assert_eq!(longest, 2 * SECOND);
        // It is there, but turns us away while it starts: from here on the wait grows.
        assert_eq!(waits(&mut reconnect, &[Rejection; 3]), [2.0, 3.0, 4.5]);
    }

    #[test]
    fn absence_forgets_no_rejections() {
        let mut reconnect = Reconnect::new(POLICY, 1);
        assert_eq!(
            waits(&mut reconnect, &[Rejection, Rejection, Absence, Absence, Rejection]),
            [1.0, 2.0, 1.0, 1.0, 4.0]
        );
    }

    #[test]
    fn routers_are_tried_in_turn_and_only_a_whole_round_waits() {
        let (mut reconnect, now) = (Reconnect::new(POLICY, 3), Instant::now());
        let retries: Vec<_> = (0..7).map(|_| reconnect.next(Rejection, now, 1.0)).collect();
        let routers: Vec<_> = retries.iter().map(|retry| retry.router).collect();
        assert_eq!(routers, [1, 2, 0, 1, 2, 0, 1]);
        let delays: Vec<_> = retries.iter().map(|retry| retry.delay.as_secs()).collect();
        assert_eq!(delays, [0, 0, 1, 0, 0, 2, 0]);
        assert!(retries.iter().all(|retry| retry.begins_round == (retry.delay > Duration::ZERO)));
    }

    #[test]
    fn one_rejection_in_a_round_is_enough_to_grow() {
        let mut reconnect = Reconnect::new(POLICY, 2);
        assert_eq!(waits(&mut reconnect, &[Absence, Rejection, Absence, Absence]), [0.0, 1.0, 0.0, 1.0]);
        assert_eq!(waits(&mut reconnect, &[Rejection, Absence]), [0.0, 2.0]);
    }

    #[test]
    fn after_a_healthy_session_the_same_router_is_tried_at_once_and_only_once() {
        let (mut reconnect, start) = (Reconnect::new(POLICY, 2), Instant::now());
        for _ in 0..5 {
            reconnect.next(Rejection, start, 1.0);
        }
        assert_eq!(reconnect.router(), 1);
        reconnect.whole(start);
        let now = start + SECOND;
        let retry = reconnect.next(Rejection, now, 1.0);
        assert_eq!(retry, Retry { router: 1, delay: Duration::ZERO, begins_round: false });
        // The other has its turn, and then the first wait.
        assert_eq!(reconnect.next(Rejection, now, 1.0).router, 0);
        let retry = reconnect.next(Rejection, now + 60 * SECOND, 1.0);
        assert_eq!(retry, Retry { router: 1, delay: SECOND, begins_round: true });
    }

    #[test]
    fn a_session_that_was_whole_for_too_short_a_time_goes_on_with_the_waits() {
        let (mut reconnect, start) = (Reconnect::new(POLICY, 1), Instant::now());
        reconnect.next(Rejection, start, 1.0);
        reconnect.whole(start);
        assert_eq!(reconnect.next(Rejection, start + SECOND / 2, 1.0).delay, 2 * SECOND);
    }

    #[test]
    fn no_wait_is_longer_than_the_longest() {
        let policy = ReconnectPolicy { initial: 20 * SECOND, max: SECOND / 2, ..POLICY };
        for met in [Absence, Rejection] {
            assert_eq!(Reconnect::new(policy, 1).next(met, Instant::now(), 1.0).delay, SECOND / 2);
        }
        let policy = ReconnectPolicy { factor: f64::INFINITY, max: Duration::MAX, ..POLICY };
        assert_eq!(waits(&mut Reconnect::new(policy, 1), &[Rejection; 3]), [1.0; 3]);
    }

    #[test]
    fn jitter_stays_in_the_second_half() {
        let next = |chance| Reconnect::new(POLICY, 0).next(Rejection, Instant::now(), chance).delay;
        assert_eq!(next(0.0), SECOND / 2);
        assert_eq!(next(7.0), SECOND);
        assert_eq!(next(f64::NAN.max(0.0)), SECOND / 2);
    }
}
