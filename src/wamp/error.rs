//! The errors of WAMP: the URIs that the spec names, and an error as an application sees it.

use std::fmt;

use super::payload::Payload;
use super::uri::Uri;

/// The error URIs of the spec (*Predefined URIs*) that are used here.
pub mod uri {
    /// A URI broke the rules.
    pub const INVALID_URI: &str = "wamp.error.invalid_uri";
    /// No such registration of a procedure.
    pub const NO_SUCH_PROCEDURE: &str = "wamp.error.no_such_procedure";
    /// The procedure is registered by another already.
    pub const PROCEDURE_ALREADY_EXISTS: &str = "wamp.error.procedure_already_exists";
    /// UNREGISTER for a registration that is none of the session's.
    pub const NO_SUCH_REGISTRATION: &str = "wamp.error.no_such_registration";
    /// UNSUBSCRIBE for a subscription that is none of the session's.
    pub const NO_SUCH_SUBSCRIPTION: &str = "wamp.error.no_such_subscription";
    /// No session with that id.
    pub const NO_SUCH_SESSION: &str = "wamp.error.no_such_session";
    /// The realm does not exist.
    pub const NO_SUCH_REALM: &str = "wamp.error.no_such_realm";
    /// The arguments of a call do not fit.
    pub const INVALID_ARGUMENT: &str = "wamp.error.invalid_argument";
    /// The peer broke the protocol.
    pub const PROTOCOL_VIOLATION: &str = "wamp.error.protocol_violation";
    /// The caller took its call back, or its callee went.
    pub const CANCELED: &str = "wamp.error.canceled";
    /// The call took longer than its caller was willing to wait.
    pub const TIMEOUT: &str = "wamp.error.timeout";
    /// The callee cannot be reached now.
    pub const UNAVAILABLE: &str = "wamp.error.unavailable";
    /// A message is longer than its receiver takes.
    pub const PAYLOAD_SIZE_EXCEEDED: &str = "wamp.error.payload_size_exceeded";
    /// An option is not on offer.
    pub const OPTION_NOT_ALLOWED: &str = "wamp.error.option_not_allowed";
    /// The session may not do that.
    pub const NOT_AUTHORIZED: &str = "wamp.error.not_authorized";
    /// The peer's proof of who it is does not hold.
    pub const AUTHENTICATION_DENIED: &str = "wamp.error.authentication_denied";
    /// The way to log in itself failed.
    pub const AUTHENTICATION_FAILED: &str = "wamp.error.authentication_failed";
    /// None of the offered ways to log in is known.
    pub const NO_AUTH_METHOD: &str = "wamp.error.no_auth_method";
    /// GOODBYE: the sender's end of a session.
    pub const CLOSE_NORMAL: &str = "wamp.close.normal";
    /// GOODBYE: the peer shuts down altogether.
    pub const SYSTEM_SHUTDOWN: &str = "wamp.close.system_shutdown";
    /// GOODBYE: the answer to one.
    pub const GOODBYE_AND_OUT: &str = "wamp.close.goodbye_and_out";
    /// GOODBYE: a meta procedure ended the session.
    pub const KILLED: &str = "wamp.close.killed";
}

/// An ERROR as the application sees it: a URI and a payload, whose first argument is by custom a sentence.
#[derive(Clone, Debug, PartialEq)]
pub struct WampError {
    /// Names the kind of error.
    pub uri: Uri,
    /// What it has to say.
    pub payload: Payload,
}

impl WampError {
    /// An error that says one sentence.
    #[must_use]
    pub fn new(uri: &str, sentence: &str) -> Self {
        Self { uri: Uri::from(uri), payload: Payload::of(&sentence) }
    }
}

impl fmt::Display for WampError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.uri)?;
        match self.payload.text() {
            Some(text) => write!(f, ": {text}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for WampError {}
