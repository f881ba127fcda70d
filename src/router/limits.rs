//! What a session may have at most, and what the router counts.

/// The error for a request beyond a limit of its session. Its argument is a sentence that names the limit.
pub const LIMIT_EXCEEDED: &str = "wampproc.error.limit_exceeded";

/// What one session may have. A request beyond it is answered with ERROR [`LIMIT_EXCEEDED`], a URI that is too long with
/// ERROR `wamp.error.invalid_uri`; both are counted in [`Counters::limited`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Registrations of a session.
    pub registrations: usize,
    /// Subscriptions of a session.
    pub subscriptions: usize,
    /// Calls of a session without a final answer.
    pub calls: usize,
    /// Bytes of a URI.
    pub uri_length: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { registrations: 4096, subscriptions: 4096, calls: 8192, uri_length: 512 }
    }
}

/// What has happened since the router was made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Sessions that were opened.
    pub joined: u64,
    /// HELLOs that were answered with ABORT.
    pub refused: u64,
    /// Connections that were ended with `wamp.error.protocol_violation`.
    pub violations: u64,
    /// Events that were published, whether anybody subscribes or not.
    pub publications: u64,
    /// Publications that were refused without an answer, because the publisher asked for none.
    pub publications_dropped: u64,
    /// Events that were handed out, each subscriber counted.
    pub events: u64,
    /// Events that the driver could not queue for a subscriber.
    pub events_lost: u64,
    /// Calls that were routed to a callee.
    pub calls: u64,
    /// Calls that ended because they took longer than their caller would wait.
    pub calls_timed_out: u64,
    /// Calls that ended because the INVOCATION or a progressive RESULT could not be queued.
    pub calls_lost: u64,
    /// Answers of callees that nobody waited for any more, and progressive results that nobody asked for.
    pub answers_dropped: u64,
    /// Requests that were refused for one of the [`Limits`].
    pub limited: u64,
}
