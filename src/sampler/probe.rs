//! The target as the sampler's thread sees it: readings, with the rates that go with them, and what can be done to it.

use std::time::{Duration, Instant};

use super::buckets::{ProcessHistory, Span, buckets};
use super::costly::{Aged, Costly};
use super::history::History;
use super::rates::Rates;
use super::schedule::Schedule;
use super::shape::{ProcessMonitor, ProcessStats, StatsTick};
use super::watch::Lookout;
use super::window::Window;
use super::{SHORTEST_INTERVAL, Settings};
use crate::process::{Garbage, ProcessError, ProcessInfo, ProcessMemory, Sample, Signal, Target};
use crate::sync::clock::{Now, Timestamp};
use crate::sync::wait::earlier;

/// What a [`Job`](super::Job) works with.
#[derive(Debug)]
pub struct Probe {
    /// Or the reason why there is none.
    target: Result<Target, ProcessError>,
    worker_type: String,
    interval: Duration,
    /// `None` with a history of 0.
    sampling: Option<(Schedule, History)>,
    /// `None` while off.
    reporting: Option<Reporting>,
    /// Of the last periodic report.
    seq: u64,
    watches: Lookout,
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
    interval: Duration,
    schedule: Schedule,
    previous: Option<Sample>,
}

impl Reporting {
    fn new(interval: Duration) -> Self {
        Self { interval, schedule: Schedule::new(Instant::now(), interval), previous: None }
    }
}

impl Probe {
    pub(super) fn new(target: Result<Target, ProcessError>, settings: Settings, watches: Lookout) -> Self {
        let sampling = (settings.history > 0)
            .then(|| (Schedule::new(Instant::now(), settings.interval), History::new(settings.history)));
        Self {
            target,
            worker_type: settings.worker_type,
            interval: settings.interval,
            sampling,
            reporting: None,
            seq: 0,
            watches,
            asked: Window::default(),
            polled: false,
            fresh: None,
            memory: Costly::default(),
        }
    }

    /// The target itself.
    ///
    /// # Errors
    /// The reason, while there is none.
    pub fn target(&mut self) -> Result<&mut Target, ProcessError> {
        self.target.as_mut().map_err(|reason| reason.clone())
    }

    /// Goes over to another target: nothing that was measured before is compared with it.
    pub(super) fn attach(&mut self, target: Target) {
        self.target = Ok(target);
        self.fresh = None;
        self.watches.target_ended();
        self.asked = Window::default();
        self.polled = false;
        if let Some((schedule, history)) = &mut self.sampling {
            *schedule = Schedule::new(Instant::now(), self.interval);
            history.clear();
        }
        if let Some(reporting) = &mut self.reporting {
            *reporting = Reporting::new(reporting.interval);
        }
    }

    /// There is no target any more, for this reason. What was measured of it can be read until there is another.
    pub(super) fn detach(&mut self, reason: ProcessError) {
        self.target = Err(reason);
        self.fresh = None;
        self.watches.target_ended();
    }

    /// What watches over the target.
    pub const fn watches(&mut self) -> &mut Lookout {
        &mut self.watches
    }

    /// `get_process_stats`.
    ///
    /// # Errors
    /// When the target is gone or cannot be read.
    pub fn stats(&mut self) -> Result<ProcessStats, ProcessError> {
        let sample = self.sample()?;
        let rates = self.rates_or_since_start(&sample)?;
        self.stats_of(&sample, &rates)
    }

    /// `get_process_monitor`.
    ///
    /// # Errors
    /// When the target is gone or cannot be read.
    pub fn monitor(&mut self) -> Result<ProcessMonitor, ProcessError> {
        let sample = self.sample()?;
        let rates = self.rates_or_since_start(&sample)?;
        // Clients of Crossbar.io expect none in the first poll of all.
        let per_second = std::mem::replace(&mut self.polled, true).then_some(rates.per_second);
        let target = self.target()?;
        let (num_fds, pid) = (target.count_descriptors(), target.identity().pid());
        Ok(ProcessMonitor::new(&self.worker_type, pid, &sample, num_fds, per_second))
    }

    /// `get_process_info`.
    ///
    /// # Errors
    /// When the target is gone or cannot be read.
    pub fn info(&mut self) -> Result<ProcessInfo, ProcessError> {
        self.target()?.info()
    }

    /// `get_process_memory`: measured anew when the last answer is older than [`COST_FACTOR`](super::COST_FACTOR) times what it
    /// cost.
    ///
    /// # Errors
    /// When the target is gone or cannot be read.
    pub fn memory(&mut self) -> Result<Aged<ProcessMemory>, ProcessError> {
        let identity = self.target()?.identity();
        let about = (identity.pid(), identity.started());
        let begun = Instant::now();
        if let Some(held) = self.memory.get(&about, begun) {
            return Ok(held);
        }
        let memory = self.target()?.memory()?;
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
        self.target()?.collect_garbage()
    }

