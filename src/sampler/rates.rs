//! Rates between two readings, by the monotonic clock. Pure.

use std::time::Duration;

use serde::Serialize;

use crate::process::{Io, Sample};

/// What changed by how much in how long.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rates {
    /// CPU time by time, in percent of one CPU, one decimal.
    pub cpu_percent: f64,
    /// Everything else.
    pub per_second: PerSecond,
}

/// By how much each counter of [`ProcessMonitor`](super::ProcessMonitor) grows in a second, truncated toward zero; `None`
/// when the counter is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs)] // Each is named for its counter.
pub struct PerSecond {
    pub read_ios_per_sec: Option<i64>,
    pub write_ios_per_sec: Option<i64>,
    pub read_bytes_per_sec: Option<i64>,
    pub write_bytes_per_sec: Option<i64>,
    pub cpu_user_per_sec: i64,
    pub cpu_system_per_sec: i64,
    pub num_ctx_switches_voluntary_per_sec: i64,
    pub num_ctx_switches_involuntary_per_sec: i64,
}

/// A process's start time is told in clock ticks, so its age may be 0 when it is some ms.
const LEAST_AGE: Duration = Duration::from_millis(10);

impl Rates {
    /// Between two readings; `None` when `to` is not later than `from`.
    pub(super) fn between(from: &Sample, to: &Sample) -> Option<Self> {
        let elapsed = to.taken.mono.checked_duration_since(from.taken.mono)?;
        let old = Counters::of(from);
        (!elapsed.is_zero()).then(|| Self::over(elapsed, &old, &Counters::of(to)))
    }

    /// From the start of the process, `age` before the reading.
    pub(super) fn since_start(age: Duration, to: &Sample) -> Self {
        let new = Counters::of(to);
        let none = Io { reads: 0, writes: 0, read_bytes: 0, write_bytes: 0 };
        let old = Counters { io: new.io.map(|_| none), ..Counters::default() };
        Self::over(age.max(LEAST_AGE), &old, &new)
    }

    fn over(elapsed: Duration, old: &Counters, new: &Counters) -> Self {
        let ns = i128::try_from(elapsed.as_nanos()).unwrap_or(i128::MAX).max(1);
        let per_second = |old: u64, new: u64, unit_ns: i128| {
            let rate = (i128::from(new) - i128::from(old)) * unit_ns / ns;
            i64::try_from(rate).unwrap_or(if rate < 0 { i64::MIN } else { i64::MAX })
        };
        let count = |old, new| per_second(old, new, 1_000_000_000);
        let time = |old_ns, new_ns| per_second(old_ns, new_ns, 1);
        let io = |pick: fn(&Io) -> u64| Some(count(pick(&old.io?), pick(&new.io?)));
        let cpu_ns = new.cpu_ns.saturating_sub(old.cpu_ns);
        Self {
            cpu_percent: (cpu_ns as f64 * 1000.0 / ns as f64).round() / 10.0,
            per_second: PerSecond {
                read_ios_per_sec: io(|io| io.reads),
                write_ios_per_sec: io(|io| io.writes),
                read_bytes_per_sec: io(|io| io.read_bytes),
                write_bytes_per_sec: io(|io| io.write_bytes),
                cpu_user_per_sec: time(old.user_ns, new.user_ns),
                cpu_system_per_sec: time(old.system_ns, new.system_ns),
                num_ctx_switches_voluntary_per_sec: count(old.voluntary, new.voluntary),
                num_ctx_switches_involuntary_per_sec: count(old.nonvoluntary, new.nonvoluntary),
            },
        }
    }
}

/// What of a reading counts up from 0.
#[derive(Default)]
struct Counters {
    cpu_ns: u64,
    user_ns: u64,
    system_ns: u64,
    voluntary: u64,
    nonvoluntary: u64,
    io: Option<Io>,
}

impl Counters {
    fn of(sample: &Sample) -> Self {
        Self {
            cpu_ns: sample.cpu_ns,
            user_ns: sample.user_ns,
            system_ns: sample.system_ns,
            voluntary: sample.voluntary,
            nonvoluntary: sample.nonvoluntary,
            io: sample.io,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::made::sample;
    use super::*;
    use std::time::Instant;

    const MS: Duration = Duration::from_millis(1);

    fn rates(elapsed: Duration, from: u64, to: u64) -> Rates {
        let start = Instant::now();
        Rates::between(&sample(start, 5 * MS, from), &sample(start, 5 * MS + elapsed, to)).unwrap()
    }

    #[test]
    fn rates_are_truncated_toward_zero_and_percent_has_one_decimal() {
        let seen = rates(1500 * MS, 1000, 1001);
        assert_eq!((seen.per_second.read_ios_per_sec, seen.per_second.cpu_user_per_sec), (Some(0), 0));
        // 1 ms of CPU in 1.5 s are 0.0667 %.
        assert_eq!(seen.cpu_percent, 0.1);
        let seen = rates(300 * MS, 0, 1000);
        assert_eq!(seen.per_second.num_ctx_switches_voluntary_per_sec, 3333);
        assert_eq!((seen.per_second.write_bytes_per_sec, seen.per_second.cpu_system_per_sec), (Some(3333), 3));
        // More than one CPU was busy.
        assert_eq!(seen.cpu_percent, 333.3);
        // A counter that wrapped, as the kernel's 32-bit ones do.
        let seen = rates(300 * MS, 1000, 0);
        assert_eq!((seen.per_second.num_ctx_switches_involuntary_per_sec, seen.cpu_percent), (-3333, 0.0));
    }

    #[test]
    fn nothing_overflows_and_nothing_is_infinite() {
        let start = Instant::now();
        let mut huge = sample(start, Duration::from_nanos(1), 0);
        huge.cpu_ns = u64::MAX;
        huge.voluntary = u64::MAX;
        let seen = Rates::between(&sample(start, Duration::ZERO, 0), &huge).unwrap();
        assert!(seen.cpu_percent.is_finite());
        assert_eq!(seen.per_second.num_ctx_switches_voluntary_per_sec, i64::MAX);
        assert_eq!(Rates::between(&huge, &huge), None);
        assert_eq!(Rates::between(&huge, &sample(start, Duration::ZERO, 0)), None);
    }

    #[test]
    fn what_is_unknown_at_either_end_has_no_rate() {
        let start = Instant::now();
        let (from, mut to) = (sample(start, MS, 0), sample(start, 2 * MS, 9));
        to.io = None;
        for seen in [Rates::between(&from, &to).unwrap(), Rates::since_start(MS, &to)] {
            assert_eq!((seen.per_second.read_ios_per_sec, seen.per_second.write_bytes_per_sec), (None, None));
        }
        let seen = Rates::between(&to, &sample(start, 3 * MS, 9)).unwrap();
        assert_eq!((seen.per_second.read_bytes_per_sec, seen.per_second.cpu_user_per_sec), (None, 0));
    }

    #[test]
    fn since_the_start_of_a_process_that_is_younger_than_its_start_time_can_tell() {
        let to = sample(Instant::now(), MS, 5);
        assert_eq!(Rates::since_start(Duration::ZERO, &to).cpu_percent, 50.0);
        assert_eq!(Rates::since_start(20 * MS, &to).cpu_percent, 25.0);
        assert_eq!(Rates::since_start(20 * MS, &to).per_second.read_ios_per_sec, Some(250));
    }
}
