//! What one client may have over all its sessions: while a realm is more than half full, a user, or an address from which
//! clients come without a login, gets no more than a quarter of what there may be. So a few clients do not take what all others
//! need, and who is alone may have half.
//!
//! Sessions that did not log in and come from this machine are each on their own: they may be anybody's, behind a proxy too.

use std::net::IpAddr;

use super::PeerId;
use super::limits::Share;
use super::session::{Locality, Session, Sessions};
use super::turn::Turn;
use crate::wamp::WampError;

/// Whose a session is.
#[derive(PartialEq, Eq)]
enum Holder<'a> {
    User(&'a str),
    Network(IpAddr),
}

impl<'a> Holder<'a> {
    fn of(session: &'a Session) -> Option<Self> {
        match session.locality {
            Locality::Embedded => None,
            Locality::Remote if session.identity.is_anonymous() => session.network.map(Self::Network),
            Locality::Remote => Some(Self::User(&session.identity.authid)),
        }
    }
}

impl Sessions {
    /// Whether the holder of a session may have one more of `what`, of which there are so many in the realm. Costs a look at
    /// every session where that is more than half of the limit.
    pub fn check_share(
        &self,
        peer: PeerId,
        of_realm: usize,
        limit: fn(&Share) -> usize,
        held: fn(&Session) -> usize,
        (what, turn): (&str, &mut Turn<'_>),
    ) -> Result<(), WampError> {
        let limit = limit(&turn.limits.realm);
        if of_realm < limit / 2 {
            return Ok(());
        }
        let Some(holder) = self.get(peer).and_then(Holder::of) else { return Ok(()) };
        let own: usize = self.iter().filter(|other| Holder::of(other).as_ref() == Some(&holder)).map(held).sum();
        turn.check_limit(own, limit / 4, &format!("{what} of one user or address in a realm that is half full"))
    }
}
