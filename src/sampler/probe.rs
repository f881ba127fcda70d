//! The target as the sampler's thread sees it: readings, with the rates that go with them, and what can be done to it.

use std::time::{Duration, Instant};

use super::buckets::{ProcessHistory, Span, buckets};
use super::costly::{Aged, Costly};
use super::history::History;
use super::rates::Rates;
use super::schedule::Schedule;
use super::shape::{ProcessMonitor, ProcessStats, StatsTick};
use super::window::Window;
use super::{SHORTEST_INTERVAL, Settings};
use crate::process::{Garbage, ProcessError, ProcessInfo, ProcessMemory, Sample, Target};
use crate::sync::clock::{Now, Timestamp};
use crate::sync::wait::earlier;

/// What a [`Job`](super::Job) works with.
#[derive(Debug)]
pub struct Probe {
    target: Target,
    worker_type: String,
    /// `None` with a history of 0.
    sampling: Option<(Schedule, History)>,
    /// `None` while off.
    reporting: Option<Reporting>,
    /// Of the last periodic report.
    seq: u64,
    asked: Window,
    /// Whether [`Probe::monitor`] was asked for before.
    polled: bool,
    /// What was read in this turn. It answers all requests that waited when the turn began: none of them is older.
    fresh: Option<Sample>,
    /// The last walk over the page tables, of the process with that id and start.
    memory: Costly<(i32, Timestamp), ProcessMemory>,
}

#[derive(Debug)]
struct Reporting {
    schedule: Schedule,
    previous: Option<Sample>,
}

impl Probe {
    pub(super) fn new(target: Target, settings: Settings) -> Self {
        let sampling = (settings.history > 0)
            .then(|| (Schedule::new(Instant::now(), settings.interval), History::new(settings.history)));
        Self {
            target,
            worker_type: settings.worker_type,
            sampling,
            reporting: None,
            seq: 0,
            asked: Window::default(),
            polled: false,
            fresh: None,
            memory: Costly::default(),
        }
    }

    /// The target itself.
    pub const fn target(&mut self) -> &mut Target {
        &mut self.target
    }

    /// `get_process_stats`.
    ///
    /// # Errors
    /// When the target is gone or cannot be read.
    pub fn stats(&mut self) -> Result<ProcessStats, ProcessError> {
        let sample = self.sample()?;
        let rates = self.rates_or_since_start(&sample);
        Ok(self.stats_of(&sample, &rates))
    }

    /// `get_process_monitor`.
    ///
    /// # Errors
    /// When the target is gone or cannot be read.
    pub fn monitor(&mut self) -> Result<ProcessMonitor, ProcessError> {
        let sample = self.sample()?;
        let rates = self.rates_or_since_start(&sample);
        // Clients of Crossbar.io expect none in the first poll of all.
        let per_second = std::mem::replace(&mut self.polled, true).then_some(rates.per_second);
        let num_fds = self.target.count_descriptors();
        let pid = self.target.identity().pid();
        Ok(ProcessMonitor::new(&self.worker_type, pid, &sample, num_fds, per_second))
    }

    /// `get_process_info`.
    ///
    /// # Errors
    /// When the target is gone or cannot be read.
    pub fn info(&mut self) -> Result<ProcessInfo, ProcessError> {
        self.target.info()
    }

    /// `get_process_memory`: measured anew when the last answer is older than [`COST_FACTOR`](super::COST_FACTOR) times what it
    /// cost.
    ///
    /// # Errors
    /// When the target is gone or cannot be read.
    pub fn memory(&mut self) -> Result<Aged<ProcessMemory>, ProcessError> {
        let about = (self.target.identity().pid(), self.target.identity().started());
        let begun = Instant::now();
        if let Some(held) = self.memory.get(&about, begun) {
            return Ok(held);
        }
        let memory = self.target.memory()?;
        Ok(self.memory.put(about, memory, begun, Instant::now()))
    }

    /// Whether there is a history.
    #[must_use]
    pub const fn has_history(&self) -> bool {
        self.sampling.is_some()
    }

