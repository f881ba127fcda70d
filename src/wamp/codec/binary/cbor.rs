//! The tokens of CBOR (RFC 8949), by the crate `minicbor`.

use minicbor::data::Token as Item;
use minicbor::{Decoder, Encoder};

use super::{Malformed, Token};

/// Takes one token.
pub(super) fn token<'a>(bytes: &mut &'a [u8]) -> Result<Token<'a>, Malformed> {
    let mut decoder = Decoder::new(bytes);
    let item = decoder.decode::<Item<'a>>().map_err(|error| match () {
        () if error.is_end_of_input() => "the rest of a value",
        () => "well-formed CBOR",
    })?;
    let taken = decoder.position();
    let token = match item {
        Item::Null | Item::Undefined | Item::Simple(_) => Token::Null,
        Item::Bool(value) => Token::Bool(value),
        Item::U8(value) => Token::Unsigned(value.into()),
        Item::U16(value) => Token::Unsigned(value.into()),
        Item::U32(value) => Token::Unsigned(value.into()),
        Item::U64(value) => Token::Unsigned(value),
        Item::I8(value) => Token::Signed(value.into()),
        Item::I16(value) => Token::Signed(value.into()),
        Item::I32(value) => Token::Signed(value.into()),
        Item::I64(value) => Token::Signed(value),
        Item::Int(value) => match i64::try_from(value) {
            Ok(value) => Token::Signed(value),
            Err(_) => Token::Float(i128::from(value) as f64),
        },
        Item::F16(value) | Item::F32(value) => Token::Float(value.into()),
        Item::F64(value) => Token::Float(value),
        Item::Bytes(bytes) => Token::Bytes(bytes),
        Item::String(text) => Token::Text(text),
        Item::Array(count) => Token::List(Some(count)),
        Item::BeginArray => Token::List(None),
        Item::Map(count) => Token::Dict(Some(count)),
        Item::BeginMap => Token::Dict(None),
        Item::Tag(tag) => Token::Tag(tag.as_u64()),
        Item::Break => Token::End,
        Item::BeginBytes | Item::BeginString => return Err("a string that says how long it is"),
    };
    *bytes = bytes.get(taken..).unwrap_or_default();
    Ok(token)
}

/// Whether a value is one of two bytes that must be written as one, and no other is (RFC 8949 section 3.3).
pub(super) fn is_reserved(value: &[u8]) -> bool {
    matches!(value, [0xf8, 0..=31])
}

/// What goes before a list.
pub(super) fn list(out: &mut Vec<u8>, count: u64) {
    let _ = Encoder::new(out).array(count);
}

/// What goes before a dict.
pub(super) fn dict(out: &mut Vec<u8>, count: u64) {
    let _ = Encoder::new(out).map(count);
}

/// Writes a value that holds no others. Writing to memory does not fail.
pub(super) fn scalar(out: &mut Vec<u8>, token: Token<'_>) {
    let mut encoder = Encoder::new(out);
    let _ = match token {
        Token::Bool(value) => encoder.bool(value).is_ok(),
        Token::Unsigned(value) => encoder.u64(value).is_ok(),
        Token::Signed(value) => encoder.i64(value).is_ok(),
        Token::Float(value) => encoder.f64(value).is_ok(),
        Token::Text(text) => encoder.str(text).is_ok(),
        Token::Bytes(bytes) => encoder.bytes(bytes).is_ok(),
        Token::Null | Token::List(_) | Token::Dict(_) | Token::Tag(_) | Token::End => encoder.null().is_ok(),
    };
}
