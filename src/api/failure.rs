//! Why a procedure did not do what it was asked. One rule for all: nothing was changed.

use std::fmt;

use crate::process::ProcessError;
use crate::sampler::Busy;
use crate::wamp::error::uri::INVALID_ARGUMENT;
use crate::wamp::{Payload, Uri, WampError};

/// A procedure's error. Its `Display` is the sentence that the caller gets as the error's only argument.
#[derive(Clone, Debug, PartialEq)]
pub enum Failure {
    /// An argument is missing, surplus, unknown, of the wrong type or out of range: `wamp.error.invalid_argument`.
    InvalidArgument(String),
    /// This build, this kernel or this target cannot do it: `crossbar.error.feature_unavailable`.
    FeatureUnavailable(String),
    /// A manhole's configuration is wrong: `crossbar.error.invalid_configuration`.
    InvalidConfiguration(String),
    /// There is a manhole: `crossbar.error.already_started`.
    AlreadyStarted(String),
    /// There is no manhole, or it is being stopped: `crossbar.error.not_started`.
    NotStarted(String),
    /// Nobody can be listened for: `crossbar.error.cannot_listen`.
    CannotListen(String),
    /// The kernel refused: `crossbar.error.runtime_error`.
    Runtime(String),
    /// The thread that would answer has too much to do: `wampproc.error.busy`.
    Busy(String),
    /// A procedure of an embedding program has an error of its own.
    Other {
        /// Names the kind of error.
        uri: Uri,
        /// One sentence.
        sentence: String,
    },
}

impl Failure {
    /// An error of an embedding program's procedure: a URI of its own and one sentence.
    #[must_use]
    pub fn other(uri: &str, sentence: impl Into<String>) -> Self {
        Self::Other { uri: Uri::from(uri), sentence: sentence.into() }
    }

    /// The error's URI.
    #[must_use]
    pub fn uri(&self) -> &str {
        match self {
            Self::InvalidArgument(_) => INVALID_ARGUMENT,
            Self::FeatureUnavailable(_) => "crossbar.error.feature_unavailable",
            Self::InvalidConfiguration(_) => "crossbar.error.invalid_configuration",
            Self::AlreadyStarted(_) => "crossbar.error.already_started",
            Self::NotStarted(_) => "crossbar.error.not_started",
            Self::CannotListen(_) => "crossbar.error.cannot_listen",
            Self::Runtime(_) => "crossbar.error.runtime_error",
            Self::Busy(_) => "wampproc.error.busy",
            Self::Other { uri, .. } => uri.as_str(),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidArgument(sentence)
            | Self::FeatureUnavailable(sentence)
            | Self::InvalidConfiguration(sentence)
            | Self::AlreadyStarted(sentence)
            | Self::NotStarted(sentence)
            | Self::CannotListen(sentence)
            | Self::Runtime(sentence)
            | Self::Busy(sentence)
            | Self::Other { sentence, .. } => f.write_str(sentence),
        }
    }
}

impl std::error::Error for Failure {}

impl From<ProcessError> for Failure {
    fn from(error: ProcessError) -> Self {
        match error {
            ProcessError::Unsupported { .. } => Self::FeatureUnavailable(error.to_string()),
            ProcessError::Os { .. }
            | ProcessError::Gone { .. }
            | ProcessError::NoTarget { .. }
            | ProcessError::Absent { .. }
            | ProcessError::Malformed { .. } => Self::Runtime(error.to_string()),
        }
    }
}

impl From<Busy> for Failure {
    fn from(busy: Busy) -> Self {
        Self::Busy(busy.to_string())
    }
}

/// The longest sentence that is sent, in characters: a sentence is for people, and must fit into any message.
const LONGEST: usize = 2000;

impl From<Failure> for WampError {
    fn from(failure: Failure) -> Self {
        let sentence: String = failure.to_string().chars().take(LONGEST).collect();
        Self { uri: Uri::from(failure.uri()), payload: Payload::of(&sentence) }
    }
}
