//! The history in buckets of equal length: the least, the mean and the greatest of each. Pure.

use std::time::{Duration, Instant};

use serde::Serialize;

use crate::process::Sample;
use crate::sync::clock::{Now, Timestamp};

/// What `get_process_history` answers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ProcessHistory {
    /// When it was asked for.
    pub ts: Timestamp,
    /// How far it goes back, s.
    pub window: f64,
    /// How long a bucket is, s.
    pub resolution: f64,
    /// The time between two samples, s.
    pub interval: f64,
    /// The oldest first, none from before the first sample that is held; the last one is still being filled.
    pub buckets: Vec<Bucket>,
}

/// What was measured in a span of time. A key is `None` where nothing was: without samples, and for the kernel's secrets.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Bucket {
    /// When it begins: by the monotonic clock, told as the present wall clock would, so that a step of the wall clock neither
    /// lets one out nor doubles it.
    pub ts: Timestamp,
    /// How many samples were taken.
    pub samples: u64,
    /// Percent of one CPU, one decimal. The mean of this and of the other rates is over the whole time between the sample
    /// before the bucket and the last one in it.
    pub cpu_percent: Option<Spread<f64>>,
    /// Resident bytes.
    pub resident: Option<Spread<u64>>,
    /// Virtual bytes.
    #[serde(rename = "virtual")]
    pub virtual_size: Option<Spread<u64>>,
    /// Number of threads.
    pub threads: Option<Spread<u64>>,
    /// Read system calls per second, three decimals.
    pub reads_per_sec: Option<Spread<f64>>,
    /// Write system calls per second, three decimals.
    pub writes_per_sec: Option<Spread<f64>>,
    /// Context switches of the main thread, of either kind, per second, three decimals.
    pub switches_per_sec: Option<Spread<f64>>,
}

/// The extremes and the mean.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread<T> {
    /// The least.
    pub min: T,
    /// The mean; of whole numbers rounded.
    pub avg: T,
    /// The greatest.
    pub max: T,
}

/// What is asked for. Buckets begin at whole multiples of the resolution after `origin`, so that the next call's are the same.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub now: Now,
    pub origin: Instant,
    pub window: Duration,
    pub resolution: Duration,
}

impl Span {
    /// The number of the bucket that a moment is in.
    fn bucket(&self, at: Instant) -> u64 {
        let since = at.saturating_duration_since(self.origin).as_nanos();
        u64::try_from(since / self.resolution.as_nanos().max(1)).unwrap_or(u64::MAX)
    }

    /// When a bucket begins.
    fn begin(&self, bucket: u64) -> Timestamp {
        let resolution = u64::try_from(self.resolution.as_nanos()).unwrap_or(u64::MAX);
        let begin = Duration::from_nanos(resolution.saturating_mul(bucket));
        let now = self.now.mono.saturating_duration_since(self.origin);
        self.now.wall.minus(now.saturating_sub(begin))
    }
}

/// The buckets that samples, the oldest first, fall into.
pub(super) fn buckets<'a>(samples: impl Iterator<Item = &'a Sample>, span: &Span) -> Vec<Bucket> {
    let last = span.bucket(span.now.mono);
    let count = span.window.as_nanos().div_ceil(span.resolution.as_nanos().max(1));
    let first = last.saturating_sub(u64::try_from(count).unwrap_or(u64::MAX).saturating_sub(1));
    let mut done = Vec::new();
    let mut open: Option<(u64, Sums)> = None;
    let mut previous: Option<&Sample> = None;
    for sample in samples {
        let number = span.bucket(sample.taken.mono);
        if number >= first && number <= last {
            let mut sums = match open.take() {
                Some((open, sums)) if open == number => sums,
                Some((open, sums)) => {
                    done.push(sums.bucket(span.begin(open)));
                    done.extend((open + 1..number).map(|empty| Sums::default().bucket(span.begin(empty))));
                    Sums::default()
                }
                None => Sums::default(),
            };
            sums.add(previous, sample);
            open = Some((number, sums));
        }
        previous = Some(sample);
    }
    if let Some((open, sums)) = open {
        done.push(sums.bucket(span.begin(open)));
        done.extend((open + 1..=last).map(|empty| Sums::default().bucket(span.begin(empty))));
    }
    done
}

