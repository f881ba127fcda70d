//! What happens in a client's session, as the application sees it.

use std::fmt;

use super::error::WampError;
use super::id::{PublicationId, RegistrationId, RequestId, SessionId, SubscriptionId};
use super::message::Kind;
use super::options::{EventDetails, InvocationDetails, WelcomeDetails};
use super::payload::Payload;
use super::uri::Uri;

/// What the router's message means to the application.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The realm is joined.
    Joined {
        /// The session's id.
        session: SessionId,
        /// What the router says about itself and about us.
        details: Box<WelcomeDetails>,
    },
    /// The router does not let us in.
    Refused(Closing),
    /// The router ends the session.
    Ended(Closing),
    /// The router agrees to the end that we asked for.
    Left,
    /// A REGISTER succeeded.
    Registered {
        /// The request.
        request: RequestId,
        /// The registration that stands.
        registration: RegistrationId,
    },
    /// The router took a registration away.
    Revoked {
        /// The registration that stands no more; missing when the router does not say which.
        registration: Option<RegistrationId>,
    },
    /// A SUBSCRIBE succeeded.
    Subscribed {
        /// The request.
        request: RequestId,
        /// The subscription that stands.
        subscription: SubscriptionId,
    },
    /// An UNREGISTER, an UNSUBSCRIBE or an acknowledged PUBLISH succeeded.
    Done {
        /// The request.
        request: RequestId,
        /// The publication, for a PUBLISH.
        publication: Option<PublicationId>,
    },
    /// A request of ours failed.
    Failed {
        /// The request.
        request: RequestId,
        /// What it was.
        kind: Kind,
        /// What the router or the callee says.
        error: WampError,
    },
    /// A result of a CALL.
    Result {
        /// The request.
        request: RequestId,
        /// Whether more will follow.
        progress: bool,
        /// The result.
        payload: Payload,
    },
    /// An event of a subscription.
    Event {
        /// The subscription.
        subscription: SubscriptionId,
        /// The publication.
        publication: PublicationId,
        /// The topic and the publisher, where they are told.
        details: EventDetails,
        /// What was published.
        payload: Payload,
    },
    /// Somebody calls one of our procedures.
    Invocation {
        /// Names the invocation in the answer.
        request: RequestId,
        /// The registration called.
        registration: RegistrationId,
        /// Who calls, and how.
        details: InvocationDetails,
        /// The arguments.
        payload: Payload,
    },
    /// The caller has given up, and was answered. Whatever still works on it may stop.
    Interrupted {
        /// The invocation.
        request: RequestId,
    },
}

/// Why a session ends or never was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closing {
    /// The reason's URI.
    pub reason: Uri,
    /// A sentence, if the router had one.
    pub message: Option<String>,
}

impl fmt::Display for Closing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.message {
            Some(message) => write!(f, "{}: {message}", self.reason),
            None => self.reason.fmt(f),
        }
    }
}
