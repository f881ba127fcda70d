//! CHALLENGE.Extra: its entries by type, each within its limit.

use std::ops::RangeInclusive;

use serde_json::Value;

use super::Rejection;
use crate::wamp::excerpt;
use crate::wamp::options::Dict;

/// The entries of one challenge. A missing entry and null are the same.
pub struct Challenge<'a> {
    extra: &'a Dict,
}

impl<'a> Challenge<'a> {
    pub const fn new(extra: &'a Dict) -> Self {
        Self { extra }
    }

    fn get(&self, key: &str) -> Option<&'a Value> {
        self.extra.get(key).filter(|value| !value.is_null())
    }

    pub fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// A text of at most `longest` bytes.
    pub fn text(&self, key: &str, longest: u64) -> Result<&'a str, Rejection> {
        let Some(value) = self.get(key) else { return Err(violation(key, "a string", "nothing")) };
        let Some(text) = value.as_str() else { return Err(violation(key, "a string", &excerpt(&value.to_string()))) };
        if text.len() as u64 > longest {
            let sentence = format!("CHALLENGE: {key}: expected at most {longest} bytes, got {}", text.len());
            return Err(Rejection::Refusal(sentence));
        }
        Ok(text)
    }

    /// A whole number in a range, or `default` when there is none.
    pub fn number(&self, key: &str, default: Option<u64>, range: RangeInclusive<u64>) -> Result<u64, Rejection> {
        let number = match (self.get(key), default) {
            (None, Some(default)) => default,
            (None, None) => return Err(violation(key, "a whole number", "nothing")),
            (Some(value), _) => match value.as_u64() {
                Some(number) => number,
                None => return Err(violation(key, "a whole number", &excerpt(&value.to_string()))),
            },
        };
        if range.contains(&number) {
            return Ok(number);
        }
        let (least, most) = (range.start(), range.end());
        Err(Rejection::Refusal(format!("CHALLENGE: {key}: expected {least} to {most}, got {number}")))
    }

    /// There must be no binding to a channel, because there is none.
    pub fn check_unbound(&self) -> Result<(), Rejection> {
        match self.get("channel_binding") {
            None => Ok(()),
            Some(value) if value.as_str() == Some("") => Ok(()),
            Some(value) => {
                let got = excerpt(&value.to_string());
                let sentence = format!("CHALLENGE: channel_binding: expected null, as none is offered, got {got}");
                Err(Rejection::Refusal(sentence))
            }
        }
    }
}

/// The router broke the protocol in this entry.
pub fn violation(key: &str, expected: &str, got: &str) -> Rejection {
    Rejection::Violation(format!("CHALLENGE: {key}: expected {expected}, got {got}"))
}
