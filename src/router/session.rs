//! What is known of a peer: its state, and in a session who it is, what it can do and what it owns.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Instant;

use super::PeerId;
use super::calls::{Call, Invocation};
use crate::wamp::id::{RandomIds, Sequence};
use crate::wamp::options::{Caller, Publisher, Roles};
use crate::wamp::{RegistrationId, RequestId, SessionId, SubscriptionId};

/// The state of a connection (*Sessions*). CHALLENGING is missing, as everybody is let in anonymously.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Peer {
    /// No HELLO yet.
    Opening { deadline: Instant },
    /// A session, in the realm with this index.
    Joined { realm: usize },
    /// The router said GOODBYE, the client has not answered.
    Leaving { deadline: Instant },
}

/// Who a session is, as its WELCOME said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub authid: String,
    pub authrole: &'static str,
    pub authmethod: &'static str,
    pub authprovider: &'static str,
}

impl Identity {
    /// Somebody who did not log in, with a name like `QK7F-3XRT-94HA`.
    pub fn anonymous(ids: &mut RandomIds) -> Self {
        // No vowels but A and E, nothing that is taken for another: easy to read out, hard to make words of.
        const LETTERS: &[u8; 26] = b"346789ACEFGHJKLMNPQRTUVWXY";
        const LENGTH: usize = 12;
        let mut number = ids.draw::<SessionId>().get();
        let mut authid = String::with_capacity(LENGTH + LENGTH / 4);
        for position in 0..LENGTH {
            if position > 0 && position % 4 == 0 {
                authid.push('-');
            }
            authid.extend(LETTERS.get((number % 26) as usize).map(|letter| char::from(*letter)));
            number /= 26;
        }
        Self { authid, authrole: "anonymous", authmethod: "anonymous", authprovider: "static" }
    }
}

/// A session. What it owns is what is cleaned up when it ends. Trees, because they give their memory back after a burst.
#[derive(Debug)]
pub(super) struct Session {
    pub id: SessionId,
    pub identity: Identity,
    /// Announced as a callee: INTERRUPT is understood (*Call Canceling*).
    pub interruptible: bool,
    /// Announced as a callee: results may come in parts (*Progressive Call Results*).
    pub progressive: bool,
    pub subscriptions: BTreeSet<SubscriptionId>,
    pub registrations: BTreeSet<RegistrationId>,
    /// The calls it made that have no final answer yet.
    pub calls: BTreeMap<RequestId, Call>,
    /// The calls it has to answer.
    pub invocations: BTreeMap<RequestId, Invocation>,
    /// The request ids of its invocations.
    pub invocation_ids: Sequence,
}

impl Session {
    pub fn new(id: SessionId, identity: Identity, roles: &Roles) -> Self {
        let interruptible = roles.callee_can_be_interrupted();
        Self {
            id,
            identity,
            interruptible,
            // The spec would have callees of streams be interruptible too. autobahn-js is not, and relies on streams: what it
            // sends when nobody waits any more is dropped.
            progressive: roles.callee.as_ref().is_some_and(|role| role.has("progressive_call_results")),
            subscriptions: BTreeSet::new(),
            registrations: BTreeSet::new(),
            calls: BTreeMap::new(),
            invocations: BTreeMap::new(),
            invocation_ids: Sequence::default(),
        }
    }

    /// Who it is, for a callee.
    pub fn as_caller(&self) -> Caller {
        Caller {
            session: Some(self.id),
            authid: Some(self.identity.authid.clone()),
            authrole: Some(self.identity.authrole.to_owned()),
        }
    }

    /// Who it is, for a subscriber.
    pub fn as_publisher(&self) -> Publisher {
        Publisher {
            session: Some(self.id),
            authid: Some(self.identity.authid.clone()),
            authrole: Some(self.identity.authrole.to_owned()),
        }
    }
}

/// The sessions of a realm.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    /// Calls without a final answer.
    pub(super) open_calls: usize,
    by_peer: HashMap<PeerId, Session>,
    by_id: HashMap<SessionId, PeerId>,
}

impl Sessions {
    /// An id that no session has.
    pub fn draw_id(&self, ids: &mut RandomIds) -> SessionId {
        loop {
            let id = ids.draw();
            if !self.by_id.contains_key(&id) {
                return id;
            }
        }
    }

    pub fn insert(&mut self, peer: PeerId, session: Session) {
        self.by_id.insert(session.id, peer);
        self.by_peer.insert(peer, session);
    }

    pub fn remove(&mut self, peer: PeerId) -> Option<Session> {
        let session = self.by_peer.remove(&peer)?;
        self.by_id.remove(&session.id);
        Some(session)
    }

    pub fn get(&self, peer: PeerId) -> Option<&Session> {
        self.by_peer.get(&peer)
    }

    pub fn get_mut(&mut self, peer: PeerId) -> Option<&mut Session> {
        self.by_peer.get_mut(&peer)
    }

    pub fn by_id(&self, id: SessionId) -> Option<&Session> {
        self.get(*self.by_id.get(&id)?)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Session> {
        self.by_peer.values()
    }

    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        self.by_peer.is_empty() && self.by_id.is_empty() && self.open_calls == 0
    }
}
