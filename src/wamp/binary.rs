//! Binary values in JSON (*Binary conversion of JSON Strings*): a string of a NUL and the bytes in base64.

use serde_json::Value;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The JSON value that stands for `bytes`.
#[must_use]
pub fn to_json(bytes: &[u8]) -> Value {
    let mut text = String::with_capacity(1 + bytes.len().div_ceil(3) * 4);
    text.push('\0');
    for group in bytes.chunks(3) {
        let mut bits = 0_u32;
        for position in 0..3 {
            bits = bits << 8 | u32::from(group.get(position).copied().unwrap_or(0));
        }
        for position in 0..4 {
            let sextet = (bits >> (18 - 6 * position)) & 63;
            let letter = ALPHABET.get(sextet as usize).copied().unwrap_or(b'=');
            text.push(char::from(if position > group.len() { b'=' } else { letter }));
        }
    }
    Value::String(text)
}

/// The bytes that a JSON value stands for; `None` when it is no string that begins with a NUL, or what follows is not
/// base64 (RFC 4648 section 4, padded).
#[must_use]
pub fn from_json(value: &Value) -> Option<Vec<u8>> {
    from_text(value.as_str()?)
}

/// The bytes that the value of a JSON string stands for.
#[must_use]
pub fn from_text(text: &str) -> Option<Vec<u8>> {
    let text = text.strip_prefix('\0')?.as_bytes();
    if text.len() % 4 != 0 {
        return None;
    }
    let groups = text.len() / 4;
    let mut bytes = Vec::with_capacity(groups * 3);
    for (number, group) in text.chunks_exact(4).enumerate() {
        let padding = group.iter().rev().take_while(|letter| **letter == b'=').count();
        if padding > 2 || (padding > 0 && number + 1 < groups) {
            return None;
        }
        let mut bits = 0_u32;
        for letter in group.iter().take(4 - padding) {
            let sextet = ALPHABET.iter().position(|known| known == letter)?;
            bits = bits << 6 | u32::try_from(sextet).ok()?;
        }
        bits <<= 6 * padding;
        let decoded = bits.to_be_bytes();
        bytes.extend(decoded.iter().skip(1).take(3 - padding));
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_examples_of_rfc_4648_and_every_length() {
        for (bytes, text) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE=")]
        {
            assert_eq!(to_json(bytes.as_bytes()), json!(format!("\0{text}")));
        }
        let all: Vec<u8> = (0..=255).collect();
        for length in 0..all.len() {
            assert_eq!(from_json(&to_json(&all[..length])).as_deref(), Some(&all[..length]));
        }
    }

    #[test]
    fn what_is_no_binary_value_is_none() {
        for wrong in [
            json!("Zg=="),
            json!("\0Zg="),
            json!("\0Z==="),
            json!("\0Zg==Zg=="),
            json!("\0Z g="),
            json!("\0===="),
            json!(1),
        ] {
            assert_eq!(from_json(&wrong), None, "{wrong}");
        }
    }
}
