//! Other users while the router runs: whose session still stands, and the end of the others.
//!
//! A session stands if what it came in by is there as it was: the user, in the same role with the same permissions, and the entry
//! for the method. Keys and rules may have been added to. Anonymous sessions stand if their role does. Who came in without
//! entries (the router's own process) always stands. Logins that are under way are held to the same when they are proved.

use std::sync::Arc;

use super::departure::{Farewell, Notice};
use super::rules::Rule;
use super::session::Locality;
use super::users::{Directory, User};
use super::{Outbox, Router};
use crate::sync::clock::Now;
use crate::wamp::Uri;
use crate::wamp::auth::Method;
use crate::wamp::error::uri;

/// What those are told who must go.
const MESSAGE: &str = "the users were read again, and this session's is not among them as it was";

impl Router {
    /// Has other users log in from now on, and ends the sessions that do not stand by GOODBYE `wamp.close.killed`: how many.
    /// Without logins nothing happens.
    pub fn replace_users(&mut self, users: Arc<Directory>, now: Now, out: &mut Outbox) -> usize {
        let Some(logins) = &mut self.logins else { return 0 };
        let before = logins.replace_users(Arc::clone(&users));
        let farewell = Farewell { reason: Uri::from(uri::KILLED), message: Some(MESSAGE.to_owned()) };
        let (realms, mut turn) = self.turn(now, out);
        let mut ended = 0;
        for realm in realms {
            let victims = realm.sessions.peers_where(|session| {
                let who = &session.identity;
                session.locality == Locality::Remote && !users.still_admits(&before, &who.authid, who.way())
            });
            ended += victims.len();
            realm.kill(&victims, &farewell, Notice::Full, &mut turn);
        }
        ended
    }
}

impl Directory {
    /// Whether who came in by an entry of `before` comes in by it still, as the same: by the entry of a method, or what vouched.
    pub(super) fn still_admits(&self, before: &Self, authid: &str, way: &str) -> bool {
        let known = Method::from_name(way);
        if known == Some(Method::Anonymous) {
            return self.anonymous().is_some() && self.anonymous() == before.anonymous();
        }
        let (Some(now), Some(then)) = (self.user(authid), before.user(authid)) else { return false };
        let is_as_it_was = match known {
            Some(Method::Anonymous) => false,
            Some(Method::Ticket) => now.ticket == then.ticket,
            Some(Method::WampCra) => now.wampcra == then.wampcra,
            Some(Method::Scram) => now.scram == then.scram,
            Some(Method::Cryptosign) => then.keys.iter().all(|key| now.keys.contains(key)),
            None => then.rules_of(way).all(|rule| now.rules.contains(rule)),
        };
        is_as_it_was && now.membership == then.membership
    }
}

impl User {
    fn rules_of(&self, method: &str) -> impl Iterator<Item = &Rule> {
        self.rules.iter().filter(move |rule| rule.method() == method)
    }
}
