//! Finds what was registered or subscribed for a URI: exactly, by prefix or by wildcard.
//!
//! What a look-up of a URI costs, with n patterns in the table:
//! - exact: one hash look-up.
//! - prefix: the ordered set is asked for the greatest pattern that is not beyond the URI. If that is no prefix of it, no
//!   pattern longer than what both have in common can be one either, and the search goes on from there. So it takes one
//!   step of O(log n) for each pattern found, and one for each place where the URI leaves the set's path: a handful, and
//!   never more than the URI has characters, whatever n is.
//! - wildcard: patterns of one shape (as many components, the same of them empty) are in one hash table, where the URI is
//!   looked up with its components at those places made empty. So it takes one hash look-up for each shape of the URI's
//!   length that is in use: applications have a handful of shapes, not as many as patterns, and a limit keeps those in
//!   check that have others ([`super::Share::shapes`]).

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;

use crate::wamp::Uri;
use crate::wamp::options::Match;

/// Values by pattern; at most one for each match policy and URI.
#[derive(Debug)]
pub(super) struct Patterns<T> {
    exact: HashMap<Uri, T>,
    prefix: BTreeMap<Uri, T>,
    wildcard: BTreeMap<Shape, HashMap<Uri, T>>,
}

impl<T> Default for Patterns<T> {
    fn default() -> Self {
        Self { exact: HashMap::new(), prefix: BTreeMap::new(), wildcard: BTreeMap::new() }
    }
}

impl<T: Copy> Patterns<T> {
    /// The value of this very pattern.
    pub fn get(&self, matching: Match, pattern: &str) -> Option<T> {
        match matching {
            Match::Exact => self.exact.get(pattern),
            Match::Prefix => self.prefix.get(pattern),
            Match::Wildcard => self.wildcard.get(&Shape::of(pattern))?.get(pattern),
        }
        .copied()
    }

    pub fn insert(&mut self, matching: Match, pattern: Uri, value: T) {
        match matching {
            Match::Exact => self.exact.insert(pattern, value),
            Match::Prefix => self.prefix.insert(pattern, value),
            Match::Wildcard => self.wildcard.entry(Shape::of(pattern.as_str())).or_default().insert(pattern, value),
        };
    }

    pub fn remove(&mut self, matching: Match, pattern: &str) {
        match matching {
            Match::Exact => drop(self.exact.remove(pattern)),
            Match::Prefix => drop(self.prefix.remove(pattern)),
            Match::Wildcard => {
                let shape = Shape::of(pattern);
                if let Some(patterns) = self.wildcard.get_mut(&shape) {
                    patterns.remove(pattern);
                    if patterns.is_empty() {
                        self.wildcard.remove(&shape);
                    }
                }
            }
        }
    }

    /// How many shapes of wildcard patterns there are, if this pattern would add another.
    pub fn shapes_without(&self, matching: Match, pattern: &str) -> Option<usize> {
        let is_new = matching == Match::Wildcard && !self.wildcard.contains_key(&Shape::of(pattern));
        is_new.then_some(self.wildcard.len())
    }

    pub fn values(&self, matching: Match) -> Box<dyn Iterator<Item = T> + '_> {
        match matching {
            Match::Exact => Box::new(self.exact.values().copied()),
            Match::Prefix => Box::new(self.prefix.values().copied()),
            Match::Wildcard => Box::new(self.wildcard.values().flat_map(HashMap::values).copied()),
        }
    }

    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.prefix.is_empty() && self.wildcard.is_empty()
    }

    /// The values of all patterns that match the URI, the best first (*Calls matching multiple registrations*): exact,
    /// then prefixes from long to short, then wildcards with the longest portions before each empty component. Lazy:
    /// who takes only the first pays only for that.
    pub fn matches(&self, uri: &str) -> impl Iterator<Item = T> {
        let exact = self.exact.get(uri).copied().into_iter();
        exact.chain(self.prefixes(uri)).chain(self.wildcards(uri))
    }

    fn prefixes(&self, uri: &str) -> impl Iterator<Item = T> {
        // Always a prefix of the URI; every pattern sought that is still to come is at or before it.
        let mut bound = Bound::Included(uri);
        std::iter::from_fn(move || {
            loop {
                let (pattern, value) = self.prefix.range::<str, _>((Bound::Unbounded, bound)).next_back()?;
                let common = common_prefix(uri, pattern.as_str());
                if common.len() == pattern.as_str().len() {
                    bound = Bound::Excluded(common);
                    return Some(*value);
                }
                bound = Bound::Included(common);
            }
        })
    }

    fn wildcards(&self, uri: &str) -> impl Iterator<Item = T> {
        // Counted only once somebody gets this far.
        std::iter::once_with(move || Shape { components: count_components(uri), empty: Vec::new() })
            .flat_map(move |least| {
                let components = least.components;
                self.wildcard.range(least..).take_while(move |(shape, _)| shape.components == components)
            })
            .filter_map(move |(shape, patterns)| patterns.get(shape.applied_to(uri).as_str()).copied())
    }
}

/// Where a wildcard pattern has empty components. Of two shapes with as many components, the lesser is the more specific:
/// at the first place where they differ, it is the one that is not empty.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Shape {
    components: usize,
    empty: Vec<bool>,
}

impl Shape {
    pub fn of(pattern: &str) -> Self {
        let empty: Vec<bool> = pattern.split('.').map(str::is_empty).collect();
        Self { components: empty.len(), empty }
    }

    /// The only pattern of this shape that can match the URI.
    fn applied_to(&self, uri: &str) -> String {
        let mut pattern = String::with_capacity(uri.len());
        for (position, (component, empty)) in uri.split('.').zip(&self.empty).enumerate() {
            if position > 0 {
                pattern.push('.');
            }
            if !empty {
                pattern.push_str(component);
            }
        }
        pattern
    }
}

fn count_components(uri: &str) -> usize {
    uri.split('.').count()
}

/// What both begin with, as a part of `uri`.
fn common_prefix<'a>(uri: &'a str, other: &str) -> &'a str {
    let end = uri.char_indices().zip(other.chars()).find(|((_, a), b)| a != b).map(|((at, _), _)| at);
    uri.get(..end.unwrap_or(uri.len().min(other.len()))).unwrap_or_default()
}
