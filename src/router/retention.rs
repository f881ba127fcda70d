//! Events that are kept for those who subscribe later (*Event Retention*).
//!
//! Of each topic the last event that was for everybody is kept, and the last that was not (black- and whitelists): so who may
//! not see the one gets the other. Kept are [`super::Limits::retained_events`] of [`super::Limits::retained_bytes`] in a
//! realm. Where there is no room the oldest go: nobody owns a kept event, so one that is published again comes back, and
//! one that nobody cares for makes room some day. They outlive the sessions that published them, not the router.

use std::collections::BTreeMap;
use std::mem::size_of;

use super::PeerId;
use super::audience::is_for_everybody;
use super::limits::{Counters, Limits};
use crate::wamp::options::{Match, PublishOptions, Publisher};
use crate::wamp::{Payload, PublicationId, Uri};

/// An event that is kept.
#[derive(Debug)]
pub(super) struct Retained {
    pub publication: PublicationId,
    /// Whose it was: who is not told of its own events while they are new does not get them when they are old either.
    pub publisher: PeerId,
    /// Who it was, if that is disclosed.
    pub identity: Publisher,
    pub options: PublishOptions,
    pub payload: Payload,
}

/// Who an event was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    Everybody,
    Some,
}

/// Where an event is kept.
type Place = (Uri, Reach);

#[derive(Debug)]
struct Kept {
    event: Retained,
    /// Counts up: the greater, the later it was published.
    age: u64,
    bytes: usize,
}

/// The events that a realm keeps.
#[derive(Debug, Default)]
pub(super) struct Retention {
    events: BTreeMap<Place, Kept>,
    /// The oldest first.
    by_age: BTreeMap<u64, Place>,
    last_age: u64,
    bytes: usize,
}

impl Retention {
    /// Keeps an event instead of the one before it, if it can be kept at all.
    pub fn keep(&mut self, topic: &Uri, event: Retained, limits: &Limits, counters: &mut Counters) {
        let place = (topic.clone(), reach_of(&event.options));
        self.remove(&place);
        let bytes = bytes_of(topic, &event);
        if bytes > limits.retained_bytes || limits.retained_events == 0 {
            counters.retained_dropped += 1;
            return;
        }
        while self.events.len() >= limits.retained_events || self.bytes + bytes > limits.retained_bytes {
            let Some((_, oldest)) = self.by_age.pop_first() else { break };
            self.remove(&oldest);
            counters.retained_dropped += 1;
        }
        self.last_age += 1;
        self.bytes += bytes;
        self.by_age.insert(self.last_age, place.clone());
        self.events.insert(place, Kept { event, age: self.last_age, bytes });
    }

    fn remove(&mut self, place: &Place) {
        if let Some(kept) = self.events.remove(place) {
            self.by_age.remove(&kept.age);
            self.bytes -= kept.bytes;
        }
    }

    /// The last admitted event of each topic that the pattern matches, in the order of their publication.
    pub fn find(
        &self,
        matching: Match,
        pattern: &Uri,
        admits: impl Fn(&Retained) -> bool,
    ) -> impl Iterator<Item = (&Uri, &Retained)> {
        let begin = match matching {
            Match::Exact | Match::Prefix => pattern.clone(),
            Match::Wildcard => Uri::from(""),
        };
        let in_range = |topic: &Uri| match matching {
            Match::Exact => topic == pattern,
            Match::Prefix => topic.as_str().starts_with(pattern.as_str()),
            Match::Wildcard => true,
        };
        let mut found: BTreeMap<&Uri, &Kept> = BTreeMap::new();
        for ((topic, _), kept) in
            self.events.range((begin, Reach::Everybody)..).take_while(|((topic, _), _)| in_range(topic))
        {
            let is_meant = matching != Match::Wildcard || fits(pattern.as_str(), topic.as_str());
            if is_meant && admits(&kept.event) && found.get(topic).is_none_or(|other| other.age < kept.age) {
                found.insert(topic, kept);
            }
        }
        let mut by_age = BTreeMap::new();
        by_age.extend(found.into_iter().map(|(topic, kept)| (kept.age, (topic, &kept.event))));
        by_age.into_values()
    }

    /// Whether what is counted is what there is, and no more than may.
    #[cfg(test)]
    pub fn is_sound(&self, limits: &Limits) -> bool {
        let bytes: usize = self.events.values().map(|kept| kept.bytes).sum();
        let aged = self.by_age.iter().all(|(age, place)| self.events.get(place).is_some_and(|kept| kept.age == *age));
        let counted = bytes == self.bytes && self.by_age.len() == self.events.len();
        aged && counted && bytes <= limits.retained_bytes && self.events.len() <= limits.retained_events
    }

    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        self.events.is_empty() && self.by_age.is_empty() && self.bytes == 0
    }
}

fn reach_of(options: &PublishOptions) -> Reach {
    if is_for_everybody(options) { Reach::Everybody } else { Reach::Some }
}

/// About what an event takes, the tables included.
fn bytes_of(topic: &Uri, event: &Retained) -> usize {
    2 * topic.as_str().len() + event.payload.size() + event.options.size() + 2 * size_of::<Kept>()
}

/// Whether a wildcard pattern matches a URI.
fn fits(pattern: &str, uri: &str) -> bool {
    let (mut pattern, mut uri) = (pattern.split('.'), uri.split('.'));
    loop {
        match (pattern.next(), uri.next()) {
            (None, None) => return true,
            (Some(wanted), Some(component)) if wanted.is_empty() || wanted == component => {}
            _ => return false,
        }
    }
}
