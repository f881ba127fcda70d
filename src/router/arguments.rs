//! The arguments of a meta procedure, taken one by one.

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::wamp::error::uri;
use crate::wamp::{Payload, WampError, excerpt};

/// The most positional, and the most keyword arguments that any of the procedures takes.
const MOST: usize = 5;

/// What is left of the arguments of a call.
pub(super) struct Arguments<'a> {
    positional: std::vec::IntoIter<&'a RawValue>,
    named: Vec<(String, &'a RawValue)>,
}

impl<'a> Arguments<'a> {
    /// Positional and keyword arguments.
    pub fn of(payload: &'a Payload) -> Result<Self, WampError> {
        let wrong = |error: serde_json::Error| invalid(&format!("expected arguments, got {error}"));
        let (positional, count) = payload.positional(MOST).map_err(wrong)?;
        let (named, names) = payload.named(MOST).map_err(wrong)?;
        if count > MOST || names > MOST {
            let most = count.max(names);
            return Err(invalid(&format!("expected at most {MOST} arguments, got {most}")));
        }
        Ok(Self { positional: positional.into_iter(), named })
    }

    /// For a procedure that takes positional arguments only.
    pub fn positional(payload: &'a Payload) -> Result<Self, WampError> {
        let arguments = Self::of(payload)?;
        match arguments.named.first() {
            None => Ok(arguments),
            Some((name, _)) => {
                let name = excerpt(name);
                Err(invalid(&format!("expected positional arguments only, got {name:?}")))
            }
        }
    }

    /// The text of the next argument, `None` when it is missing or null: the next by position, or else the one of this name.
    pub fn text(&mut self, name: &str) -> Option<&'a RawValue> {
        let text = self.positional.next().or_else(|| self.named_text(name));
        text.filter(|text| text.get() != "null")
    }

    fn named_text(&mut self, name: &str) -> Option<&'a RawValue> {
        let position = self.named.iter().position(|(other, _)| other == name)?;
        Some(self.named.swap_remove(position).1)
    }

    /// The next argument, `None` when it is missing or null.
    pub fn optional<T: DeserializeOwned>(&mut self, name: &str, expected: &str) -> Result<Option<T>, WampError> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let wrong = |_| wrong(name, expected, text);
        serde_json::from_str(text.get()).map(Some).map_err(wrong)
    }

    /// As [`Arguments::optional`], for what serde would also read from a list.
    pub fn dict<T: DeserializeOwned>(&mut self, name: &str, expected: &str) -> Result<Option<T>, WampError> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let value = if text.get().starts_with('{') { serde_json::from_str(text.get()).ok() } else { None };
        value.map(Some).ok_or_else(|| wrong(name, expected, text))
    }

    /// The next argument, which must be there.
    pub fn next<T: DeserializeOwned>(&mut self, name: &str, expected: &str) -> Result<T, WampError> {
        self.optional(name, expected)?.ok_or_else(|| invalid(&format!("{name}: expected {expected}, got nothing")))
    }

    /// The next argument, which must be the last.
    pub fn last<T: DeserializeOwned>(&mut self, name: &str, expected: &str) -> Result<T, WampError> {
        let value = self.next(name, expected)?;
        self.end()?;
        Ok(value)
    }

    /// There must be no more.
    pub fn end(&mut self) -> Result<(), WampError> {
        if let Some(text) = self.positional.next() {
            return Err(invalid(&format!("expected no further argument, got {}", excerpt(text.get()))));
        }
        match self.named.first() {
            None => Ok(()),
            Some((name, _)) => {
                let name = excerpt(name);
                Err(invalid(&format!("expected no further argument, got {name:?}")))
            }
        }
    }
}

fn wrong(name: &str, expected: &str, got: &RawValue) -> WampError {
    invalid(&format!("{name}: expected {expected}, got {}", excerpt(got.get())))
}

/// The error for arguments that do not fit.
pub(super) fn invalid(sentence: &str) -> WampError {
    WampError::new(uri::INVALID_ARGUMENT, sentence)
}
