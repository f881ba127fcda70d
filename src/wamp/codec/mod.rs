//! How messages are written (*Serializations*), and what a text that is no message lacks.

#[cfg(any(feature = "cbor", feature = "msgpack"))]
pub mod binary;
pub mod json;
mod reader;
mod writer;

use std::fmt;

use super::message::{Kind, Message};
#[cfg(any(feature = "cbor", feature = "msgpack"))]
use binary::Binary;

/// How deep lists and dicts may be nested in a message. Deeper text is refused before anything parses it: what a parser or
/// a peer's parser does with it is not worth finding out.
pub const MAX_DEPTH: usize = 64;

/// The most digits that a client may write one after the other outside of strings: more than any number has that a double
/// holds. There are clients that hang up on an integer of thousands of digits.
pub const MAX_DIGITS: usize = 512;

/// Who sent a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// A client, whose arguments a router hands to others, who may hang up on what is none of WAMP's: nothing deeper than
    /// [`MAX_DEPTH`], no number longer than [`MAX_DIGITS`], no key of keyword arguments that is no string, in JSON no binary
    /// value that is none, in MessagePack no reserved extension and none as a key, in CBOR no reserved simple value, no key that
    /// is a list or a dict, and no tag before what it cannot stand for.
    Client,
    /// A router, of whom a client takes whatever others could make it pass on. Hanging up would be doing their work.
    Router,
}

impl Sender {
    /// How deep what it sends may be nested where reading it is recursive.
    #[cfg(any(feature = "cbor", feature = "msgpack"))]
    const fn levels(self) -> usize {
        match self {
            Self::Client => MAX_DEPTH,
            Self::Router => 8 * MAX_DEPTH,
        }
    }
}

/// How messages are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Serialization {
    /// As JSON.
    #[default]
    Json,
    /// As bytes that are no text.
    #[cfg(any(feature = "cbor", feature = "msgpack"))]
    Binary(Binary),
}

impl Serialization {
    /// Those that this program was built with, JSON first.
    pub const ALL: &[Self] = &[
        Self::Json,
        #[cfg(feature = "msgpack")]
        Self::Binary(Binary::MsgPack),
        #[cfg(feature = "cbor")]
        Self::Binary(Binary::Cbor),
    ];

    /// As in a flag: `json`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            #[cfg(feature = "msgpack")]
            Self::Binary(Binary::MsgPack) => "msgpack",
            #[cfg(feature = "cbor")]
            Self::Binary(Binary::Cbor) => "cbor",
        }
    }

    /// The WebSocket subprotocol of WAMP v2 in it (*WebSocket Transport*).
    #[must_use]
    pub const fn subprotocol(self) -> &'static str {
        match self {
            Self::Json => "wamp.2.json",
            #[cfg(feature = "msgpack")]
            Self::Binary(Binary::MsgPack) => "wamp.2.msgpack",
            #[cfg(feature = "cbor")]
            Self::Binary(Binary::Cbor) => "wamp.2.cbor",
        }
    }

    /// Its number in the handshake of a RawSocket (*RawSocket Transport*).
    #[must_use]
    pub const fn rawsocket(self) -> u8 {
        match self {
            Self::Json => 1,
            #[cfg(feature = "msgpack")]
            Self::Binary(Binary::MsgPack) => 2,
            #[cfg(feature = "cbor")]
            Self::Binary(Binary::Cbor) => 3,
        }
    }

    /// The message that bytes are.
    ///
    /// # Errors
    /// [`DecodeError`], which says what was expected and what was got. No bytes make this panic or recurse deeply.
    pub fn decode(self, bytes: &[u8], sender: Sender) -> Result<Message, DecodeError> {
        match self {
            Self::Json => match std::str::from_utf8(bytes) {
                Ok(text) => json::decode_from(text, sender),
                Err(_) => Err(DecodeError::NotAMessage("text that is no UTF-8".to_owned())),
            },
            #[cfg(any(feature = "cbor", feature = "msgpack"))]
            Self::Binary(binary) => binary.decode(bytes, sender),
        }
    }

    /// The bytes of a message.
    #[must_use]
    pub fn encode(self, message: &Message) -> Vec<u8> {
        match self {
            Self::Json => json::encode(message).into_bytes(),
            #[cfg(any(feature = "cbor", feature = "msgpack"))]
            Self::Binary(binary) => binary.encode(message),
        }
    }
}

/// A text that is no message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// Not well formed, or no list that begins with a number.
    NotAMessage(String),
    /// Lists and dicts nested deeper than [`MAX_DEPTH`].
    TooDeep,
    /// A number of more than [`MAX_DIGITS`] digits.
    TooManyDigits,
    /// A string that begins with a NUL, and no base64 behind it.
    NotBinary,
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
            Self::NotAMessage(got) => write!(f, "expected a list that begins with a message's number, got {got}"),
            Self::TooDeep => write!(f, "expected at most {MAX_DEPTH} levels of lists and dicts, got more"),
            Self::TooManyDigits => write!(f, "expected numbers of at most {MAX_DIGITS} digits, got a longer one"),
            Self::NotBinary => f.write_str("expected base64 behind the NUL that begins a string, got something else"),
            Self::UnknownKind(code) => write!(f, "expected the number of a WAMP message, got {code}"),
            Self::Missing { kind, expected } => write!(f, "{}: expected {expected}, got the end", kind.name()),
            Self::Wrong { kind, expected, got } => write!(f, "{}: expected {expected}, got {got}", kind.name()),
            Self::Surplus { kind } => write!(f, "{}: expected the end, got more elements", kind.name()),
        }
    }
}

impl std::error::Error for DecodeError {}
