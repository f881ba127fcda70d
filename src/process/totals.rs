//! What a process has used since it started, all its threads together.

use std::fs;

use nix::sys::resource::{UsageWho, getrusage};
use serde::Serialize;

use super::delay;
use super::error::ProcessError;
use super::identity::{Identity, ticks};
use super::{parse, threads, whole};
use crate::sync::clock::Timestamp;

/// Sums since the start of the process. Times are seconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ProcessTotals {
    /// When it was read.
    pub ts: Timestamp,
    /// When the process started.
    pub started: Timestamp,
    /// Number of threads now.
    pub threads: u64,
    /// CPU time in user mode; all threads, ended ones too. Whole clock ticks, like the next three.
    pub user: f64,
    /// CPU time in kernel mode; all threads, ended ones too.
    pub system: f64,
    /// CPU time in user mode of the children that it waited for, and theirs.
    pub children_user: f64,
    /// CPU time in kernel mode of the children that it waited for, and theirs.
    pub children_system: f64,
    /// Page faults that needed no storage; all threads, ended ones too.
    pub minor_faults: u64,
    /// Page faults that needed storage; all threads, ended ones too.
    pub major_faults: u64,
    /// Page faults that needed no storage, of the children that it waited for.
    pub children_minor_faults: u64,
    /// Page faults that needed storage, of the children that it waited for.
    pub children_major_faults: u64,
    /// Voluntary context switches of all threads; `None` with more than [`MOST_THREADS`].
    pub voluntary: Option<u64>,
    /// Involuntary context switches of all threads; `None` with more than [`MOST_THREADS`].
    pub nonvoluntary: Option<u64>,
    /// Whether these two have in them what threads did that have ended: yes for our own process (getrusage(2)); no for
    /// another one, of which only threads that live can be asked, so that the sums shrink when one ends.
    pub switches_of_ended_threads: bool,
    /// Time that threads were ready to run and waited for a CPU; those that live. `None` when the kernel does not count it
    /// (`CONFIG_SCHED_INFO`), and with more than [`MOST_THREADS`].
    pub run_queue_wait: Option<f64>,
    /// Time that threads waited for block I/O and for pages swapped out; those that live. `None` unless the kernel counts it
    /// (`kernel.task_delayacct`), and with more than [`MOST_THREADS`].
    pub io_wait: Option<f64>,
}

/// Threads that are asked one by one, at most: each costs some 25 µs.
pub const MOST_THREADS: usize = 4096;

/// What only each thread knows of itself, summed up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sums {
    voluntary: u64,
    nonvoluntary: u64,
    /// `None` when no thread tells.
    waited_ns: Option<u64>,
    io_ticks: u64,
}

pub(super) fn read(identity: &Identity) -> Result<ProcessTotals, ProcessError> {
    let pid = identity.pid();
    let path = format!("/proc/{pid}/stat");
    let stat = fs::read(&path).map_err(|error| ProcessError::os(format!("read {path}"), &error))?;
    let ts = Timestamp::now();
    let malformed = || ProcessError::Malformed { file: path.clone(), expected: "the fields of proc_pid_stat(5)" };
    let stat = whole::stat(&stat).ok_or_else(malformed)?;
    let seconds = |count| ticks(count).as_secs_f64();
    // The crate has some counters as signed numbers, which the kernel has not.
    let unsigned = |count: i64| u64::try_from(count).map_err(|_| malformed());
    let tids = threads::tids(pid)?;
    let sums = (tids.len() <= MOST_THREADS).then(|| sum_up(pid, &tids));
    let own = (pid == nix::unistd::Pid::this().as_raw()).then(own_switches).flatten();
    let switches = own.or(sums.map(|sums| (sums.voluntary, sums.nonvoluntary)));
    Ok(ProcessTotals {
        ts,
        started: identity.started(),
        threads: unsigned(stat.num_threads)?,
        user: seconds(stat.utime),
        system: seconds(stat.stime),
        children_user: seconds(unsigned(stat.cutime)?),
        children_system: seconds(unsigned(stat.cstime)?),
        minor_faults: stat.minflt,
        major_faults: stat.majflt,
        children_minor_faults: stat.cminflt,
        children_major_faults: stat.cmajflt,
        voluntary: switches.map(|(voluntary, _)| voluntary),
        nonvoluntary: switches.map(|(_, nonvoluntary)| nonvoluntary),
        switches_of_ended_threads: own.is_some(),
        run_queue_wait: sums.and_then(|sums| sums.waited_ns).map(|ns| ns as f64 / 1e9),
        io_wait: sums.and_then(|sums| delay::counted(sums.io_ticks)).map(|count| ticks(count).as_secs_f64()),
    })
}

/// A thread that ends meanwhile is passed over.
fn sum_up(pid: i32, tids: &[i32]) -> Sums {
    let mut sums = Sums::default();
    for tid in tids {
        let read = |name: &str| fs::read(format!("/proc/{pid}/task/{tid}/{name}")).unwrap_or_default();
        sums.add(&read("status"), &read("schedstat"), &read("stat"));
    }
    sums
}

impl Sums {
    fn add(&mut self, status: &[u8], schedstat: &[u8], stat: &[u8]) {
        // See `threads` for why this is the parser of the ticks.
        if let Some(status) = parse::status(status) {
            self.voluntary = self.voluntary.saturating_add(status.voluntary);
            self.nonvoluntary = self.nonvoluntary.saturating_add(status.nonvoluntary);
        }
        if let Some(scheduled) = whole::schedstat(schedstat) {
            self.waited_ns = Some(self.waited_ns.unwrap_or(0).saturating_add(scheduled.run_delay));
        }
        let delay = whole::stat(stat).and_then(|stat| stat.delayacct_blkio_ticks);
        self.io_ticks = self.io_ticks.saturating_add(delay.unwrap_or(0));
    }
}

/// The context switches of our own process, voluntary and involuntary, with those of threads that have ended.
fn own_switches() -> Option<(u64, u64)> {
    let usage = getrusage(UsageWho::RUSAGE_SELF).ok()?;
    // `c_long` is 32 bits wide on some targets.
    let count = |switches| u64::try_from(switches).ok();
    Some((count(usage.voluntary_context_switches())?, count(usage.involuntary_context_switches())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_threads_tell_is_summed_up_and_what_none_tells_is_unknown() {
        let status =
            b"Name:\ta\nState:\tS\nThreads:\t2\nvoluntary_ctxt_switches:\t150\nnonvoluntary_ctxt_switches:\t5\n";
        // Field n of the manual page is n.
        let stat = format!("7 (a) S {}", (4..=52).map(|number| number.to_string()).collect::<Vec<_>>().join(" "));
        let mut sums = Sums::default();
        sums.add(status, b"0 0 0\n", b"");
        assert_eq!(sums, Sums { voluntary: 150, nonvoluntary: 5, waited_ns: None, io_ticks: 0 });
        sums.add(status, b"9 70 1\n", stat.as_bytes());
        sums.add(b"", b"9 7 1\n", stat.as_bytes());
        sums.add(b"", b"", b"");
        assert_eq!(sums, Sums { voluntary: 300, nonvoluntary: 10, waited_ns: Some(77), io_ticks: 84 });
        let huge =
            b"Name:\ta\nState:\tS\nThreads:\t2\nvoluntary_ctxt_switches:\t18446744073709551615\nnonvoluntary_ctxt_switches:\t5\n";
        sums.add(huge, b"1 18446744073709551615 1\n", b"");
        assert_eq!((sums.voluntary, sums.waited_ns), (u64::MAX, Some(u64::MAX)));
    }
}
