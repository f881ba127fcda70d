//! Whether a child that has ended is started again, and when. Pure: time comes in as an argument.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Which ends are followed by another start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RestartPolicy {
    /// None.
    #[default]
    Never,
    /// An exit code other than 0, or a signal.
    OnFailure,
    /// Every one that nobody asked for.
    Always,
}

/// At most so many restarts in so much time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestartLimit {
    /// How many; at most [`MOST_RESTARTS`].
    pub restarts: u32,
    /// In any time of this length.
    pub window: Duration,
}

/// The most restarts that a limit can count.
pub const MOST_RESTARTS: u32 = 1000;

/// How a child is restarted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestartRule {
    /// After which ends.
    pub policy: RestartPolicy,
    /// Time between an end and the first restart; it doubles with each further one up to [`LONGEST_DELAY`].
    pub delay: Duration,
    /// When to give up.
    pub limit: Option<RestartLimit>,
}

/// The longest time between an end and the next start (unless the first was configured longer).
pub const LONGEST_DELAY: Duration = Duration::from_secs(30);

/// A child that ran for so long is well: the delay begins anew.
pub const HEALTHY: Duration = Duration::from_secs(10);

impl Default for RestartRule {
    fn default() -> Self {
        Self { policy: RestartPolicy::Never, delay: Duration::from_millis(500), limit: None }
    }
}

/// How a child came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Exit code 0.
    Success,
    /// Another exit code, a signal, or it could not be started.
    Failure,
    /// It was ended because it took too much memory; this is restarted under every policy.
    OverLimit,
}

/// What follows an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A start, at this time.
    RestartAt(Instant),
    /// Nothing: the policy wants it so.
    Rest,
    /// Nothing: there were more restarts than the limit allows.
    GiveUp(RestartLimit),
}

/// Remembers the restarts of a child.
#[derive(Clone, Debug)]
pub struct Restarts {
    rule: RestartRule,
    next_delay: Duration,
    /// When the restarts that the limit counts were; at most as many as that allows.
    recent: VecDeque<Instant>,
}

impl Restarts {
    /// None so far.
    #[must_use]
    pub const fn new(rule: RestartRule) -> Self {
        Self { rule, next_delay: rule.delay, recent: VecDeque::new() }
    }

    /// The child has ended after it ran for `lifetime`.
    pub fn ended(&mut self, ending: Ending, lifetime: Duration, now: Instant) -> Verdict {
        let wanted = match (self.rule.policy, ending) {
            (_, Ending::OverLimit) | (RestartPolicy::Always, _) | (RestartPolicy::OnFailure, Ending::Failure) => true,
            (RestartPolicy::Never, _) | (RestartPolicy::OnFailure, Ending::Success) => false,
        };
        if !wanted {
            return Verdict::Rest;
        }
        if lifetime >= HEALTHY {
            self.next_delay = self.rule.delay;
        }
        let at = now + self.next_delay;
        if let Some(limit) = self.rule.limit {
            // What is older than the window by the time of the restart does not count any more.
            while self.recent.front().is_some_and(|restart| at.saturating_duration_since(*restart) >= limit.window) {
                self.recent.pop_front();
            }
            if self.recent.len() as u64 >= u64::from(limit.restarts) {
                return Verdict::GiveUp(limit);
            }
            self.recent.push_back(at);
        }
        self.next_delay = (self.next_delay * 2).min(LONGEST_DELAY.max(self.rule.delay));
        Verdict::RestartAt(at)
    }

    /// Somebody started the child by hand: what was before counts no more.
    pub fn forget(&mut self) {
        self.next_delay = self.rule.delay;
        self.recent.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(policy: RestartPolicy, limit: Option<RestartLimit>) -> Restarts {
        Restarts::new(RestartRule { policy, limit, ..RestartRule::default() })
    }

    /// Seconds until the restart.
    fn delay(verdict: Verdict, now: Instant) -> Option<f64> {
        match verdict {
            Verdict::RestartAt(at) => Some((at - now).as_secs_f64()),
            Verdict::Rest | Verdict::GiveUp(_) => None,
        }
    }

    #[test]
    fn each_policy_restarts_after_its_ends() {
        use Ending::{Failure, OverLimit, Success};
        use RestartPolicy::{Always, Never, OnFailure};
        for (policy, ending, expected) in [
            (Never, Success, false),
            (Never, Failure, false),
            (Never, OverLimit, true),
            (OnFailure, Success, false),
            (OnFailure, Failure, true),
            (OnFailure, OverLimit, true),
            (Always, Success, true),
            (Always, Failure, true),
        ] {
            let now = Instant::now();
            let verdict = rule(policy, None).ended(ending, Duration::ZERO, now);
            assert_eq!(delay(verdict, now).is_some(), expected, "{policy:?} {ending:?}");
        }
    }

    #[test]
    fn the_delay_doubles_to_half_a_minute_and_begins_anew_after_a_healthy_time() {
        let (mut restarts, now) = (rule(RestartPolicy::Always, None), Instant::now());
        let mut next =
            |lifetime| delay(restarts.ended(Ending::Failure, Duration::from_secs_f64(lifetime), now), now).unwrap();
        let delays: Vec<f64> = (0..8).map(|_| next(9.9)).collect();
        assert_eq!(delays, [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]);
        assert_eq!(next(10.0), 0.5);
        assert_eq!(next(0.0), 1.0);
    }

    #[test]
    fn a_longer_first_delay_stays_as_it_is() {
        let rule = RestartRule { policy: RestartPolicy::Always, delay: Duration::from_secs(60), limit: None };
        let (mut restarts, now) = (Restarts::new(rule), Instant::now());
        for _ in 0..3 {
            assert_eq!(delay(restarts.ended(Ending::Failure, Duration::ZERO, now), now), Some(60.0));
        }
    }

    #[test]
    fn it_gives_up_when_there_were_too_many_in_the_window_and_not_when_they_are_spread() {
        let limit = RestartLimit { restarts: 3, window: Duration::from_secs(60) };
        let (mut restarts, start) = (rule(RestartPolicy::OnFailure, Some(limit)), Instant::now());
        for _ in 0..3 {
            assert!(delay(restarts.ended(Ending::Failure, Duration::ZERO, start), start).is_some());
        }
        assert_eq!(restarts.ended(Ending::Failure, Duration::ZERO, start), Verdict::GiveUp(limit));
        restarts.forget();
        assert_eq!(delay(restarts.ended(Ending::Failure, Duration::ZERO, start), start), Some(0.5));

        let (mut restarts, mut now) = (rule(RestartPolicy::OnFailure, Some(limit)), start);
        for _ in 0..100 {
            now += Duration::from_secs(21);
            assert!(delay(restarts.ended(Ending::Failure, Duration::from_secs(20), now), now).is_some());
        }
    }
}
