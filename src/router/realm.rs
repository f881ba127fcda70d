//! A realm: its sessions, its broker and its dealer. Sorts the messages of its sessions, and announces what happens.

use serde_json::{Value, json};

use super::PeerId;
use super::authorization::{Action, authorize};
use super::broker::{Broker, Left, PublishRequest, Subscribed};
use super::dealer::{CallRequest, Change, Dealer, Registered, Removal};
use super::meta::{self, topic};
use super::session::{Abilities, Identity, Locality, Session, Sessions};
use super::turn::{Turn, Violation, is_reserved};
use crate::wamp::message::Kind;
use crate::wamp::options::{Match, PublishOptions, Publisher, RegisterOptions, SubscribeOptions, WelcomeDetails};
use crate::wamp::{Message, Payload, RegistrationId, RequestId, SessionId, SubscriptionId, Uri, WampError};

/// One realm of the router.
#[derive(Debug)]
pub(super) struct Realm {
    name: Uri,
    pub sessions: Sessions,
    pub broker: Broker,
    pub dealer: Dealer,
}

impl Realm {
    pub fn new(name: Uri) -> Self {
        Self { name, sessions: Sessions::default(), broker: Broker::default(), dealer: Dealer::default() }
    }

    pub const fn name(&self) -> &Uri {
        &self.name
    }

    /// Opens a session and welcomes it.
    pub fn join(
        &mut self,
        peer: PeerId,
        identity: Identity,
        locality: Locality,
        abilities: Abilities,
        details: WelcomeDetails,
        turn: &mut Turn<'_>,
    ) {
        let id = self.sessions.draw_id(turn.ids);
        let session = Session::new(id, identity, locality, abilities);
        turn.counters.joined += 1;
        turn.send(peer, Message::Welcome { session: id, details: Box::new(details) });
        self.broker.announce(topic::SESSION_JOINED, || [meta::session_details(&session)], turn);
        self.sessions.insert(peer, session);
    }