    /// `get_process_history`, from `window` before now; `None` without a history. A `resolution` of 0 counts as a ns.
    #[must_use]
    pub fn history(&self, window: Duration, resolution: Duration) -> Option<ProcessHistory> {
        let (schedule, history) = self.sampling.as_ref()?;
        let now = Now::read();
        let span = Span { now, origin: schedule.first(), window, resolution };
        Some(ProcessHistory {
            ts: now.wall,
            window: window.as_secs_f64(),
            resolution: resolution.as_secs_f64(),
            interval: schedule.interval().as_secs_f64(),
            buckets: buckets(history.samples(), &span),
        })
    }

    /// `trigger_gc`.
    ///
    /// # Errors
    /// When the target has no way to be asked.
    pub fn collect_garbage(&mut self) -> Result<Garbage, ProcessError> {
        // What was read before is not how things are after.
        self.fresh = None;
        self.target.collect_garbage()
    }

    /// `set_process_stats_monitoring`: reports every so often, the first at once, that is after the answer of the job that
    /// calls this; `None`: no reports. Shorter than [`SHORTEST_INTERVAL`] counts as that.
    pub fn report_every(&mut self, interval: Option<Duration>) {
        self.reporting = interval.filter(|interval| !interval.is_zero()).map(|interval| Reporting {
            schedule: Schedule::new(Instant::now(), interval.max(SHORTEST_INTERVAL)),
            previous: None,
        });
    }

    /// Forgets what was read: from now on a reading is a new one.
    pub(super) fn begin(&mut self) {
        self.fresh = None;
    }

    /// When [`Probe::tick`] has something to do.
    pub(super) fn next_tick(&self) -> Option<Instant> {
        let sampling = self.sampling.as_ref().map(|(schedule, _)| schedule.next());
        let reporting = self.reporting.as_ref().map(|reporting| reporting.schedule.next());
        earlier(sampling, reporting)
    }

    /// Does what is due; what is to be reported comes back.
    pub(super) fn tick(&mut self, now: Instant) -> Option<StatsTick> {
        if self.sampling.as_mut().is_some_and(|(schedule, _)| schedule.take(now)) {
            let sample = self.sample();
            match (sample, &mut self.sampling) {
                (Ok(sample), Some((_, history))) => history.push(sample),
                (Err(ProcessError::Gone { .. }), sampling) => *sampling = None,
                (Err(error), _) => log::debug!("a tick of the history is missing: {error}"),
                (Ok(_), None) => {}
            }
        }
        if !self.reporting.as_mut().is_some_and(|reporting| reporting.schedule.take(now)) {
            return None;
        }
        match self.sample() {
            Ok(sample) => return Some(self.periodic(&sample)),
            Err(ProcessError::Gone { .. }) => self.reporting = None,
            Err(error) => log::debug!("a periodic report is missing: {error}"),
        }
        None
    }

    fn periodic(&mut self, sample: &Sample) -> StatsTick {
        let previous = self.reporting.as_mut().and_then(|reporting| reporting.previous.replace(*sample));
        let rates = previous.and_then(|previous| Rates::between(&previous, sample));
        let rates = rates.unwrap_or_else(|| self.rates_or_since_start(sample));
        self.seq += 1;
        StatsTick { stats: self.stats_of(sample, &rates), seq: self.seq }
    }

    fn stats_of(&self, sample: &Sample, rates: &Rates) -> ProcessStats {
        let mem_percent = self.target.percent_of_memory(sample.resident);
        ProcessStats::new(self.target.identity().pid(), sample, rates.cpu_percent, mem_percent)
    }

    /// The rates that go with a reading that was asked for, by the rules of this module's root.
    fn rates(&mut self, sample: &Sample) -> Option<Rates> {
        let ticks = self.sampling.as_ref().and_then(|(_, history)| history.rates());
        ticks.or_else(|| self.asked.rates(sample))
    }

    fn rates_or_since_start(&mut self, sample: &Sample) -> Rates {
        self.rates(sample).unwrap_or_else(|| self.since_start(sample))
    }

    fn since_start(&self, sample: &Sample) -> Rates {
        Rates::since_start(self.target.identity().uptime(), sample)
    }

    fn sample(&mut self) -> Result<Sample, ProcessError> {
        match self.fresh {
            Some(sample) => Ok(sample),
            None => self.target.sample().inspect(|sample| self.fresh = Some(*sample)),
        }
    }
}
