//! The procedures that a router refused to register: one sentence for all of them, for they mostly have one cause. Pure.

use std::fmt;

use crate::wamp::error::uri::NOT_AUTHORIZED;
use crate::wamp::{Uri, WampError};

/// Refused registrations, one or more.
#[derive(Debug)]
pub(super) struct Refusals {
    first: Uri,
    reason: WampError,
    others: usize,
}

impl Refusals {
    /// Begins with one, and why it was refused.
    pub const fn new(first: Uri, reason: WampError) -> Self {
        Self { first, reason, others: 0 }
    }

    /// There is one more.
    pub const fn count(&mut self) {
        self.others += 1;
    }

    /// Why the first was refused.
    pub fn into_reason(self) -> WampError {
        self.reason
    }
}

impl fmt::Display for Refusals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the router refused {}", self.first)?;
        if self.others > 0 {
            write!(f, " and {} more procedures", self.others)?;
        }
        write!(f, ": {}{}", self.reason, remedy(&self.reason))
    }
}

/// What would mend it, to stand behind the reason; nothing where that is not known.
pub(super) fn remedy(reason: &WampError) -> &'static str {
    match reason.uri.as_str() {
        NOT_AUTHORIZED => " (at the router, this agent's role needs the permission to register)",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_sentence_for_all_of_them() {
        let mut refusals = Refusals::new(Uri::from("a.x"), WampError::new("b.c", "no"));
        assert_eq!(refusals.to_string(), "the router refused a.x: b.c: no");
        refusals.count();
        refusals.count();
        assert_eq!(refusals.to_string(), "the router refused a.x and 2 more procedures: b.c: no");
        let sentence = Refusals::new(Uri::from("a.x"), WampError::new(NOT_AUTHORIZED, "no")).to_string();
        assert!(sentence.ends_with(": no (at the router, this agent's role needs the permission to register)"));
    }
}
