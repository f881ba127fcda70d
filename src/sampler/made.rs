//! Made-up readings for the tests of what is pure.

use std::time::{Duration, Instant};

use crate::process::{Io, Sample, Status};
use crate::sync::clock::{Now, Timestamp};

/// A reading `at` after `start`, all of whose counters are `count` (times: that many ms).
pub(super) fn sample(start: Instant, at: Duration, count: u64) -> Sample {
    Sample {
        taken: Now { mono: start + at, wall: Timestamp::from_ns(1_795_334_845_801_000_000) },
        status: Status::Sleeping,
        voluntary: count,
        nonvoluntary: count,
        user_ns: count * 1_000_000,
        system_ns: count * 1_000_000,
        cpu_ns: count * 1_000_000,
        resident: 4096,
        virtual_size: 8192,
        threads: 2,
        io: Some(Io { reads: count, writes: count, read_bytes: count, write_bytes: count }),
    }
}
