//! Arguments as people type them: what is JSON is that, and anything else is a string.

use std::borrow::Cow;

use serde_json::Value;
use serde_json::value::RawValue;

use super::payload::Payload;

/// A text as JSON: itself when it is JSON, so that it goes out as it was typed (`1.0`, numbers of any length, the order of
/// keys), and else as a string.
#[must_use]
pub fn json_or_string(text: &str) -> Cow<'_, str> {
    match serde_json::from_str::<&RawValue>(text) {
        Ok(json) => Cow::Borrowed(json.get()),
        Err(_) => Cow::Owned(string(text)),
    }
}

/// A text as a JSON string, whatever it looks like.
#[must_use]
pub fn string(text: &str) -> String {
    Value::from(text).to_string()
}

/// A payload of JSON texts, as [`json_or_string`] makes them.
///
/// # Errors
/// What was expected, when one of the texts is no JSON.
pub fn payload(positional: &[impl AsRef<str>], keyword: &[(String, String)]) -> Result<Payload, String> {
    let args: Vec<&str> = positional.iter().map(AsRef::as_ref).collect();
    let kwargs: Vec<String> = keyword.iter().map(|(key, json)| format!("{}:{json}", string(key))).collect();
    let args = raw(args.is_empty(), format!("[{}]", args.join(",")))?;
    let kwargs = raw(kwargs.is_empty(), format!("{{{}}}", kwargs.join(",")))?;
    Payload::from_raw(args.as_deref(), kwargs.as_deref()).map_err(|expected| format!("expected {expected}"))
}

fn raw(is_empty: bool, text: String) -> Result<Option<Box<RawValue>>, String> {
    if is_empty {
        return Ok(None);
    }
    RawValue::from_string(text).map(Some).map_err(|error| format!("expected JSON, got {error}"))
}
