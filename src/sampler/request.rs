//! What the sampler is asked to do, and what it reports.

use std::fmt;

use super::probe::Probe;
use super::shape::StatsTick;
use super::watch::WatchChange;
use crate::sync::ticket::Ticket;

/// Something to do with the target, on the sampler's thread.
pub type Job<A> = Box<dyn FnOnce(&mut Probe) -> A + Send>;

/// A job with the number that its answer will carry.
pub struct SamplerRequest<A> {
    /// Comes back with the answer.
    pub ticket: Ticket,
    /// What to do.
    pub job: Job<A>,
}

impl<A> fmt::Debug for SamplerRequest<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SamplerRequest({:?})", self.ticket)
    }
}

/// What its thread receives.
pub(super) enum Message<A> {
    Request(SamplerRequest<A>),
    /// The target has changed. Where the queue is full nobody needs to say so.
    Changed,
}

/// What the sampler sends.
#[derive(Clone, Debug)]
pub enum Report<A> {
    /// A request was dealt with. Each gets exactly one, in the order of the requests.
    Answered {
        /// The request's.
        ticket: Ticket,
        /// What came of its job.
        answer: A,
    },
    /// Periodic statistics: what `on_process_stats` publishes.
    Stats(StatsTick),
    /// A watch was raised or cleared: what `on_watch_raised` and `on_watch_cleared` publish.
    Watch(WatchChange),
}
