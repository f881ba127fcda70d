//! HELLO, and its answer: who is let in, and what the router announces.

use super::authorization::Permissions;
use super::session::{Identity, Locality, Peer};
use super::timers::Timer;
use super::{Outbox, Output, PeerId, Router};
use crate::sync::clock::Now;
use crate::wamp::error::uri;
use crate::wamp::message::Message;
use crate::wamp::options::{HelloDetails, Role, Roles, WelcomeDetails};
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

/// The only way in so far.
const ANONYMOUS: &str = "anonymous";

impl Router {
    /// Answers a HELLO with WELCOME or ABORT.
    pub(super) fn hello(&mut self, peer: PeerId, realm: Uri, details: &HelloDetails, now: Now, out: &mut Outbox) {
        if !details.roles.any_of_a_client() {
            let sentence = "HELLO: expected one of the roles publisher, subscriber, caller and callee, got none";
            return self.violation(peer, sentence, now, out);
        }
        let index = match self.admit(&realm, details, now, out) {
            Ok(index) => index,
            Err(WampError { uri, payload }) => {
                self.counters.refused += 1;
                let message = Message::abort(uri.as_str(), payload.text().unwrap_or_default());
                out.push_back(Output::Send { to: peer, message });
                return self.close(peer, now, out);
            }
        };
        let locality = match self.peers.insert(peer, Peer::Joined { realm: index }) {
            Some(Peer::Opening { deadline, locality }) => {
                self.timers.cancel(deadline, Timer::Peer(peer));
                locality
            }
            _ => Locality::Remote,
        };
        let permissions = match locality {
            Locality::Remote => Permissions::of_anonymous(self.config.anonymous),
            Locality::Embedded => Permissions::Everything,
        };
        let agent = self.config.agent.clone();
        let (realms, mut turn) = self.turn(now, out);
        let Some(joined) = realms.get_mut(index) else { return };
        let identity = Identity::anonymous(permissions, turn.ids);
        let welcome = WelcomeDetails {
            roles: Roles { broker: Some(Role::with(BROKER)), dealer: Some(Role::with(DEALER)), ..Roles::default() },
            agent: Some(agent),
            realm: Some(realm),
            authid: Some(identity.authid.clone()),
            authrole: Some(identity.authrole.to_owned()),
            authmethod: Some(identity.authmethod.to_owned()),
            authprovider: Some(identity.authprovider.to_owned()),
            authextra: None,
        };
        joined.join(peer, identity, locality, &details.roles, welcome, &mut turn);
    }

    /// The index of the realm that a HELLO may join.
    fn admit(&mut self, realm: &Uri, details: &HelloDetails, now: Now, out: &mut Outbox) -> Result<usize, WampError> {
        let (realms, mut turn) = self.turn(now, out);
        turn.check_uri(realm, Form::Exact)?;
        let Some(index) = realms.iter().position(|known| known.name() == realm) else {
            let sentence = format!("expected a realm of this router, got {:?}", excerpt(realm.as_str()));
            return Err(WampError::new(uri::NO_SUCH_REALM, &sentence));
        };
        if !details.authmethods.is_empty() && !details.authmethods.iter().any(|method| method == ANONYMOUS) {
            let got = excerpt(&format!("{:?}", details.authmethods));
            let sentence = format!("expected {ANONYMOUS:?} among authmethods, got {got}");
            return Err(WampError::new(uri::NO_AUTH_METHOD, &sentence));
        }
        Ok(index)
    }
}
