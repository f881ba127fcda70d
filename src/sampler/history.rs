//! The ring of the newest ticks. Pure.

use std::collections::VecDeque;

use super::rates::Rates;
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

    /// The rates between the two newest.
    pub(super) fn rates(&self) -> Option<Rates> {
        let newest = self.ring.len().checked_sub(1)?;
        Rates::between(self.ring.get(newest.checked_sub(1)?)?, self.ring.get(newest)?)
    }
}
