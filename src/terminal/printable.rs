//! What may stand on a terminal: text that came from elsewhere, made harmless. Pure.

use std::borrow::Cow;
use std::fmt::Write;

/// `text` as one line without anything that a terminal would act on: control characters (with line breaks), line
/// separators and changes of the writing direction become Rust's escapes.
#[must_use]
pub fn printable(text: &str) -> Cow<'_, str> {
    if is_plain(text.as_bytes()) || !text.contains(is_active) {
        return Cow::Borrowed(text);
    }
    let mut line = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_active(c) { line.extend(c.escape_default()) } else { line.push(c) }
    }
    Cow::Owned(line)
}

/// Whether all bytes are ASCII's visible characters and blanks, as those of most long texts are. Looks at eight at a time, which
/// is several times as fast as character by character.
fn is_plain(bytes: &[u8]) -> bool {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let words = bytes.chunks_exact(8);
    let rest = words.remainder();
    words.filter_map(|word| word.try_into().ok()).map(u64::from_le_bytes).all(|word| {
        // The high bit of the first byte that is none of ' ' to '~' is set in one of these: it is there already, or subtracting
        // ' ' borrows, or adding 1 carries into it. Bytes before it change nothing in it.
        let below = word.wrapping_sub(0x2020_2020_2020_2020);
        let above = word.wrapping_add(0x0101_0101_0101_0101);
        (word | below | above) & HIGH == 0
    }) && rest.iter().all(|byte| matches!(byte, b' '..=b'~'))
}

/// Whether a terminal would act on a character instead of showing it.
#[must_use]
pub fn is_active(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A JSON text as one line: no white space between its tokens, and JSON's own escapes for the control characters that its
/// grammar lets stand in strings. Everything else stays as it was written: the order of keys, the digits of numbers.
#[must_use]
pub fn one_line(json: &str) -> String {
    let mut line = String::with_capacity(json.len());
    let (mut in_string, mut escaped) = (false, false);
    for c in json.chars() {
        match c {
            ' ' | '\t' | '\n' | '\r' if !in_string => continue,
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => in_string = !in_string,
            _ => {}
        }
        if is_active(c) {
            // Writing to a string cannot fail. All of them are below U+10000: one escape each.
            let _ = write!(line, "\\u{:04x}", u32::from(c));
        } else {
            line.push(c);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_acts_on_gets_through() {
        assert_eq!(printable("plain ü ✔"), "plain ü ✔");
        assert_eq!(printable("a\x1b[2Jb\nc\u{9b}1m\u{7f}"), r"a\u{1b}[2Jb\nc\u{9b}1m\u{7f}");
        assert_eq!(printable("x\u{202e}y\u{2028}"), r"x\u{202e}y\u{2028}");
    }

    #[test]
    fn every_byte_is_told_apart_wherever_it_stands() {
        for byte in 0..=u8::MAX {
            for place in 0..20 {
                let mut text = [b'x'; 20];
                text[place] = byte;
                assert_eq!(is_plain(&text), (b' '..=b'~').contains(&byte), "{byte} at {place}");
            }
        }
        assert!(is_plain(b"") && is_plain(b"~ ~ ~ ~ ~ ~ ~ ~"));
    }

    #[test]
    fn json_becomes_one_line_and_stays_what_it_is() {
        let pretty = "{\n  \"b\" : 1.0,\r\n\t\"a\": [ 1e2, 12345678901234567890123 ],\n  \"s\": \"x \\\" \\\\ , y\"\n}";
        assert_eq!(one_line(pretty), r#"{"b":1.0,"a":[1e2,12345678901234567890123],"s":"x \" \\ , y"}"#);
        let sly = "[\"\u{9b}31m\u{7f}\u{202e}\"]";
        let harmless = one_line(sly);
        assert_eq!(harmless, r#"["\u009b31m\u007f\u202e"]"#);
        let values = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(values(&harmless), values(sly));
    }
}
