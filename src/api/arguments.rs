//! What a procedure takes: its parameters, and the arguments of one call held against them. Every parameter can be given by
//! position or by name.

use std::borrow::Cow;
use std::fmt;

use serde_json::Value;
use serde_json::value::RawValue;

use super::failure::Failure;
use crate::wamp::{Payload, excerpt};

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

    /// The value of its argument in a call.
    fn value_of(&self, positional: Option<&RawValue>, named: Option<&RawValue>) -> Result<Value, Failure> {
        let Self { name, kind, default } = self;
        let wrong = |got: &str| Failure::InvalidArgument(format!("{name}: expected {}, got {got}", kind.expected()));
        let text = match (positional, named, default) {
            (Some(_), Some(_), _) => return Err(wrong("it by position and by name")),
            (Some(text), None, _) | (None, Some(text), _) => text.get(),
            (None, None, Some(default)) => return Ok(default.clone()),
            (None, None, None) => return Err(wrong("no argument")),
        };
        if number_of_values(text) > MAX_VALUES {
            return Err(wrong(&format!("one of more than {MAX_VALUES} values")));
        }
        match serde_json::from_str(text) {
            Ok(value) if kind.takes(&value) => Ok(value),
            _ => Err(wrong(&excerpt(text))),
        }
    }
}

/// The most values that an argument may hold, lists and dicts inside it counted with their items. As text they are small; as
/// values a megabyte of them would be a hundred.
const MAX_VALUES: usize = 10_000;

/// About how many values a JSON text holds; never fewer than there are.
fn number_of_values(text: &str) -> usize {
    let (mut count, mut in_string, mut escaped) = (1, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b',' | b'[' | b'{' if !in_string => count += 1,
            _ => {}
        }
    }
    count
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
        let wrong = |got: String| Failure::InvalidArgument(format!("expected {}, got {got}", describe(params)));
        let (positional, count) = payload.positional(params.len()).map_err(|_| wrong("no list".to_owned()))?;
        if count > params.len() {
            return Err(wrong(format!("{count} positional arguments")));
        }
        // One more than there are parameters: among them is one that is unknown.
        let (mut named, _) = payload.named(params.len() + 1).map_err(|_| wrong("a name that is no text".to_owned()))?;
        let mut positional = positional.into_iter();
        let mut values = Vec::with_capacity(params.len());
        for param in params {
            let by_name =
                named.iter().position(|(name, _)| *name == param.name).map(|place| named.swap_remove(place).1);
            values.push(param.value_of(positional.next(), by_name)?);
        }
        match named.first() {
            None => Ok(Self { values }),
            Some((unknown, _)) => Err(wrong(format!("an argument named {}", excerpt(unknown)))),
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

    /// The value of a [`Kind::Text`] parameter.
    #[must_use]
    pub fn text(&self, position: usize) -> &str {
        self.value(position).as_str().unwrap_or_default()
    }

    /// The value of a [`Kind::Number`] parameter.
    #[must_use]
    pub fn number(&self, position: usize) -> f64 {
        self.value(position).as_f64().unwrap_or_default()
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
            (json!([[0]]), json!({"cpus": [1]}), "cpus: expected a list, got it by position and by name"),
            (
                json!([[0], true, 1]),
                json!({}),
                "expected the arguments (cpus, relative=true), got 3 positional arguments",
            ),
            (json!([[0]]), json!({"x": 1}), r#"expected the arguments (cpus, relative=true), got an argument named x"#),
        ] {
            assert_eq!(parse(&args, &kwargs).unwrap_err(), sentence);
        }
    }

    #[test]
    fn what_is_too_much_is_refused_before_it_is_parsed_and_told_in_short() {
        let many = format!("[{}0]", "0,".repeat(20_000));
        let payload = Payload::from_raw(Some(&RawValue::from_string(format!("[{many}]")).unwrap()), None).unwrap();
        let failure = Arguments::parse(&params(), &payload).unwrap_err().to_string();
        assert_eq!(failure, "cpus: expected a list, got one of more than 10000 values");
        let name = RawValue::from_string(format!("{{\"{}\":1}}", "x".repeat(500_000))).unwrap();
        let payload = Payload::from_raw(None, Some(&name)).unwrap();
        assert!(Arguments::parse(&[], &payload).unwrap_err().to_string().len() < 200);
        assert_eq!(parse(&json!([["1e"]]), &json!({})).unwrap().values[0], json!(["1e"]));
        let text = RawValue::from_string("[1e999]".to_owned()).unwrap();
        let payload = Payload::from_raw(Some(&text), None).unwrap();
        let failure = Arguments::parse(&params(), &payload).unwrap_err().to_string();
        assert_eq!(failure, "cpus: expected a list, got 1e999");
    }

    #[test]
    fn a_bool_is_no_number_and_a_float_no_int() {
        assert!(!Kind::Number.takes(&json!(true)));
        assert!(!Kind::Int.takes(&json!(1.0)));
        assert!(Kind::Int.takes(&json!(u64::MAX)));
    }
}
