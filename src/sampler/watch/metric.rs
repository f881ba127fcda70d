//! What can be watched: a table, an entry a metric. Pure.

use std::fmt;
use std::time::Duration;

use super::super::rates::Rates;
use crate::process::{Pressure, Sample};

/// A quantity that can be watched.
pub struct Metric {
    /// Its name in a rule.
    pub name: &'static str,
    /// In what it is counted; `None` for a plain number.
    pub unit: Option<&'static str>,
    /// What it is.
    pub doc: &'static str,
    pub(super) source: Source,
}

/// Where a metric's values come from.
pub(super) enum Source {
    /// Each tick's reading; `None` when it is not known.
    Tick(fn(&Reading) -> Option<f64>),
    /// The same, but only read when somebody watches it.
    Descriptors,
    /// The kernel, which tells when a threshold was exceeded.
    Kernel(Pressure),
}

/// What one tick knows about the target.
pub(in crate::sampler) struct Reading {
    /// The counters.
    pub sample: Sample,
    /// How they grew since the tick before; `None` for the first.
    pub rates: Option<Rates>,
    /// Resident memory in percent of the machine's.
    pub mem_percent: f64,
    /// Time since the target started.
    pub uptime: Duration,
    /// Number of open descriptors; `None` when nobody wants to know, or the kernel does not tell us.
    pub num_fds: Option<u64>,
}

macro_rules! metrics {
    ($($name:literal, $unit:expr, $doc:literal, $source:expr;)*) => {
        &[$(Metric { name: $name, unit: $unit, doc: $doc, source: $source },)*]
    };
}

const PERCENT: Option<&str> = Some("%");
const BYTES: Option<&str> = Some("bytes");
const PER_SECOND: Option<&str> = Some("1/s");
const BYTES_PER_SECOND: Option<&str> = Some("bytes/s");

/// All metrics, in the order of the documentation.
pub const METRICS: &[Metric] = metrics! {
    "cpu_percent", PERCENT, "CPU time since the tick before, of one CPU; may exceed 100",
        Source::Tick(|tick| Some(tick.rates?.cpu_percent));
    "mem_percent", PERCENT, "resident memory, of the machine's", Source::Tick(|tick| Some(tick.mem_percent));
    "resident", BYTES, "resident memory", Source::Tick(|tick| Some(tick.sample.resident as f64));
    "virtual", BYTES, "virtual memory", Source::Tick(|tick| Some(tick.sample.virtual_size as f64));
    "threads", None, "number of threads", Source::Tick(|tick| Some(tick.sample.threads as f64));
    "num_fds", None, "number of open descriptors", Source::Descriptors;
    "uptime", Some("s"), "time since the process started", Source::Tick(|tick| Some(tick.uptime.as_secs_f64()));
    "reads_per_sec", PER_SECOND, "read system calls",
        Source::Tick(|tick| Some(tick.rates?.per_second.read_ios_per_sec? as f64));
    "writes_per_sec", PER_SECOND, "write system calls",
        Source::Tick(|tick| Some(tick.rates?.per_second.write_ios_per_sec? as f64));
    "read_bytes_per_sec", BYTES_PER_SECOND, "bytes read from storage",
        Source::Tick(|tick| Some(tick.rates?.per_second.read_bytes_per_sec? as f64));
    "write_bytes_per_sec", BYTES_PER_SECOND, "bytes written to storage",
        Source::Tick(|tick| Some(tick.rates?.per_second.write_bytes_per_sec? as f64));
    "voluntary_per_sec", PER_SECOND, "voluntary context switches of the main thread",
        Source::Tick(|tick| Some(tick.rates?.per_second.num_ctx_switches_voluntary_per_sec as f64));
    "nonvoluntary_per_sec", PER_SECOND, "involuntary context switches of the main thread",
        Source::Tick(|tick| Some(tick.rates?.per_second.num_ctx_switches_involuntary_per_sec as f64));
    "psi.cpu.some", PERCENT, "of 2 s, in which some task of the machine waited for a CPU",
        Source::Kernel(Pressure::CpuSome);
    "psi.memory.some", PERCENT, "of 2 s, in which some task of the machine waited for memory",
        Source::Kernel(Pressure::MemorySome);
    "psi.memory.full", PERCENT, "of 2 s, in which all tasks of the machine that had something to do waited for memory",
        Source::Kernel(Pressure::MemoryFull);
    "psi.io.some", PERCENT, "of 2 s, in which some task of the machine waited for input or output",
        Source::Kernel(Pressure::IoSome);
    "psi.io.full", PERCENT, "of 2 s, in which all tasks of the machine that had something to do waited for input or output",
        Source::Kernel(Pressure::IoFull);
};

impl Metric {
    /// The metric of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        METRICS.iter().find(|metric| metric.name == name)
    }

    /// What the kernel is asked to tell, for those that it tells itself.
    #[must_use]
    pub const fn pressure(&self) -> Option<Pressure> {
        match self.source {
            Source::Kernel(pressure) => Some(pressure),
            Source::Tick(_) | Source::Descriptors => None,
        }
    }

    /// Its value at a tick; `None` when it is not known then.
    pub(super) fn value(&self, tick: &Reading) -> Option<f64> {
        match self.source {
            Source::Tick(value) => value(tick),
            Source::Descriptors => tick.num_fds.map(|count| count as f64),
            Source::Kernel(_) => None,
        }
    }
}

impl PartialEq for Metric {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl fmt::Debug for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::made::sample;
    use super::*;
    use std::time::Instant;

    #[test]
    fn every_metric_has_its_value_at_a_tick_or_comes_from_the_kernel() {
        let start = Instant::now();
        let second = Duration::from_secs(1);
        let (from, mut to) = (sample(start, Duration::ZERO, 0), sample(start, second, 100));
        let io = to.io.as_mut().unwrap();
        (io.writes, io.read_bytes, io.write_bytes) = (200, 300, 400);
        (to.voluntary, to.nonvoluntary) = (500, 600);
        let rates = Rates::between(&from, &to);
        let mut tick = Reading { sample: to, rates, mem_percent: 0.5, uptime: 90 * second, num_fds: Some(7) };
        let values = |tick: &Reading| METRICS.iter().map(|metric| metric.value(tick)).collect::<Vec<_>>();
        let known = [10.0, 0.5, 4096.0, 8192.0, 2.0, 7.0, 90.0, 100.0, 200.0, 300.0, 400.0, 500.0, 600.0];
        let expected: Vec<_> = known.map(Some).into_iter().chain([None; 5]).collect();
        assert_eq!(values(&tick), expected);

        (tick.rates, tick.num_fds) = (None, None);
        let unknown: Vec<_> = METRICS.iter().filter(|metric| metric.value(&tick).is_none()).collect();
        assert_eq!(unknown.len(), 13, "{unknown:?}");
        assert!(METRICS.iter().all(|metric| metric.value(&tick).is_none() || metric.pressure().is_none()));
    }

    #[test]
    fn names_are_unique() {
        for (at, metric) in METRICS.iter().enumerate() {
            assert_eq!(METRICS.iter().position(|other| other == metric), Some(at));
            assert_eq!(Metric::named(metric.name), Some(metric));
        }
        assert_eq!(Metric::named("psi.cpu.full"), None, "it is always 0");
    }
}
