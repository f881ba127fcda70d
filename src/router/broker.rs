//! The broker: subscriptions, and events for them (*Publish and Subscribe*).

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::PeerId;
use super::audience::{Audience, admits_one};
use super::retention::{Retained, Retention};
use super::session::{Session, Sessions};
use super::table::{Entry, Table};
use super::turn::Turn;
use crate::wamp::error::uri;
use crate::wamp::options::{EventDetails, Match, PublishOptions, Publisher, SubscribeOptions};
use crate::wamp::uri::Form;
use crate::wamp::{Message, Payload, PublicationId, SubscriptionId, Uri, WampError};

/// The subscriptions of a realm.
#[derive(Debug, Default)]
pub(super) struct Broker {
    pub subscriptions: Table<SubscriptionId, Subscribers>,
    /// Of all sessions, each counted.
    members: usize,
    /// Events for those who subscribe later.
    pub retention: Retention,
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
    /// Whether a session has that subscription already.
    pub fn has_subscribed(&self, session: &Session, matching: Match, topic: &Uri) -> bool {
        let existing = self.subscriptions.lookup(matching, topic.as_str());
        existing.is_some_and(|id| session.subscriptions.contains(&id))
    }

    pub fn subscribe(
        &mut self,
        peer: PeerId,
        session: &mut Session,
        options: &SubscribeOptions,
        topic: Uri,
        turn: &mut Turn<'_>,
    ) -> Result<(SubscriptionId, Subscribed), WampError> {
        let matching = options.matching;
        turn.check_uri(&topic, matching.form())?;
        let existing = self.subscriptions.lookup(matching, topic.as_str());
        if let Some(id) = existing.filter(|id| session.subscriptions.contains(id)) {
            return Ok((id, Subscribed::Already));
        }
        let counts = (session.subscriptions.len(), self.members);
        turn.check_room(counts, |share| share.subscriptions, "subscriptions")?;
        self.subscriptions.check_shape(matching, topic.as_str(), &session.subscription_shapes, turn)?;
        session.subscription_shapes.add(matching, topic.as_str());
        let (id, change) = match existing.and_then(|id| Some((id, self.subscriptions.get_mut(id)?))) {
            Some((id, entry)) => {
                entry.members.insert(peer);
                (id, Subscribed::Added)
            }
            None => {
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
        if let Some(entry) = self.subscriptions.get(subscription) {
            session.subscription_shapes.remove(entry.matching, entry.uri.as_str());
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

    /// Subscriptions of all sessions, each counted.
    pub const fn members(&self) -> usize {
        self.members
    }

    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        self.subscriptions.is_empty() && self.members == 0
    }

    /// Publishes a client's event, and keeps it if that is wanted.
    pub fn publish(
        &mut self,
        sessions: &Sessions,
        request: PublishRequest<'_>,
        turn: &mut Turn<'_>,
    ) -> Result<PublicationId, WampError> {
        let PublishRequest { publisher, identity, options, topic, payload } = request;
        turn.check_own_uri(topic, Form::Exact)?;
        let publication = turn.ids.draw();
        turn.counters.publications += 1;
        if options.retain {
            let (identity, options, payload) = (identity.clone(), options.clone(), payload.clone());
            let event = Retained { publication, publisher, identity, options, payload };
            self.retention.keep(topic, event, turn.limits, turn.counters);
        }
        let audience = Audience::new(publisher, options);
        let event = Publication { id: publication, topic, publisher: identity, payload };
        self.deliver(event, |peer| audience.admits(peer, sessions), turn);
        Ok(publication)
    }

    /// Gives a subscriber the kept events of its subscription that it would have got when they were new.
    pub fn deliver_retained(
        &self,
        peer: PeerId,
        subscription: SubscriptionId,
        sessions: &Sessions,
        turn: &mut Turn<'_>,
    ) {
        let Some(entry) = self.subscriptions.get(subscription) else { return };
        let admits = |event: &Retained| admits_one(event.publisher, &event.options, peer, sessions);
        for (topic, event) in self.retention.find(entry.matching, &entry.uri, admits) {
            let Retained { publication, identity, payload, .. } = event;
            let details = EventDetails { topic: entry.concrete(topic), publisher: identity.clone(), retained: true };
            let (publication, payload) = (*publication, payload.clone());
            turn.fanout(vec![peer], Message::Event { subscription, publication, details, payload });
        }
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
            let (topic, publisher) = (entry.concrete(event.topic), event.publisher.clone());
            let details = EventDetails { topic, publisher, retained: false };
            turn.fanout(to, Message::Event { subscription, publication: event.id, details, payload });
        }
    }
}

/// A PUBLISH, or a testament.
pub(super) struct PublishRequest<'a> {
    pub publisher: PeerId,
    /// Who that is, if it is to be disclosed.
    pub identity: Publisher,
    pub options: &'a PublishOptions,
    pub topic: &'a Uri,
    pub payload: Payload,
}

/// An event on its way to the subscriptions.
struct Publication<'a> {
    id: PublicationId,
    topic: &'a Uri,
    publisher: Publisher,
    payload: Payload,
}
