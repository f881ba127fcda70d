//! The dealer: registrations, and which of them a call goes to (*Remote Procedure Calls*). What becomes of the call then is
//! in `calls`.

use super::PeerId;
use super::broker::Left;
use super::callees::{Callee, Callees, Policy};
use super::calls::Invocation;
use super::session::{Locality, Session, Sessions};
use super::table::{Entry, Table};
use super::turn::{Turn, is_reserved};
use crate::wamp::error::uri;
use crate::wamp::options::{CallOptions, InvocationDetails, RegisterOptions, Revocation};
use crate::wamp::uri::Form;
use crate::wamp::{Message, Payload, RegistrationId, RequestId, SessionId, Uri, WampError, excerpt};

/// Below this URI is the management API, which must know who calls it.
const MANAGEMENT: &str = "crossbar";

/// What a callee is told that another has displaced, as on Crossbar.io.
const DISPLACED: &str = "wamp.error.unregistered";

/// The registrations of a realm.
#[derive(Debug, Default)]
pub(super) struct Dealer {
    pub registrations: Table<RegistrationId, Callees>,
    /// Callees of all registrations, each counted.
    members: usize,
}

/// What a REGISTER changed.
#[derive(Debug)]
pub(super) struct Registered {
    pub id: RegistrationId,
    pub change: Change,
    /// Who lost the procedure for it.
    pub displaced: Vec<Removal>,
}

/// Whether a registration is new, or has one callee more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Created,
    Added,
}

/// A callee that has lost a registration.
#[derive(Clone, Copy, Debug)]
pub(super) struct Removal {
    pub session: SessionId,
    pub registration: RegistrationId,
    pub left: Left,
}

/// A CALL.
#[derive(Debug)]
pub(super) struct CallRequest {
    pub caller: PeerId,
    pub request: RequestId,
    pub options: CallOptions,
    pub procedure: Uri,
    pub payload: Payload,
}

impl Dealer {
    pub fn register(
        &mut self,
        peer: PeerId,
        sessions: &mut Sessions,
        options: &RegisterOptions,
        procedure: Uri,
        turn: &mut Turn<'_>,
    ) -> Result<Registered, WampError> {
        let matching = options.matching;
        turn.check_own_uri(&procedure, matching.form())?;
        let policy = policy_of(options)?;
        let session =
            sessions.get(peer).ok_or_else(|| WampError::new(uri::NO_SUCH_SESSION, "the session has ended"))?;
        let existing = self.registrations.lookup(matching, procedure.as_str());
        let existing = existing.and_then(|id| Some((id, self.registrations.get(id)?)));
        // All that can go wrong first: an error changes nothing.
        let mut counts = (session.registrations.len(), self.members);
        let (shared, displaced) = match existing {
            None => (None, None),
            Some((id, entry)) if options.force_reregister => {
                check_displaceable(entry, sessions)?;
                if entry.members.peers().any(|callee| *callee != peer) {
                    session.identity.permissions.check_displacing(&procedure)?;
                }
                counts.0 -= usize::from(session.registrations.contains(&id));
                counts.1 -= entry.members.len();
                (None, Some(id))
            }
            Some((id, entry)) => {
                check_shareable(entry, policy, session.registrations.contains(&id))?;
                (Some(id), None)
            }
        };
        turn.check_room(counts, |share| share.registrations, "registrations")?;
        // Who displaces itself has no more than before.
        if !displaced.is_some_and(|id| session.registrations.contains(&id)) {
            let held = |session: &Session| session.registrations.len();
            sessions.check_share(peer, counts.1, |share| share.registrations, held, ("registrations", turn))?;
        }
        self.registrations.check_shape(matching, procedure.as_str(), &session.registration_shapes, turn)?;
        let displaced = displaced.map(|id| self.displace(id, sessions, turn)).unwrap_or_default();
        let callee = Callee { peer, disclose_caller: options.disclose_caller };
        if let Some(session) = sessions.get_mut(peer) {
            session.registration_shapes.add(matching, procedure.as_str());
        }
        let (id, change) = match shared.and_then(|id| Some((id, self.registrations.get_mut(id)?))) {
            Some((id, entry)) => {
                entry.members.push(callee);
                (id, Change::Added)
            }
            None => {
                let (created, members) = (turn.now.wall, Callees::new(policy, callee));
                let entry = Entry { uri: procedure, matching, created, members };
                (self.registrations.insert(entry, turn.ids), Change::Created)
            }
        };
        self.members += 1;
        if let Some(session) = sessions.get_mut(peer) {
            session.registrations.insert(id);
        }
        Ok(Registered { id, change, displaced })
    }

