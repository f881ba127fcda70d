//! A child's memory held against a limit.

use std::time::{Duration, Instant};

use crate::process::{ProcessError, Resident};

/// Time between two looks.
const INTERVAL: Duration = Duration::from_secs(1);

/// Looks at the resident memory of the child's process, the `resident` of `get_process_stats`, once a second. What its own
/// children use does not count: pages that they share would count twice.
#[derive(Debug)]
pub(super) struct MemoryWatch {
    resident: Resident,
    limit: u64,
    next: Instant,
}

impl MemoryWatch {
    pub fn of(pid: i32, limit: u64, now: Instant) -> Result<Self, ProcessError> {
        Ok(Self { resident: Resident::open(pid)?, limit, next: now + INTERVAL })
    }

    /// When to look again.
    pub const fn next(&self) -> Instant {
        self.next
    }

    /// How many bytes it may be.
    pub const fn limit(&self) -> u64 {
        self.limit
    }

    /// Looks, if it is time; how much it is, when that is too much.
    pub fn look(&mut self, now: Instant) -> Option<u64> {
        if now < self.next {
            return None;
        }
        self.next = now + INTERVAL;
        // That it has ended is learnt otherwise.
        self.resident.read().ok().filter(|resident| *resident > self.limit)
    }
}
