//! What is told of a reading, keys and order as they go over the wire. Pure.

use serde::Serialize;

use super::rates::PerSecond;
use crate::process::{Sample, Status};
use crate::sync::clock::Timestamp;

/// What `get_process_stats` answers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ProcessStats {
    /// When it was read.
    pub ts: Timestamp,
    /// The same in ns since the Unix epoch.
    pub time: u64,
    /// The target's id.
    pub pid: i32,
    /// What its main thread was doing.
    pub status: Status,
    /// Voluntary context switches of the main thread.
    pub voluntary: u64,
    /// Involuntary context switches of the main thread.
    pub nonvoluntary: u64,
    /// CPU seconds in user mode.
    pub user: f64,
    /// CPU seconds in kernel mode.
    pub system: f64,
    /// Percent of one CPU, one decimal; may exceed 100.
    pub cpu_percent: f64,
    /// Resident bytes.
    pub resident: u64,
    /// Virtual bytes.
    #[serde(rename = "virtual")]
    pub virtual_size: u64,
    /// Resident memory in percent of the machine's.
    pub mem_percent: f64,
    /// Read system calls; `None` when the kernel does not tell us.
    pub reads: Option<u64>,
    /// Write system calls; `None` when the kernel does not tell us.
    pub writes: Option<u64>,
}

/// What `on_process_stats` publishes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StatsTick {
    /// The statistics.
    #[serde(flatten)]
    pub stats: ProcessStats,
    /// Counts these reports from 1, over all settings of the interval, as Crossbar.io does.
    pub seq: u64,
}

/// What `get_process_monitor` answers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ProcessMonitor {
    /// The type of worker.
    #[serde(rename = "type")]
    pub worker_type: String,
    /// The target's id.
    pub pid: i32,
    /// What its main thread was doing.
    pub status: Status,
    /// Number of open descriptors; `None` when the kernel does not tell us.
    pub num_fds: Option<u64>,
    /// Number of threads.
    pub num_threads: u64,
    /// Voluntary context switches of the main thread.
    pub num_ctx_switches_voluntary: u64,
    /// Involuntary context switches of the main thread.
    pub num_ctx_switches_involuntary: u64,
    /// Read system calls; this and the next three are `None` when the kernel does not tell us.
    pub read_ios: Option<u64>,
    /// Write system calls.
    pub write_ios: Option<u64>,
    /// Bytes read from storage.
    pub read_bytes: Option<u64>,
    /// Bytes written to storage.
    pub write_bytes: Option<u64>,
    /// CPU seconds in user mode.
    pub cpu_user: f64,
    /// CPU seconds in kernel mode.
    pub cpu_system: f64,
    /// The rates, in the same map; none while there is nothing to compare with.
    #[serde(flatten)]
    pub per_second: Option<PerSecond>,
}

impl ProcessStats {
    pub(super) fn new(pid: i32, sample: &Sample, cpu_percent: f64, mem_percent: f64) -> Self {
        Self {
            ts: sample.taken.wall,
            time: sample.taken.wall.ns(),
            pid,
            status: sample.status,
            voluntary: sample.voluntary,
            nonvoluntary: sample.nonvoluntary,
            user: seconds(sample.user_ns),
            system: seconds(sample.system_ns),
            cpu_percent,
            resident: sample.resident,
            virtual_size: sample.virtual_size,
            mem_percent,
            reads: sample.io.map(|io| io.reads),
            writes: sample.io.map(|io| io.writes),
        }
    }
}

impl ProcessMonitor {
    pub(super) fn new(
        worker_type: &str,
        pid: i32,
        sample: &Sample,
        num_fds: Option<u64>,
        per_second: Option<PerSecond>,
    ) -> Self {
        Self {
            worker_type: worker_type.to_owned(),
            pid,
            status: sample.status,
            num_fds,
            num_threads: sample.threads,
            num_ctx_switches_voluntary: sample.voluntary,
            num_ctx_switches_involuntary: sample.nonvoluntary,
            read_ios: sample.io.map(|io| io.reads),
            write_ios: sample.io.map(|io| io.writes),
            read_bytes: sample.io.map(|io| io.read_bytes),
            write_bytes: sample.io.map(|io| io.write_bytes),
            cpu_user: seconds(sample.user_ns),
            cpu_system: seconds(sample.system_ns),
            per_second,
        }
    }
}

fn seconds(ns: u64) -> f64 {
    ns as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use super::super::made::sample;
    use super::super::rates::Rates;
    use super::*;
    use std::time::{Duration, Instant};

    #[test]
    fn keys_in_the_order_that_clients_know() {
        let start = Instant::now();
        let mut reading = sample(start, Duration::from_secs(1), 1250);
        let stats = ProcessStats::new(17, &reading, 12.5, 0.25);
        let text = "{\"ts\":\"2026-11-22T08:07:25.801Z\",\"time\":1795334845801000000,\"pid\":17,\"status\":\"sleeping\",\
                    \"voluntary\":1250,\"nonvoluntary\":1250,\"user\":1.25,\"system\":1.25,\"cpu_percent\":12.5,\
                    \"resident\":4096,\"virtual\":8192,\"mem_percent\":0.25,\"reads\":1250,\"writes\":1250";
        assert_eq!(serde_json::to_string(&stats).unwrap(), format!("{text}}}"));
        let tick = StatsTick { stats, seq: 3 };
        assert_eq!(serde_json::to_string(&tick).unwrap(), format!("{text},\"seq\":3}}"));

        let text = "{\"type\":\"native\",\"pid\":17,\"status\":\"sleeping\",\"num_fds\":5,\"num_threads\":2,\
                    \"num_ctx_switches_voluntary\":1250,\"num_ctx_switches_involuntary\":1250,\"read_ios\":1250,\
                    \"write_ios\":1250,\"read_bytes\":1250,\"write_bytes\":1250,\"cpu_user\":1.25,\"cpu_system\":1.25";
        let monitor = ProcessMonitor::new("native", 17, &reading, Some(5), None);
        assert_eq!(serde_json::to_string(&monitor).unwrap(), format!("{text}}}"));
        let rates = Rates::between(&sample(start, Duration::ZERO, 250), &reading).unwrap();
        let monitor = ProcessMonitor::new("native", 17, &reading, Some(5), Some(rates.per_second));
        let rates = ",\"read_ios_per_sec\":1000,\"write_ios_per_sec\":1000,\"read_bytes_per_sec\":1000,\
                     \"write_bytes_per_sec\":1000,\"cpu_user_per_sec\":1,\"cpu_system_per_sec\":1,\
                     \"num_ctx_switches_voluntary_per_sec\":1000,\"num_ctx_switches_involuntary_per_sec\":1000}";
        assert_eq!(serde_json::to_string(&monitor).unwrap(), format!("{text}{rates}"));

        reading.io = None;
        let unknown = serde_json::to_string(&ProcessStats::new(17, &reading, 0.0, 0.0)).unwrap();
        assert!(unknown.ends_with("\"reads\":null,\"writes\":null}"), "{unknown}");
    }
}
