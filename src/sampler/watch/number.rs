//! Numbers as they are told: those without a fraction as whole numbers. Pure.

use std::fmt;

use serde::{Serialize, Serializer};

/// A finite number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Number(pub f64);

/// Up to this every whole number is exact.
const EXACT: f64 = 9_007_199_254_740_992.0;

impl Number {
    /// The number as a whole one, if it is.
    fn whole(self) -> Option<i64> {
        (self.0.fract() == 0.0 && self.0.abs() <= EXACT).then_some(self.0 as i64)
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.whole() {
            Some(whole) => whole.fmt(f),
            None => self.0.fmt(f),
        }
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.whole() {
            Some(whole) => serializer.serialize_i64(whole),
            None => serializer.serialize_f64(self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_have_no_point() {
        for (number, text) in [(90.0, "90"), (-0.0, "0"), (0.1, "0.1"), (-7.0, "-7"), (EXACT, "9007199254740992")] {
            assert_eq!(serde_json::to_string(&Number(number)).unwrap(), text);
            assert_eq!(Number(number).to_string(), text);
        }
        let text = serde_json::to_string(&Number(EXACT * 4.0)).unwrap();
        assert!(text.contains('.') && text.parse() == Ok(EXACT * 4.0), "{text}");
    }
}
