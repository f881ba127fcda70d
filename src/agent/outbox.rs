//! Events that must not be lost: kept until the router has acknowledged them, over sessions. Pure.

use std::collections::VecDeque;

use crate::api::Topic;
use crate::wamp::{Payload, RequestId};

/// Events that are kept; of more than that the oldest are dropped.
const MOST: usize = 16;

/// What waits for a session, or for its router's word.
#[derive(Debug, Default)]
pub struct Outbox {
    held: VecDeque<Held>,
}

#[derive(Debug)]
struct Held {
    topic: Topic,
    payload: Payload,
    /// The prefixes under which it is to be published in this session still; `None`: under all.
    left: Option<usize>,
    /// The requests of this session, one for each of the others, that are not answered yet.
    asked: Vec<RequestId>,
}

impl Outbox {
    /// Keeps an event. When there is no room for it the oldest is let go: that one comes back.
    pub fn put(&mut self, topic: Topic, payload: Payload) -> Option<(Topic, Payload)> {
        let oldest = if self.held.len() < MOST { None } else { self.held.pop_front() };
        self.held.push_back(Held { topic, payload, left: None, asked: Vec::new() });
        oldest.map(|held| (held.topic, held.payload))
    }

    /// Publishes what was not published in this session, the oldest first, under each of so many prefixes. `publish` does so
    /// under one, by its place, and answers with the request that the router is to acknowledge; with `None`, when the session
    /// takes nothing now, the rest is kept for later.
    pub fn publish(&mut self, prefixes: usize, mut publish: impl FnMut(Topic, &Payload, usize) -> Option<RequestId>) {
        for held in &mut self.held {
            let left = held.left.get_or_insert(prefixes);
            while *left > 0 {
                let Some(request) = publish(held.topic, &held.payload, prefixes - *left) else { return };
                held.asked.push(request);
                *left -= 1;
            }
        }
    }

    /// The router has answered a request. Whether it was one of these; then it is settled, whatever the answer was.
    pub fn answered(&mut self, request: RequestId) -> bool {
        let mut was_ours = false;
        self.held.retain_mut(|held| {
            let before = held.asked.len();
            held.asked.retain(|other| *other != request);
            was_ours |= held.asked.len() < before;
            held.left != Some(0) || !held.asked.is_empty()
        });
        was_ours
    }

    /// The session is over: what was not acknowledged is to be published again.
    pub fn session_ended(&mut self) {
        for held in &mut self.held {
            (held.left, held.asked) = (None, Vec::new());
        }
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Gives up all that waits; how many.
    pub fn clear(&mut self) -> usize {
        std::mem::take(&mut self.held).len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(id: u64) -> RequestId {
        RequestId::new(id).unwrap()
    }

    /// Publishes under one prefix, with requests from `first` on; what was published, by its payload.
    fn published(outbox: &mut Outbox, first: u64) -> Vec<String> {
        let mut seen = Vec::new();
        outbox.publish(1, |_, payload, _| {
            seen.push(payload.arg_texts().unwrap()[0].get().to_owned());
            Some(request(first + u64::try_from(seen.len()).unwrap() - 1))
        });
        seen
    }

    fn outbox(numbers: std::ops::Range<u32>) -> Outbox {
        let mut outbox = Outbox::default();
        for number in numbers {
            assert!(outbox.put(Topic::ProcessExited, Payload::of(&number)).is_none());
        }
        outbox
    }

    #[test]
    fn what_was_not_acknowledged_is_published_again_in_the_next_session() {
        let mut outbox = outbox(0..3);
        assert_eq!(published(&mut outbox, 1), ["0", "1", "2"]);
        assert!(published(&mut outbox, 9).is_empty(), "once a session");
        assert!(outbox.answered(request(2)));
        assert!(!outbox.answered(request(2)));
        outbox.session_ended();
        assert_eq!(published(&mut outbox, 1), ["0", "2"]);
        assert!(outbox.answered(request(1)) && outbox.answered(request(2)));
        assert!(outbox.is_empty());
    }

    #[test]
    fn an_event_is_settled_when_it_is_so_under_every_prefix() {
        let mut outbox = outbox(0..1);
        outbox.publish(2, |_, _, prefix| Some(request([1, 2][prefix])));
        assert!(outbox.answered(request(2)));
        assert!(!outbox.is_empty());
        assert!(outbox.answered(request(1)));
        assert!(outbox.is_empty());
    }

    #[test]
    fn what_a_session_takes_under_one_prefix_only_goes_out_under_the_other_later() {
        let mut outbox = outbox(0..2);
        outbox.publish(2, |_, _, prefix| [Some(request(1)), None][prefix]);
        assert!(outbox.answered(request(1)) && !outbox.is_empty());
        let mut places = Vec::new();
        outbox.publish(2, |_, payload, prefix| {
            places.push((payload.arg_texts().unwrap()[0].get().to_owned(), prefix));
            Some(request(1 + u64::try_from(places.len()).unwrap()))
        });
        assert_eq!(places, [("0".to_owned(), 1), ("1".to_owned(), 0), ("1".to_owned(), 1)]);
        assert!(outbox.answered(request(2)) && outbox.answered(request(4)) && !outbox.is_empty());
        assert!(outbox.answered(request(3)) && outbox.is_empty());
    }

    #[test]
    fn the_newest_are_kept_and_a_session_that_takes_nothing_changes_nothing() {
        let mut outbox = outbox(0..16);
        let (topic, oldest) = outbox.put(Topic::ProcessExited, Payload::of(&16)).unwrap();
        assert_eq!((topic, oldest), (Topic::ProcessExited, Payload::of(&0)));
        outbox.publish(1, |_, _, _| None);
        assert_eq!(published(&mut outbox, 1).len(), 16);
        assert_eq!(outbox.clear(), 16);
        assert!(outbox.is_empty());
    }
}
