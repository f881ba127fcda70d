//! How sessions end: by themselves, or because a meta procedure says so (`wamp.session.kill` …).
//!
//! First what they owned goes from all tables, and those they dealt with get their answers; then it is announced. So nothing
//! is sent to a session that has ended, also when many end at once.

use serde_json::{Value, json};

use super::PeerId;
use super::broker::{Left, PublishRequest};
use super::dealer::Removal;
use super::meta::topic;
use super::realm::Realm;
use super::session::{Identity, Session};
use super::testaments::Testaments;
use super::turn::Turn;
use crate::wamp::options::{ClosingDetails, Publisher};
use crate::wamp::{SessionId, SubscriptionId, Uri};

/// A session that has ended.
pub(super) struct Departed {
    peer: PeerId,
    id: SessionId,
    identity: Identity,
    publisher: Publisher,
    subscriptions: Vec<(SubscriptionId, Left)>,
    registrations: Vec<Removal>,
    testaments: Testaments,
}

/// What is made known of the end of sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Notice {
    /// Their testaments, what they gave up, and that they left.
    Full,
    /// What they gave up: as *Session Meta API* wants it of `wamp.session.kill_all`.
    Possessions,
}

/// What is said to sessions that are ended.
#[derive(Clone, Debug)]
pub(super) struct Farewell {
    pub reason: Uri,
    pub message: Option<String>,
}

impl Realm {
    /// Ends a session: what it owned goes, those it dealt with are told. Takes as long as it owned things.
    pub fn leave(&mut self, peer: PeerId, turn: &mut Turn<'_>) {
        if let Some(departed) = self.depart(peer, turn) {
            self.announce_departure(departed, Notice::Full, turn);
        }
    }

    /// Ends sessions that do not want to end.
    pub fn kill(&mut self, victims: &[PeerId], farewell: &Farewell, notice: Notice, turn: &mut Turn<'_>) {
        let mut departed = Vec::with_capacity(victims.len());
        for &peer in victims {
            let Farewell { reason, message } = farewell.clone();
            turn.dismiss(peer, ClosingDetails { message }, reason);
            turn.counters.killed += 1;
            departed.extend(self.depart(peer, turn));
        }
        for one in departed {
            self.announce_departure(one, notice, turn);
        }
    }

    /// Takes a session out of all tables.
    fn depart(&mut self, peer: PeerId, turn: &mut Turn<'_>) -> Option<Departed> {
        let session = self.sessions.remove(peer)?;
        let publisher = session.as_publisher();
        let Session { id, identity, subscriptions, registrations, calls, invocations, testaments, .. } = session;
        self.sessions.testaments = self.sessions.testaments.without(testaments.amount());
        let drop_subscriber = |subscription| (subscription, self.broker.drop_subscriber(peer, subscription));
        let subscriptions = subscriptions.into_iter().map(drop_subscriber).collect();
        let drop_callee = |registration| {
            let left = self.dealer.drop_callee(peer, registration);
            Removal { session: id, registration, left }
        };
        let registrations = registrations.into_iter().map(drop_callee).collect();
        self.sessions.end_invocations(invocations, turn);
        self.sessions.end_calls(calls, turn);
        Some(Departed { peer, id, identity, publisher, subscriptions, registrations, testaments })
    }

    fn announce_departure(&mut self, departed: Departed, notice: Notice, turn: &mut Turn<'_>) {
        let Departed { peer, id, identity, publisher, subscriptions, registrations, testaments } = departed;
        if notice == Notice::Full {
            self.publish_testaments(peer, &identity, &publisher, testaments, turn);
        }
        for (subscription, left) in subscriptions {
            self.announce_unsubscribed(id, subscription, left, turn);
        }
        for removal in registrations {
            self.announce_unregistered(removal, turn);
        }
        if notice == Notice::Full {
            let arguments = || -> [Value; 3] { [json!(id), json!(identity.authid), json!(identity.authrole)] };
            self.broker.announce(topic::SESSION_LEFT, arguments, turn);
        }
    }

    fn publish_testaments(
        &mut self,
        peer: PeerId,
        identity: &Identity,
        who: &Publisher,
        testaments: Testaments,
        turn: &mut Turn<'_>,
    ) {
        for testament in testaments.in_order() {
            let (options, topic) = (&testament.options, &testament.topic);
            let is_told = options.disclose_me || identity.permissions.disclosure(topic).publisher;
            let identity = if is_told { who.clone() } else { Publisher::default() };
            let payload = testament.payload;
            let request = PublishRequest { publisher: peer, identity, options, topic, payload };
            if self.broker.publish(&self.sessions, request, turn).is_err() {
                turn.counters.publications_dropped += 1;
            }
        }
    }
}
