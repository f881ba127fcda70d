//! Reports on their way to a mailbox that may be full: they wait here, in their order, and none is lost.

use std::collections::VecDeque;

use crate::sync::mailbox::{NotSent, Post};

use super::report::Report;

/// Where the reports go, whatever the mailbox holds besides.
pub(super) trait Outbox: Send {
    /// Adds a report.
    fn push(&mut self, report: Report);
    /// Sends what there is room for; whether nothing waits any more.
    fn flush(&mut self) -> bool;
}

/// Before anybody listens.
pub(super) struct Nowhere;

impl Outbox for Nowhere {
    fn push(&mut self, _: Report) {}

    fn flush(&mut self) -> bool {
        true
    }
}

/// The reports that wait for one mailbox.
pub(super) struct Waiting<R> {
    post: Post<R>,
    waiting: VecDeque<R>,
}

impl<R> Waiting<R> {
    pub const fn new(post: Post<R>) -> Self {
        Self { post, waiting: VecDeque::new() }
    }
}

impl<R: From<Report> + Send> Outbox for Waiting<R> {
    fn push(&mut self, report: Report) {
        self.waiting.push_back(report.into());
    }

    fn flush(&mut self) -> bool {
        while let Some(report) = self.waiting.pop_front() {
            match self.post.try_send(report) {
                Ok(()) => {}
                Err(NotSent::Full(report)) => {
                    self.waiting.push_front(report);
                    return false;
                }
                // Nobody listens any more.
                Err(NotSent::Closed(_)) => self.waiting.clear(),
            }
        }
        true
    }
}
