//! What an application sends: positional and keyword arguments. They stay the JSON text that arrived until somebody needs
//! their values, so a router passes them on without looking inside.

use std::fmt;

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value};

/// Positional arguments (a list) and keyword arguments (a dict), either of which may be missing. A missing one and an
/// empty one mean the same to the application.
#[derive(Clone, Default)]
pub struct Payload {
    args: Option<Box<RawValue>>,
    kwargs: Option<Box<RawValue>>,
}

/// The values of a payload.
pub type Values = (Vec<Value>, Map<String, Value>);

impl Payload {
    /// One positional value: the shape of every result of the management API.
    #[must_use]
    pub fn of(value: &impl Serialize) -> Self {
        Self { args: to_raw_value(&[value]).ok(), kwargs: None }
    }

    /// From values.
    #[must_use]
    pub fn new(args: &[Value], kwargs: &Map<String, Value>) -> Self {
        if kwargs.is_empty() {
            let args = if args.is_empty() { None } else { to_raw_value(args).ok() };
            return Self { args, kwargs: None };
        }
        Self { args: to_raw_value(args).ok(), kwargs: to_raw_value(kwargs).ok() }
    }

    /// From JSON texts as they arrived.
    ///
    /// # Errors
    /// What was expected, when `args` is no list or `kwargs` no dict.
    pub fn from_raw(args: Option<&RawValue>, kwargs: Option<&RawValue>) -> Result<Self, &'static str> {
        let is = |raw: Option<&RawValue>, open: char| raw.is_none_or(|raw| raw.get().starts_with(open));
        if !is(args, '[') {
            return Err("a list of arguments");
        }
        if !is(kwargs, '{') {
            return Err("a dict of keyword arguments");
        }
        Ok(Self { args: args.map(ToOwned::to_owned), kwargs: kwargs.map(ToOwned::to_owned) })
    }

    /// The JSON text of the positional arguments, if there are any.
    #[must_use]
    pub fn raw_args(&self) -> Option<&RawValue> {
        self.args.as_deref()
    }

    /// The JSON text of the keyword arguments, if there are any.
    #[must_use]
    pub fn raw_kwargs(&self) -> Option<&RawValue> {
        self.kwargs.as_deref()
    }

    /// The positional arguments, each as its JSON text.
    ///
    /// # Errors
    /// When the text holds what JSON's grammar allows and no value can be (a lone surrogate).
    pub fn arg_texts(&self) -> Result<Vec<Box<RawValue>>, serde_json::Error> {
        self.args.as_deref().map_or(Ok(Vec::new()), |raw| serde_json::from_str(raw.get()))
    }

    /// The values.
    ///
    /// # Errors
    /// When the text holds what JSON's grammar allows and no value can be: a number like `1e999`, a lone surrogate.
    pub fn values(&self) -> Result<Values, serde_json::Error> {
        let args = self.args.as_deref().map_or(Ok(Vec::new()), |raw| serde_json::from_str(raw.get()))?;
        let kwargs = self.kwargs.as_deref().map_or(Ok(Map::new()), |raw| serde_json::from_str(raw.get()))?;
        Ok((args, kwargs))
    }

    /// The first positional argument when it is a string: the sentence of an error.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        match self.values().ok()?.0.into_iter().next()? {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// Bytes of JSON text it holds.
    #[must_use]
    pub fn size(&self) -> usize {
        [&self.args, &self.kwargs].into_iter().flatten().map(|raw| raw.get().len()).sum()
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |raw: &Option<Box<RawValue>>| raw.as_ref().map_or("-".to_owned(), |raw| raw.get().to_owned());
        write!(f, "Payload({}, {})", text(&self.args), text(&self.kwargs))
    }
}

impl PartialEq for Payload {
    fn eq(&self, other: &Self) -> bool {
        let text = |raw: &'_ Option<Box<RawValue>>| raw.as_ref().map(|raw| raw.get().to_owned());
        text(&self.args) == text(&other.args) && text(&self.kwargs) == text(&other.kwargs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn raw(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).unwrap()
    }

    #[test]
    fn only_a_list_and_a_dict_are_a_payload() {
        assert!(Payload::from_raw(Some(&raw("[1]")), Some(&raw("{}"))).is_ok());
        assert_eq!(Payload::from_raw(Some(&raw("{}")), None), Err("a list of arguments"));
        assert_eq!(Payload::from_raw(Some(&raw("[]")), Some(&raw("[]"))), Err("a dict of keyword arguments"));
    }

    #[test]
    fn values_that_cannot_be_are_an_error_not_a_panic() {
        for text in ["[1e999]", r#"["\ud800"]"#] {
            assert!(Payload::from_raw(Some(&raw(text)), None).unwrap().values().is_err(), "{text}");
        }
    }

    #[test]
    fn integers_of_64_bits_pass_exactly() {
        let payload = Payload::from_raw(Some(&raw("[18446744073709551615,-9223372036854775808]")), None).unwrap();
        assert_eq!(payload.values().unwrap().0, vec![json!(u64::MAX), json!(i64::MIN)]);
    }
}
