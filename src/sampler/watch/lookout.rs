//! The watches of a sampler: with their ticks where the history has none, and with the kernel's triggers.

use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;
use nix::errno::Errno;

use super::super::rates::Rates;
use super::super::schedule::Schedule;
use super::change::{WatchChange, WatchReport};
use super::metric::Reading;
use super::pressure::PressureWatch;
use super::rule::Rule;
use super::set::{WatchError, Watches};
use crate::process::{PressureTrigger, ProcessError, Sample, Target};
use crate::sync::clock::Now;

/// What watches over the metrics.
#[derive(Debug)]
pub struct Lookout {
    watches: Watches,
    pressure: PressureWatch,
    ticks: Ticks,
    /// The tick before, for the rates.
    previous: Option<Sample>,
    /// What is to be told.
    changes: Vec<WatchChange>,
}

/// Where the ticks come from.
#[derive(Debug)]
enum Ticks {
    /// The history has them anyway.
    History,
    /// Our own, while a watch needs them.
    Own { interval: Duration, schedule: Option<Schedule> },
}

impl Lookout {
    /// Without any watch. `own_ticks`: their interval, when there is no history that has ticks.
    pub(in crate::sampler) fn new(own_ticks: Option<Duration>) -> Self {
        Self {
            watches: Watches::default(),
            pressure: PressureWatch::new(),
            ticks: own_ticks.map_or(Ticks::History, |interval| Ticks::Own { interval, schedule: None }),
            previous: None,
            changes: Vec::new(),
        }
    }

    /// Sets a watch, or replaces the one of that name; one that has this very rule stays as it is. What is to be told of the
    /// one that it replaced.
    ///
    /// # Errors
    /// [`WatchError`] for a name that will not do, too many watches, or a kernel that does not tell of the pressure. Nothing
    /// was changed then.
    pub fn set(&mut self, name: &str, rule: Rule) -> Result<Option<WatchChange>, WatchError> {
        let Some(admitted) = self.watches.admit(name, rule)? else { return Ok(None) };
        if let Some((pressure, stalled)) = admitted.pressure() {
            let trigger = PressureTrigger::arm(pressure, stalled)?;
            let started = self.pressure.add(admitted.id, trigger);
            started.map_err(|error| ProcessError::Os {
                what: "wait for pressure".to_owned(),
                errno: error.raw_os_error().map_or(Errno::EIO, Errno::from_raw),
            })?;
        }
        if let Some(id) = admitted.replaced {
            self.pressure.remove(id);
        }
        let replaced = self.watches.set(&admitted, Now::read());
        self.set_ticks();
        Ok(replaced)
    }

    /// Removes a watch; what is to be told of it.
    ///
    /// # Errors
    /// [`WatchError::Unknown`].
    pub fn remove(&mut self, name: &str) -> Result<Option<WatchChange>, WatchError> {
        let (id, change) = self.watches.remove(name, Now::read())?;
        self.pressure.remove(id);
        self.set_ticks();
        Ok(change)
    }

    /// How a watch stands; `None` when there is none of that name.
    #[must_use]
    pub fn report(&self, name: &str) -> Option<WatchReport> {
        self.watches.report(name)
    }

    /// How all watches stand, by name.
    #[must_use]
    pub fn reports(&self) -> Vec<WatchReport> {
        self.watches.reports()
    }

    /// Tells once more what is raised, and what was cleared since this was asked last.
    pub fn repeat(&mut self) {
        self.watches.repeat(Now::read(), &mut self.changes);
    }

    /// The target has ended: what its values had raised is cleared, and those of the next are not compared with them.
    pub(in crate::sampler) fn target_ended(&mut self) {
        self.previous = None;
        self.watches.target_ended(Now::read(), &mut self.changes);
    }

    /// When [`Lookout::expire`] has something to do, whether there is a target or not.
    pub(in crate::sampler) fn deadline(&self) -> Option<Instant> {
        self.watches.deadline()
    }

    /// Draws the conclusions from the kernel's silence that are due.
    pub(in crate::sampler) fn expire(&mut self, now: Instant) {
        if self.deadline().is_some_and(|deadline| deadline <= now) {
            self.watches.expire(Now::read(), &mut self.changes);
        }
    }

    /// When a tick of our own is due.
    pub(in crate::sampler) fn next_tick(&self) -> Option<Instant> {
        match &self.ticks {
            Ticks::Own { schedule: Some(schedule), .. } => Some(schedule.next()),
            Ticks::Own { schedule: None, .. } | Ticks::History => None,
        }
    }

    /// Whether a tick of our own is due. If so the next one is in the future afterwards.
    pub(in crate::sampler) fn take_tick(&mut self, now: Instant) -> bool {
        match &mut self.ticks {
            Ticks::Own { schedule: Some(schedule), .. } => schedule.take(now),
            Ticks::Own { schedule: None, .. } | Ticks::History => false,
        }
    }

    /// A tick's sample, of the history or our own.
    pub(in crate::sampler) fn observe(&mut self, target: &Target, sample: &Sample) {
        if !self.watches.need_ticks() {
            self.previous = None;
            return;
        }
        let previous = self.previous.replace(*sample);
        let tick = Reading {
            sample: *sample,
            rates: previous.and_then(|previous| Rates::between(&previous, sample)),
            mem_percent: target.percent_of_memory(sample.resident),
            uptime: target.identity().uptime(),
            num_fds: if self.watches.need_descriptors() { target.count_descriptors() } else { None },
        };
        self.watches.observe(&tick, &mut self.changes);
    }

    /// The ids that [`Lookout::pressed`] wants to hear; `None` while none can come.
    pub(in crate::sampler) fn pulled(&self) -> Option<&Receiver<u64>> {
        self.pressure.pulled()
    }

    /// The kernel pulled the trigger of the rule with that id.
    pub(in crate::sampler) fn pressed(&mut self, id: u64) {
        self.changes.extend(self.watches.pressed(id, Now::read()));
    }

    /// What is to be told since this was asked last.
    pub(in crate::sampler) fn changes(&mut self) -> Vec<WatchChange> {
        std::mem::take(&mut self.changes)
    }

    /// Begins or ends our own ticks.
    fn set_ticks(&mut self) {
        if let Ticks::Own { interval, schedule } = &mut self.ticks {
            if !self.watches.need_ticks() {
                *schedule = None;
                self.previous = None;
            } else if schedule.is_none() {
                *schedule = Some(Schedule::new(Instant::now(), *interval));
            }
        }
    }
}
