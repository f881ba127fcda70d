//! What a session may have at most, and what the router counts.

/// The error for a request beyond a limit of its session. Its argument is a sentence that names the limit.
pub const LIMIT_EXCEEDED: &str = "wampproc.error.limit_exceeded";

/// What there may be. A request beyond it is answered with ERROR [`LIMIT_EXCEEDED`], a URI that is too long with ERROR
/// `wamp.error.invalid_uri`; both are counted in [`Counters::limited`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// What one session may have.
    pub session: Share,
    /// What all sessions of a realm may have together.
    pub realm: Share,
    /// Shapes of wildcard patterns in a realm, among its subscriptions and among its registrations: places where components
    /// are empty, of patterns of so many components. Each of them costs every event or call a look-up.
    pub shapes: usize,
    /// Bytes of an answer of the meta API, so that a list of ids is no message longer than clients take.
    pub answer_length: usize,
    /// Bytes of a URI.
    pub uri_length: usize,
}

/// How much a session or a realm may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Registrations.
    pub registrations: usize,
    /// Subscriptions; one that several sessions have counts for each.
    pub subscriptions: usize,
    /// Calls without a final answer.
    pub calls: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            session: Share { registrations: 4096, subscriptions: 4096, calls: 8192 },
            realm: Share { registrations: 65_536, subscriptions: 65_536, calls: 65_536 },
            shapes: 256,
            answer_length: (1 << 20) - 4096,
            uri_length: 512,
        }
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
