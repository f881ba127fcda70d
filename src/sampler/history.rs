//! The ring of the newest ticks. Pure.

use std::collections::VecDeque;

use super::rates::Rates;
use super::shape::Tick;
use crate::process::Sample;

/// The newest ticks, as many as it was made for. Pushing allocates nothing.
#[derive(Debug)]
pub(super) struct History {
    ring: VecDeque<Sample>,
    capacity: usize,
}

impl History {
    /// Holds `ticks` of them, but at least the two that rates need.
    pub(super) fn new(ticks: u32) -> Self {
        let capacity = usize::try_from(ticks).unwrap_or(usize::MAX).max(2);
        Self { ring: VecDeque::with_capacity(capacity), capacity }
    }

    /// Adds the newest, and lets the oldest go when there is no room.
    pub(super) fn push(&mut self, sample: Sample) {
        if self.ring.len() >= self.capacity {
            self.ring.pop_front();
        }
        self.ring.push_back(sample);
    }

    /// Forgets all; the room stays.
    pub(super) fn clear(&mut self) {
        self.ring.clear();
    }

    /// The newest, as many as `most`, the oldest of them first; each with its rates since the one before it.
    pub(super) fn newest(&self, most: u32) -> Vec<Tick> {
        let skipped = self.ring.len().saturating_sub(usize::try_from(most).unwrap_or(usize::MAX));
        let before = skipped.checked_sub(1).and_then(|at| self.ring.get(at));
        let previous = std::iter::once(before).chain(self.ring.iter().skip(skipped).map(Some));
        let newest = self.ring.iter().skip(skipped).zip(previous);
        newest
            .map(|(sample, previous)| Tick::new(sample, previous.and_then(|old| Rates::between(old, sample))))
            .collect()
    }

    /// The rates between the two newest.
    pub(super) fn rates(&self) -> Option<Rates> {
        let newest = self.ring.len().checked_sub(1)?;
        Rates::between(self.ring.get(newest.checked_sub(1)?)?, self.ring.get(newest)?)
    }
}

#[cfg(test)]
mod tests {
    use super::super::made::sample;
    use super::*;
    use std::time::{Duration, Instant};

    #[test]
    fn the_newest_ticks_come_with_the_rates_between_them() {
        let mut history = History::new(10);
        assert!(history.newest(5).is_empty());
        let start = Instant::now();
        for second in 0..15_u32 {
            history.push(sample(start, Duration::from_secs(second.into()), u64::from(second * second)));
        }
        let reads = |ticks: Vec<Tick>| ticks.into_iter().map(|tick| tick.reads_per_sec).collect::<Vec<_>>();
        assert_eq!(reads(history.newest(3)), [Some(23), Some(25), Some(27)]);
        let all = reads(history.newest(u32::MAX));
        assert_eq!((all.len(), all[0], all[1]), (10, None, Some(11)), "the oldest that is held has none before it");
        assert!(history.newest(0).is_empty());
    }

    #[test]
    fn rates_are_of_the_two_newest_and_pushing_never_grows_it() {
        for ticks in [0, 1, 2, 3, 600] {
            let mut history = History::new(ticks);
            let room = history.ring.capacity();
            let start = Instant::now();
            let mut count = 0;
            for second in 0..2000 {
                count += second;
                history.push(sample(start, Duration::from_secs(second), count));
                let reads = history.rates().map(|rates| rates.per_second.read_ios_per_sec.unwrap());
                assert_eq!(reads, (second > 0).then(|| i64::try_from(second).unwrap()));
            }
            assert_eq!(history.ring.len(), usize::try_from(ticks.max(2)).unwrap());
            assert_eq!(history.ring.capacity(), room);
        }
    }
}
