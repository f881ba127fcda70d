//! What can be asked of the sampler, and what it reports.

use std::time::Duration;

use super::shape::{ProcessMonitor, ProcessStats, StatsTick, Tick};
use crate::process::{Garbage, Inspection, ProcessError, ProcessInfo, Subject};
use crate::sync::ticket::Ticket;

/// A question with the number that its answer will carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SamplerRequest {
    /// Comes back with the answer.
    pub ticket: Ticket,
    /// What is asked.
    pub question: Question,
}

/// What can be asked about the target, or done to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// `get_process_stats`.
    Stats,
    /// `get_process_monitor`.
    Monitor,
    /// `get_process_info`.
    Info,
    /// Something that is not among the counters.
    Inspect(Subject),
    /// The newest ticks of the history.
    History {
        /// How many, at most.
        ticks: u32,
    },
    /// `get_cpu_affinity`.
    CpuAffinity,
    /// `set_cpu_affinity`, of all threads.
    SetCpuAffinity {
        /// Numbers of the machine's CPUs; not empty.
        cpus: Vec<u32>,
    },
    /// `trigger_gc`.
    CollectGarbage,
    /// `set_process_stats_monitoring`: the first [`Report::Stats`] of the new setting follows the answer at once.
    SetStatsMonitoring {
        /// Time between two reports; `None` or zero: no reports. Shorter than
        /// [`SHORTEST_INTERVAL`](super::SHORTEST_INTERVAL) counts as that.
        interval: Option<Duration>,
    },
}

/// The answer to a [`Question`].
#[derive(Clone, Debug)]
pub enum Answer {
    /// To [`Question::Stats`].
    Stats(ProcessStats),
    /// To [`Question::Monitor`].
    Monitor(ProcessMonitor),
    /// To [`Question::Info`].
    Info(ProcessInfo),
    /// To [`Question::Inspect`].
    Inspection(Inspection),
    /// To [`Question::History`]: the oldest first; empty without a history.
    History(Vec<Tick>),
    /// To [`Question::CpuAffinity`]: sorted.
    CpuAffinity(Vec<u32>),
    /// To [`Question::SetCpuAffinity`].
    CpuAffinitySet {
        /// The affinity in force now, sorted; fewer CPUs than asked for where a cpuset forbids some.
        affinity: Vec<u32>,
    },
    /// To [`Question::CollectGarbage`].
    Garbage(Garbage),
    /// To [`Question::SetStatsMonitoring`].
    StatsMonitoringSet {
        /// What is in force now; `None`: no reports.
        interval: Option<Duration>,
    },
}

/// What the sampler sends.
#[derive(Clone, Debug)]
pub enum Report {
    /// A request was dealt with. Each gets exactly one, in the order of the requests.
    Answered {
        /// The request's.
        ticket: Ticket,
        /// What came of it.
        result: Result<Answer, ProcessError>,
    },
    /// Periodic statistics: what `on_process_stats` publishes.
    Stats(StatsTick),
}
