//! Messages in MessagePack (`wamp.2.msgpack`) and CBOR (`wamp.2.cbor`).
//!
//! What the router looks at, ids, options and URIs, goes through the same typed reading as JSON: it is small, and transcoded.
//! The application's arguments stay the bytes that came, and are transcoded only for a receiver that speaks another
//! serialization. What has no like on the other side:
//! - Bytes are, in JSON, a string of a NUL and base64 (*Binary conversion of JSON Strings*), and such a string among the
//!   application's arguments is bytes. JSON's readers hang up where no base64 follows the NUL, so of a client's JSON that is
//!   refused, and such a text of another serialization becomes bytes, its own.
//! - JSON has no NaN and no infinity: they become null.
//! - Keys of dicts are strings in JSON: numbers and booleans become their text, bytes what bytes become. From there they come
//!   as strings.
//! - Clients' keyword arguments have names that are strings, and in MessagePack no key is anything else but a string or bytes;
//!   there are clients that hang up otherwise. For the same reason their MessagePack timestamps must be some and their other extensions the application's, their CBOR's tags
//!   keep to `tags`, the arguments as a whole have none, and reserved simple values are refused.
//! - A CBOR tag is dropped and what it tags stays; a MessagePack extension becomes its bytes; CBOR's undefined and its
//!   unassigned simple values become null. Integers beyond 64 bits become floats.
//! - CBOR's strings in chunks of indefinite length are refused; no encoder that is in use writes them.

#[cfg(feature = "cbor")]
mod cbor;
mod from_json;
#[cfg(feature = "msgpack")]
mod msgpack;
#[cfg(feature = "cbor")]
mod tags;
#[cfg(test)]
mod tests;
mod to_json;

use serde::Serialize;
use serde_json::value::RawValue;

use super::reader::{self, Elements, MAX_ELEMENTS};
use super::writer::{self, List};
use super::{DecodeError, MAX_DEPTH, Sender};
use crate::wamp::encoded::Encoded;
use crate::wamp::message::{Kind, Message};
use crate::wamp::payload::Payload;
use from_json::Strings;

/// A serialization that is no text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binary {
    /// MessagePack.
    #[cfg(feature = "msgpack")]
    MsgPack,
    /// CBOR, RFC 8949.
    #[cfg(feature = "cbor")]
    Cbor,
}