    /// Forgets every session at once, and all that was theirs.
    pub fn clear(&mut self) {
        *self = Self::new(self.name.clone());
    }

    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty() && self.broker.is_empty() && self.dealer.is_empty()
    }

    /// A message of a session.
    pub fn receive(&mut self, peer: PeerId, message: Message, turn: &mut Turn<'_>) -> Result<(), Violation> {
        let kind = message.kind();
        if request_of(&message).is_some_and(|request| request.get() == 0) {
            return Err(Violation(format!("{}: expected a request id from 1 to 2^53, got 0", kind.name())));
        }
        match message {
            Message::Publish { request, options, topic, payload } => {
                self.publish(peer, request, &options, &topic, payload, turn);
            }
            Message::Subscribe { request, options, topic } => self.subscribe(peer, request, &options, topic, turn),
            Message::Unsubscribe { request, subscription } => self.unsubscribe(peer, request, subscription, turn),
            Message::Register { request, options, procedure } => {
                self.register(peer, request, &options, procedure, turn);
            }
            Message::Unregister { request, registration } => self.unregister(peer, request, registration, turn),
            Message::Call { request, options, procedure, payload } => {
                self.call(CallRequest { caller: peer, request, options, procedure, payload }, turn)?;
            }
            Message::Cancel { request, options } => {
                self.sessions.cancel(peer, request, options.mode.unwrap_or_default(), turn);
            }
            Message::Yield { request, options, payload } => {
                self.sessions.yielded(peer, request, options, payload, turn)?;
            }
            Message::Error { kind: Kind::Invocation, request, error, payload, .. } => {
                self.sessions.failed(peer, request, WampError { uri: error, payload }, turn)?;
            }
            Message::Error { kind, .. } => {
                return Err(Violation(format!(
                    "ERROR: expected the answer to an INVOCATION, got one to {}",
                    kind.name()
                )));
            }
            Message::Hello { .. } => {
                return Err(Violation("expected one HELLO in a session, got a second".to_owned()));
            }
            _ => {
                return Err(Violation(format!(
                    "expected a message that a client sends in a session, got {}",
                    kind.name()
                )));
            }
        }
        Ok(())
    }

    fn publish(
        &mut self,
        peer: PeerId,
        request: RequestId,
        options: &PublishOptions,
        topic: &Uri,
        payload: Payload,
        turn: &mut Turn<'_>,
    ) {
        let Some(session) = self.sessions.get(peer) else { return };
        let is_told = options.disclose_me || session.identity.permissions.disclosure(topic).publisher;
        let identity = if is_told { session.as_publisher() } else { Publisher::default() };
        let published = authorize(session, Action::Publish, topic, Match::Exact).and_then(|()| {
            let request = PublishRequest { publisher: peer, identity, options, topic, payload };
            self.broker.publish(&self.sessions, request, turn)
        });
        match published {
            Ok(publication) if options.acknowledge => turn.send(peer, Message::Published { request, publication }),
            Err(error) if options.acknowledge => turn.refuse(peer, Kind::Publish, request, error),
            Ok(_) => {}
            Err(_) => turn.counters.publications_dropped += 1,
        }
    }

    fn subscribe(
        &mut self,
        peer: PeerId,
        request: RequestId,
        options: &SubscribeOptions,
        topic: Uri,
        turn: &mut Turn<'_>,
    ) {
        let Some(session) = self.sessions.get(peer) else { return };
        let allowed = authorize(session, Action::Subscribe, &topic, options.matching).and_then(|()| {
            if self.broker.has_subscribed(session, options.matching, &topic) {
                return Ok(());
            }
            let (of_realm, held) = (self.broker.members(), |session: &Session| session.subscriptions.len());
            self.sessions.check_share(peer, of_realm, |share| share.subscriptions, held, ("subscriptions", turn))
        });
        let Some(session) = self.sessions.get_mut(peer) else { return };
        let id = session.id;
        let subscribed = allowed.and_then(|()| self.broker.subscribe(peer, session, options, topic, turn));
        let (subscription, change) = match subscribed {
            Ok(subscribed) => subscribed,
            Err(error) => return turn.refuse(peer, Kind::Subscribe, request, error),
        };
        turn.send(peer, Message::Subscribed { request, subscription });
        if options.get_retained {
            self.broker.deliver_retained(peer, subscription, &self.sessions, turn);
        }
        if change == Subscribed::Created {
            if let Some(entry) = self.broker.subscriptions.get(subscription) {
                let arguments = || [json!(id), meta::subscription_details(subscription, entry)];
                self.broker.announce(topic::SUBSCRIPTION_CREATED, arguments, turn);
            }
        }
        if change != Subscribed::Already {
            self.broker.announce(topic::SUBSCRIBED, || [json!(id), json!(subscription)], turn);
        }
    }

    fn unsubscribe(&mut self, peer: PeerId, request: RequestId, subscription: SubscriptionId, turn: &mut Turn<'_>) {
        let Some(session) = self.sessions.get_mut(peer) else { return };
        let id = session.id;
        match self.broker.unsubscribe(peer, session, subscription) {
            Ok(left) => {
                turn.send(peer, Message::Unsubscribed { request });
                self.announce_unsubscribed(id, subscription, left, turn);
            }
            Err(error) => turn.refuse(peer, Kind::Unsubscribe, request, error),
        }
    }

    fn register(
        &mut self,
        peer: PeerId,
        request: RequestId,
        options: &RegisterOptions,
        procedure: Uri,
        turn: &mut Turn<'_>,
    ) {
        let Some(session) = self.sessions.get(peer) else { return };
        let id = session.id;
        let registered = authorize(session, Action::Register, &procedure, options.matching)
            .and_then(|()| self.dealer.register(peer, &mut self.sessions, options, procedure, turn));
        let Registered { id: registration, change, displaced } = match registered {
            Ok(registered) => registered,
            Err(error) => return turn.refuse(peer, Kind::Register, request, error),
        };
        turn.send(peer, Message::Registered { request, registration });
        for removal in displaced {
            self.announce_unregistered(removal, turn);
        }
        if change == Change::Created {
            if let Some(entry) = self.dealer.registrations.get(registration) {
                let arguments = || [json!(id), meta::registration_details(registration, entry)];
                self.broker.announce(topic::REGISTRATION_CREATED, arguments, turn);
            }
        }
        self.broker.announce(topic::REGISTERED, || [json!(id), json!(registration)], turn);
    }

    fn unregister(&mut self, peer: PeerId, request: RequestId, registration: RegistrationId, turn: &mut Turn<'_>) {
        let Some(session) = self.sessions.get_mut(peer) else { return };
        let session_id = session.id;
        match self.dealer.unregister(peer, session, registration) {
            Ok(left) => {
                turn.send(peer, Message::Unregistered { request, revoked: None });
                self.announce_unregistered(Removal { session: session_id, registration, left }, turn);
            }
            Err(error) => turn.refuse(peer, Kind::Unregister, request, error),
        }
    }

    fn call(&mut self, call: CallRequest, turn: &mut Turn<'_>) -> Result<(), Violation> {
        let (caller, request) = (call.caller, call.request);
        let Some(session) = self.sessions.get(caller) else { return Ok(()) };
        if session.calls.contains_key(&request) {
            return Err(Violation(format!("CALL: expected a request id that is not in use, got {request}")));
        }
        let limit = turn.limits.session.calls;
        let room = turn.check_limit(session.calls.len(), limit, "calls without an answer in a session");
        let permission = room.and_then(|()| authorize(session, Action::Call, &call.procedure, Match::Exact));
        let answer = permission.and_then(|()| {
            if is_reserved(&call.procedure) {
                let payload = meta::call(self, caller, &call.procedure, &call.payload, turn)?;
                turn.send(caller, Message::Result { request, details: Default::default(), payload });
                return Ok(());
            }
            self.dealer.call(&mut self.sessions, call, turn)
        });
        if let Err(error) = answer {
            turn.refuse(caller, Kind::Call, request, error);
        }
        Ok(())
    }

    pub(super) fn announce_unsubscribed(
        &self,
        session: SessionId,
        subscription: SubscriptionId,
        left: Left,
        turn: &mut Turn<'_>,
    ) {
        let arguments = || -> [Value; 2] { [json!(session), json!(subscription)] };
        self.broker.announce(topic::UNSUBSCRIBED, arguments, turn);
        if left == Left::Nobody {
            self.broker.announce(topic::SUBSCRIPTION_DELETED, arguments, turn);
        }
    }

    pub(super) fn announce_unregistered(&self, removal: Removal, turn: &mut Turn<'_>) {
        let Removal { session, registration, left } = removal;
        let arguments = || -> [Value; 2] { [json!(session), json!(registration)] };
        self.broker.announce(topic::UNREGISTERED, arguments, turn);
        if left == Left::Nobody {
            self.broker.announce(topic::REGISTRATION_DELETED, arguments, turn);
        }
    }
}

/// The request id that a client drew for a message.
const fn request_of(message: &Message) -> Option<RequestId> {
    match message {
        Message::Publish { request, .. }
        | Message::Subscribe { request, .. }
        | Message::Unsubscribe { request, .. }
        | Message::Call { request, .. }
        | Message::Cancel { request, .. }
        | Message::Register { request, .. }
        | Message::Unregister { request, .. } => Some(*request),
        _ => None,
    }
}
