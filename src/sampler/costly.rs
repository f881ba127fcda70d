//! Answers that cost much are given again while they are young. Pure.

use std::time::{Duration, Instant};

use serde::Serialize;

/// How often an answer's cost must fit into its age before it is measured anew: so whoever asks, and however often, measuring
/// takes at most a hundredth of a CPU.
pub const COST_FACTOR: u32 = 100;

/// An answer with its age.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Aged<T> {
    /// The answer.
    #[serde(flatten)]
    pub value: T,
    /// Seconds since it was measured. An answer is given again while it is younger than [`COST_FACTOR`] times the time that
    /// measuring it took.
    pub age: f64,
}

/// The last answer about something, what it was about, and how long it took.
#[derive(Debug)]
pub(super) struct Costly<K, T> {
    held: Option<Held<K, T>>,
}

#[derive(Debug)]
struct Held<K, T> {
    about: K,
    value: T,
    measured: Instant,
    cost: Duration,
}

impl<K, T> Default for Costly<K, T> {
    fn default() -> Self {
        Self { held: None }
    }
}

impl<K: PartialEq, T: Clone> Costly<K, T> {
    /// The answer about the same, if it is young enough at `now`.
    pub(super) fn get(&self, about: &K, now: Instant) -> Option<Aged<T>> {
        let held = self.held.as_ref().filter(|held| held.about == *about)?;
        let age = now.saturating_duration_since(held.measured);
        (age < held.cost.saturating_mul(COST_FACTOR))
            .then(|| Aged { value: held.value.clone(), age: age.as_secs_f64() })
    }

    /// Holds an answer that was measured from `begun` to `ended`.
    pub(super) fn put(&mut self, about: K, value: T, begun: Instant, ended: Instant) -> Aged<T> {
        let cost = ended.saturating_duration_since(begun);
        self.held = Some(Held { about, value: value.clone(), measured: ended, cost });
        Aged { value, age: 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn an_answer_is_given_again_for_a_hundred_times_its_cost() {
        let mut costly = Costly::default();
        let start = Instant::now();
        assert_eq!(costly.get(&17, start), None);
        let first = costly.put(17, "walked", start, start + 7 * MS);
        assert_eq!(first, Aged { value: "walked", age: 0.0 });
        let ended = start + 7 * MS;
        assert_eq!(costly.get(&17, ended + 500 * MS), Some(Aged { value: "walked", age: 0.5 }));
        assert_eq!(costly.get(&17, ended + 699 * MS).map(|aged| aged.value), Some("walked"));
        assert_eq!(costly.get(&17, ended + 700 * MS), None);
        assert_eq!(costly.get(&18, ended), None, "about another process");
        // A clock that went back, which it never does, makes nothing older.
        assert_eq!(costly.get(&17, start).map(|aged| aged.age), Some(0.0));
    }

    #[test]
    fn what_costs_nothing_is_always_new() {
        let mut costly = Costly::default();
        let now = Instant::now();
        costly.put(1, 2, now, now);
        assert_eq!(costly.get(&1, now), None);
    }
}