    /// `trigger_gc` of another process by a signal, which takes no time here; what it leads to comes later.
    ///
    /// # Errors
    /// When the target is gone, or the kernel refuses the signal.
    pub fn signal_for_garbage(&mut self, signal: Signal) -> Result<Garbage, ProcessError> {
        self.fresh = None;
        let target = self.target()?;
        let resident_before = target.sample()?.resident;
        target.signal(signal)?;
        Ok(Garbage { duration: 0, resident_before, resident_after: target.sample()?.resident, supported: true })
    }

    /// `set_process_stats_monitoring`: reports every so often, the first at once, that is after the answer of the job that
    /// calls this; `None`: no reports. Shorter than [`SHORTEST_INTERVAL`] counts as that.
    pub fn report_every(&mut self, interval: Option<Duration>) {
        let interval = interval.filter(|interval| !interval.is_zero());
        self.reporting = interval.map(|interval| Reporting::new(interval.max(SHORTEST_INTERVAL)));
    }

    /// Forgets what was read: from now on a reading is a new one.
    pub(super) fn begin(&mut self) {
        self.fresh = None;
    }

    /// When [`Probe::tick`] has something to do. Nothing ticks while there is no target.
    pub(super) fn next_tick(&self) -> Option<Instant> {
        let sampling = self.sampling.as_ref().map(|(schedule, _)| schedule.next());
        let reporting = self.reporting.as_ref().map(|reporting| reporting.schedule.next());
        let tick = earlier(earlier(sampling, reporting), self.watches.next_tick());
        earlier(tick.filter(|_| self.target.is_ok()), self.watches.deadline())
    }

    /// Does what is due; what is to be reported comes back.
    pub(super) fn tick(&mut self, now: Instant) -> Option<StatsTick> {
        self.watches.expire(now);
        self.target.as_ref().ok()?;
        let is_sampled = self.sampling.as_mut().is_some_and(|(schedule, _)| schedule.take(now));
        if self.watches.take_tick(now) || is_sampled {
            self.watch();
        }
        if is_sampled {
            let sample = self.sample();
            match (sample, &mut self.sampling) {
                (Ok(sample), Some((_, history))) => history.push(sample),
                (Ok(_), None) => {}
                (Err(error), _) => self.missed("a tick of the history", error),
            }
        }
        if !self.reporting.as_mut().is_some_and(|reporting| reporting.schedule.take(now)) {
            return None;
        }
        match self.sample().and_then(|sample| self.periodic(&sample)) {
            Ok(tick) => Some(tick),
            Err(error) => {
                self.missed("a periodic report", error);
                None
            }
        }
    }

    fn missed(&mut self, what: &str, error: ProcessError) {
        log::debug!("{what} is missing: {error}");
        if matches!(error, ProcessError::Gone { .. }) {
            self.detach(error);
        }
    }

    fn watch(&mut self) {
        match (self.sample(), &self.target) {
            (Ok(sample), Ok(target)) => self.watches.observe(target, &sample),
            (Ok(_), Err(_)) => {}
            (Err(error), _) => self.missed("a tick of the watches", error),
        }
    }

    fn periodic(&mut self, sample: &Sample) -> Result<StatsTick, ProcessError> {
        let previous = self.reporting.as_mut().and_then(|reporting| reporting.previous.replace(*sample));
        let rates = match previous.and_then(|previous| Rates::between(&previous, sample)) {
            Some(rates) => rates,
            None => self.rates_or_since_start(sample)?,
        };
        let stats = self.stats_of(sample, &rates)?;
        self.seq += 1;
        Ok(StatsTick { stats, seq: self.seq })
    }

    fn stats_of(&mut self, sample: &Sample, rates: &Rates) -> Result<ProcessStats, ProcessError> {
        let target = self.target()?;
        let mem_percent = target.percent_of_memory(sample.resident);
        Ok(ProcessStats::new(target.identity().pid(), sample, rates.cpu_percent, mem_percent))
    }

    /// The rates that go with a reading that was asked for, by the rules of this module's root.
    fn rates(&mut self, sample: &Sample) -> Option<Rates> {
        let ticks = self.sampling.as_ref().and_then(|(_, history)| history.rates());
        ticks.or_else(|| self.asked.rates(sample))
    }

    fn rates_or_since_start(&mut self, sample: &Sample) -> Result<Rates, ProcessError> {
        match self.rates(sample) {
            Some(rates) => Ok(rates),
            None => Ok(Rates::since_start(self.target()?.identity().uptime(), sample)),
        }
    }

    fn sample(&mut self) -> Result<Sample, ProcessError> {
        match self.fresh {
            Some(sample) => Ok(sample),
            None => self.target()?.sample().inspect(|sample| self.fresh = Some(*sample)),
        }
    }
}
