//! The agent: joins a realm, registers the API, answers calls and publishes events, and comes back when the connection is
//! lost. One thread, one loop ([`Agent::run`]); the sampler's thread answers what needs `/proc`.

mod builder;
mod child;
mod connector;
mod dispatch;
mod drops;
mod ending;
mod garbage;
mod handle;
mod link_change;
#[cfg_attr(not(feature = "manhole"), path = "manhole_missing.rs")]
mod manhole;
mod outbox;
mod reconnect;
mod recovery;
mod refusals;
mod registrar;
mod run;
mod status;
mod supervision;

use std::fmt;
use std::io;

pub use builder::{AgentBuilder, Patience};
pub use ending::Ending;
pub use handle::{NotPublished, Publisher, RunningAgent, Stopper};
pub use link_change::LinkChange;
pub use reconnect::ReconnectPolicy;
pub use run::Agent;

use crate::api::names::InvalidName;
use crate::link::LinkError;
use crate::supervisor::TargetError;
use crate::wamp::Uri;
use crate::wamp::error::uri::PROCEDURE_ALREADY_EXISTS;

/// Why an agent could not be made, or came to an end that nobody asked for. Its `Display` is a sentence for the user.
#[derive(Debug)]
pub enum AgentError {
    /// An id, a prefix or the name of a procedure cannot stand in a URI.
    Name(InvalidName),
    /// Two procedures have one name.
    DuplicateProcedure(String),
    /// There is no such target, or it cannot be measured.
    Target(TargetError),
    /// The kernel refused a thread or a descriptor.
    Os(io::Error),
    /// The connection ended, for a reason that trying again does not mend, or with [`Patience::OneAttempt`].
    Link(LinkError),
    /// Another session of the realm has registered this name.
    Taken(Uri),
    /// The router refused every single procedure; this is what it said of the first one.
    NothingRegistered(crate::wamp::WampError),
}

impl fmt::Display for AgentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(error) => error.fmt(f),
            Self::DuplicateProcedure(name) => write!(f, "expected procedures of different names, got {name:?} twice"),
            Self::Target(error) => error.fmt(f),
            Self::Os(error) => error.fmt(f),
            Self::Link(error) => error.fmt(f),
            Self::Taken(uri) => write!(
                f,
                "{PROCEDURE_ALREADY_EXISTS}: another process of this realm has registered {uri}; \
                 this one needs another id or prefix (--worker, --node or --uri-prefix)"
            ),
            Self::NothingRegistered(error) => {
                write!(f, "the router refused every procedure: {error}{}", refusals::remedy(error))
            }
        }
    }
}

impl std::error::Error for AgentError {}

impl From<InvalidName> for AgentError {
    fn from(error: InvalidName) -> Self {
        Self::Name(error)
    }
}

impl From<TargetError> for AgentError {
    fn from(error: TargetError) -> Self {
        Self::Target(error)
    }
}

impl From<io::Error> for AgentError {
    fn from(error: io::Error) -> Self {
        Self::Os(error)
    }
}

impl From<LinkError> for AgentError {
    fn from(error: LinkError) -> Self {
        Self::Link(error)
    }
}
