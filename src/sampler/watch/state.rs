//! One watch: its rule, and how it stands. Pure. What was seen goes in with its time, changes come out.

use std::time::{Duration, Instant};

use super::change::{Clearing, Reason, WatchChange, WatchReport, WatchState};
use super::number::Number;
use super::rule::{Rule, Verdict};
use crate::process::PRESSURE_WINDOW;
use crate::sync::clock::Now;

/// Silence of the kernel after which its pressure counts as gone. While there is some it tells once in a window, but
/// leaves out one now and then, when its own timer was late.
pub(super) const SILENCE: Duration = Duration::from_secs(3 * PRESSURE_WINDOW.as_secs());

#[derive(Debug)]
pub(super) struct Watch {
    rule: Rule,
    /// Tells the rules of one name apart.
    id: u64,
    state: State,
    /// The last that was known.
    value: Option<f64>,
    /// When the kernel told of pressure last, until that is over.
    told: Option<Instant>,
    /// What may have been missed: how it was cleared.
    cleared: Option<WatchChange>,
}

/// `since`: when the condition began to hold.
#[derive(Clone, Copy, Debug)]
enum State {
    Clear,
    Pending { since: Now },
    Raised { since: Now },
}

impl Watch {
    pub fn new(id: u64, rule: Rule) -> Self {
        Self { rule, id, state: State::Clear, value: None, told: None, cleared: None }
    }

    pub const fn rule(&self) -> &Rule {
        &self.rule
    }

    pub const fn id(&self) -> u64 {
        self.id
    }

    /// A tick's value; one that is unknown says nothing.
    pub fn observe(&mut self, name: &str, value: Option<f64>, now: Now) -> Option<WatchChange> {
        let value = value?;
        self.value = Some(value);
        self.judge(name, self.rule.verdict(value), now)
    }

    /// The kernel tells of pressure.
    pub fn pressed(&mut self, name: &str, now: Now) -> Option<WatchChange> {
        self.told = Some(now.mono);
        self.judge(name, Verdict::Beyond, now)
    }

    /// When the kernel's silence means that there is no pressure any more.
    pub fn deadline(&self) -> Option<Instant> {
        self.told.map(|told| told + SILENCE)
    }

    /// Draws the conclusion from the kernel's silence, when it is time.
    pub fn expire(&mut self, name: &str, now: Now) -> Option<WatchChange> {
        self.deadline().filter(|deadline| *deadline <= now.mono)?;
        self.told = None;
        self.judge(name, Verdict::Within, now)
    }

    /// Ends it, for another reason than its value.
    pub fn end(&mut self, name: &str, reason: Reason, now: Now) -> Option<WatchChange> {
        (self.value, self.told) = (None, None);
        self.clear(name, reason, now)
    }

    /// Takes the place of another of its name: what may have been missed of that one is not forgotten.
    pub fn replace(&mut self, name: &str, mut other: Self, now: Now) -> Option<WatchChange> {
        let change = other.end(name, Reason::Replaced, now);
        self.cleared = other.cleared;
        change
    }

    /// What those should hear who may have missed it: that it is raised, or that it was cleared since this was asked last.
    pub fn repeat(&mut self, name: &str, now: Now) -> Option<WatchChange> {
        let mut change = match self.state {
            State::Raised { since } => self.change(name, since, None, now),
            State::Clear | State::Pending { .. } => self.cleared.take()?,
        };
        change.again = true;
        Some(change)
    }

    pub fn report(&self, name: &str) -> WatchReport {
        let (state, since) = match self.state {
            State::Clear => (WatchState::Clear, None),
            State::Pending { since } => (WatchState::Pending, Some(since.wall)),
            State::Raised { since } => (WatchState::Raised, Some(since.wall)),
        };
        let unit = self.rule.metric().unit;
        WatchReport { name: name.to_owned(), rule: self.rule, unit, state, value: self.value.map(Number), since }
    }

    fn judge(&mut self, name: &str, verdict: Verdict, now: Now) -> Option<WatchChange> {
        match (self.state, verdict) {
            (State::Clear, Verdict::Beyond) => self.hold(name, now, now),
            (State::Pending { since }, Verdict::Beyond) => self.hold(name, since, now),
            (State::Raised { .. }, Verdict::Within) => self.clear(name, Reason::Value, now),
            (State::Pending { .. }, Verdict::Between | Verdict::Within) => {
                self.state = State::Clear;
                None
            }
            (State::Clear, Verdict::Between | Verdict::Within)
            | (State::Raised { .. }, Verdict::Beyond | Verdict::Between) => None,
        }
    }

    /// The condition holds; maybe for long enough.
    fn hold(&mut self, name: &str, since: Now, now: Now) -> Option<WatchChange> {
        if now.mono.saturating_duration_since(since.mono) < self.rule.hold() {
            self.state = State::Pending { since };
            return None;
        }
        self.state = State::Raised { since };
        self.cleared = None;
        Some(self.change(name, since, None, now))
    }

    fn clear(&mut self, name: &str, reason: Reason, now: Now) -> Option<WatchChange> {
        let State::Raised { since } = std::mem::replace(&mut self.state, State::Clear) else { return None };
        let duration = now.mono.saturating_duration_since(since.mono).as_secs_f64();
        let change = self.change(name, since, Some(Clearing { duration, reason }), now);
        self.cleared = Some(change.clone());
        Some(change)
    }

    fn change(&self, name: &str, since: Now, clearing: Option<Clearing>, now: Now) -> WatchChange {
        WatchChange::new(now.wall, name, &self.rule, self.value, since.wall, clearing)
    }
}
