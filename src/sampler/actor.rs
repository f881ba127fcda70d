//! The thread's body: sleeps until a request comes or a tick is due, and deals with it.

use std::convert::Infallible;
use std::time::Instant;

use crossbeam_channel::{Receiver, RecvTimeoutError};

use super::probe::Probe;
use super::request::{Report, SamplerRequest};
use crate::sync::mailbox::{Closed, Post};

pub(super) struct Actor<R> {
    probe: Probe,
    reports: Post<R>,
    stop: Receiver<Infallible>,
    /// Whether something was sent that was not rung for.
    unheard: bool,
}

impl<R> Actor<R> {
    pub(super) const fn new(probe: Probe, reports: Post<R>, stop: Receiver<Infallible>) -> Self {
        Self { probe, reports, stop, unheard: false }
    }

    /// Runs until the handle or the receiver of the reports is gone.
    pub(super) fn run<A>(mut self, requests: &Receiver<SamplerRequest<A>>)
    where
        R: From<Report<A>>,
    {
        while self.turn(requests).is_ok() {}
    }

    /// What is due, then sleep, then what was asked.
    fn turn<A>(&mut self, requests: &Receiver<SamplerRequest<A>>) -> Result<(), Closed>
    where
        R: From<Report<A>>,
    {
        self.probe.begin();
        if let Some(tick) = self.probe.tick(Instant::now()) {
            self.send(Report::Stats(tick))?;
        }
        self.ring();
        let first = match self.probe.next_tick() {
            Some(deadline) => match requests.recv_deadline(deadline) {
                Ok(request) => request,
                Err(RecvTimeoutError::Timeout) => return Ok(()),
                Err(RecvTimeoutError::Disconnected) => return Err(Closed),
            },
            None => requests.recv().map_err(|_| Closed)?,
        };
        // Those that come from now on wait for the next turn: a reading must be later than the question.
        let waiting = requests.len();
        self.probe.begin();
        self.answer(first)?;
        for request in requests.try_iter().take(waiting) {
            self.answer(request)?;
        }
        self.ring();
        Ok(())
    }

    fn answer<A>(&mut self, SamplerRequest { ticket, job }: SamplerRequest<A>) -> Result<(), Closed>
    where
        R: From<Report<A>>,
    {
        let answer = job(&mut self.probe);
        self.send(Report::Answered { ticket, answer })
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
