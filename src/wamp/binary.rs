//! Binary values in JSON (*Binary conversion of JSON Strings*): a string of a NUL and the bytes in base64.

use serde_json::Value;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// What stands for no bits; all those that do are smaller than 64, so that no number of them adds up to it.
const NO_SEXTET: u8 = 255;

/// The bits that each letter stands for.
const SEXTETS: [u8; 256] = {
    let mut sextets = [NO_SEXTET; 256];
    let mut sextet = 0;
    while sextet < 64 {
        sextets[ALPHABET[sextet] as usize] = sextet as u8;
        sextet += 1;
    }
    sextets
};

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

/// The text that some bytes are, which no receiver takes for a binary value: a NUL at the start becomes U+FFFD, like what is no
/// UTF-8.
#[must_use]
pub fn text_of(bytes: &[u8]) -> String {
    match String::from_utf8_lossy(bytes) {
        text if text.starts_with('\0') => text.replacen('\0', "\u{fffd}", 1),
        text => text.into_owned(),
    }
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
    let text = text.strip_prefix('\0')?;
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    decode(text, |decoded| bytes.extend_from_slice(decoded))?;
    Some(bytes)
}

/// Whether a text is what stands behind the NUL of a binary value.
#[must_use]
pub fn is_base64(text: &str) -> bool {
    decode(text, |_| {}).is_some()
}

/// Decodes group by group. `None` when it is not base64.
fn decode(text: &str, mut take: impl FnMut(&[u8])) -> Option<()> {
    let Some((groups, last)) = text.as_bytes().split_last_chunk::<4>() else { return text.is_empty().then_some(()) };
    if groups.len() % 4 != 0 {
        return None;
    }
    for group in groups.chunks_exact(4) {
        let [_, first, second, third] = bits(group)?.to_be_bytes();
        take(&[first, second, third]);
    }
    let padding = match last {
        [.., b'=', b'='] => 2,
        [.., b'='] => 1,
        _ => 0,
    };
    let [_, bytes @ ..] = (bits(last.get(..4 - padding)?)? << (6 * padding)).to_be_bytes();
    take(bytes.get(..3 - padding)?);
    Some(())
}

/// The bits of up to four letters.
fn bits(letters: &[u8]) -> Option<u32> {
    let mut bits = 0;
    let mut seen = 0;
    for letter in letters {
        let sextet = SEXTETS.get(usize::from(*letter)).copied().unwrap_or(NO_SEXTET);
        (bits, seen) = (bits << 6 | u32::from(sextet), seen | sextet);
    }
    (seen != NO_SEXTET).then_some(bits)
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
            json!("\0=AAA"),
            json!("\0AA=A"),
            json!("\0AAA\u{e9}"),
            json!("\0AAAA-AAA"),
            json!(1),
        ] {
            assert_eq!(from_json(&wrong), None, "{wrong}");
            assert!(!wrong.as_str().is_some_and(|text| text.strip_prefix('\0').is_some_and(is_base64)), "{wrong}");
        }
    }
}
