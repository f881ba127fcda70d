//! How results, events and errors are written: a line of text each, or a result's bytes.

use serde_json::Value;
use serde_json::value::RawValue;

use crate::terminal::one_line;
use crate::wamp::{Payload, WampError, binary};

/// How a result is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// As JSON.
    #[default]
    Json,
    /// A string without quotes, a binary value as its bytes, all else as JSON.
    Raw,
}

/// What is written of a result: a line, or the bytes of a binary value.
#[must_use]
pub fn result(payload: &Payload, form: Form) -> Vec<u8> {
    let value = only_value(payload);
    if let (Some(value), Form::Raw) = (&value, form) {
        if let Ok(value) = serde_json::from_str::<Value>(value.get()) {
            if let Some(bytes) = binary::from_json(&value) {
                return bytes;
            }
            if let Value::String(text) = value {
                return (text + "\n").into_bytes();
            }
        }
    }
    let mut line = match value {
        Some(value) => one_line(value.get()),
        None => format!("{{{}}}", members(payload)),
    };
    line.push('\n');
    line.into_bytes()
}

/// The value when the payload is one positional value and nothing else.
fn only_value(payload: &Payload) -> Option<Box<RawValue>> {
    if payload.raw_kwargs().is_some_and(|kwargs| one_line(kwargs.get()) != "{}") {
        return None;
    }
    let mut args = payload.arg_texts().ok()?;
    if args.len() == 1 { args.pop() } else { None }
}

/// An event as JSON.
#[must_use]
pub fn event(topic: &str, payload: &Payload, publication: u64) -> String {
    format!(r#"{{"topic":{},{},"publication":{publication}}}"#, string(topic), members(payload))
}

/// An ERROR as JSON.
#[must_use]
pub fn error(error: &WampError) -> String {
    format!(r#"{{"error":{},{}}}"#, string(error.uri.as_str()), members(&error.payload))
}

/// An ERROR in words: its URI and its sentence, or whatever else it brings.
#[must_use]
pub fn error_in_words(error: &WampError) -> String {
    if error.payload.text().is_none() && error.payload.size() > 0 {
        format!("{}: {{{}}}", error.uri, members(&error.payload))
    } else {
        error.to_string()
    }
}

/// A payload as two members of a JSON object.
fn members(payload: &Payload) -> String {
    let text = |raw: Option<&RawValue>, missing: &str| raw.map_or(missing.to_owned(), |raw| one_line(raw.get()));
    format!(r#""args":{},"kwargs":{}"#, text(payload.raw_args(), "[]"), text(payload.raw_kwargs(), "{}"))
}

fn string(text: &str) -> String {
    one_line(&Value::from(text).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(args: Option<&str>, kwargs: Option<&str>) -> Payload {
        let raw = |text: Option<&str>| text.map(|text| RawValue::from_string(text.to_owned()).unwrap());
        Payload::from_raw(raw(args).as_deref(), raw(kwargs).as_deref()).unwrap()
    }

    fn written(args: Option<&str>, kwargs: Option<&str>, form: Form) -> String {
        String::from_utf8(result(&payload(args, kwargs), form)).unwrap()
    }

    #[test]
    fn one_value_stands_alone_and_anything_else_in_an_object() {
        for (args, kwargs, line) in [
            (Some("[ 1.0 ]"), None, "1.0\n"),
            (
                Some(r#"[{"z": 1, "a": 12345678901234567890123}]"#),
                Some("{}"),
                "{\"z\":1,\"a\":12345678901234567890123}\n",
            ),
            (Some("[null]"), None, "null\n"),
            (None, None, "{\"args\":[],\"kwargs\":{}}\n"),
            (Some("[1, 2]"), None, "{\"args\":[1,2],\"kwargs\":{}}\n"),
            (Some("[1]"), Some("{ \"a\": 2 }"), "{\"args\":[1],\"kwargs\":{\"a\":2}}\n"),
        ] {
            assert_eq!(written(args, kwargs, Form::Json), line);
        }
    }

    #[test]
    fn raw_takes_the_quotes_off_strings_and_bytes_out_of_their_text() {
        assert_eq!(written(Some(r#"["a\nb"]"#), None, Form::Raw), "a\nb\n");
        assert_eq!(written(Some(r#"["\u0000Zm9v"]"#), None, Form::Raw), "foo");
        assert_eq!(written(Some(r#"["\u0000Zm9v"]"#), None, Form::Json), "\"\\u0000Zm9v\"\n");
        assert_eq!(written(Some("[[1]]"), None, Form::Raw), "[1]\n");
        assert_eq!(written(Some(r#"["a", "b"]"#), None, Form::Raw), "{\"args\":[\"a\",\"b\"],\"kwargs\":{}}\n");
    }

    #[test]
    fn events_and_errors_are_objects() {
        let some = payload(Some("[1]"), None);
        assert_eq!(event("a.\"b", &some, 7), r#"{"topic":"a.\"b","args":[1],"kwargs":{},"publication":7}"#);
        let some = WampError { uri: "a.b".into(), payload: some };
        assert_eq!(error_in_words(&some), r#"a.b: {"args":[1],"kwargs":{}}"#);
        assert_eq!(error_in_words(&WampError::new("a.b", "no")), "a.b: no");
        assert_eq!(error_in_words(&WampError { uri: "a.b".into(), payload: Payload::default() }), "a.b");
        assert_eq!(error(&some), r#"{"error":"a.b","args":[1],"kwargs":{}}"#);
    }
}
