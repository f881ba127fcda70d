//! The thread's body: sleeps until a request comes or a tick is due, and deals with it.

use std::convert::Infallible;
use std::time::Instant;

use crossbeam_channel::{Receiver, RecvTimeoutError, at, never, select};

use super::change::{Change, Changes};
use super::probe::Probe;
use super::request::{Message, Report, SamplerRequest};
use crate::sync::mailbox::{Closed, Post};

pub(super) struct Actor<R> {
    probe: Probe,
    reports: Post<R>,
    changes: Changes,
    stop: Receiver<Infallible>,
    /// Whether something was sent that was not rung for.
    unheard: bool,
}

impl<R> Actor<R> {
    pub(super) const fn new(probe: Probe, reports: Post<R>, changes: Changes, stop: Receiver<Infallible>) -> Self {
        Self { probe, reports, changes, stop, unheard: false }
    }

    /// Runs until the handle or the receiver of the reports is gone.
    pub(super) fn run<A>(mut self, messages: &Receiver<Message<A>>)
    where
        R: From<Report<A>>,
    {
        while self.turn(messages).is_ok() {}
    }

    /// What is due, then sleep, then what was asked.
    fn turn<A>(&mut self, messages: &Receiver<Message<A>>) -> Result<(), Closed>
    where
        R: From<Report<A>>,
    {
        self.probe.begin();
        self.look_for_change();
        if let Some(tick) = self.probe.tick(Instant::now()) {
            self.send(Report::Stats(tick))?;
        }
        self.tell_changes()?;
        self.ring();
        let Some(first) = self.sleep(messages)? else { return Ok(()) };
        // Those that come from now on wait for the next turn: a reading must be later than the question.
        let waiting = messages.len();
        self.probe.begin();
        self.answer(first)?;
        for message in messages.try_iter().take(waiting) {
            self.answer(message)?;
        }
        self.ring();
        Ok(())
    }

    /// Sleeps until a message comes, a tick is due (`None`), or the kernel tells of pressure (`None` too).
    fn sleep<A>(&mut self, messages: &Receiver<Message<A>>) -> Result<Option<Message<A>>, Closed> {
        let deadline = self.probe.next_tick();
        let Some(pulled) = self.probe.watches().pulled() else {
            return match deadline.map(|deadline| messages.recv_deadline(deadline)) {
                Some(Ok(message)) => Ok(Some(message)),
                Some(Err(RecvTimeoutError::Timeout)) => Ok(None),
                Some(Err(RecvTimeoutError::Disconnected)) => Err(Closed),
                None => messages.recv().map(Some).map_err(|_| Closed),
            };
        };
        let trigger = select! {
            recv(messages) -> message => return message.map(Some).map_err(|_| Closed),
            recv(pulled) -> trigger => trigger.ok(),
            recv(deadline.map_or_else(never, at)) -> _ => None,
        };
        if let Some(trigger) = trigger {
            self.probe.watches().pressed(trigger);
        }
        Ok(None)
    }

    fn tell_changes<A>(&mut self) -> Result<(), Closed>
    where
        R: From<Report<A>>,
    {
        self.probe.watches().changes().into_iter().try_for_each(|change| self.send(Report::Watch(change)))
    }

    fn answer<A>(&mut self, message: Message<A>) -> Result<(), Closed>
    where
        R: From<Report<A>>,
    {
        self.look_for_change();
        self.tell_changes()?;
        let Message::Request(SamplerRequest { ticket, job }) = message else { return Ok(()) };
        let answer = job(&mut self.probe);
        self.send(Report::Answered { ticket, answer })?;
        // Before the next answer, which may be about what has become of the same watch since.
        self.tell_changes()
    }

    fn look_for_change(&mut self) {
        match self.changes.take() {
            Some(Change::Attach(target)) => self.probe.attach(*target),
            Some(Change::Detach(reason)) => self.probe.detach(reason),
            None => {}
        }
    }

    /// Heard with the next ring: what is answered together arrives together, for one wake-up of the receiver.
    fn send<A>(&mut self, report: Report<A>) -> Result<(), Closed>
    where
        R: From<Report<A>>,
    {
        self.unheard = true;
        self.reports.put_unless_stopped(report.into(), &self.stop)
    }

    fn ring(&mut self) {
        if std::mem::take(&mut self.unheard) {
            self.reports.ring();
        }
    }
}
