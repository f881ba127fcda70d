//! The broker: subscriptions, and events for them (*Publish and Subscribe*).

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::PeerId;
use super::audience::Audience;
use super::session::{Session, Sessions};
use super::table::{Entry, Table};
use super::turn::Turn;
use crate::wamp::error::uri;
use crate::wamp::options::{EventDetails, Match, PublishOptions, Publisher};
use crate::wamp::uri::Form;
use crate::wamp::{Message, Payload, PublicationId, SubscriptionId, Uri, WampError};

/// The subscriptions of a realm.
#[derive(Debug, Default)]
pub(super) struct Broker {
    pub subscriptions: Table<SubscriptionId, Subscribers>,
    /// Of all sessions, each counted.
    members: usize,
}

/// Who gets the events of a subscription.
pub(super) type Subscribers = BTreeSet<PeerId>;

/// What a SUBSCRIBE changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subscribed {
    /// The session is the subscription's first.
    Created,
    /// The session was added.
    Added,
    /// Nothing, the session was on it.
    Already,
}

/// Whether something lost one of several members, or its last and is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    Others,
    Nobody,
}

impl Broker {
    pub fn subscribe(
        &mut self,
        peer: PeerId,
        session: &mut Session,
        matching: Match,
        topic: Uri,
        turn: &mut Turn<'_>,
    ) -> Result<(SubscriptionId, Subscribed), WampError> {
        turn.check_uri(&topic, matching.form())?;
        let existing = self.subscriptions.lookup(matching, topic.as_str());
        if let Some(id) = existing.filter(|id| session.subscriptions.contains(id)) {
            return Ok((id, Subscribed::Already));
        }
        let counts = (session.subscriptions.len(), self.members);
        turn.check_room(counts, |share| share.subscriptions, "subscriptions")?;
        let (id, change) = match existing.and_then(|id| Some((id, self.subscriptions.get_mut(id)?))) {
            Some((id, entry)) => {
                entry.members.insert(peer);
                (id, Subscribed::Added)
            }
            None => {
                self.subscriptions.check_shape(matching, topic.as_str(), turn)?;
                let (created, members) = (turn.now.wall, Subscribers::from([peer]));
                let entry = Entry { uri: topic, matching, created, members };
                (self.subscriptions.insert(entry, turn.ids), Subscribed::Created)
            }
        };
        session.subscriptions.insert(id);
        self.members += 1;
        Ok((id, change))
    }

    pub fn unsubscribe(
        &mut self,
        peer: PeerId,
        session: &mut Session,
        subscription: SubscriptionId,
    ) -> Result<Left, WampError> {
        if !session.subscriptions.remove(&subscription) {
            let sentence = format!("expected a subscription of this session, got {subscription}");
            return Err(WampError::new(uri::NO_SUCH_SUBSCRIPTION, &sentence));
        }
        Ok(self.drop_subscriber(peer, subscription))
    }

    /// Takes the peer off a subscription that is its own.
    pub fn drop_subscriber(&mut self, peer: PeerId, subscription: SubscriptionId) -> Left {
        let Some(entry) = self.subscriptions.get_mut(subscription) else { return Left::Nobody };
        if entry.members.remove(&peer) {
            self.members -= 1;
        }
        if !entry.members.is_empty() {
            return Left::Others;
        }
        self.subscriptions.remove(subscription);
        Left::Nobody
    }

    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        self.subscriptions.is_empty() && self.members == 0
    }

    /// Publishes a client's event.
    pub fn publish(
        &self,
        sessions: &Sessions,
        publisher: PeerId,
        options: &PublishOptions,
        topic: &Uri,
        payload: Payload,
        turn: &mut Turn<'_>,
    ) -> Result<PublicationId, WampError> {
        turn.check_own_uri(topic, Form::Exact)?;
        let disclosed = sessions.get(publisher).filter(|_| options.disclose_me);
        let identity = disclosed.map(Session::as_publisher).unwrap_or_default();
        let audience = Audience::new(publisher, options);
        let publication = turn.ids.draw();
        turn.counters.publications += 1;
        let event = Publication { id: publication, topic, publisher: identity, payload };
        self.deliver(event, |peer| audience.admits(peer, sessions), turn);
        Ok(publication)
    }

    /// Publishes an event of the router's own (*Meta API*), unless nobody listens.
    pub fn announce<const N: usize>(
        &self,
        topic: &'static str,
        arguments: impl FnOnce() -> [Value; N],
        turn: &mut Turn<'_>,
    ) {
        if self.subscriptions.matches(topic).next().is_none() {
            return;
        }
        let (topic, payload) = (Uri::from(topic), Payload::new(&arguments(), &Map::new()));
        let event = Publication { id: turn.ids.draw(), topic: &topic, publisher: Publisher::default(), payload };
        self.deliver(event, |_| true, turn);
    }

    /// One EVENT for each subscription that matches, to those of its subscribers that are wanted.
    fn deliver(&self, mut event: Publication<'_>, is_wanted: impl Fn(PeerId) -> bool, turn: &mut Turn<'_>) {
        let mut deliveries = self
            .subscriptions
            .matches(event.topic.as_str())
            .filter_map(|(subscription, entry)| {
                let to: Vec<PeerId> = entry.members.iter().copied().filter(|peer| is_wanted(*peer)).collect();
                (!to.is_empty()).then_some((subscription, entry, to))
            })
            .peekable();
        while let Some((subscription, entry, to)) = deliveries.next() {
            let last = deliveries.peek().is_none();
            let payload = if last { std::mem::take(&mut event.payload) } else { event.payload.clone() };
            let details = EventDetails { topic: entry.concrete(event.topic), publisher: event.publisher.clone() };
            turn.fanout(to, Message::Event { subscription, publication: event.id, details, payload });
        }
    }
}

/// An event on its way to the subscriptions.
struct Publication<'a> {
    id: PublicationId,
    topic: &'a Uri,
    publisher: Publisher,
    payload: Payload,
}
