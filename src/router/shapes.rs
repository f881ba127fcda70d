//! The shapes of one session's wildcard patterns (see [`super::pattern`]): each costs every look-up of the realm, so that no
//! session may have many, and none can use up what there is for all.

use std::collections::BTreeMap;

use super::pattern::Shape;
use crate::wamp::options::Match;

/// How many patterns there are of each shape.
#[derive(Debug, Default)]
pub(super) struct Shapes(BTreeMap<Shape, usize>);

impl Shapes {
    /// How many shapes there are, if this pattern would add another.
    pub fn without(&self, matching: Match, pattern: &str) -> Option<usize> {
        let is_new = matching == Match::Wildcard && !self.0.contains_key(&Shape::of(pattern));
        is_new.then_some(self.0.len())
    }

    pub fn add(&mut self, matching: Match, pattern: &str) {
        if matching == Match::Wildcard {
            *self.0.entry(Shape::of(pattern)).or_default() += 1;
        }
    }

    pub fn remove(&mut self, matching: Match, pattern: &str) {
        if matching != Match::Wildcard {
            return;
        }
        let shape = Shape::of(pattern);
        match self.0.get_mut(&shape) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(self.0.remove(&shape)),
        }
    }
}
