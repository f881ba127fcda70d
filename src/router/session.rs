//! What is known of a peer: its state, and in a session who it is, what it can do and what it owns.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::time::Instant;

use super::PeerId;
use super::authorization::Permissions;
use super::calls::{Call, Invocation};
use super::shapes::Shapes;
use super::testaments::{Amount, Testaments};
use crate::wamp::id::{RandomIds, Sequence};
use crate::wamp::options::{Caller, Publisher, Roles};
use crate::wamp::{RegistrationId, RequestId, SessionId, SubscriptionId};

/// How somebody comes in who does not log in.
pub(super) const ANONYMOUS: &str = "anonymous";

/// The state of a connection (*Sessions*).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Peer {
    /// No HELLO yet.
    Opening { deadline: Instant, locality: Locality },
    /// CHALLENGE is out, AUTHENTICATE has not come.
    #[cfg(feature = "auth")]
    Challenged { deadline: Instant },
    /// The proof was wrong, which is said at the deadline.
    #[cfg(feature = "auth")]
    Failed { deadline: Instant },
    /// A session, in the realm with this index.
    Joined { realm: usize },
    /// The router said GOODBYE, the client has not answered.
    Leaving { deadline: Instant },
}

/// Where a peer is, as the driver says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Locality {
    /// At the other end of a connection.
    Remote,
    /// In the router's own process. It cannot come back, so no client can end its session or take its registrations away.
    Embedded,
}

impl Peer {
    /// When the state ends by itself.
    pub const fn deadline(self) -> Option<Instant> {
        match self {
            Self::Opening { deadline, .. } | Self::Leaving { deadline } => Some(deadline),
            #[cfg(feature = "auth")]
            Self::Challenged { deadline } | Self::Failed { deadline } => Some(deadline),
            Self::Joined { .. } => None,
        }
    }
}

/// What lets everybody in but those that the driver vouches for: an entry of a file, or that none is needed.
pub(super) const STATIC: &str = "static";

/// Who a session is, as its WELCOME said.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    pub authid: String,
    pub authrole: String,
    pub authmethod: &'static str,
    pub authprovider: &'static str,
    pub permissions: Permissions,
}

impl Identity {
    /// Somebody in the router's own process.
    pub fn trusted(ids: &mut RandomIds) -> Self {
        Self { authrole: "trusted".to_owned(), authmethod: "trusted", ..Self::anonymous(Permissions::Everything, ids) }
    }

    /// Whether nobody knows who it is. Whom a socket or a certificate vouches for may call its method so, too.
    pub fn is_anonymous(&self) -> bool {
        self.authmethod == ANONYMOUS && self.authprovider == STATIC
    }

    /// Somebody who did not log in, with a name like `QK7F-3XRT-94HA`.
    pub fn anonymous(permissions: Permissions, ids: &mut RandomIds) -> Self {
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
        Self { authid, authrole: "anonymous".to_owned(), authmethod: ANONYMOUS, authprovider: STATIC, permissions }
    }

    /// By what it came in, which the method that it offered does not say when the driver vouched for it: then by that.
    #[cfg(feature = "auth")]
    pub fn way(&self) -> &'static str {
        if self.authprovider == STATIC { self.authmethod } else { self.authprovider }
    }
}

/// What a client announced of itself, as far as it matters here. Of a HELLO that waits for its login nothing else is kept:
/// kilobytes of features would be hundreds of kilobytes in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Abilities {
    /// As a callee: INTERRUPT is understood (*Call Canceling*).
    pub interruptible: bool,
    /// As a callee: results may come in parts (*Progressive Call Results*).
    pub progressive: bool,
    /// As a callee: UNREGISTERED is understood that no UNREGISTER was sent for (*Registration Revocation*).
    pub revocable: bool,
}

impl Abilities {
    pub fn of(roles: &Roles) -> Self {
        let has = |feature| roles.callee.as_ref().is_some_and(|role| role.has(feature));
        Self {
            interruptible: roles.callee_can_be_interrupted(),
            // The spec would have callees of streams be interruptible too. autobahn-js is not, and relies on streams: what it
            // sends when nobody waits any more is dropped.
            progressive: has("progressive_call_results"),
            revocable: has("registration_revocation"),
        }
    }
}

/// A session. What it owns is what is cleaned up when it ends. Trees, because they give their memory back after a burst.
#[derive(Debug)]
pub(super) struct Session {
    pub id: SessionId,
    pub identity: Identity,
    pub locality: Locality,
    /// Where it connects from, if that is not this machine.
    pub network: Option<IpAddr>,
    pub abilities: Abilities,
    pub subscriptions: BTreeSet<SubscriptionId>,
    pub registrations: BTreeSet<RegistrationId>,
    /// Of its wildcard subscriptions.
    pub subscription_shapes: Shapes,
    /// Of its wildcard registrations.
    pub registration_shapes: Shapes,
    pub testaments: Testaments,
    /// The calls it made that have no final answer yet.
    pub calls: BTreeMap<RequestId, Call>,
    /// The calls it has to answer.
    pub invocations: BTreeMap<RequestId, Invocation>,
    /// The request ids of its invocations.
    pub invocation_ids: Sequence,
}

impl Session {
    pub fn new(id: SessionId, identity: Identity, locality: Locality, abilities: Abilities) -> Self {
        Self {
            id,
            identity,
            locality,
            network: None,
            abilities,
            subscriptions: BTreeSet::new(),
            registrations: BTreeSet::new(),
            subscription_shapes: Shapes::default(),
            registration_shapes: Shapes::default(),
            testaments: Testaments::default(),
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
            authrole: Some(self.identity.authrole.clone()),
        }
    }

    /// Who it is, for a subscriber.
    pub fn as_publisher(&self) -> Publisher {
        Publisher {
            session: Some(self.id),
            authid: Some(self.identity.authid.clone()),
            authrole: Some(self.identity.authrole.clone()),
        }
    }
}

/// The sessions of a realm.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    /// Calls without a final answer.
    pub(super) open_calls: usize,
    /// The testaments of all.
    pub(super) testaments: Amount,
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

    pub fn peer_of(&self, id: SessionId) -> Option<PeerId> {
        self.by_id.get(&id).copied()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Session> {
        self.by_peer.values()
    }

    /// The peers whose session is such.
    pub fn peers_where(&self, is_such: impl Fn(&Session) -> bool) -> Vec<PeerId> {
        self.by_peer.iter().filter(|(_, session)| is_such(session)).map(|(peer, _)| *peer).collect()
    }

    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        let nobody = self.by_peer.is_empty() && self.by_id.is_empty();
        nobody && self.open_calls == 0 && self.testaments == Amount::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whom_a_socket_vouches_for_is_not_anonymous() {
        let mut ids = RandomIds::new(std::hash::RandomState::new());
        let nobody = Identity::anonymous(Permissions::Everything, &mut ids);
        assert!(nobody.is_anonymous());
        assert!(!Identity { authid: "pump".to_owned(), authprovider: "local", ..nobody }.is_anonymous());
        assert!(!Identity::trusted(&mut ids).is_anonymous());
    }
}
