//! The thread's body: sleeps until a request comes or a tick is due, and deals with it.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError};

use super::history::History;
use super::question::{Answer, Question, Report, SamplerRequest};
use super::rates::Rates;
use super::schedule::Schedule;
use super::shape::{ProcessMonitor, ProcessStats, StatsTick};
use super::window::Window;
use super::{SHORTEST_INTERVAL, Settings};
use crate::process::{ProcessError, Sample, Target};
use crate::sync::mailbox::{Closed, Post};
use crate::sync::wait::earlier;

pub(super) struct Actor<R> {
    target: Target,
    worker_type: String,
    reports: Post<R>,
    stop: Receiver<Infallible>,
    /// `None` with a history of 0.
    sampling: Option<(Schedule, History)>,
    /// `None` while off.
    monitoring: Option<Monitoring>,
    /// Of the last periodic report.
    seq: u64,
    asked: Window,
    /// Whether [`Question::Monitor`] was asked before.
    polled: bool,
    /// What was read in this turn. It answers all requests that waited when the turn began: none of them is older.
    fresh: Option<Sample>,
    /// Whether something was sent that was not rung for.
    unheard: bool,
}

struct Monitoring {
    schedule: Schedule,
    previous: Option<Sample>,
}

impl<R: From<Report>> Actor<R> {
    pub(super) fn new(target: Target, settings: Settings, reports: Post<R>, stop: Receiver<Infallible>) -> Self {
        let sampling = (settings.history > 0)
            .then(|| (Schedule::new(Instant::now(), settings.interval), History::new(settings.history)));
        Self {
            target,
            worker_type: settings.worker_type,
            reports,
            stop,
            sampling,
            monitoring: None,
            seq: 0,
            asked: Window::default(),
            polled: false,
            fresh: None,
            unheard: false,
        }
    }

    /// Runs until the handle or the receiver of the reports is gone.
    pub(super) fn run(mut self, requests: &Receiver<SamplerRequest>) {
        while self.turn(requests).is_ok() {}
    }

    /// What is due, then sleep, then what was asked.
    fn turn(&mut self, requests: &Receiver<SamplerRequest>) -> Result<(), Closed> {
        self.fresh = None;
        self.tick(Instant::now())?;
        self.ring();
        let first = match self.next_tick() {
            Some(deadline) => match requests.recv_deadline(deadline) {
                Ok(request) => request,
                Err(RecvTimeoutError::Timeout) => return Ok(()),
                Err(RecvTimeoutError::Disconnected) => return Err(Closed),
            },
            None => requests.recv().map_err(|_| Closed)?,
        };
        // Those that come from now on wait for the next turn: a reading must be later than the question.
        let waiting = requests.len();
        self.fresh = None;
        self.answer(first)?;
        for request in requests.try_iter().take(waiting) {
            self.answer(request)?;
        }
        self.ring();
        Ok(())
    }

    fn next_tick(&self) -> Option<Instant> {
        let sampling = self.sampling.as_ref().map(|(schedule, _)| schedule.next());
        let monitoring = self.monitoring.as_ref().map(|monitoring| monitoring.schedule.next());
        earlier(sampling, monitoring)
    }

    fn tick(&mut self, now: Instant) -> Result<(), Closed> {
        if self.sampling.as_mut().is_some_and(|(schedule, _)| schedule.take(now)) {
            let sample = self.sample();
            match (sample, &mut self.sampling) {
                (Ok(sample), Some((_, history))) => history.push(sample),
                (Err(ProcessError::Gone { .. }), sampling) => *sampling = None,
                (Err(error), _) => log::debug!("a tick of the history is missing: {error}"),
                (Ok(_), None) => {}
            }
        }
        if self.monitoring.as_mut().is_some_and(|monitoring| monitoring.schedule.take(now)) {
            match self.sample() {
                Ok(sample) => self.report_stats(&sample)?,
                Err(ProcessError::Gone { .. }) => self.monitoring = None,
                Err(error) => log::debug!("a periodic report is missing: {error}"),
            }
        }
        Ok(())
    }

    fn report_stats(&mut self, sample: &Sample) -> Result<(), Closed> {
        let previous = self.monitoring.as_mut().and_then(|monitoring| monitoring.previous.replace(*sample));
        let rates = previous.and_then(|previous| Rates::between(&previous, sample));
        let rates = rates.unwrap_or_else(|| self.rates_or_since_start(sample));
        self.seq += 1;
        let report = Report::Stats(StatsTick { stats: self.stats(sample, &rates), seq: self.seq });
        self.send(report)
    }

    fn answer(&mut self, SamplerRequest { ticket, question }: SamplerRequest) -> Result<(), Closed> {
        let result = self.ask(question);
        self.send(Report::Answered { ticket, result })
    }

    fn ask(&mut self, question: Question) -> Result<Answer, ProcessError> {
        match question {
            Question::Stats => {
                let sample = self.sample()?;
                let rates = self.rates_or_since_start(&sample);
                Ok(Answer::Stats(self.stats(&sample, &rates)))
            }
            Question::Monitor => self.monitor().map(Answer::Monitor),
            Question::Info => self.target.info().map(Answer::Info),
            Question::CpuAffinity => self.target.affinity().map(Answer::CpuAffinity),
            Question::SetCpuAffinity { cpus } => {
                self.target.set_affinity(&cpus).map(|affinity| Answer::CpuAffinitySet { affinity })
            }
            Question::CollectGarbage => {
                // What was read before is not how things are after.
                self.fresh = None;
                self.target.collect_garbage().map(Answer::Garbage)
            }
            Question::SetStatsMonitoring { interval } => {
                let interval = interval.filter(|interval| !interval.is_zero());
                let interval = interval.map(|interval| interval.max(SHORTEST_INTERVAL));
                self.monitor_every(interval);
                Ok(Answer::StatsMonitoringSet { interval })
            }
        }
    }

    /// The first tick is due at once, that is after the answer in whose making this is called.
    fn monitor_every(&mut self, interval: Option<Duration>) {
        self.monitoring =
            interval.map(|interval| Monitoring { schedule: Schedule::new(Instant::now(), interval), previous: None });
    }

    fn monitor(&mut self) -> Result<ProcessMonitor, ProcessError> {
        let sample = self.sample()?;
        let known = self.rates(&sample);
        let polled = std::mem::replace(&mut self.polled, true);
        let rates = known.or_else(|| polled.then(|| self.since_start(&sample)));
        let per_second = rates.map(|rates| rates.per_second);
        let num_fds = self.target.count_descriptors();
        let pid = self.target.identity().pid();
        Ok(ProcessMonitor::new(&self.worker_type, pid, &sample, num_fds, per_second))
    }

    fn stats(&self, sample: &Sample, rates: &Rates) -> ProcessStats {
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

    /// Heard with the next ring: what is answered together arrives together, for one wake-up of the receiver.
    fn send(&mut self, report: Report) -> Result<(), Closed> {
        self.unheard = true;
        self.reports.put_unless_stopped(report.into(), &self.stop)
    }

    fn ring(&mut self) {
        if std::mem::take(&mut self.unheard) {
            self.reports.ring();
        }
    }
}
