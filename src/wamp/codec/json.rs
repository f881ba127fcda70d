//! The JSON serialization: `wamp.2.json`.

use std::fmt;

use serde::de::{Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::reader::{self, Elements};
use super::writer::{self, List};
use super::{DecodeError, MAX_DEPTH, MAX_DIGITS, Sender};
use crate::wamp::message::{Kind, Message};
use crate::wamp::payload::Payload;
use crate::wamp::{binary, excerpt};

/// The text of a message.
#[must_use]
pub fn encode(message: &Message) -> String {
    writer::write(message, Text::new(message.kind())).end()
}

/// The message of a client that a text is.
///
/// # Errors
/// [`DecodeError`], which says what was expected and what was got. No text makes this panic or recurse deeply.
pub fn decode(text: &str) -> Result<Message, DecodeError> {
    decode_from(text, Sender::Client)
}

/// The message that a text is.
///
/// # Errors
/// As [`decode`].
pub fn decode_from(text: &str, sender: Sender) -> Result<Message, DecodeError> {
    if sender == Sender::Client {
        match measure(text) {
            Extent { depth, .. } if depth > MAX_DEPTH => return Err(DecodeError::TooDeep),
            Extent { digits, .. } if digits > MAX_DIGITS => return Err(DecodeError::TooManyDigits),
            Extent { binary: Binaries::Odd, .. } => return Err(DecodeError::NotBinary),
            _ => {}
        }
    }
    // What is not looked at is passed over without recursion, and what is has serde_json's own limit.
    reader::read(serde_json::from_str(text).map_err(|error| DecodeError::NotAMessage(excerpt(&error.to_string())))?)
}

/// A list that is being written.
struct Text {
    text: Vec<u8>,
}

impl Text {
    fn new(kind: Kind) -> Self {
        let mut text = Vec::with_capacity(256);
        text.push(b'[');
        text.extend_from_slice(kind.code().to_string().as_bytes());
        Self { text }
    }

    fn end(mut self) -> String {
        self.text.push(b']');
        String::from_utf8(self.text).unwrap_or_default()
    }
}

impl List for Text {
    fn and<T: Serialize + ?Sized>(mut self, element: &T) -> Self {
        self.text.push(b',');
        let start = self.text.len();
        if serde_json::to_writer(&mut self.text, element).is_err() {
            // Our own types always have a text; should one day one not, the place must not stay half written.
            debug_assert!(false, "an element that JSON cannot write");
            self.text.truncate(start);
            self.text.extend_from_slice(b"null");
        }
        self
    }

    fn and_payload(self, payload: &Payload) -> Self {
        match (payload.raw_args(), payload.raw_kwargs()) {
            (None, None) => self,
            (Some(args), None) => self.and(args),
            (None, Some(kwargs)) => self.and::<[(); 0]>(&[]).and(kwargs),
            (Some(args), Some(kwargs)) => self.and(args).and(kwargs),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Elements<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ListVisitor;
        impl<'de> Visitor<'de> for ListVisitor {
            type Value = Elements<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Elements<'de>, A::Error> {
                let mut list = Elements::default();
                while let Some(element) = seq.next_element()? {
                    list.push(element);
                }
                Ok(list)
            }
        }
        deserializer.deserialize_seq(ListVisitor)
    }
}

/// Whether a JSON text has more levels of lists and dicts than so many. Reads it once; no parser need have seen it.
#[must_use]
pub fn is_deeper_than(levels: usize, text: &str) -> bool {
    measure(text).depth > levels
}

/// How deep a text goes, how long its numbers are, and whether its binary values are some.
struct Extent {
    depth: usize,
    digits: usize,
    binary: Binaries,
}

/// What stands behind the NUL of the strings that begin with one.
#[derive(Clone, Copy)]
enum Binaries {
    /// Base64, or there is no such string.
    Fine,
    /// Something else, behind one of them.
    Odd,
}

fn measure(text: &str) -> Extent {
    let mut extent = Extent { depth: 0, digits: 0, binary: Binaries::Fine };
    let (mut depth, mut digits, mut in_string, mut escaped) = (0_usize, 0_usize, false, false);
    // Where the string began that was begun last.
    let mut quote = 0;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => {
                escaped = true;
                if quote + 1 == at && text.get(quote..).is_some_and(is_odd_binary) {
                    extent.binary = Binaries::Odd;
                }
            }
            b'"' => (in_string, digits, quote) = (!in_string, 0, at),
            _ if in_string => {}
            b'0'..=b'9' => {
                digits += 1;
                extent.digits = extent.digits.max(digits);
            }
            b'[' | b'{' => {
                (depth, digits) = (depth + 1, 0);
                extent.depth = extent.depth.max(depth);
            }
            b']' | b'}' => (depth, digits) = (depth.saturating_sub(1), 0),
            _ => digits = 0,
        }
    }
    extent
}

/// Whether a text begins with a string that a NUL begins and that is no binary value all the same. Keys are none,
/// unless they hold half a surrogate pair.
fn is_odd_binary(text: &str) -> bool {
    const NUL: &str = "\"\\u0000";
    let Some(base64) = text.strip_prefix(NUL) else { return false };
    let (is_base64, behind) = match base64.split_once(['"', '\\']) {
        Some((value, behind)) if base64.as_bytes().get(value.len()) == Some(&b'"') => {
            (binary::is_base64(value), behind)
        }
        // Letters may be written as escapes: a slash is by some.
        _ => {
            let mut strings = serde_json::Deserializer::from_str(text).into_iter::<String>();
            match strings.next() {
                Some(Ok(string)) => {
                    let behind = text.get(strings.byte_offset()..).unwrap_or_default();
                    (string.strip_prefix('\0').is_some_and(binary::is_base64), behind)
                }
                // A lone surrogate, which others take; what does not end is for the parser to tell.
                Some(Err(error)) => return !error.is_eof(),
                None => return false,
            }
        }
    };
    !is_base64 && !behind.trim_start().starts_with(':')
}

#[cfg(test)]
#[path = "json_tests.rs"]
mod tests;