/// The smallest part of a text of either serialization.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Token<'a> {
    Null,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text(&'a str),
    Bytes(&'a [u8]),
    /// A list of so many items; `None`: until [`Token::End`].
    List(Option<u64>),
    /// A dict of so many entries; `None`: until [`Token::End`].
    Dict(Option<u64>),
    /// What follows is tagged with that number.
    #[cfg_attr(not(feature = "cbor"), allow(dead_code))] // MessagePack has no tags.
    Tag(u64),
    /// Ends a list or a dict that did not say how long it is.
    End,
}

/// Why bytes are no value: what was expected.
pub(super) type Malformed = &'static str;

impl Binary {
    /// The bytes of a message.
    #[must_use]
    pub fn encode(self, message: &Message) -> Vec<u8> {
        let list = Written { binary: self, count: 0, bytes: Vec::with_capacity(256) };
        let Written { count, bytes, .. } = writer::write(message, list.and(&message.kind().code()));
        let mut whole = Vec::with_capacity(bytes.len() + 1);
        self.list(&mut whole, count);
        whole.extend_from_slice(&bytes);
        whole
    }

    /// The message that bytes are.
    ///
    /// # Errors
    /// [`DecodeError`], which says what was expected and what was got. No bytes make this panic or recurse deeply.
    pub fn decode(self, bytes: &[u8], sender: Sender) -> Result<Message, DecodeError> {
        let mut rest = bytes;
        let Token::List(count) = self.token(&mut rest).map_err(lacking)? else {
            return Err(DecodeError::NotAMessage("a value that is no list".to_owned()));
        };
        let mut texts: Vec<Box<RawValue>> = Vec::with_capacity(MAX_ELEMENTS);
        let mut payload = [None, None];
        let mut begin_of_payload = None;
        let mut number = 0;
        while count.is_none_or(|count| number < count) {
            if count.is_none() && self.take_end(&mut rest) {
                break;
            }
            let before = rest;
            self.skip(&mut rest, sender.levels() - 1, sender)?;
            let element = before.get(..before.len() - rest.len()).unwrap_or_default();
            let place = begin_of_payload.and_then(|begin: u64| usize::try_from(number.checked_sub(begin)?).ok());
            if sender == Sender::Client {
                match place {
                    Some(0) => self.check_untagged(element)?,
                    Some(1) => self.check_names(element)?,
                    _ => {}
                }
            }
            match place.map(|place| payload.get_mut(place)) {
                Some(Some(place)) => *place = Some(Encoded::new(self, element)),
                Some(None) => texts.push(RawValue::NULL.to_owned()),
                None => texts.push(self.to_json_text(element, Strings::AreText).ok_or(lacking("a value"))?),
            }
            if number == 0 {
                let code = texts.first().and_then(|text| text.get().parse().ok());
                begin_of_payload = code.and_then(Kind::from_code).and_then(begin_of);
            }
            number += 1;
            if texts.len() > MAX_ELEMENTS {
                break;
            }
        }
        if !rest.is_empty() && texts.len() <= MAX_ELEMENTS {
            return Err(DecodeError::NotAMessage(format!("a list and {} bytes behind it", rest.len())));
        }
        let mut elements = Elements::before(payload);
        texts.iter().for_each(|text| elements.push(text));
        reader::read(elements)
    }

    /// Takes one token.
    pub(super) fn token<'a>(self, bytes: &mut &'a [u8]) -> Result<Token<'a>, Malformed> {
        match self {
            #[cfg(feature = "msgpack")]
            Self::MsgPack => msgpack::token(bytes),
            #[cfg(feature = "cbor")]
            Self::Cbor => cbor::token(bytes),
        }
    }

    /// Whether a value is a list.
    pub(in crate::wamp) fn is_list(self, bytes: &[u8]) -> bool {
        matches!(self.untagged(bytes), Ok(Token::List(_)))
    }

    /// Whether a value is a dict.
    pub(in crate::wamp) fn is_dict(self, bytes: &[u8]) -> bool {
        matches!(self.untagged(bytes), Ok(Token::Dict(_)))
    }

    fn untagged(self, mut bytes: &[u8]) -> Result<Token<'_>, Malformed> {
        loop {
            match self.token(&mut bytes) {
                Ok(Token::Tag(_)) => {}
                token => return token,
            }
        }
    }

    /// Passes over one value: it is well formed, and not nested deeper than so many levels.
    fn skip(self, bytes: &mut &[u8], levels: usize, sender: Sender) -> Result<(), DecodeError> {
        let before = *bytes;
        let taken = |rest: &[u8]| before.get(..before.len() - rest.len()).unwrap_or_default();
        let below = || levels.checked_sub(1).ok_or(DecodeError::TooDeep);
        match self.token(bytes).map_err(lacking)? {
            #[cfg_attr(not(feature = "cbor"), allow(unused_variables))]
            Token::Tag(tag) => {
                let content = *bytes;
                self.skip(bytes, below()?, sender)?;
                #[cfg(feature = "cbor")]
                if sender == Sender::Client {
                    let content = content.get(..content.len() - bytes.len()).unwrap_or_default();
                    tags::check(tag, content).map_err(lacking)?;
                }
                Ok(())
            }
            Token::List(count) => {
                let levels = below()?;
                self.skip_all(bytes, count, |bytes| self.skip(bytes, levels, sender))
            }
            Token::Dict(count) => {
                let levels = below()?;
                self.skip_all(bytes, count, |bytes| {
                    if !self.is_key(bytes, sender) {
                        return Err(lacking("a key that is a string"));
                    }
                    self.skip(bytes, levels, sender)?;
                    self.skip(bytes, levels, sender)
                })
            }
            Token::End => Err(lacking("a value")),
            Token::Bytes(_) | Token::Null if sender == Sender::Client => self.check_scalar(taken(bytes)),
            _ => Ok(()),
        }
    }

    /// Whether a dict of that sender may have the key that comes next.
    fn is_key(self, bytes: &[u8], sender: Sender) -> bool {
        match self.untagged(bytes) {
            Ok(Token::List(_) | Token::Dict(_)) => false,
            _ if sender == Sender::Router => true,
            #[cfg(feature = "msgpack")]
            Ok(Token::Bytes(_)) if self == Self::MsgPack => !msgpack::is_extension(bytes),
            Ok(Token::Text(_) | Token::Bytes(_)) => true,
            _ => self.takes_any_key(),
        }
    }

    /// Whether a value without others in it, a client's, is one of those that other clients can read.
    fn check_scalar(self, value: &[u8]) -> Result<(), DecodeError> {
        match self {
            #[cfg(feature = "msgpack")]
            Self::MsgPack if msgpack::is_odd_extension(value) => {
                Err(lacking("a timestamp or a type of the application's"))
            }
            #[cfg(feature = "cbor")]
            Self::Cbor if cbor::is_reserved(value) => Err(lacking("well-formed CBOR")),
            _ => Ok(()),
        }
    }

    /// Whether those who read this serialization take keys that are no strings.
    const fn takes_any_key(self) -> bool {
        match self {
            #[cfg(feature = "msgpack")]
            Self::MsgPack => false,
            #[cfg(feature = "cbor")]
            Self::Cbor => true,
        }
    }

    /// Whether a list of arguments is a list and not, as others read it, what a tag makes of one.
    fn check_untagged(self, mut bytes: &[u8]) -> Result<(), DecodeError> {
        match self.token(&mut bytes) {
            Ok(Token::Tag(_)) => Err(lacking("arguments without a tag")),
            _ => Ok(()),
        }
    }

    /// Whether the names of keyword arguments, which were passed over before, are strings, and they themselves without a tag.
    fn check_names(self, mut bytes: &[u8]) -> Result<(), DecodeError> {
        self.check_untagged(bytes)?;
        let Token::Dict(count) = self.token(&mut bytes).map_err(lacking)? else { return Ok(()) };
        self.skip_all(&mut bytes, count, |bytes| match self.token(bytes).map_err(lacking)? {
            Token::Text(_) => self.skip(bytes, MAX_DEPTH, Sender::Client),
            _ => Err(lacking("a keyword argument whose name is a string")),
        })
    }

    /// Passes over the items of a list, or the entries of a dict.
    fn skip_all<'a>(
        self,
        bytes: &mut &'a [u8],
        count: Option<u64>,
        skip: impl Fn(&mut &'a [u8]) -> Result<(), DecodeError>,
    ) -> Result<(), DecodeError> {
        let mut number = 0;
        while count.is_none_or(|count| number < count) {
            if count.is_none() && self.take_end(bytes) {
                break;
            }
            skip(bytes)?;
            number += 1;
        }
        Ok(())
    }

    /// Takes the end of a list or dict that did not say how long it is, if that comes next.
    fn take_end(self, bytes: &mut &[u8]) -> bool {
        let mut rest = *bytes;
        let is_end = self.token(&mut rest) == Ok(Token::End);
        if is_end {
            *bytes = rest;
        }
        is_end
    }

    fn list(self, out: &mut Vec<u8>, count: u64) {
        match self {
            #[cfg(feature = "msgpack")]
            Self::MsgPack => msgpack::list(out, count),
            #[cfg(feature = "cbor")]
            Self::Cbor => cbor::list(out, count),
        }
    }

    fn dict(self, out: &mut Vec<u8>, count: u64) {
        match self {
            #[cfg(feature = "msgpack")]
            Self::MsgPack => msgpack::dict(out, count),
            #[cfg(feature = "cbor")]
            Self::Cbor => cbor::dict(out, count),
        }
    }

    /// Writes a value that holds no others.
    fn scalar(self, out: &mut Vec<u8>, token: Token<'_>) {
        match self {
            #[cfg(feature = "msgpack")]
            Self::MsgPack => msgpack::scalar(out, token),
            #[cfg(feature = "cbor")]
            Self::Cbor => cbor::scalar(out, token),
        }
    }
}

