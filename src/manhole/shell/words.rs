//! A command line taken apart. Pure.
//!
//! Words stand between blanks; quotes and backslashes work as in `sh`. Beyond that a JSON value is one word, with the blanks
//! and quotes in it, alone or behind `key=`: what a local shell leaves of `ssh board call p '{"a": [1, 2]}'` arrives whole.

use serde_json::value::RawValue;

use crate::wamp::typed::{json_or_string, string};

/// A word of a command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// Without quotes.
    pub text: String,
    /// As an argument of a call: JSON if it can be, and else a string.
    pub json: String,
    /// The key when it is `key=value`, neither of them quoted as a whole; `json` is then the value's.
    pub key: Option<String>,
}

/// A command line, taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words(pub Vec<Word>);

impl Words {
    /// Takes a line apart.
    ///
    /// # Errors
    /// What was expected, when a quote is not closed.
    pub fn split(line: &str) -> Result<Self, String> {
        let mut words = Vec::new();
        let mut rest = line.trim_start();
        while !rest.is_empty() {
            let (word, after) = next_word(rest)?;
            words.push(word);
            rest = after.trim_start();
        }
        Ok(Self(words))
    }
}

fn next_word(line: &str) -> Result<(Word, &str), String> {
    if let Some((json, rest)) = json_value(line) {
        let word = Word { text: unquoted(json), json: json.to_owned(), key: None };
        return Ok((word, rest));
    }
    let key_end = line.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(line.len());
    if let (Some(key), Some(value)) = (line.get(..key_end), line.get(key_end..).and_then(|rest| rest.strip_prefix('=')))
    {
        if !key.is_empty() {
            let (json, rest) = match json_value(value) {
                Some((json, rest)) => (json.to_owned(), rest),
                None => {
                    let (text, rest) = plain(value)?;
                    (json_or_string(&text).into_owned(), rest)
                }
            };
            let text = format!("{key}={}", unquoted(&json));
            return Ok((Word { text, json, key: Some(key.to_owned()) }, rest));
        }
    }
    let (text, rest) = plain(line)?;
    let json = json_or_string(&text).into_owned();
    Ok((Word { text, json, key: None }, rest))
}

/// The list, dict or string at the start of a line, when it is a word of its own.
fn json_value(line: &str) -> Option<(&str, &str)> {
    if !line.starts_with(['{', '[', '"']) {
        return None;
    }
    let mut values = serde_json::Deserializer::from_str(line).into_iter::<&RawValue>();
    let json = values.next()?.ok()?.get();
    let rest = line.get(values.byte_offset()..)?;
    (rest.is_empty() || rest.starts_with(char::is_whitespace)).then_some((json, rest))
}

/// A JSON string without its quotes; anything else as it is.
fn unquoted(json: &str) -> String {
    serde_json::from_str::<String>(json).unwrap_or_else(|_| json.to_owned())
}

/// A word by the rules of `sh`.
fn plain(line: &str) -> Result<(String, &str), String> {
    let mut word = String::new();
    let mut quote = None;
    let mut chars = line.char_indices();
    while let Some((at, c)) = chars.next() {
        match (quote, c) {
            (None, c) if c.is_whitespace() => return Ok((word, line.get(at..).unwrap_or_default())),
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), c) if c == open => quote = None,
            (None | Some('"'), '\\') => word.extend(chars.next().map(|(_, escaped)| escaped)),
            (_, c) => word.push(c),
        }
    }
    match quote {
        None => Ok((word, "")),
        Some(open) => Err(format!("expected a closing {open}, got the end of the line")),
    }
}

/// The payload of a call: `key=value` by name, everything else by position.
///
/// # Errors
/// What was expected, when a key comes twice.
pub fn payload(words: &[Word]) -> Result<crate::wamp::Payload, String> {
    let mut positional = Vec::new();
    let mut keyword: Vec<(String, String)> = Vec::new();
    for word in words {
        match &word.key {
            None => positional.push(word.json.as_str()),
            Some(key) if keyword.iter().any(|(known, _)| known == key) => {
                return Err(format!("expected every key once, got {} twice", string(key)));
            }
            Some(key) => keyword.push((key.clone(), word.json.clone())),
        }
    }
    crate::wamp::typed::payload(&positional, &keyword)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(line: &str) -> Vec<String> {
        Words::split(line).unwrap().0.into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn blanks_quotes_and_backslashes() {
        assert_eq!(texts("  call   a.b\t5 "), ["call", "a.b", "5"]);
        assert_eq!(texts(r#"x 'a b' "a \"b" a\ b '' a'b c'd"#), ["x", "a b", "a \"b", "a b", "", "ab cd"]);
        assert_eq!(texts(""), [""; 0]);
        assert_eq!(Words::split("call 'x").unwrap_err(), "expected a closing ', got the end of the line");
        assert_eq!(texts("a\\"), ["a"]);
    }

    #[test]
    fn json_is_one_word_as_a_shell_left_it() {
        let words = Words::split(r#"call p {"a": [1, 2]} [ 0 ] "5" 5 x rel=false s="a b" l=[1, 2] 'k=v'"#).unwrap();
        let json: Vec<_> = words.0.iter().map(|word| word.json.as_str()).collect();
        assert_eq!(
            json,
            [
                "\"call\"",
                "\"p\"",
                "{\"a\": [1, 2]}",
                "[ 0 ]",
                "\"5\"",
                "5",
                "\"x\"",
                "false",
                "\"a b\"",
                "[1, 2]",
                "\"k=v\""
            ]
        );
        let keys: Vec<_> = words.0.iter().filter_map(|word| word.key.as_deref()).collect();
        assert_eq!(keys, ["rel", "s", "l"]);
        assert_eq!(texts("{a} [1 2"), ["{a}", "[1", "2"], "what is no JSON is a word like any other");
    }

    #[test]
    fn a_payload_of_words() {
        let words = |line| Words::split(line).unwrap().0;
        let payload_of = payload(&words("[0] relative=false")).unwrap();
        assert_eq!(payload_of.raw_args().unwrap().get(), "[[0]]");
        assert_eq!(payload_of.raw_kwargs().unwrap().get(), r#"{"relative":false}"#);
        assert!(payload(&words("a=1 a=2")).is_err());
        assert_eq!(payload(&[]).unwrap(), crate::wamp::Payload::default());
    }
}
