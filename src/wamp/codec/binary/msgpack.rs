//! The tokens of MessagePack, by the crate `rmp`.

use rmp::Marker;
use rmp::decode::{Bytes, RmpRead, read_marker};
use rmp::encode;

use super::{Malformed, Token};

/// Takes one token.
pub(super) fn token<'a>(bytes: &mut &'a [u8]) -> Result<Token<'a>, Malformed> {
    let mut reader = Bytes::new(bytes);
    let read = read(&mut reader).ok_or("the rest of a value")?;
    let rest = reader.remaining_slice();
    let (token, rest) = match read {
        Read::Whole(token) => (token, rest),
        Read::Text(length) => {
            let (text, rest) = split(rest, length)?;
            (Token::Text(std::str::from_utf8(text).map_err(|_| "a string in UTF-8")?), rest)
        }
        Read::Bytes(length) => {
            let (bytes, rest) = split(rest, length)?;
            (Token::Bytes(bytes), rest)
        }
    };
    *bytes = rest;
    Ok(token)
}

fn split(bytes: &[u8], length: u32) -> Result<(&[u8], &[u8]), Malformed> {
    usize::try_from(length).ok().and_then(|length| bytes.split_at_checked(length)).ok_or("the rest of a string")
}

/// What stands before the bytes of a string.
enum Read<'a> {
    Whole(Token<'a>),
    Text(u32),
    Bytes(u32),
}

/// `None`: the bytes end before the value does, or begin with the one that begins none.
fn read<'a>(reader: &mut Bytes<'_>) -> Option<Read<'a>> {
    Some(Read::Whole(match read_marker(reader).ok()? {
        Marker::Null => Token::Null,
        Marker::True => Token::Bool(true),
        Marker::False => Token::Bool(false),
        Marker::FixPos(value) => Token::Unsigned(value.into()),
        Marker::U8 => Token::Unsigned(reader.read_data_u8().ok()?.into()),
        Marker::U16 => Token::Unsigned(reader.read_data_u16().ok()?.into()),
        Marker::U32 => Token::Unsigned(reader.read_data_u32().ok()?.into()),
        Marker::U64 => Token::Unsigned(reader.read_data_u64().ok()?),
        Marker::FixNeg(value) => Token::Signed(value.into()),
        Marker::I8 => Token::Signed(reader.read_data_i8().ok()?.into()),
        Marker::I16 => Token::Signed(reader.read_data_i16().ok()?.into()),
        Marker::I32 => Token::Signed(reader.read_data_i32().ok()?.into()),
        Marker::I64 => Token::Signed(reader.read_data_i64().ok()?),
        Marker::F32 => Token::Float(reader.read_data_f32().ok()?.into()),
        Marker::F64 => Token::Float(reader.read_data_f64().ok()?),
        Marker::FixArray(count) => Token::List(Some(count.into())),
        Marker::Array16 => Token::List(Some(reader.read_data_u16().ok()?.into())),
        Marker::Array32 => Token::List(Some(reader.read_data_u32().ok()?.into())),
        Marker::FixMap(count) => Token::Dict(Some(count.into())),
        Marker::Map16 => Token::Dict(Some(reader.read_data_u16().ok()?.into())),
        Marker::Map32 => Token::Dict(Some(reader.read_data_u32().ok()?.into())),
        Marker::FixStr(length) => return Some(Read::Text(length.into())),
        Marker::Str8 => return Some(Read::Text(reader.read_data_u8().ok()?.into())),
        Marker::Str16 => return Some(Read::Text(reader.read_data_u16().ok()?.into())),
        Marker::Str32 => return Some(Read::Text(reader.read_data_u32().ok()?)),
        Marker::Bin8 => return Some(Read::Bytes(reader.read_data_u8().ok()?.into())),
        Marker::Bin16 => return Some(Read::Bytes(reader.read_data_u16().ok()?.into())),
        Marker::Bin32 => return Some(Read::Bytes(reader.read_data_u32().ok()?)),
        Marker::FixExt1 => return extension(reader, 1),
        Marker::FixExt2 => return extension(reader, 2),
        Marker::FixExt4 => return extension(reader, 4),
        Marker::FixExt8 => return extension(reader, 8),
        Marker::FixExt16 => return extension(reader, 16),
        Marker::Ext8 => {
            let length = reader.read_data_u8().ok()?.into();
            return extension(reader, length);
        }
        Marker::Ext16 => {
            let length = reader.read_data_u16().ok()?.into();
            return extension(reader, length);
        }
        Marker::Ext32 => {
            let length = reader.read_data_u32().ok()?;
            return extension(reader, length);
        }
        Marker::Reserved => return None,
    }))
}

/// Its type is not looked at.
fn extension<'a>(reader: &mut Bytes<'_>, length: u32) -> Option<Read<'a>> {
    reader.read_data_i8().ok()?;
    Some(Read::Bytes(length))
}

/// Whether a value is of an extension type.
pub(super) fn is_extension(value: &[u8]) -> bool {
    matches!(value, [0xc7..=0xc9 | 0xd4..=0xd8, ..])
}

/// Whether a value is of an extension type that is reserved, or of the one for timestamps and none: seconds alone, or with fewer
/// nanoseconds than a second has, in 32, 64 or 96 bits (*Extension types*, *Timestamp extension type*).
pub(super) fn is_odd_extension(value: &[u8]) -> bool {
    const TIMESTAMP: u8 = 0xff;
    const SECOND: u64 = 1_000_000_000;
    let ([0xd4..=0xd8, kind, timestamp @ ..]
    | [0xc7, _, kind, timestamp @ ..]
    | [0xc8, _, _, kind, timestamp @ ..]
    | [0xc9, _, _, _, _, kind, timestamp @ ..]) = value
    else {
        return false;
    };
    match *kind {
        0..=0x7f => return false,
        TIMESTAMP => {}
        _ => return true,
    }
    match (timestamp.len(), timestamp.first_chunk::<8>(), timestamp.first_chunk::<4>()) {
        (4, ..) => false,
        (8, Some(both), _) => u64::from_be_bytes(*both) >> 34 >= SECOND,
        (12, _, Some(nanoseconds)) => u64::from(u32::from_be_bytes(*nanoseconds)) >= SECOND,
        _ => true,
    }
}

/// What goes before a list. (No message is so long that a number does not fit.)
pub(super) fn list(out: &mut Vec<u8>, count: u64) {
    let _ = encode::write_array_len(out, u32::try_from(count).unwrap_or(u32::MAX));
}

/// What goes before a dict.
pub(super) fn dict(out: &mut Vec<u8>, count: u64) {
    let _ = encode::write_map_len(out, u32::try_from(count).unwrap_or(u32::MAX));
}

/// Writes a value that holds no others. Writing to memory does not fail.
pub(super) fn scalar(out: &mut Vec<u8>, token: Token<'_>) {
    let _ = match token {
        Token::Bool(value) => encode::write_bool(out, value).is_ok(),
        Token::Unsigned(value) => encode::write_uint(out, value).is_ok(),
        Token::Signed(value) => encode::write_sint(out, value).is_ok(),
        Token::Float(value) => encode::write_f64(out, value).is_ok(),
        Token::Text(text) => encode::write_str(out, text).is_ok(),
        Token::Bytes(bytes) => encode::write_bin(out, bytes).is_ok(),
        Token::Null | Token::List(_) | Token::Dict(_) | Token::Tag(_) | Token::End => encode::write_nil(out).is_ok(),
    };
}