fn lacking(expected: Malformed) -> DecodeError {
    DecodeError::NotAMessage(format!("bytes that lack {expected}"))
}

/// The number of the element with which the application's arguments begin.
const fn begin_of(kind: Kind) -> Option<u64> {
    match kind {
        Kind::Result | Kind::Yield => Some(3),
        Kind::Publish | Kind::Event | Kind::Call | Kind::Invocation => Some(4),
        Kind::Error => Some(5),
        _ => None,
    }
}

/// A list that is being written.
struct Written {
    binary: Binary,
    count: u64,
    bytes: Vec<u8>,
}

impl Written {
    fn and_encoded(mut self, encoded: &Encoded) -> Self {
        self.count += 1;
        match encoded.bytes_in(self.binary) {
            Some(bytes) => self.bytes.extend_from_slice(bytes),
            None => self.binary.push_json(&mut self.bytes, encoded.json()),
        }
        self
    }
}

impl List for Written {
    fn and<T: Serialize + ?Sized>(mut self, element: &T) -> Self {
        self.count += 1;
        // Our own types always have a text.
        let text = serde_json::to_string(element).unwrap_or_else(|_| "null".to_owned());
        self.binary.push_json_text(&mut self.bytes, &text, Strings::AreText);
        self
    }

    fn and_payload(self, payload: &Payload) -> Self {
        match payload.parts() {
            (None, None) => self,
            (Some(args), None) => self.and_encoded(args),
            (None, Some(kwargs)) => self.and::<[(); 0]>(&[]).and_encoded(kwargs),
            (Some(args), Some(kwargs)) => self.and_encoded(args).and_encoded(kwargs),
        }
    }
}
