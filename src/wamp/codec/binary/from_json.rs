//! From JSON to MessagePack or CBOR.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{Binary, Token};
use crate::wamp::binary;

impl Binary {
    /// Adds the value that a JSON text is, of the application's arguments.
    pub(super) fn push_json(self, out: &mut Vec<u8>, text: &RawValue) {
        self.push_json_text(out, text.get(), Strings::MayBeBytes);
    }

    /// Adds the value that a JSON text is. A list or dict with what JSON's grammar allows and no value can be (`1e999`, a lone
    /// surrogate) becomes an empty one, so that it stays a list or dict.
    pub(super) fn push_json_text(self, out: &mut Vec<u8>, text: &str, strings: Strings) {
        let begin = out.len();
        let mut reader = serde_json::Deserializer::from_str(text);
        if (Value { binary: self, strings, out }).deserialize(&mut reader).is_err() {
            out.truncate(begin);
            match text.as_bytes().first() {
                Some(b'[') => self.list(out, 0),
                Some(b'{') => self.dict(out, 0),
                _ => self.scalar(out, Token::Null),
            }
        }
    }

    /// Puts what goes before a list or a dict, now that its length is known.
    fn insert(self, out: &mut Vec<u8>, begin: usize, header: impl Fn(Self, &mut Vec<u8>)) {
        let mut bytes = Vec::with_capacity(9);
        header(self, &mut bytes);
        out.splice(begin..begin, bytes);
    }
}

/// What a string is that begins with a NUL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strings {
    /// Bytes, if base64 follows: what an application means by it.
    MayBeBytes,
    /// That very string: peers hang up on a URI that is no string, and others can choose URIs.
    AreText,
}

/// Reads one JSON value and writes it where it goes.
struct Value<'o> {
    binary: Binary,
    strings: Strings,
    out: &'o mut Vec<u8>,
}

impl Value<'_> {
    fn scalar(self, token: Token<'_>) {
        self.binary.scalar(self.out, token);
    }
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.scalar(Token::Null);
        Ok(())
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.scalar(Token::Bool(value));
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        self.scalar(Token::Unsigned(value));
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.scalar(Token::Signed(value));
        Ok(())
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        self.scalar(Token::Float(value));
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        let bytes = if self.strings == Strings::MayBeBytes { binary::from_text(text) } else { None };
        match bytes {
            Some(bytes) => self.scalar(Token::Bytes(&bytes)),
            None => self.scalar(Token::Text(text)),
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let (begin, mut count) = (self.out.len(), 0);
        while seq.next_element_seed(Value { out: self.out, ..self })?.is_some() {
            count += 1;
        }
        self.binary.insert(self.out, begin, |binary, out| binary.list(out, count));
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let (begin, mut count) = (self.out.len(), 0);
        while map.next_key_seed(Value { strings: Strings::AreText, out: self.out, ..self })?.is_some() {
            map.next_value_seed(Value { out: self.out, ..self })?;
            count += 1;
        }
        self.binary.insert(self.out, begin, |binary, out| binary.dict(out, count));
        Ok(())
    }
}