/// A bucket that is being filled.
#[derive(Default)]
struct Sums {
    samples: u64,
    cpu: Flow,
    resident: Gauge,
    virtual_size: Gauge,
    threads: Gauge,
    reads: Flow,
    writes: Flow,
    switches: Flow,
}

impl Sums {
    fn add(&mut self, previous: Option<&Sample>, sample: &Sample) {
        self.samples += 1;
        self.resident.add(sample.resident);
        self.virtual_size.add(sample.virtual_size);
        self.threads.add(sample.threads);
        let Some(previous) = previous else { return };
        let seconds = sample.taken.mono.saturating_duration_since(previous.taken.mono).as_secs_f64();
        let switches = |sample: &Sample| sample.voluntary.saturating_add(sample.nonvoluntary);
        self.cpu.add(previous.cpu_ns, sample.cpu_ns, seconds);
        self.switches.add(switches(previous), switches(sample), seconds);
        if let Some((old, new)) = previous.io.zip(sample.io) {
            self.reads.add(old.reads, new.reads, seconds);
            self.writes.add(old.writes, new.writes, seconds);
        }
    }

    fn bucket(&self, ts: Timestamp) -> Bucket {
        Bucket {
            ts,
            samples: self.samples,
            // ns a second as percent.
            cpu_percent: self.cpu.spread(1e-7, 10.0),
            resident: self.resident.spread(),
            virtual_size: self.virtual_size.spread(),
            threads: self.threads.spread(),
            reads_per_sec: self.reads.spread(1.0, 1000.0),
            writes_per_sec: self.writes.spread(1.0, 1000.0),
            switches_per_sec: self.switches.spread(1.0, 1000.0),
        }
    }
}

/// Something that is so much at a moment.
#[derive(Default)]
struct Gauge {
    range: Option<(u64, u64)>,
    sum: u128,
    count: u128,
}

impl Gauge {
    fn add(&mut self, value: u64) {
        let (min, max) = self.range.unwrap_or((value, value));
        self.range = Some((min.min(value), max.max(value)));
        self.sum += u128::from(value);
        self.count += 1;
    }

    fn spread(&self) -> Option<Spread<u64>> {
        let (min, max) = self.range?;
        let avg = (self.sum + self.count / 2).checked_div(self.count)?;
        Some(Spread { min, avg: u64::try_from(avg).unwrap_or(max), max })
    }
}

/// A counter.
#[derive(Default)]
struct Flow {
    /// Of the rates.
    range: Option<(f64, f64)>,
    amount: f64,
    seconds: f64,
}

impl Flow {
    /// A counter that is less than before counts as standing still.
    fn add(&mut self, old: u64, new: u64, seconds: f64) {
        if seconds <= 0.0 {
            return;
        }
        let amount = new.saturating_sub(old) as f64;
        let rate = amount / seconds;
        let (min, max) = self.range.unwrap_or((rate, rate));
        self.range = Some((min.min(rate), max.max(rate)));
        self.amount += amount;
        self.seconds += seconds;
    }

    fn spread(&self, unit: f64, per_one: f64) -> Option<Spread<f64>> {
        let (min, max) = self.range?;
        let round = |rate: f64| (rate * unit * per_one).round() / per_one;
        Some(Spread { min: round(min), avg: round(self.amount / self.seconds), max: round(max) })
    }
}

#[cfg(test)]
mod tests {
    use super::super::made::sample;
    use super::*;

    const S: Duration = Duration::from_secs(1);
    const WALL: u64 = 1_795_334_845_801_000_000;

    fn span(origin: Instant, now: Duration, window: Duration, resolution: Duration) -> Span {
        Span { now: Now { mono: origin + now, wall: Timestamp::from_ns(WALL) }, origin, window, resolution }
    }

