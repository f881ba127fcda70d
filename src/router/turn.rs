//! What handling one message may use besides the tables of its realm: the time, the ids, the timers, and the way out.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::limits::{Counters, LIMIT_EXCEEDED, Limits, Share};
use super::session::Peer;
use super::timers::{Timer, Timers};
use super::{Outbox, Output, PeerId};
use crate::sync::clock::Now;
use crate::wamp::error::uri;
use crate::wamp::id::RandomIds;
use crate::wamp::message::Kind;
use crate::wamp::options::{ClosingDetails, Empty};
use crate::wamp::uri::{Form, Rules};
use crate::wamp::{Message, RequestId, Uri, WampError};

/// One turn of the router: from what the driver said to what the driver shall do.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    pub now: Now,
    pub limits: &'a Limits,
    /// How long a client may take to answer GOODBYE.
    pub goodbye_timeout: Duration,
    pub peers: &'a mut HashMap<PeerId, Peer>,
    pub ids: &'a mut RandomIds,
    pub timers: &'a mut Timers,
    pub counters: &'a mut Counters,
    pub out: &'a mut Outbox,
}

/// The protocol was broken, in the way that the sentence says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Violation(pub String);

impl Turn<'_> {
    pub fn send(&mut self, to: PeerId, message: Message) {
        self.out.push_back(Output::Send { to, message });
    }

    /// The same EVENT to many.
    pub fn fanout(&mut self, to: Vec<PeerId>, message: Message) {
        self.counters.events += to.len() as u64;
        self.out.push_back(Output::Fanout { to, message: Arc::new(message) });
    }

    /// Answers a request with ERROR.
    pub fn refuse(&mut self, to: PeerId, kind: Kind, request: RequestId, error: WampError) {
        let WampError { uri: error, payload } = error;
        self.send(to, Message::Error { kind, request, details: Empty {}, error, payload });
    }

    /// Says GOODBYE to a peer, whose session its realm must forget.
    pub fn dismiss(&mut self, peer: PeerId, details: ClosingDetails, reason: Uri) {
        let deadline = self.now.mono + self.goodbye_timeout;
        self.peers.insert(peer, Peer::Leaving { deadline });
        self.timers.set(deadline, Timer::Peer(peer));
        self.send(peer, Message::Goodbye { details, reason });
    }

    /// Whether a session that has so many of `what`, in a realm that has so many, may have one more.
    pub fn check_room(
        &mut self,
        (of_session, of_realm): (usize, usize),
        limit: fn(&Share) -> usize,
        what: &str,
    ) -> Result<(), WampError> {
        let limits = self.limits;
        self.check_limit(of_session, limit(&limits.session), &format!("{what} in a session"))?;
        self.check_limit(of_realm, limit(&limits.realm), &format!("{what} in a realm"))
    }

    /// Whether where there are `count` of `what` there may be one more.
    pub fn check_limit(&mut self, count: usize, limit: usize, what: &str) -> Result<(), WampError> {
        if count < limit {
            return Ok(());
        }
        self.counters.limited += 1;
        Err(WampError::new(LIMIT_EXCEEDED, &format!("expected at most {limit} {what}, got one more")))
    }

    /// Whether `what` may be so long.
    pub fn check_length(&mut self, length: usize, limit: usize, what: &str) -> Result<(), WampError> {
        if length <= limit {
            return Ok(());
        }
        self.counters.limited += 1;
        Err(WampError::new(
            LIMIT_EXCEEDED,
            &format!("expected {what} of at most {limit} bytes, it would have {length}"),
        ))
    }

    /// Whether a client may name something by that URI (loose rules).
    pub fn check_uri(&mut self, name: &Uri, form: Form) -> Result<(), WampError> {
        let (length, limit) = (name.as_str().len(), self.limits.uri_length);
        if length > limit {
            self.counters.limited += 1;
            let sentence = format!("expected a URI of at most {limit} bytes, got {length}");
            return Err(WampError::new(uri::INVALID_URI, &sentence));
        }
        name.check(Rules::Loose, form).map_err(|invalid| WampError::new(uri::INVALID_URI, &invalid.to_string()))
    }

    /// Whether a client may register or publish under that URI: as [`Turn::check_uri`], and it is not the protocol's
    /// own (*Reserved URIs*).
    pub fn check_own_uri(&mut self, name: &Uri, form: Form) -> Result<(), WampError> {
        self.check_uri(name, form)?;
        if is_reserved(name) {
            let sentence =
                format!("expected a URI that does not begin with the component wamp, got {:?}", name.as_str());
            return Err(WampError::new(uri::INVALID_URI, &sentence));
        }
        Ok(())
    }
}

/// Whether the URI belongs to the protocol itself.
pub(super) fn is_reserved(name: &Uri) -> bool {
    name.as_str() == "wamp" || name.is_below("wamp")
}
