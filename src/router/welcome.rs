//! HELLO, and its answer: who is let in, and what the router announces.

use super::authorization::Permissions;
use super::session::{ANONYMOUS, Abilities, Identity, Locality, Peer};
use super::timers::Timer;
use super::{Outbox, Output, PeerId, Router};
use crate::sync::clock::Now;
use crate::wamp::error::uri;
use crate::wamp::message::Message;
use crate::wamp::options::{Dict, HelloDetails, Role, Roles, WelcomeDetails};
use crate::wamp::uri::Form;
use crate::wamp::{Uri, WampError, excerpt};

/// The broker's advanced features, each of which works whole.
const BROKER: &[&str] = &[
    "event_retention",
    "pattern_based_subscription",
    "publisher_exclusion",
    "publisher_identification",
    "session_meta_api",
    "subscriber_blackwhite_listing",
    "subscription_meta_api",
];

/// The dealer's advanced features, each of which works whole.
const DEALER: &[&str] = &[
    "call_canceling",
    "call_timeout",
    "caller_identification",
    "pattern_based_registration",
    "progressive_call_results",
    "registration_meta_api",
    "registration_revocation",
    "session_meta_api",
    "shared_registration",
    "testament_meta_api",
];

/// What WELCOME says besides who the client is.
pub(super) struct Entry {
    /// The index of the realm.
    pub realm: usize,
    /// What the client can do.
    pub abilities: Abilities,
    pub identity: Identity,
    pub locality: Locality,
    pub authextra: Option<Dict>,
}

impl Router {
    /// Answers a HELLO with WELCOME, CHALLENGE or ABORT.
    pub(super) fn hello(
        &mut self,
        peer: PeerId,
        locality: Locality,
        realm: &Uri,
        details: &HelloDetails,
        now: Now,
        out: &mut Outbox,
    ) {
        if !details.roles.any_of_a_client() {
            let sentence = "HELLO: expected one of the roles publisher, subscriber, caller and callee, got none";
            return self.violation(peer, sentence, now, out);
        }
        let realm = match self.find_realm(realm, now, out) {
            Ok(index) => index,
            Err(error) => return self.refuse(peer, error, now, out),
        };
        if locality == Locality::Embedded {
            let identity = Identity::trusted(&mut self.ids);
            let entry = Entry { locality, ..Entry::new(realm, Abilities::of(&details.roles), identity) };
            return self.enter(peer, entry, now, out);
        }
        #[cfg(feature = "auth")]
        if self.logins.is_some() {
            return self.challenge(peer, realm, details, now, out);
        }
        if !details.authmethods.is_empty() && !details.authmethods.iter().any(|method| method == ANONYMOUS) {
            let got = excerpt(&format!("{:?}", details.authmethods));
            let sentence = format!("expected {ANONYMOUS:?} among authmethods, got {got}");
            return self.refuse(peer, WampError::new(uri::NO_AUTH_METHOD, &sentence), now, out);
        }
        let permissions = Permissions::of_anonymous(self.config.anonymous);
        let identity = Identity::anonymous(permissions, &mut self.ids);
        self.enter(peer, Entry::new(realm, Abilities::of(&details.roles), identity), now, out);
    }

    /// Opens the session.
    pub(super) fn enter(&mut self, peer: PeerId, entry: Entry, now: Now, out: &mut Outbox) {
        let Entry { realm, abilities, identity, locality, authextra } = entry;
        self.set_state(peer, Peer::Joined { realm });
        let (agent, network) = (self.config.agent.clone(), self.networks.get(&peer).copied());
        let (realms, mut turn) = self.turn(now, out);
        let Some(joined) = realms.get_mut(realm) else { return };
        let welcome = WelcomeDetails {
            roles: Roles { broker: Some(Role::with(BROKER)), dealer: Some(Role::with(DEALER)), ..Roles::default() },
            agent: Some(agent),
            realm: Some(joined.name().clone()),
            authid: Some(identity.authid.clone()),
            authrole: Some(identity.authrole.clone()),
            authmethod: Some(identity.authmethod.to_owned()),
            authprovider: Some(identity.authprovider.to_owned()),
            authextra,
        };
        joined.join(peer, identity, locality, abilities, welcome, &mut turn);
        if let Some(session) = joined.sessions.get_mut(peer) {
            session.network = network;
        }
    }

    /// Answers with ABORT.
    pub(super) fn refuse(&mut self, peer: PeerId, error: WampError, now: Now, out: &mut Outbox) {
        let WampError { uri, payload } = error;
        self.counters.refused += 1;
        let message = Message::abort(uri.as_str(), payload.text().unwrap_or_default());
        out.push_back(Output::Send { to: peer, message });
        self.close(peer, now, out);
    }

    /// From one state before the session to the next: the deadline of the old one is off.
    pub(super) fn set_state(&mut self, peer: PeerId, state: Peer) {
        let before = self.peers.insert(peer, state);
        for (deadline, is_on) in [(before.and_then(Peer::deadline), false), (state.deadline(), true)] {
            match deadline {
                Some(deadline) if is_on => self.timers.set(deadline, Timer::Peer(peer)),
                Some(deadline) => self.timers.cancel(deadline, Timer::Peer(peer)),
                None => {}
            }
        }
    }

    /// The index of the realm that a HELLO may join.
    fn find_realm(&mut self, realm: &Uri, now: Now, out: &mut Outbox) -> Result<usize, WampError> {
        let (realms, mut turn) = self.turn(now, out);
        turn.check_uri(realm, Form::Exact)?;
        realms.iter().position(|known| known.name() == realm).ok_or_else(|| {
            let sentence = format!("expected a realm of this router, got {:?}", excerpt(realm.as_str()));
            WampError::new(uri::NO_SUCH_REALM, &sentence)
        })
    }
}

impl Entry {
    /// Of a peer at the other end of a connection.
    pub const fn new(realm: usize, abilities: Abilities, identity: Identity) -> Self {
        Self { realm, abilities, identity, locality: Locality::Remote, authextra: None }
    }
}
