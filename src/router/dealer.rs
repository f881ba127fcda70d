//! The dealer: registrations, and which of them a call goes to (*Remote Procedure Calls*). What becomes of the call then is
//! in `calls`.

use super::PeerId;
use super::calls::Invocation;
use super::session::{Session, Sessions};
use super::table::{Entry, Table};
use super::turn::{Turn, is_reserved};
use crate::wamp::error::uri;
use crate::wamp::options::{CallOptions, InvocationDetails, RegisterOptions};
use crate::wamp::uri::Form;
use crate::wamp::{Message, Payload, RegistrationId, RequestId, Uri, WampError, excerpt};

/// The only invocation policy on offer.
pub(super) const SINGLE: &str = "single";

/// Below this URI is the management API, which must know who calls it.
const MANAGEMENT: &str = "crossbar";

/// The registrations of a realm.
#[derive(Debug, Default)]
pub(super) struct Dealer {
    pub registrations: Table<RegistrationId, Callee>,
}

/// Who answers the calls of a registration.
#[derive(Debug)]
pub(super) struct Callee {
    pub peer: PeerId,
    /// Whether it asked to be told who calls.
    pub disclose_caller: bool,
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
        session: &mut Session,
        options: &RegisterOptions,
        procedure: Uri,
        turn: &mut Turn<'_>,
    ) -> Result<RegistrationId, WampError> {
        let matching = options.matching;
        turn.check_own_uri(&procedure, matching.form())?;
        if let Some(policy) = options.invoke.as_deref().filter(|policy| *policy != SINGLE) {
            let sentence = format!("invoke: expected {SINGLE:?}, got {:?}", excerpt(policy));
            return Err(WampError::new(uri::OPTION_NOT_ALLOWED, &sentence));
        }
        if self.registrations.lookup(matching, procedure.as_str()).is_some() {
            let sentence = format!("expected a procedure without a registration, got {procedure}");
            return Err(WampError::new(uri::PROCEDURE_ALREADY_EXISTS, &sentence));
        }
        let counts = (session.registrations.len(), self.registrations.len());
        turn.check_room(counts, |share| share.registrations, "registrations")?;
        self.registrations.check_shape(matching, procedure.as_str(), turn)?;
        let members = Callee { peer, disclose_caller: options.disclose_caller };
        let entry = Entry { uri: procedure, matching, created: turn.now.wall, members };
        let id = self.registrations.insert(entry, turn.ids);
        session.registrations.insert(id);
        Ok(id)
    }

    pub fn unregister(&mut self, session: &mut Session, registration: RegistrationId) -> Result<(), WampError> {
        if !session.registrations.remove(&registration) {
            let sentence = format!("expected a registration of this session, got {registration}");
            return Err(WampError::new(uri::NO_SUCH_REGISTRATION, &sentence));
        }
        self.registrations.remove(registration);
        Ok(())
    }

    /// The registration that a call of that procedure goes to: the best of those that match. Nothing for a procedure of
    /// the protocol's own, not even by a pattern.
    pub fn route(&self, procedure: &Uri) -> Option<(RegistrationId, &Entry<Callee>)> {
        if is_reserved(procedure) {
            return None;
        }
        self.registrations.matches(procedure.as_str()).next()
    }

    /// Sends a call to its callee.
    pub fn call(&self, sessions: &mut Sessions, call: CallRequest, turn: &mut Turn<'_>) -> Result<(), WampError> {
        let CallRequest { caller, request, options, procedure, payload } = call;
        turn.check_uri(&procedure, Form::Exact)?;
        let (registration, entry) = self.route(&procedure).ok_or_else(|| no_such_procedure(&procedure))?;
        let callee = &entry.members;
        let disclosed = options.disclose_me || callee.disclose_caller || procedure.is_below(MANAGEMENT);
        let identity = sessions.get(caller).filter(|_| disclosed).map(Session::as_caller).unwrap_or_default();
        let details = InvocationDetails {
            procedure: entry.concrete(&procedure),
            receive_progress: options.receive_progress
                && sessions.get(callee.peer).is_some_and(|session| session.progressive),
            caller: identity,
        };
        let pending = Invocation::new(caller, request, &options, turn.now.mono);
        let Some(request) = sessions.begin_call(callee.peer, pending, turn) else {
            return Err(no_such_procedure(&procedure));
        };
        turn.counters.calls += 1;
        turn.send(callee.peer, Message::Invocation { request, registration, details, payload });
        Ok(())
    }
}

/// The answer to a call that nobody takes.
pub(super) fn no_such_procedure(procedure: &Uri) -> WampError {
    WampError::new(uri::NO_SUCH_PROCEDURE, &format!("expected a procedure that somebody registered, got {procedure}"))
}
