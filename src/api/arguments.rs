//! What a procedure takes: its parameters, and the arguments of one call held against them. Every parameter can be given by
//! position or by name.

use std::borrow::Cow;
use std::fmt;

use serde_json::{Map, Value};

use super::failure::Failure;
use crate::wamp::Payload;

/// A parameter of a procedure.
#[derive(Clone, Debug)]
pub struct Param {
    name: Cow<'static, str>,
    kind: Kind,
    default: Option<Value>,
}

/// What a parameter's argument must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any value.
    Any,
    /// `true` or `false`.
    Bool,
    /// A whole number (no bool).
    Int,
    /// A number (no bool).
    Number,
    /// A string.
    Text,
    /// A list.
    List,
    /// A dict.
    Dict,
}

impl Kind {
    /// As in "expected …".
    #[must_use]
    pub const fn expected(self) -> &'static str {
        match self {
            Self::Any => "any value",
            Self::Bool => "true or false",
            Self::Int => "a whole number",
            Self::Number => "a number",
            Self::Text => "a string",
            Self::List => "a list",
            Self::Dict => "a dict",
        }
    }

    fn takes(self, value: &Value) -> bool {
        match self {
            Self::Any => true,
            Self::Bool => value.is_boolean(),
            Self::Int => value.is_i64() || value.is_u64(),
            Self::Number => value.is_number(),
            Self::Text => value.is_string(),
            Self::List => value.is_array(),
            Self::Dict => value.is_object(),
        }
    }
}

impl Param {
    /// A parameter that must be given.
    #[must_use]
    pub fn required(name: impl Into<Cow<'static, str>>, kind: Kind) -> Self {
        Self { name: name.into(), kind, default: None }
    }

    /// A parameter that need not be given.
    #[must_use]
    pub fn optional(name: impl Into<Cow<'static, str>>, kind: Kind, default: Value) -> Self {
        Self { name: name.into(), kind, default: Some(default) }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// As in a signature: `interval`, `relative=true`.
impl fmt::Display for Param {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.default {
            Some(default) => write!(f, "{}={default}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// The arguments of one call: a value for each parameter, in the order of the parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Arguments {
    values: Vec<Value>,
}

impl Arguments {
    /// Holds a call's payload against the parameters.
    ///
    /// # Errors
    /// [`Failure::InvalidArgument`], which names the argument and what was expected.
    pub fn parse(params: &[Param], payload: &Payload) -> Result<Self, Failure> {
        let (positional, mut named) = payload
            .values()
            .map_err(|error| Failure::InvalidArgument(format!("expected arguments that JSON can hold, got {error}")))?;
        if positional.len() > params.len() {
            let (expected, got) = (describe(params), positional.len());
            return Err(Failure::InvalidArgument(format!("expected {expected}, got {got} positional arguments")));
        }
        let mut positional = positional.into_iter();
        let mut values = Vec::with_capacity(params.len());
        for param in params {
            values.push(Self::one(param, positional.next(), &mut named)?);
        }
        match named.keys().next() {
            None => Ok(Self { values }),
            Some(unknown) => {
                let expected = describe(params);
                Err(Failure::InvalidArgument(format!("expected {expected}, got an argument named {unknown:?}")))
            }
        }
    }

    fn one(param: &Param, positional: Option<Value>, named: &mut Map<String, Value>) -> Result<Value, Failure> {
        let Param { name, kind, default } = param;
        let expected = kind.expected();
        let value = match (positional, named.remove(name.as_ref())) {
            (Some(_), Some(_)) => {
                return Err(Failure::InvalidArgument(format!("{name}: expected {expected} once, got it twice")));
            }
            (Some(value), None) | (None, Some(value)) => value,
            (None, None) => {
                return default
                    .clone()
                    .ok_or_else(|| Failure::InvalidArgument(format!("{name}: expected {expected}, got no argument")));
            }
        };
        if kind.takes(&value) {
            Ok(value)
        } else {
            Err(Failure::InvalidArgument(format!("{name}: expected {expected}, got {}", excerpt(&value))))
        }
    }

    /// The value of the parameter at this position.
    #[must_use]
    pub fn value(&self, position: usize) -> &Value {
        self.values.get(position).unwrap_or(&Value::Null)
    }

    /// The value of a [`Kind::Bool`] parameter.
    #[must_use]
    pub fn flag(&self, position: usize) -> bool {
        self.value(position).as_bool().unwrap_or_default()
    }

    /// The items of a [`Kind::List`] parameter.
    #[must_use]
    pub fn list(&self, position: usize) -> &[Value] {
        self.value(position).as_array().map_or(&[], Vec::as_slice)
    }
}

fn describe(params: &[Param]) -> String {
    if params.is_empty() {
        return "no arguments".to_owned();
    }
    let names: Vec<String> = params.iter().map(ToString::to_string).collect();
    format!("the arguments ({})", names.join(", "))
}

/// The beginning of a value that a caller sent, for a sentence.
pub(super) fn excerpt(value: &Value) -> String {
    const LONGEST: usize = 60;
    let text = value.to_string();
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn params() -> Vec<Param> {
        vec![Param::required("cpus", Kind::List), Param::optional("relative", Kind::Bool, json!(true))]
    }

    fn parse(args: &Value, kwargs: &Value) -> Result<Arguments, String> {
        let payload = Payload::new(args.as_array().unwrap(), kwargs.as_object().unwrap());
        Arguments::parse(&params(), &payload).map_err(|failure| failure.to_string())
    }

    #[test]
    fn by_position_and_by_name_alike() {
        for (args, kwargs) in [
            (json!([[0], false]), json!({})),
            (json!([[0]]), json!({"relative": false})),
            (json!([]), json!({"relative": false, "cpus": [0]})),
        ] {
            assert_eq!(parse(&args, &kwargs).unwrap().values, [json!([0]), json!(false)]);
        }
        assert!(parse(&json!([[0]]), &json!({})).unwrap().flag(1), "the default");
    }

    #[test]
    fn what_does_not_fit_is_named_with_what_was_expected() {
        for (args, kwargs, sentence) in [
            (json!([]), json!({}), "cpus: expected a list, got no argument"),
            (json!([5]), json!({}), "cpus: expected a list, got 5"),
            (json!([null]), json!({}), "cpus: expected a list, got null"),
            (json!([[0], 1]), json!({}), "relative: expected true or false, got 1"),
            (json!([[0]]), json!({"cpus": [1]}), "cpus: expected a list once, got it twice"),
            (
                json!([[0], true, 1]),
                json!({}),
                "expected the arguments (cpus, relative=true), got 3 positional arguments",
            ),
            (
                json!([[0]]),
                json!({"x": 1}),
                r#"expected the arguments (cpus, relative=true), got an argument named "x""#,
            ),
        ] {
            assert_eq!(parse(&args, &kwargs).unwrap_err(), sentence);
        }
    }

    #[test]
    fn a_bool_is_no_number_and_a_float_no_int() {
        assert!(!Kind::Number.takes(&json!(true)));
        assert!(!Kind::Int.takes(&json!(1.0)));
        assert!(Kind::Int.takes(&json!(u64::MAX)));
    }
}
