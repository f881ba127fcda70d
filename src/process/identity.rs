//! Who the target is: its id, when it started, which CPUs it was given.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

use super::error::ProcessError;
use crate::sync::clock::Timestamp;

/// What does not change while a process lives. Cheap to copy to other threads.
#[derive(Clone, Debug)]
pub struct Identity {
    pid: i32,
    /// Since boot, by `CLOCK_BOOTTIME`; whole clock ticks.
    start: Duration,
    started: Timestamp,
    cpus: Vec<u32>,
}

impl Identity {
    /// `start_ticks` is field 22 of `/proc/PID/stat`. The clocks are read here, once.
    pub(super) fn new(pid: i32, start_ticks: u64, cpus: Vec<u32>) -> Result<Self, ProcessError> {
        let start = ticks(start_ticks);
        // Fixed now: a later step of the wall clock must not move it.
        let started = Timestamp::now().minus(since_boot()?.saturating_sub(start));
        Ok(Self { pid, start, started, cpus })
    }

    /// Whether the other one is of the same process: it has its id and started in the same clock tick.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        (self.pid, self.start) == (other.pid, other.start)
    }

    /// The process id.
    #[must_use]
    pub const fn pid(&self) -> i32 {
        self.pid
    }

    /// When the process started, by the wall clock of the moment when we first saw the process; 10 ms precise.
    #[must_use]
    pub const fn started(&self) -> Timestamp {
        self.started
    }

    /// Time since the process started, by the clock since boot: no step of the wall clock touches it, and time that the
    /// machine was suspended counts.
    #[must_use]
    pub fn uptime(&self) -> Duration {
        // The clock was there when `new` read it.
        since_boot().map_or(Duration::ZERO, |now| now.saturating_sub(self.start))
    }

    /// The CPUs that the process was allowed when we first saw it, sorted.
    #[must_use]
    pub fn cpus(&self) -> &[u32] {
        &self.cpus
    }
}

/// Clock ticks (`sysconf(_SC_CLK_TCK)`) as time.
pub(super) fn ticks(count: u64) -> Duration {
    Duration::from_nanos(ticks_ns(count))
}

/// Clock ticks in ns: 584 years of them at most.
pub(super) fn ticks_ns(count: u64) -> u64 {
    const SECOND: u64 = 1_000_000_000;
    let per_second = procfs::ticks_per_second().max(1);
    // 100 nearly everywhere, so that a tick is a whole number of ns; 1,024 on some.
    match SECOND % per_second {
        0 => count.saturating_mul(SECOND / per_second),
        _ => (count / per_second).saturating_mul(SECOND).saturating_add((count % per_second) * SECOND / per_second),
    }
}

/// The clock that a process's start time is told in.
pub(super) fn since_boot() -> Result<Duration, ProcessError> {
    clock_gettime(ClockId::CLOCK_BOOTTIME)
        .map(Duration::from)
        .map_err(|errno| ProcessError::Os { what: "read the clock since boot".to_owned(), errno })
}
