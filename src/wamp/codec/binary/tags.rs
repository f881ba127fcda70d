//! What CBOR's tags demand of what they tag (RFC 8949 section 3.4, and IANA's registry of CBOR tags). Common decoders make
//! values of their own of some tags, and hang up, or compute for minutes, where they cannot. So of a client,
//! - a tag that they know has the content that its specification demands, and no more of it than they bear;
//! - a tag is refused that refers to something outside of what it tags, which is written anew for each receiver, and the one
//!   for regular expressions, whose language nobody knows;
//! - every other tag passes, whatever it tags: what it means is the receivers' business.

use super::cbor;
use super::{Malformed, Token};

/// The longest bignum, in bytes: what [`super::super::MAX_DIGITS`] digits come to.
const MAX_BIGNUM: usize = 212;

/// Seconds since 1970 in the years that a date of four digits has: from the year 1 to the end of 9999.
const FIRST_SECOND: f64 = -62_135_596_800.0;
const END_OF_SECONDS: f64 = 253_402_300_800.0;

/// The same in days.
const FIRST_DAY: i64 = -719_162;
const LAST_DAY: i64 = 2_932_896;

/// Whether a tag may stand before that value, which was passed over before.
pub(super) fn check(tag: u64, content: &[u8]) -> Result<(), Malformed> {
    let mut rest = content;
    let rest = &mut rest;
    let (is_fit, expected) = match tag {
        0 => (text(rest).is_some_and(is_date_time), "a date and time behind tag 0"),
        1 => (number(rest).is_some_and(is_instant), "seconds of the years 1 to 9999 behind tag 1"),
        2 | 3 => (bytes(rest).is_some_and(|bytes| bytes.len() <= MAX_BIGNUM), "a bignum of at most 212 bytes"),
        4 | 5 => (pair(rest, is_exponent, is_integer), "an exponent of 16 bits and an integer behind tag 4 or 5"),
        24 => (bytes(rest).is_some(), "bytes behind tag 24"),
        25 | 29 => (false, "a value instead of a reference (tag 25 or 29)"),
        30 => (pair(rest, is_integer, is_positive), "an integer and one above 0 behind tag 30"),
        32..=34 | 36 => (text(rest).is_some(), "text behind tag 32, 33, 34 or 36"),
        35 => (false, "something else than a regular expression (tag 35)"),
        37 => (bytes(rest).is_some_and(|bytes| bytes.len() == 16), "16 bytes behind tag 37"),
        52 => (is_address(rest, 4), "an IPv4 address or network behind tag 52"),
        54 => (is_address(rest, 16), "an IPv6 address or network behind tag 54"),
        100 => (integer(rest).is_some_and(is_day), "days of the years 1 to 9999 behind tag 100"),
        258 => (matches!(take(rest), Some(Token::List(_))), "a list behind tag 258"),
        260 => (bytes(rest).is_some_and(|bytes| matches!(bytes.len(), 4 | 6 | 16)), "an address behind tag 260"),
        261 => (is_masked(rest), "an address and its prefix behind tag 261"),
        1004 => (text(rest).is_some_and(is_date), "a date behind tag 1004"),
        43_000 => (pair(rest, is_number, is_number), "two numbers behind tag 43000"),
        _ => return Ok(()),
    };
    if is_fit { Ok(()) } else { Err(expected) }
}

fn take<'a>(rest: &mut &'a [u8]) -> Option<Token<'a>> {
    cbor::token(rest).ok()
}

fn text<'a>(rest: &mut &'a [u8]) -> Option<&'a str> {
    if let Token::Text(text) = take(rest)? { Some(text) } else { None }
}

fn bytes<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    if let Token::Bytes(bytes) = take(rest)? { Some(bytes) } else { None }
}

fn number(rest: &mut &[u8]) -> Option<f64> {
    match take(rest)? {
        Token::Unsigned(value) => Some(value as f64),
        Token::Signed(value) => Some(value as f64),
        Token::Float(value) => Some(value),
        _ => None,
    }
}

/// An integer that 64 bits hold.
fn integer(rest: &mut &[u8]) -> Option<i64> {
    match take(rest)? {
        Token::Unsigned(value) => i64::try_from(value).ok(),
        Token::Signed(value) => Some(value),
        _ => None,
    }
}

/// A list of two. Each of them takes what it looks at.
fn pair(rest: &mut &[u8], first: fn(&mut &[u8]) -> bool, second: fn(&mut &[u8]) -> bool) -> bool {
    match take(rest) {
        Some(Token::List(Some(2))) => first(rest) && second(rest),
        Some(Token::List(None)) => first(rest) && second(rest) && take(rest) == Some(Token::End),
        _ => false,
    }
}

fn is_number(rest: &mut &[u8]) -> bool {
    number(rest).is_some()
}

