//! What a broker and a dealer both keep: what stands for a URI or a pattern, by its id.

use std::collections::HashMap;
use std::hash::Hash;

use super::pattern::Patterns;
use super::shapes::Shapes;
use super::turn::Turn;
use crate::sync::clock::Timestamp;
use crate::wamp::id::{Drawn, RandomIds};
use crate::wamp::options::Match;
use crate::wamp::{Uri, WampError};

/// A subscription or a registration.
#[derive(Debug)]
pub(super) struct Entry<M> {
    pub uri: Uri,
    pub matching: Match,
    pub created: Timestamp,
    /// Whose it is.
    pub members: M,
}

impl<M> Entry<M> {
    /// What a peer must be told about the URI at hand: nothing when it is the entry's own (`EVENT.Details.topic`,
    /// `INVOCATION.Details.procedure`).
    pub fn concrete(&self, uri: &Uri) -> Option<Uri> {
        (self.matching != Match::Exact).then(|| uri.clone())
    }
}

/// Subscriptions or registrations: at most one for each match policy and URI.
#[derive(Debug)]
pub(super) struct Table<I, M> {
    entries: HashMap<I, Entry<M>>,
    patterns: Patterns<I>,
}

impl<I, M> Default for Table<I, M> {
    fn default() -> Self {
        Self { entries: HashMap::new(), patterns: Patterns::default() }
    }
}

impl<I: Copy + Eq + Hash + Drawn, M> Table<I, M> {
    pub fn get(&self, id: I) -> Option<&Entry<M>> {
        self.entries.get(&id)
    }

    pub fn get_mut(&mut self, id: I) -> Option<&mut Entry<M>> {
        self.entries.get_mut(&id)
    }

    /// The entry for this very pattern.
    pub fn lookup(&self, matching: Match, uri: &str) -> Option<I> {
        self.patterns.get(matching, uri)
    }

    /// The entries whose pattern matches the URI, the best first (see [`Patterns::matches`]).
    pub fn matches<'t>(&'t self, uri: &str) -> impl Iterator<Item = (I, &'t Entry<M>)> {
        self.patterns.matches(uri).filter_map(|id| Some((id, self.entries.get(&id)?)))
    }

    /// Whether a session that has patterns of these shapes may have this one: those that match in a new way cost every
    /// look-up.
    pub fn check_shape(
        &self,
        matching: Match,
        uri: &str,
        of_session: &Shapes,
        turn: &mut Turn<'_>,
    ) -> Result<(), WampError> {
        let limits = turn.limits;
        if let Some(count) = of_session.without(matching, uri) {
            turn.check_limit(count, limits.session.shapes, "shapes of wildcard patterns in a session")?;
        }
        match self.patterns.shapes_without(matching, uri) {
            Some(count) => turn.check_limit(count, limits.realm.shapes, "shapes of wildcard patterns in a realm"),
            None => Ok(()),
        }
    }

    pub fn ids(&self, matching: Match) -> impl Iterator<Item = I> + '_ {
        self.patterns.values(matching)
    }

    /// Adds an entry under an id that none has.
    pub fn insert(&mut self, entry: Entry<M>, ids: &mut RandomIds) -> I {
        let mut id = ids.draw();
        while self.entries.contains_key(&id) {
            id = ids.draw();
        }
        self.patterns.insert(entry.matching, entry.uri.clone(), id);
        self.entries.insert(id, entry);
        id
    }

    pub fn remove(&mut self, id: I) {
        if let Some(entry) = self.entries.remove(&id) {
            self.patterns.remove(entry.matching, entry.uri.as_str());
        }
    }

    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.patterns.is_empty()
    }
}
