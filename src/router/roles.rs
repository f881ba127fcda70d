//! Roles: what the sessions of a user may do to which URIs, and whether others are told who did it.
//!
//! Of the permissions of a role whose pattern matches a URI and that allow or deny the action, the most specific decides: the URI
//! itself, then the longest prefix, then the wildcard with the longest portion before an empty component. What no permission
//! speaks of is not allowed.
//!
//! A subscription or registration by pattern is allowed if all URIs that it matches are: there must be a permission that covers
//! the pattern whole, the most specific of those must allow it, and none that covers a part of it may deny it.

use super::authorization::Action;
use super::pattern::Patterns;
use crate::wamp::Uri;
use crate::wamp::options::Match;

/// What the sessions of some users may do.
#[derive(Debug, Default)]
pub struct Role {
    permissions: Vec<Permission>,
    /// Whether it is allowed, for each action.
    verdicts: [Patterns<bool>; Action::ALL.len()],
    disclosures: Patterns<Disclosure>,
}

/// By what it was made of.
impl PartialEq for Role {
    fn eq(&self, other: &Self) -> bool {
        self.permissions == other.permissions
    }
}

impl Eq for Role {}

/// What may be done to the URIs that a pattern matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permission {
    /// The pattern.
    pub uri: Uri,
    /// How it is matched.
    pub matching: Match,
    /// What is allowed.
    pub allow: Vec<Action>,
    /// What is not allowed, although a less specific permission allows it. Weighs more than the same in `allow`.
    pub deny: Vec<Action>,
    /// Whose identity is told to those at the other end.
    pub disclose: Disclosure,
}

/// Who is told to the other end even if neither side asks for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Disclosure {
    /// A caller to the callee.
    pub caller: bool,
    /// A publisher to the subscribers.
    pub publisher: bool,
}

impl Permission {
    /// Whether it allows the action, or denies it; `None` when it does not speak of it.
    fn verdict(&self, action: Action) -> Option<bool> {
        if self.deny.contains(&action) { Some(false) } else { self.allow.contains(&action).then_some(true) }
    }

    /// Whether every URI that the pattern matches is one of this permission's.
    fn covers(&self, pattern: &str, matching: Match) -> bool {
        let own = self.uri.as_str();
        match (self.matching, matching) {
            (Match::Exact, Match::Exact) => own == pattern,
            (Match::Prefix, Match::Exact | Match::Prefix) => pattern.starts_with(own),
            (Match::Prefix, Match::Wildcard) => head(pattern).starts_with(own),
            (Match::Wildcard, Match::Exact | Match::Wildcard) => {
                same_length(own, pattern) && pairs(own, pattern).all(|(own, other)| own.is_empty() || own == other)
            }
            (Match::Exact, _) | (Match::Wildcard, Match::Prefix) => false,
        }
    }

    /// Whether there may be a URI that both match.
    fn overlaps(&self, pattern: &str, matching: Match) -> bool {
        let own = self.uri.as_str();
        match (self.matching, matching) {
            (_, Match::Exact) => self.covers(pattern, matching),
            (Match::Exact, _) => {
                let pattern = Self::asking(pattern, matching);
                pattern.covers(own, Match::Exact)
            }
            (Match::Prefix, Match::Prefix) => nested(own, pattern),
            (Match::Wildcard, Match::Prefix) => nested(head(own), pattern),
            (Match::Prefix, Match::Wildcard) => nested(own, head(pattern)),
            (Match::Wildcard, Match::Wildcard) => {
                let agree = |(own, other): (&str, &str)| own.is_empty() || other.is_empty() || own == other;
                same_length(own, pattern) && pairs(own, pattern).all(agree)
            }
        }
    }

    fn asking(pattern: &str, matching: Match) -> Self {
        Self { uri: Uri::from(pattern), matching, allow: Vec::new(), deny: Vec::new(), disclose: Disclosure::default() }
    }

    /// How specific it is among those that cover the same pattern, in the order of [`Patterns::matches`].
    fn rank(&self) -> (u8, usize, Vec<bool>) {
        match self.matching {
            Match::Exact => (2, 0, Vec::new()),
            Match::Prefix => (1, self.uri.as_str().len(), Vec::new()),
            Match::Wildcard => (0, 0, self.uri.as_str().split('.').map(|component| !component.is_empty()).collect()),
        }
    }
}

