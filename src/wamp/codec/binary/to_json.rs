//! From MessagePack or CBOR to JSON.

use serde_json::value::RawValue;

use super::{Binary, Strings, Token};
use crate::wamp::binary;

impl Binary {
    /// The JSON text of one value of the application's arguments, whose bytes were passed over before. `None` if they are none
    /// after all.
    pub fn to_json(self, bytes: &[u8]) -> Option<Box<RawValue>> {
        self.to_json_text(bytes, Strings::MayBeBytes)
    }

    /// The JSON text of one value.
    pub(super) fn to_json_text(self, mut bytes: &[u8], strings: Strings) -> Option<Box<RawValue>> {
        let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 4 + 8);
        self.value(&mut bytes, &mut out, strings)?;
        RawValue::from_string(String::from_utf8(out).ok()?).ok()
    }

    // No deeper than what was passed over, which has a limit.
    fn value(self, bytes: &mut &[u8], out: &mut Vec<u8>, strings: Strings) -> Option<()> {
        match self.token(bytes).ok()? {
            Token::Tag(_) => return self.value(bytes, out, strings),
            Token::List(count) => {
                out.push(b'[');
                self.items(bytes, count, out, |bytes, out| self.value(bytes, out, strings))?;
                out.push(b']');
            }
            Token::Dict(count) => {
                out.push(b'{');
                self.items(bytes, count, out, |bytes, out| {
                    self.key(bytes, out)?;
                    out.push(b':');
                    self.value(bytes, out, strings)
                })?;
                out.push(b'}');
            }
            Token::End => return None,
            Token::Text(text) if strings == Strings::MayBeBytes && is_odd(text) => {
                scalar(Token::Bytes(text.as_bytes()), out)?;
            }
            token => scalar(token, out)?,
        }
        Some(())
    }

    fn items<'a>(
        self,
        bytes: &mut &'a [u8],
        count: Option<u64>,
        out: &mut Vec<u8>,
        item: impl Fn(&mut &'a [u8], &mut Vec<u8>) -> Option<()>,
    ) -> Option<()> {
        let mut number = 0;
        loop {
            let is_over = match count {
                Some(count) => number == count,
                None => self.take_end(bytes),
            };
            if is_over {
                return Some(());
            }
            if number > 0 {
                out.push(b',');
            }
            item(bytes, out)?;
            number += 1;
        }
    }

    /// The key of an entry: a string, whatever it was.
    fn key(self, bytes: &mut &[u8], out: &mut Vec<u8>) -> Option<()> {
        match self.token(bytes).ok()? {
            Token::Tag(_) => self.key(bytes, out),
            token @ (Token::Text(_) | Token::Bytes(_)) => scalar(token, out),
            Token::List(_) | Token::Dict(_) | Token::End => None,
            token => {
                let mut text = Vec::new();
                scalar(token, &mut text)?;
                out.push(b'"');
                out.append(&mut text);
                out.push(b'"');
                Some(())
            }
        }
    }
}

/// Whether a text would be read as a binary value in JSON, and as none that can be.
fn is_odd(text: &str) -> bool {
    text.strip_prefix('\0').is_some_and(|text| !binary::is_base64(text))
}

fn scalar(token: Token<'_>, out: &mut Vec<u8>) -> Option<()> {
    match token {
        Token::Bool(value) => serde_json::to_writer(out, &value),
        Token::Unsigned(value) => serde_json::to_writer(out, &value),
        Token::Signed(value) => serde_json::to_writer(out, &value),
        // Null when it is no number.
        Token::Float(value) => serde_json::to_writer(out, &value),
        Token::Text(text) => serde_json::to_writer(out, text),
        Token::Bytes(bytes) => serde_json::to_writer(out, &binary::to_json(bytes)),
        _ => serde_json::to_writer(out, &()),
    }
    .ok()
}
