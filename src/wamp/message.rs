//! The messages of WAMP, typed: one variant each, in the order of the spec (*Message Definitions*).

use super::auth::Secret;
use super::id::{PublicationId, RegistrationId, RequestId, SessionId, SubscriptionId};
use super::options::{
    CallOptions, CancelOptions, ClosingDetails, Dict, Empty, EventDetails, HelloDetails, InvocationDetails,
    PublishOptions, RegisterOptions, ResultDetails, Revocation, SubscribeOptions, WelcomeDetails,
};
use super::payload::Payload;
use super::uri::Uri;

/// A message. Its fields are in the order in which they stand on the wire. What is long and seen once a session is boxed: every
/// message that waits somewhere takes the room of the longest.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)] // The fields are the spec's, under the spec's names.
pub enum Message {
    /// Opens a session: client to router.
    Hello { realm: Uri, details: Box<HelloDetails> },
    /// The session is open: router to client.
    Welcome { session: SessionId, details: Box<WelcomeDetails> },
    /// The session ends, or never was: either way.
    Abort { details: ClosingDetails, reason: Uri },
    /// The client must prove who it is: router to client.
    Challenge { method: String, extra: Dict },
    /// The proof: client to router.
    Authenticate { signature: Secret, extra: Dict },
    /// Ends a session, or agrees to its end: either way.
    Goodbye { details: ClosingDetails, reason: Uri },
    /// A request failed: to its sender.
    Error { kind: Kind, request: RequestId, details: Empty, error: Uri, payload: Payload },
    /// Publishes an event: client to router.
    Publish { request: RequestId, options: PublishOptions, topic: Uri, payload: Payload },
    /// The event was published: router to client.
    Published { request: RequestId, publication: PublicationId },
    /// Subscribes to a topic: client to router.
    Subscribe { request: RequestId, options: SubscribeOptions, topic: Uri },
    /// The subscription stands: router to client.
    Subscribed { request: RequestId, subscription: SubscriptionId },
    /// Ends a subscription: client to router.
    Unsubscribe { request: RequestId, subscription: SubscriptionId },
    /// The subscription has ended: router to client.
    Unsubscribed { request: RequestId },
    /// An event: router to client.
    Event { subscription: SubscriptionId, publication: PublicationId, details: EventDetails, payload: Payload },
    /// Calls a procedure: client to router.
    Call { request: RequestId, options: CallOptions, procedure: Uri, payload: Payload },
    /// Takes a call back: client to router.
    Cancel { request: RequestId, options: CancelOptions },
    /// A call's result: router to client.
    Result { request: RequestId, details: ResultDetails, payload: Payload },
    /// Registers a procedure: client to router.
    Register { request: RequestId, options: RegisterOptions, procedure: Uri },
    /// The registration stands: router to client.
    Registered { request: RequestId, registration: RegistrationId },
    /// Ends a registration: client to router.
    Unregister { request: RequestId, registration: RegistrationId },
    /// The registration has ended: router to client. `revoked` says which when the router ended it on its own accord, for
    /// request 0 (*Registration Revocation*).
    Unregistered { request: RequestId, revoked: Option<Revocation> },
    /// Calls a procedure: router to client.
    Invocation { request: RequestId, registration: RegistrationId, details: InvocationDetails, payload: Payload },
    /// Tells the callee that the call was taken back: router to client.
    Interrupt { request: RequestId, options: CancelOptions },
    /// An invocation's result: client to router.
    Yield { request: RequestId, options: ResultDetails, payload: Payload },
}

macro_rules! kinds {
    ($($name:ident = $code:literal,)*) => {
        /// What a message is, by its number on the wire (*Message Codes and Direction*).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[allow(missing_docs)]
        pub enum Kind { $($name = $code,)* }

        impl Kind {
            /// The kind with this number.
            #[must_use]
            pub const fn from_code(code: u64) -> Option<Self> {
                match code { $($code => Some(Self::$name),)* _ => None }
            }
        }

        impl Message {
            /// What the message is.
            #[must_use]
            pub const fn kind(&self) -> Kind {
                match self { $(Self::$name { .. } => Kind::$name,)* }
            }
        }
    };
}

kinds! {
    Hello = 1,
    Welcome = 2,
    Abort = 3,
    Challenge = 4,
    Authenticate = 5,
    Goodbye = 6,
    Error = 8,
    Publish = 16,
    Published = 17,
    Subscribe = 32,
    Subscribed = 33,
    Unsubscribe = 34,
    Unsubscribed = 35,
    Event = 36,
    Call = 48,
    Cancel = 49,
    Result = 50,
    Register = 64,
    Registered = 65,
    Unregister = 66,
    Unregistered = 67,
    Invocation = 68,
    Interrupt = 69,
    Yield = 70,
}

impl Kind {
    /// Its number on the wire.
    #[must_use]
    pub const fn code(self) -> u64 {
        self as u64
    }

    /// Its name in the spec, as in `"PUBLISH"`.
    #[must_use]
    pub fn name(self) -> String {
        format!("{self:?}").to_uppercase()
    }
}

impl Message {
    /// Bytes that it holds, about: its payload, and a little for the rest.
    #[must_use]
    pub fn size(&self) -> usize {
        const REST: usize = 256;
        match self {
            Self::Error { payload, .. }
            | Self::Publish { payload, .. }
            | Self::Event { payload, .. }
            | Self::Call { payload, .. }
            | Self::Result { payload, .. }
            | Self::Invocation { payload, .. }
            | Self::Yield { payload, .. } => REST + payload.size(),
            _ => REST,
        }
    }

    /// An ERROR without arguments of its own but a sentence.
    #[must_use]
    pub fn error(kind: Kind, request: RequestId, error: &str, sentence: &str) -> Self {
        Self::Error { kind, request, details: Empty {}, error: Uri::from(error), payload: Payload::of(&sentence) }
    }

    /// An ABORT with a sentence.
    #[must_use]
    pub fn abort(reason: &str, sentence: impl Into<String>) -> Self {
        Self::Abort { details: ClosingDetails::saying(sentence), reason: Uri::from(reason) }
    }

    /// A GOODBYE.
    #[must_use]
    pub fn goodbye(reason: &str) -> Self {
        Self::Goodbye { details: ClosingDetails::default(), reason: Uri::from(reason) }
    }
}