/// What a wildcard pattern begins with, up to its first empty component.
fn head(pattern: &str) -> &str {
    let end = pattern.split('.').scan(0, |at, component| {
        let begin = *at;
        *at += component.len() + 1;
        Some((begin, component.is_empty()))
    });
    let empty = end.into_iter().find(|(_, is_empty)| *is_empty).map(|(begin, _)| begin);
    pattern.get(..empty.unwrap_or(pattern.len())).unwrap_or(pattern)
}

fn nested(one: &str, other: &str) -> bool {
    one.starts_with(other) || other.starts_with(one)
}

fn same_length(one: &str, other: &str) -> bool {
    one.split('.').count() == other.split('.').count()
}

fn pairs<'a>(one: &'a str, other: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
    one.split('.').zip(other.split('.'))
}

impl Role {
    /// A role with these permissions. Of two that speak of the same pattern and action the last one counts.
    #[must_use]
    pub fn new(permissions: Vec<Permission>) -> Self {
        let mut role = Self::default();
        for permission in &permissions {
            let Permission { uri, matching, disclose, .. } = permission;
            for (action, verdicts) in Action::ALL.into_iter().zip(&mut role.verdicts) {
                if let Some(verdict) = permission.verdict(action) {
                    verdicts.insert(*matching, uri.clone(), verdict);
                }
            }
            if *disclose != Disclosure::default() {
                role.disclosures.insert(*matching, uri.clone(), *disclose);
            }
        }
        Self { permissions, ..role }
    }

    /// Whether it may do that to a URI, or with a pattern to all that it matches.
    pub(super) fn allows(&self, action: Action, pattern: &str, matching: Match) -> bool {
        if matching == Match::Exact {
            let verdicts = Action::ALL.into_iter().zip(&self.verdicts).find(|(other, _)| *other == action);
            return verdicts.and_then(|(_, verdicts)| verdicts.matches(pattern).next()).unwrap_or(false);
        }
        let mut deciding: Option<(&Permission, bool)> = None;
        for permission in &self.permissions {
            let Some(verdict) = permission.verdict(action) else { continue };
            if permission.covers(pattern, matching) {
                if deciding.is_none_or(|(other, _)| permission.rank() >= other.rank()) {
                    deciding = Some((permission, verdict));
                }
            } else if !verdict && permission.overlaps(pattern, matching) {
                return false;
            }
        }
        deciding.is_some_and(|(_, verdict)| verdict)
    }

