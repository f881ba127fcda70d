//! What is wrong with a text that is to be a file of users, and where: the JSON reader knows the line, this the keys. What
//! stands there is never told, for it may be a secret that was put in the wrong place. Pure.

use serde_json::Error;
use serde_json::error::Category;

use crate::wamp::excerpt;

/// What Rust calls what JSON has, and what people call it.
const WORDS: [(&str, &str); 4] =
    [("a sequence", "a list"), ("a map", "a dict"), ("u32", "a whole number"), ("a boolean", "true or false")];

/// A sentence for the user.
pub(super) fn sentence(text: &str, error: &Error) -> String {
    let (line, column) = (error.line(), error.column());
    match error.classify() {
        Category::Syntax => format!("expected JSON, got something else at line {line}, column {column}"),
        Category::Eof | Category::Io => format!("expected JSON, got but the beginning of some, up to line {line}"),
        Category::Data => {
            let place = place(text, line, column);
            let colon = if place.is_empty() { "" } else { ": " };
            format!("{place}{colon}{}, at line {line}, column {column}", expected(error))
        }
    }
}

/// What the reader says, without what it got.
fn expected(error: &Error) -> String {
    let whole = error.to_string();
    let end = format!(" at line {} column {}", error.line(), error.column());
    let sentence = whole.strip_suffix(&end).unwrap_or(&whole);
    // "invalid type: string \"…\", expected …", "unknown variant `…`, expected …"
    let has_got = ["invalid ", "unknown variant "].iter().any(|start| sentence.starts_with(start));
    let sentence = match sentence.rfind(", expected ") {
        Some(at) if has_got => sentence.get(at + 2..).unwrap_or_default(),
        _ => sentence,
    };
    match sentence.strip_prefix("expected ").map(|what| (what, WORDS.iter().find(|(word, _)| *word == what))) {
        Some((_, Some((_, plain)))) => format!("expected {plain}"),
        Some((what, None)) if what.starts_with("struct ") => "expected a dict".to_owned(),
        _ => sentence.to_owned(),
    }
}

/// A dict or a list that is open.
enum Open {
    /// The last key.
    Dict(Option<String>),
    /// The number of the present value.
    List(usize),
}

/// The way to what stands before that column, as in `users.joe.role` and `roles.pump[0].uri`.
fn place(text: &str, line: usize, column: usize) -> String {
    let before: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let text = text.get(..before + column).unwrap_or(text);
    let mut open: Vec<Open> = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let token = if c == '"' { quoted(rest) } else { c.len_utf8() };
        let (text, behind) = rest.split_at_checked(token).unwrap_or((rest, ""));
        rest = behind;
        match (c, open.last_mut()) {
            ('{', _) => open.push(Open::Dict(None)),
            // What is refused at its bracket is refused as a whole.
            ('[', _) if !rest.is_empty() => open.push(Open::List(0)),
            ('}' | ']', _) => drop(open.pop()),
            (',', Some(Open::List(number))) => *number += 1,
            (',', Some(Open::Dict(key))) => *key = None,
            ('"', Some(Open::Dict(key @ None))) => *key = serde_json::from_str(text).ok(),
            _ => {}
        }
    }
    let mut place = String::new();
    for level in open {
        match level {
            Open::Dict(Some(key)) => {
                place.push_str(if place.is_empty() { "" } else { "." });
                place.push_str(&excerpt(&key));
            }
            Open::Dict(None) => {}
            Open::List(number) => place.push_str(&format!("[{number}]")),
        }
    }
    place
}

/// The bytes of the string that begins there, with its quotes.
fn quoted(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            '"' if !escaped => return at + 1,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::super::UsersFile;

    #[test]
    fn the_key_is_named_and_what_stands_there_is_not() {
        for (text, sentence) in [
            ("", "expected JSON, got but the beginning of some, up to line 1"),
            ("{\"users\": {\n", "expected JSON, got but the beginning of some, up to line 2"),
            ("{\"users\": hunter2}", "expected JSON, got something else at line 1, column 11"),
            (r#"{"users": "hunter2"}"#, "users: expected a dict, at line 1, column 19"),
            (r#"{"users": ["hunter2"]}"#, "users: expected a dict, at"),
            (
                "{\"anonymous\": null,\n\"users\": {\"a\\\"b\": {\"role\": 5}}}",
                "users.a\"b.role: expected a string, at line 2",
            ),
            (r#"{"users": {"joe": {"role": ["hunter2"]}}}"#, "users.joe.role: expected a string, at"),
            (r#"{"users": {"joe": {"role": "x", "ticket": "hunter2"}}}"#, "users.joe.ticket: expected a dict, at"),
            (r#"{"users": {"joe": {"role": "x"}, "ann": {}}}"#, "users.ann: missing field `role`, at"),
            (
                r#"{"users": {"joe": {"role": "x", "cryptosign": ["a", 5]}}}"#,
                "users.joe.cryptosign[1]: expected a string",
            ),
            (
                r#"{"users": {"joe": {"password": "hunter2"}}}"#,
                "users.joe.password: unknown field `password`, expected",
            ),
            (
                r#"{"roles": {"x": [{"uri": "a"}, {"uri": "b", "match": "hunter2"}]}}"#,
                "roles.x[1].match: expected one of `exact`, ",
            ),
            (
                r#"{"users": {"joe": {"role": "x", "wampcra": {"salt": "x", "iterations": "hunter2", "key": ""}}}}"#,
                "users.joe.wampcra.iterations: expected a whole number, at",
            ),
        ] {
            let got = UsersFile::parse(text).unwrap_err().to_string();
            assert!(got.starts_with(sentence), "{text}: {got}");
            assert!(!got.contains("hunter2"), "{got}");
        }
    }
}
