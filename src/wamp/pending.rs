//! What waits for an answer in a session: requests that went out, invocations that came in. Both are bounded.

use std::collections::HashMap;

use super::id::{RequestId, Sequence};
use super::message::Kind;

/// The most requests of ours that wait for an answer.
pub const MAX_REQUESTS: usize = 65_536;

/// The most invocations that wait for our answer.
pub const MAX_INVOCATIONS: usize = 65_536;

/// Requests that went out and wait for their answers.
#[derive(Debug, Default)]
pub struct Requests {
    ids: Sequence,
    waiting: HashMap<RequestId, Kind>,
}

/// More requests wait for an answer than may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyRequests;

impl Requests {
    /// Draws an id for a request that will be answered.
    pub fn open(&mut self, kind: Kind) -> Result<RequestId, TooManyRequests> {
        if self.waiting.len() >= MAX_REQUESTS {
            return Err(TooManyRequests);
        }
        let id = self.ids.draw();
        self.waiting.insert(id, kind);
        Ok(id)
    }

    /// Draws an id for a request that gets no answer.
    pub fn open_unanswered(&mut self) -> RequestId {
        self.ids.draw()
    }

    /// Ends a request, if it is one of this kind that waits.
    pub fn close(&mut self, id: RequestId, kind: Kind) -> bool {
        self.is_open(id, kind) && self.waiting.remove(&id).is_some()
    }

    /// Whether a request of this kind waits.
    pub fn is_open(&self, id: RequestId, kind: Kind) -> bool {
        self.waiting.get(&id) == Some(&kind)
    }
}

/// Invocations that came in and wait for our final answer.
#[derive(Debug, Default)]
pub struct Invocations {
    /// Whether the caller of each takes progressive results.
    waiting: HashMap<RequestId, Progress>,
}

/// Whether a caller takes results before the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Only the last.
    Unwanted,
    /// All of them.
    Wanted,
}

/// How an invocation was taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opened {
    /// It waits.
    Taken,
    /// One with that id waits already: the router's fault.
    Duplicate,
    /// As many wait as may.
    TooMany,
}

impl Invocations {
    /// Takes an invocation in.
    pub fn open(&mut self, id: RequestId, progress: Progress) -> Opened {
        if self.waiting.contains_key(&id) {
            return Opened::Duplicate;
        }
        if self.waiting.len() >= MAX_INVOCATIONS {
            return Opened::TooMany;
        }
        self.waiting.insert(id, progress);
        Opened::Taken
    }

    /// Ends an invocation; false when none with that id waits.
    pub fn close(&mut self, id: RequestId) -> bool {
        self.waiting.remove(&id).is_some()
    }

    /// Whether the invocation waits and its caller takes progressive results.
    pub fn takes_progress(&self, id: RequestId) -> bool {
        self.waiting.get(&id) == Some(&Progress::Wanted)
    }

    /// How many wait.
    pub fn count(&self) -> usize {
        self.waiting.len()
    }
}