    /// What any permission that matches discloses.
    pub(super) fn disclosure(&self, uri: &str) -> Disclosure {
        self.disclosures.matches(uri).fold(Disclosure::default(), |all, one| Disclosure {
            caller: all.caller || one.caller,
            publisher: all.publisher || one.publisher,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Action::{Call, Publish, Register, Subscribe};
    use Match::{Exact, Prefix, Wildcard};

    fn permission(uri: &str, matching: Match, allow: &[Action]) -> Permission {
        let deny = if allow.is_empty() { Action::ALL.to_vec() } else { Vec::new() };
        Permission { uri: Uri::from(uri), matching, allow: allow.to_vec(), deny, disclose: Disclosure::default() }
    }

    fn role() -> Role {
        Role::new(vec![
            permission("com.", Prefix, &[Call, Subscribe]),
            permission("com.secret.", Prefix, &[]),
            permission("com.secret.open", Exact, &[Call]),
            permission("org..status", Wildcard, &[Call, Subscribe, Register]),
            permission("net.", Prefix, &[Subscribe]),
            permission("net..hidden", Wildcard, &[]),
            // Speaks of nothing but calls, so the wildcards below it still count.
            permission("edu.", Prefix, &[Call]),
            permission("edu..news", Wildcard, &[Subscribe]),
        ])
    }

    #[test]
    fn the_most_specific_permission_decides_alone() {
        let role = role();
        for (action, uri, allowed) in [
            (Call, "com.a", true),
            (Call, "com.a.b", true),
            (Publish, "com.a", false),
            (Call, "com", false),
            (Call, "co", false),
            (Call, "com.secret.x", false),
            (Call, "com.secret.open", true),
            (Subscribe, "com.secret.open", false),
            (Register, "com.secret.open", false),
            (Call, "org.x.status", true),
            (Register, "org.x.status", true),
            (Call, "org.x.y.status", false),
            (Call, "org.x.state", false),
            (Call, "", false),
            // A longer prefix beats a wildcard, as with registrations.
            (Subscribe, "net.x.hidden", true),
            (Call, "net.x.hidden", false),
            (Call, "edu.x.news", true),
            (Subscribe, "edu.x.news", true),
            (Subscribe, "edu.x", false),
        ] {
            assert_eq!(role.allows(action, uri, Exact), allowed, "{action:?} {uri}");
        }
        assert!(!Role::default().allows(Call, "com.a", Exact), "nothing is allowed without a permission");
    }

    #[test]
    fn a_pattern_is_allowed_if_all_that_it_matches_is() {
        let role = role();
        for (uri, matching, allowed) in [
            ("com.a.", Prefix, true),
            ("com.a", Prefix, true),
            ("com.", Prefix, false),
            ("com.s", Prefix, false),
            ("com.secret.", Prefix, false),
            ("co", Prefix, false),
            ("", Prefix, false),
            ("com.a..b", Wildcard, true),
            ("com..b", Wildcard, false),
            ("com.secret..x", Wildcard, false),
            (".a", Wildcard, false),
            ("org..status", Wildcard, true),
            ("org.", Prefix, false),
            ("org.x.", Prefix, false),
            ("org..", Wildcard, false),
            ("net.x.", Prefix, false),
            ("net.x.y.", Prefix, false),
            ("net.x.y.", Wildcard, true),
            ("net.x.", Wildcard, false),
            ("edu..news", Wildcard, true),
            ("edu.", Prefix, false),
        ] {
            assert_eq!(role.allows(Subscribe, uri, matching), allowed, "{matching:?} {uri:?}");
        }
        let open = Role::new(vec![permission("", Prefix, &[Subscribe])]);
        for (uri, matching) in [("", Prefix), ("a", Prefix), ("..", Wildcard), ("a.", Wildcard)] {
            assert!(open.allows(Subscribe, uri, matching), "{matching:?} {uri:?}");
        }
        let narrow = Role::new(vec![permission("", Prefix, &[]), permission("a.", Prefix, &[Subscribe])]);
        assert!(narrow.allows(Subscribe, "a.b.", Prefix), "what is denied around it does not matter");
    }

    #[test]
    fn whoever_a_permission_discloses_is_disclosed() {
        let told = |uri, matching, caller, publisher| Permission {
            disclose: Disclosure { caller, publisher },
            ..permission(uri, matching, &[Call])
        };
        let role = Role::new(vec![told("a.", Prefix, true, false), told("a.b", Exact, false, true)]);
        for (uri, caller, publisher) in [("a.b", true, true), ("a.c", true, false), ("b", false, false)] {
            assert_eq!(role.disclosure(uri), Disclosure { caller, publisher }, "{uri}");
        }
    }

    /// Whatever a pattern is allowed for, each URI that it matches is allowed for by itself.
    #[test]
    fn no_pattern_reaches_further_than_its_uris() {
        let words = ["", "a", "b"];
        let uris: Vec<String> = (0..27).map(|n| [n / 9, n / 3 % 3, n % 3].map(|i: usize| words[i]).join(".")).collect();
        let concrete: Vec<&String> = uris.iter().filter(|uri| uri.split('.').all(|part| !part.is_empty())).collect();
        let kinds = |uri: &str| if concrete.iter().any(|one| *one == uri) { Exact } else { Wildcard };
        for first in &uris {
            for (second, matching) in
                uris.iter().map(|uri| (uri.as_str(), kinds(uri))).chain([("a.", Prefix), ("", Prefix)])
            {
                let denied = permission(second, matching, &[]);
                let role = Role::new(vec![
                    permission("a", Prefix, &[Subscribe]),
                    permission(first, kinds(first), &[Subscribe]),
                    denied,
                ]);
                for (pattern, how) in
                    uris.iter().map(|uri| (uri.as_str(), kinds(uri))).chain([("a.", Prefix), ("a.b", Prefix)])
                {
                    if !role.allows(Subscribe, pattern, how) {
                        continue;
                    }
                    let asked = Permission::asking(pattern, how);
                    for uri in concrete.iter().filter(|uri| asked.covers(uri, Exact)) {
                        assert!(role.allows(Subscribe, uri, Exact), "{first} but not {second}: {pattern} allows {uri}");
                    }
                }
            }
        }
    }
}