fn is_exponent(rest: &mut &[u8]) -> bool {
    integer(rest).is_some_and(|exponent| i16::try_from(exponent).is_ok())
}

/// Whether it is an integer of any size: one that is tagged was looked at before.
fn is_integer(rest: &mut &[u8]) -> bool {
    let is_plain = rest.first().is_some_and(|head| head >> 5 <= 1);
    match take(rest) {
        Some(Token::Tag(2 | 3)) => bytes(rest).is_some(),
        token => is_plain && token.is_some(),
    }
}

fn is_positive(rest: &mut &[u8]) -> bool {
    match take(rest) {
        Some(Token::Unsigned(value)) => value > 0,
        Some(Token::Tag(2)) => bytes(rest).is_some_and(|bytes| bytes.iter().any(|byte| *byte > 0)),
        _ => false,
    }
}

fn is_instant(seconds: f64) -> bool {
    (FIRST_SECOND..END_OF_SECONDS).contains(&seconds)
}

fn is_day(days: i64) -> bool {
    (FIRST_DAY..=LAST_DAY).contains(&days)
}

/// RFC 3339 as RFC 4287 section 3.3 has it: a capital T, and a Z or an offset. No leap second, which few can represent.
fn is_date_time(text: &str) -> bool {
    let Some((date, time)) = text.split_once('T') else { return false };
    let Some((time, zone)) = time.find(['Z', '+', '-']).and_then(|zone| time.split_at_checked(zone)) else {
        return false;
    };
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let is_fraction = !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit());
    let is_zone = zone == "Z" || zone.strip_prefix(['+', '-']).is_some_and(|offset| is_clock(offset, 2));
    is_date(date) && is_clock(time, 3) && is_fraction && is_zone
}

/// `1985-04-12`, of the Gregorian calendar.
fn is_date(text: &str) -> bool {
    let parts: Vec<_> = text.splitn(4, '-').collect();
    let &[year, month, day] = parts.as_slice() else { return false };
    let (Some(year @ 1..), Some(month), Some(day @ 1..)) = (digits(year, 4), digits(month, 2), digits(day, 2)) else {
        return false;
    };
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u32::from(is_leap),
        _ => return false,
    };
    day <= days
}

/// Hours and minutes, or seconds too.
fn is_clock(text: &str, parts: usize) -> bool {
    let mut most = 23;
    let is_time =
        text.split(':').all(|part| digits(part, 2).is_some_and(|part| part <= std::mem::replace(&mut most, 59)));
    is_time && text.split(':').count() == parts
}

fn digits(text: &str, length: usize) -> Option<u32> {
    let is_number = text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { text.parse().ok() } else { None }
}

/// RFC 9164, as far as Python's cbor2 reads it: an address; the length of a prefix and the address of that network; or an
/// address, the length, and with IPv6 a zone in bytes or as a number.
fn is_address(rest: &mut &[u8], width: usize) -> bool {
    match take(rest) {
        Some(Token::Bytes(address)) => address.len() == width,
        Some(Token::List(Some(2))) => match (take(rest), take(rest)) {
            (Some(Token::Unsigned(prefix)), Some(Token::Bytes(network))) => {
                network.len() <= width && is_prefix(prefix, width) && ends_at(network, prefix)
            }
            (Some(Token::Bytes(address)), Some(Token::Unsigned(prefix))) => {
                address.len() == width && is_prefix(prefix, width)
            }
            _ => false,
        },
        Some(Token::List(Some(3))) if width == 16 => {
            let is_address = bytes(rest).is_some_and(|address| address.len() == width);
            let has_prefix = match take(rest) {
                Some(Token::Unsigned(prefix)) => is_prefix(prefix, width),
                token => token == Some(Token::Null),
            };
            is_address && has_prefix && matches!(take(rest), Some(Token::Unsigned(_) | Token::Bytes(_)))
        }
        _ => false,
    }
}

/// A dict of one entry: an address, and the length of its prefix.
fn is_masked(rest: &mut &[u8]) -> bool {
    if take(rest) != Some(Token::Dict(Some(1))) {
        return false;
    }
    match (take(rest), take(rest)) {
        (Some(Token::Bytes(address)), Some(Token::Unsigned(prefix))) => {
            matches!(address.len(), 4 | 16) && is_prefix(prefix, address.len())
        }
        _ => false,
    }
}

fn is_prefix(bits: u64, width: usize) -> bool {
    bits <= 8 * width as u64
}

/// Whether no bit is set behind the first so many.
fn ends_at(network: &[u8], bits: u64) -> bool {
    (0..).step_by(8).zip(network).all(|(before, byte): (u64, _)| match bits.saturating_sub(before) {
        0 => *byte == 0,
        left @ 1..=7 => byte << left == 0,
        _ => true,
    })
}

#[cfg(test)]
#[path = "tags_tests.rs"]
mod tests;
