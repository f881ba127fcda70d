//! What an embedding program is told of the connection to the router.

use std::time::Duration;

/// How the connection to the router has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkChange<'a> {
    /// A session is whole: every procedure is registered.
    Ready {
        /// The router's URL; `None` of a router in this process.
        url: Option<&'a str>,
        /// The session's id.
        session: u64,
    },
    /// An attempt failed or the connection was lost; there will be another attempt.
    Waiting {
        /// A sentence.
        reason: &'a str,
        /// The time until then.
        delay: Duration,
    },
    /// The agent is about to end, because it was asked to or its target is no more.
    Leaving,
}

/// Who is told.
pub(super) type Observer = Box<dyn FnMut(LinkChange<'_>) + Send>;
