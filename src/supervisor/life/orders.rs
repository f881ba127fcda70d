//! What somebody asks for by hand, and the answers.

use std::time::{Duration, Instant};

use super::{Life, Next, Phase};
use crate::supervisor::order::{Answer, Order, Refusal, Request};
use crate::supervisor::report::Report;
use crate::sync::ticket::Ticket;

/// Who may wait for a child to be stopped or restarted.
const MOST_WAITING: usize = 64;

impl Life {
    /// Does what is asked, or begins to.
    pub fn order(&mut self, request: Request, now: Instant) {
        let Request { ticket, order } = request;
        let grace = |timeout: Option<Duration>| timeout.unwrap_or(self.command.stop_timeout);
        match order {
            Order::Output { bytes } => {
                let captured = self.streams.captured(bytes).map(Answer::Output);
                self.answer(ticket, captured.ok_or(Refusal::NotCaptured));
            }
            _ if self.next == Next::End || matches!(self.phase, Phase::Over) => {
                self.answer(ticket, Err(Refusal::Over));
            }
            Order::Start => match self.phase {
                Phase::Running(_) if self.stopping.is_none() => self.answer(ticket, Err(Refusal::Running)),
                Phase::Resting | Phase::Waiting(_) => {
                    let answer = self.start_as_asked(now);
                    self.answer(ticket, answer);
                }
                _ => self.answer(ticket, Err(Refusal::Ending)),
            },
            Order::Stop { timeout } => match (&self.phase, &self.last) {
                (Phase::Resting, _) => self.answer(ticket, Err(Refusal::Stopped)),
                (Phase::Waiting(_), Some(last)) => {
                    let exit = last.exit.clone();
                    self.phase = Phase::Resting;
                    self.answer(ticket, Ok(Answer::Stopped(exit)));
                }
                _ => self.end_generation(request, Next::Rest, grace(timeout), now),
            },
            Order::Restart { timeout } => match self.phase {
                Phase::Resting | Phase::Waiting(_) => {
                    let answer = self.start_as_asked(now);
                    self.answer(ticket, answer);
                }
                _ => self.end_generation(request, Next::Start, grace(timeout), now),
            },
        }
    }

    fn end_generation(&mut self, request: Request, next: Next, grace: Duration, now: Instant) {
        if self.waiting.len() >= MOST_WAITING {
            return self.answer(request.ticket, Err(Refusal::TooMany));
        }
        self.next = next;
        self.waiting.push_back(request);
        if let Phase::Running(child) = &self.phase {
            let what = if next == Next::Start { "restarted" } else { "stopped" };
            log::info!("a caller wants process {} {what}: it gets {}", child.pid, self.command.stop_signal);
            self.stop(self.command.stop_signal, grace, now);
        }
    }

    /// A restart that is due stays so when this one fails.
    pub(super) fn start_as_asked(&mut self, now: Instant) -> Result<Answer, Refusal> {
        match self.start(now) {
            Ok(pid) => {
                self.restarts.forget();
                Ok(Answer::Started(pid.as_raw()))
            }
            Err(error) => Err(Refusal::CannotStart(self.cannot_start(&error))),
        }
    }

    /// Answers who waited for the end of the generation; those who asked for a restart get this.
    pub(super) fn answer_waiting(&mut self, restarted: Result<Answer, Refusal>) {
        for Request { ticket, order } in std::mem::take(&mut self.waiting) {
            let answer = match (order, &self.last) {
                (Order::Stop { .. }, Some(last)) => Ok(Answer::Stopped(last.exit.clone())),
                _ => restarted.clone(),
            };
            self.answer(ticket, answer);
        }
    }

    fn answer(&mut self, ticket: Ticket, answer: Result<Answer, Refusal>) {
        self.outbox.push(Report::Answered { ticket, answer });
    }
}
