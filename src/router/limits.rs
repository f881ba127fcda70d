//! What a session may have at most, and what the router counts.

/// The error for a request beyond a limit of its session. Its argument is a sentence that names the limit.
pub const LIMIT_EXCEEDED: &str = "wampproc.error.limit_exceeded";

/// What there may be. A request beyond it is answered with ERROR [`LIMIT_EXCEEDED`], a URI that is too long with ERROR
/// `wamp.error.invalid_uri`; both are counted in [`Counters::limited`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// What one session may have.
    pub session: Share,
    /// What all sessions of a realm may have together; one user, or one address, no more than a quarter of its registrations,
    /// subscriptions and calls while more than half of them are there. Calls of what the router's own process registered
    /// find room beyond that.
    pub realm: Share,
    /// Events that a realm keeps for those who subscribe later (*Event Retention*). Beyond it the oldest make room.
    pub retained_events: usize,
    /// Bytes of those, about. Beyond it the oldest make room.
    pub retained_bytes: usize,
    /// Bytes of what who ends sessions has to say to each of them.
    pub farewell_length: usize,
    /// Bytes of an answer of the meta API, so that a list of ids is no message longer than clients take.
    pub answer_length: usize,
    /// Bytes of a URI.
    pub uri_length: usize,
}

/// How much a session or a realm may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Registrations; one that several sessions share counts for each.
    pub registrations: usize,
    /// Subscriptions; one that several sessions have counts for each.
    pub subscriptions: usize,
    /// Calls without a final answer.
    pub calls: usize,
    /// Shapes of wildcard patterns, among subscriptions and among registrations: places where components are empty, of
    /// patterns of so many components. Each of them costs every event or call of the realm a look-up.
    pub shapes: usize,
    /// Testaments.
    pub testaments: usize,
    /// Bytes of testaments, about.
    pub testament_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            session: Share {
                registrations: 4096,
                subscriptions: 1024,
                calls: 2048,
                shapes: 32,
                testaments: 64,
                testament_bytes: 64 << 10,
            },
            realm: Share {
                registrations: 65_536,
                subscriptions: 65_536,
                calls: 65_536,
                shapes: 256,
                testaments: 1024,
                testament_bytes: 4 << 20,
            },
            retained_events: 1024,
            retained_bytes: 4 << 20,
            farewell_length: 1024,
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
    /// Logins that were wrong.
    pub logins_failed: u64,
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
    /// Sessions that a meta procedure ended, or other users.
    pub killed: u64,
    /// Registrations that were taken away from their callees, each callee counted.
    pub revoked: u64,
    /// Kept events that made room for others, and events that were too long to be kept.
    pub retained_dropped: u64,
    /// Requests that were refused for one of the [`Limits`].
    pub limited: u64,
}
