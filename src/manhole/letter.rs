//! What the thread "manhole" and its connections write each other.

use super::question::Inquiry;
use super::report::Reply;
use crate::ssh::Method;

/// What connections send.
pub(super) enum Letter {
    /// The login holds.
    LoggedIn { number: u32, user: String, method: Method, client: String },
    /// A command wants to know something.
    Asked { number: u32, inquiry: Inquiry, reply: Reply },
    /// It is over; its thread can be joined.
    Ended { number: u32 },
}

/// What connections are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// End, for this reason.
    End(String),
}