    #[test]
    fn the_mean_of_rates_is_over_time_and_of_gauges_over_samples() {
        let origin = Instant::now();
        // Counts of 0, 10, 20 at 0, 1 and 1.5 s, then 10 s of standing still.
        let mut samples = [sample(origin, Duration::ZERO, 0), sample(origin, S, 10), sample(origin, S * 3 / 2, 20)];
        samples[1].resident = 1000;
        samples[2].resident = 2001;
        let all = buckets(samples.iter(), &span(origin, S * 19 / 10, S, S));
        let reads = Spread { min: 10.0, avg: 13.333, max: 20.0 };
        assert_eq!((all.len(), all[0].samples, all[0].reads_per_sec), (1, 2, Some(reads)));
        assert_eq!(all[0].resident, Some(Spread { min: 1000, avg: 1501, max: 2001 }));
        // 10 ms of CPU in 1 s, then in half a second; both kinds of switches are one here.
        assert_eq!(all[0].cpu_percent, Some(Spread { min: 1.0, avg: 1.3, max: 2.0 }));
        assert_eq!(all[0].switches_per_sec.unwrap().max, 40.0);
        assert_eq!(all[0].ts, Timestamp::from_ns(WALL - 900_000_000));
    }

    #[test]
    fn gaps_are_empty_buckets_and_what_was_before_the_first_sample_is_none() {
        let origin = Instant::now();
        let samples = [sample(origin, S * 5, 0), sample(origin, S * 6, 10), sample(origin, S * 9, 40)];
        let all = buckets(samples.iter(), &span(origin, S * 11, S * 60, S));
        assert_eq!(all.iter().map(|bucket| bucket.samples).collect::<Vec<_>>(), [1, 1, 0, 0, 1, 0, 0]);
        assert_eq!((all[0].cpu_percent, all[2].resident), (None, None));
        // The three seconds of the gap are the last sample's.
        assert_eq!(all[4].reads_per_sec.unwrap(), Spread { min: 10.0, avg: 10.0, max: 10.0 });
        assert!(all.windows(2).all(|pair| pair[1].ts.ns() - pair[0].ts.ns() == 1_000_000_000));
        assert!(buckets([].iter(), &span(origin, S, S, S)).is_empty());
    }

    #[test]
    fn the_window_counts_back_from_now_and_buckets_stay_where_they_are() {
        let origin = Instant::now();
        let samples: Vec<_> = (0..600_u32).map(|second| sample(origin, S * second, u64::from(second))).collect();
        let at = |now: Duration| buckets(samples.iter(), &span(origin, now, S * 60, S * 10));
        let (early, late) = (at(S * 595), at(S * 598));
        assert_eq!(early.len(), 6);
        assert_eq!(early.iter().map(|bucket| bucket.samples).collect::<Vec<_>>(), [10; 6]);
        // The wall clock stands at the same in both, so the same bucket began so much earlier.
        assert_eq!(early[0].ts.ns() - late[0].ts.ns(), 3_000_000_000);
        assert_eq!((early[0].samples, early[0].resident), (late[0].samples, late[0].resident));
    }

    #[test]
    fn a_step_of_the_wall_clock_moves_no_sample() {
        let origin = Instant::now();
        let mut samples: Vec<_> = (0..10_u32).map(|second| sample(origin, S * second, u64::from(second))).collect();
        for sample in &mut samples[5..] {
            sample.taken.wall = Timestamp::from_ns(0);
        }
        let all = buckets(samples.iter(), &span(origin, S * 19 / 2, S * 10, S));
        assert_eq!(all.iter().map(|bucket| bucket.samples).collect::<Vec<_>>(), [1; 10]);
    }

    #[test]
    fn nothing_overflows_and_what_is_unknown_is_none() {
        let origin = Instant::now();
        let mut samples = [sample(origin, S, 0), sample(origin, S, 5), sample(origin, S + Duration::from_nanos(1), 0)];
        samples[2].cpu_ns = u64::MAX;
        samples[2].io = None;
        for sample in &mut samples {
            (sample.resident, sample.voluntary) = (u64::MAX, u64::MAX);
        }
        let bucket = &buckets(samples.iter(), &span(origin, S, S * u32::MAX, Duration::from_nanos(1)))[0];
        assert_eq!(bucket.resident, Some(Spread { min: u64::MAX, avg: u64::MAX, max: u64::MAX }));
        let all = buckets(samples.iter(), &span(origin, S * 2, S * 4, S * 4));
        assert_eq!((all[0].reads_per_sec, all[0].samples), (None, 3));
        assert!(all[0].cpu_percent.unwrap().max.is_finite());
        assert_eq!(all[0].switches_per_sec.unwrap().max, 0.0);
    }
}
