//! How messages are written (*Serializations*), and what a text that is no message lacks.

#[cfg(any(feature = "cbor", feature = "msgpack"))]
pub mod binary;
pub mod json;
mod reader;
mod writer;

use std::fmt;

use super::message::Kind;

/// How deep lists and dicts may be nested in a message. Deeper text is refused before anything parses it: what a parser or
/// a peer's parser does with it is not worth finding out.
pub const MAX_DEPTH: usize = 64;

/// A text that is no message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// Not JSON, or no list that begins with a number.
    NotAMessage(String),
    /// Lists and dicts nested deeper than [`MAX_DEPTH`].
    TooDeep,
    /// A number that names no message.
    UnknownKind(u64),
    /// The message is shorter than its kind must be.
    Missing {
        /// What the message is.
        kind: Kind,
        /// What would have stood there.
        expected: &'static str,
    },
    /// An element is not what its place demands.
    Wrong {
        /// What the message is.
        kind: Kind,
        /// What the place demands.
        expected: &'static str,
        /// What is wrong with what stood there.
        got: String,
    },
    /// The message is longer than its kind may be.
    Surplus {
        /// What the message is.
        kind: Kind,
    },
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAMessage(got) => write!(f, "expected a JSON list that begins with a message's number, got {got}"),
            Self::TooDeep => write!(f, "expected at most {MAX_DEPTH} levels of lists and dicts, got more"),
            Self::UnknownKind(code) => write!(f, "expected the number of a WAMP message, got {code}"),
            Self::Missing { kind, expected } => write!(f, "{}: expected {expected}, got the end", kind.name()),
            Self::Wrong { kind, expected, got } => write!(f, "{}: expected {expected}, got {got}", kind.name()),
            Self::Surplus { kind } => write!(f, "{}: expected the end, got more elements", kind.name()),
        }
    }
}

impl std::error::Error for DecodeError {}
