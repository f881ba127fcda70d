//! URIs (*URIs* in the WAMP spec): what names a realm, a topic, a procedure or an error, and the rules they follow.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A URI as a peer wrote it. Cheap to clone. It is not checked by being one: whoever accepts it for a purpose calls
/// [`Uri::check`], because the rules depend on that purpose.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uri(Arc<str>);

/// How a URI is written, loosest to strictest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rules {
    /// Components of any characters but white space, `.` and `#`, and, which the spec does not say, NUL: in JSON a string
    /// that begins with one is bytes (*Binary conversion of JSON Strings*), and peers hang up on a URI that is no string.
    Loose,
    /// Components of `0-9 a-z _`.
    Strict,
}

/// What a URI is used for, which decides where a component may be empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Names one thing: no empty component.
    Exact,
    /// A prefix pattern: the last component may be empty, and so may the whole.
    Prefix,
    /// A wildcard pattern: an empty component stands for any.
    Wildcard,
}

/// A URI that breaks the rules. Its `Display` says which and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidUri {
    uri: Uri,
    expected: &'static str,
}

impl Uri {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `prefix` and a dot begin this URI.
    #[must_use]
    pub fn is_below(&self, prefix: &str) -> bool {
        self.0.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('.'))
    }

    /// Checks the URI for one use.
    ///
    /// # Errors
    /// [`InvalidUri`], which says what was expected.
    pub fn check(&self, rules: Rules, form: Form) -> Result<(), InvalidUri> {
        let wrong = |expected| Err(InvalidUri { uri: self.clone(), expected });
        let last = self.0.matches('.').count();
        for (position, component) in self.0.split('.').enumerate() {
            let may_be_empty = match form {
                Form::Exact => false,
                Form::Prefix => position == last,
                Form::Wildcard => true,
            };
            if component.is_empty() && !may_be_empty {
                return wrong("components separated by dots, none of them empty");
            }
            let allowed = |c: char| match rules {
                Rules::Loose => !c.is_whitespace() && c != '#' && c != '\0',
                Rules::Strict => matches!(c, '0'..='9' | 'a'..='z' | '_'),
            };
            if !component.chars().all(allowed) {
                return wrong(match rules {
                    Rules::Loose => "components without white space, '#' and NUL",
                    Rules::Strict => "components of the characters 0-9, a-z and _",
                });
            }
        }
        Ok(())
    }
}

/// Whether `text` can be one component of a URI under the loose rules: an id that is put between dots.
#[must_use]
pub fn is_component(text: &str) -> bool {
    !text.contains('.') && Uri::from(text).check(Rules::Loose, Form::Exact).is_ok()
}

impl From<&str> for Uri {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<String> for Uri {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

/// So that a table keyed by `Uri` can be asked with a `&str`.
impl Borrow<str> for Uri {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Uri {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for InvalidUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}, got {:?}", self.expected, self.uri.as_str())
    }
}

impl std::error::Error for InvalidUri {}

impl Serialize for Uri {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Uri {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ok(text: &str, rules: Rules, form: Form) -> bool {
        Uri::from(text).check(rules, form).is_ok()
    }

    #[test]
    fn loose_and_strict() {
        for (text, loose, strict) in [
            ("com.myapp.add2", true, true),
            ("com.myapp.Add2", true, false),
            ("com.my-app.ü", true, false),
            ("com.my app.x", false, false),
            ("com.#.x", false, false),
            ("\0AAAA", false, false),
            ("com\u{a0}x", false, false),
            ("com..x", false, false),
            (".com", false, false),
            ("com.", false, false),
            ("", false, false),
        ] {
            assert_eq!(ok(text, Rules::Loose, Form::Exact), loose, "{text:?} loose");
            assert_eq!(ok(text, Rules::Strict, Form::Exact), strict, "{text:?} strict");
        }
    }

    #[test]
    fn patterns_may_have_empty_components_in_their_places() {
        for (text, prefix, wildcard) in [
            ("com.", true, true),
            ("", true, true),
            ("com..x", false, true),
            (".com", false, true),
            ("a. .b", false, false),
        ] {
            assert_eq!(ok(text, Rules::Loose, Form::Prefix), prefix, "{text:?} prefix");
            assert_eq!(ok(text, Rules::Loose, Form::Wildcard), wildcard, "{text:?} wildcard");
        }
    }

    #[test]
    fn the_error_says_what_was_expected_and_got() {
        let error = Uri::from("a..b").check(Rules::Loose, Form::Exact).unwrap_err().to_string();
        assert_eq!(error, r#"expected components separated by dots, none of them empty, got "a..b""#);
    }
}