    pub fn unregister(
        &mut self,
        peer: PeerId,
        session: &mut Session,
        registration: RegistrationId,
    ) -> Result<Left, WampError> {
        if !session.registrations.contains(&registration) {
            let sentence = format!("expected a registration of this session, got {registration}");
            return Err(WampError::new(uri::NO_SUCH_REGISTRATION, &sentence));
        }
        Ok(self.release(peer, session, registration))
    }

    /// Takes a registration from one of its callees, and tells it if it understands that (*Registration Revocation*).
    /// Nothing when it is none of them.
    pub fn revoke(
        &mut self,
        peer: PeerId,
        registration: RegistrationId,
        reason: Option<Uri>,
        sessions: &mut Sessions,
        turn: &mut Turn<'_>,
    ) -> Option<Removal> {
        let session = sessions.get_mut(peer).filter(|session| session.registrations.contains(&registration))?;
        let left = self.release(peer, session, registration);
        turn.counters.revoked += 1;
        if session.abilities.revocable {
            let revoked = Some(Revocation { registration: Some(registration), reason });
            turn.send(peer, Message::Unregistered { request: RequestId::NONE, revoked });
        }
        Some(Removal { session: session.id, registration, left })
    }

    /// Takes a registration from all of its callees.
    fn displace(&mut self, id: RegistrationId, sessions: &mut Sessions, turn: &mut Turn<'_>) -> Vec<Removal> {
        let entry = self.registrations.get(id);
        let callees: Vec<PeerId> = entry.into_iter().flat_map(|entry| entry.members.peers().copied()).collect();
        let reason = Uri::from(DISPLACED);
        callees.into_iter().filter_map(|peer| self.revoke(peer, id, Some(reason.clone()), sessions, turn)).collect()
    }

    /// Takes a registration from a session that has it.
    fn release(&mut self, peer: PeerId, session: &mut Session, registration: RegistrationId) -> Left {
        session.registrations.remove(&registration);
        if let Some(entry) = self.registrations.get(registration) {
            session.registration_shapes.remove(entry.matching, entry.uri.as_str());
        }
        self.drop_callee(peer, registration)
    }

    /// Takes the peer off a registration that is its own.
    pub fn drop_callee(&mut self, peer: PeerId, registration: RegistrationId) -> Left {
        let Some(entry) = self.registrations.get_mut(registration) else { return Left::Nobody };
        if entry.members.remove(peer) {
            self.members -= 1;
        }
        if !entry.members.is_empty() {
            return Left::Others;
        }
        self.registrations.remove(registration);
        Left::Nobody
    }

    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        self.registrations.is_empty() && self.members == 0
    }

    /// The registration that a call of that procedure goes to: the best of those that match. Nothing for a procedure of
    /// the protocol's own, not even by a pattern.
    pub fn route(&self, procedure: &Uri) -> Option<(RegistrationId, &Entry<Callees>)> {
        if is_reserved(procedure) {
            return None;
        }
        self.registrations.matches(procedure.as_str()).next()
    }

    /// Sends a call to its callee.
    pub fn call(&mut self, sessions: &mut Sessions, call: CallRequest, turn: &mut Turn<'_>) -> Result<(), WampError> {
        let CallRequest { caller, request, options, procedure, payload } = call;
        turn.check_uri(&procedure, Form::Exact)?;
        let (registration, entry) = self.route(&procedure).ok_or_else(|| no_such_procedure(&procedure))?;
        let callee = entry.members.choose(turn.ids).ok_or_else(|| no_such_procedure(&procedure))?;
        if sessions.get(callee.peer).is_some_and(|session| session.locality == Locality::Remote) {
            let (open, what) = (sessions.open_calls, "calls without an answer");
            turn.check_limit(open, turn.limits.realm.calls, &format!("{what} in a realm"))?;
            sessions.check_share(caller, open, |share| share.calls, |session| session.calls.len(), (what, turn))?;
        }
        let disclosed = options.disclose_me || callee.disclose_caller || procedure.is_below(MANAGEMENT);
        let is_told = |session: &&Session| disclosed || session.identity.permissions.disclosure(&procedure).caller;
        let identity = sessions.get(caller).filter(is_told).map(Session::as_caller).unwrap_or_default();
        let details = InvocationDetails {
            procedure: entry.concrete(&procedure),
            receive_progress: options.receive_progress
                && sessions.get(callee.peer).is_some_and(|session| session.abilities.progressive),
            caller: identity,
        };
        if entry.members.policy() == Policy::RoundRobin {
            if let Some(entry) = self.registrations.get_mut(registration) {
                entry.members.advance();
            }
        }
        let pending = Invocation::new(caller, request, &options, turn.now.mono);
        let Some(request) = sessions.begin_call(callee.peer, pending, turn) else {
            return Err(no_such_procedure(&procedure));
        };
        turn.counters.calls += 1;
        turn.send(callee.peer, Message::Invocation { request, registration, details, payload });
        Ok(())
    }
}

/// The policy that a REGISTER asks for.
fn policy_of(options: &RegisterOptions) -> Result<Policy, WampError> {
    let Some(name) = options.invoke.as_deref() else { return Ok(Policy::Single) };
    Policy::named(name).ok_or_else(|| {
        let names = Policy::ALL.map(Policy::name).join(", ");
        let sentence = format!("invoke: expected one of {names}, got {:?}", excerpt(name));
        WampError::new(uri::OPTION_NOT_ALLOWED, &sentence)
    })
}

/// Whether a session may become one more callee: the first one's policy counts.
fn check_shareable(entry: &Entry<Callees>, policy: Policy, is_callee: bool) -> Result<(), WampError> {
    let (procedure, present) = (&entry.uri, entry.members.policy());
    let sentence = if present == Policy::Single {
        format!("expected a procedure without a registration, got {procedure}")
    } else if present != policy {
        let (present, policy) = (present.name(), policy.name());
        format!("invoke: expected {present:?}, as {procedure} was registered first, got {policy:?}")
    } else if is_callee {
        format!("expected a procedure that this session has not registered, got {procedure}")
    } else {
        return Ok(());
    };
    Err(WampError::new(uri::PROCEDURE_ALREADY_EXISTS, &sentence))
}

/// Whether the callees may lose their registration to another.
fn check_displaceable(entry: &Entry<Callees>, sessions: &Sessions) -> Result<(), WampError> {
    let mut callees = entry.members.peers().filter_map(|peer| sessions.get(*peer));
    if callees.any(|session| session.locality == Locality::Embedded) {
        let sentence = format!("expected a procedure that is not the router's own agent's, got {}", entry.uri);
        return Err(WampError::new(uri::PROCEDURE_ALREADY_EXISTS, &sentence));
    }
    Ok(())
}

/// The answer to a call that nobody takes.
pub(super) fn no_such_procedure(procedure: &Uri) -> WampError {
    WampError::new(uri::NO_SUCH_PROCEDURE, &format!("expected a procedure that somebody registered, got {procedure}"))
}
