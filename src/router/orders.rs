//! The procedures of the meta API that change something: those that end sessions (*Session Meta API*), that take a
//! registration away (`wamp.registration.remove_callee`, from the spec's catalogue), and *Session Testament*. Whether the
//! caller may is `authorization`'s question, and answered before.
//!
//! A session in the router's own process is never ended and never loses a registration: asked for by its id it is
//! `wamp.error.not_authorized`, by authid, by authrole or among all it is left out, as the caller's own session is.

use serde_json::json;

use super::PeerId;
use super::arguments::{Arguments, invalid};
use super::authorization::{Action, authorize};
use super::departure::{Farewell, Notice};
use super::meta::absent;
use super::realm::Realm;
use super::session::{Locality, Session};
use super::testaments::{Scope, Testament};
use super::turn::Turn;
use crate::wamp::error::uri;
use crate::wamp::options::Match;
use crate::wamp::uri::Form;
use crate::wamp::{Payload, RegistrationId, SessionId, Uri, WampError};

type Answer = Result<Payload, WampError>;

/// What the router does for a caller.
pub(super) type Order = fn(&mut Realm, PeerId, &mut Arguments<'_>, &mut Turn<'_>) -> Answer;

/// By name.
pub(super) const ORDERS: &[(&str, Order)] = &[
    ("wamp.session.kill", kill),
    ("wamp.session.kill_by_authid", kill_by_authid),
    ("wamp.session.kill_by_authrole", kill_by_authrole),
    ("wamp.session.kill_all", kill_all),
    ("wamp.session.add_testament", add_testament),
    ("wamp.session.flush_testaments", flush_testaments),
    ("wamp.registration.remove_callee", remove_callee),
];

fn kill(realm: &mut Realm, caller: PeerId, arguments: &mut Arguments<'_>, turn: &mut Turn<'_>) -> Answer {
    let id: SessionId = arguments.next("session", "a session id")?;
    let farewell = farewell(arguments, turn)?;
    // The caller's own is none that can be killed, says the spec.
    let peer = realm.sessions.peer_of(id).filter(|peer| *peer != caller);
    let peer = peer.ok_or_else(|| absent(uri::NO_SUCH_SESSION, "session", id.get()))?;
    check_remote(realm, peer)?;
    realm.kill(&[peer], &farewell, Notice::Full, turn);
    Ok(Payload::default())
}

fn kill_by_authid(realm: &mut Realm, caller: PeerId, arguments: &mut Arguments<'_>, turn: &mut Turn<'_>) -> Answer {
    let authid: String = arguments.next("authid", "a string")?;
    let farewell = farewell(arguments, turn)?;
    let victims = victims(realm, caller, |session| session.identity.authid == authid);
    let ids: Vec<_> = victims.iter().filter_map(|peer| Some(realm.sessions.get(*peer)?.id)).collect();
    let answer = Payload::of(&ids);
    turn.check_length(answer.size(), turn.limits.answer_length, "an answer")?;
    realm.kill(&victims, &farewell, Notice::Full, turn);
    Ok(answer)
}

fn kill_by_authrole(realm: &mut Realm, caller: PeerId, arguments: &mut Arguments<'_>, turn: &mut Turn<'_>) -> Answer {
    let authrole: String = arguments.next("authrole", "a string")?;
    let farewell = farewell(arguments, turn)?;
    let victims = victims(realm, caller, |session| session.identity.authrole == authrole);
    realm.kill(&victims, &farewell, Notice::Full, turn);
    Ok(Payload::of(&json!(victims.len())))
}

fn kill_all(realm: &mut Realm, caller: PeerId, arguments: &mut Arguments<'_>, turn: &mut Turn<'_>) -> Answer {
    let farewell = farewell(arguments, turn)?;
    let victims = victims(realm, caller, |_| true);
    realm.kill(&victims, &farewell, Notice::Possessions, turn);
    Ok(Payload::of(&json!(victims.len())))
}

/// The sessions that are meant, but for the caller's and those that nobody may end.
fn victims(realm: &Realm, caller: PeerId, is_meant: impl Fn(&Session) -> bool) -> Vec<PeerId> {
    let mut victims = realm.sessions.peers_where(|session| session.locality == Locality::Remote && is_meant(session));
    victims.retain(|peer| *peer != caller);
    victims
}

fn check_remote(realm: &Realm, peer: PeerId) -> Result<(), WampError> {
    match realm.sessions.get(peer) {
        Some(session) if session.locality == Locality::Embedded => {
            let sentence = format!("expected a session other than {}, which is the router's own agent", session.id);
            Err(WampError::new(uri::NOT_AUTHORIZED, &sentence))
        }
        _ => Ok(()),
    }
}

/// The last two arguments of those that end sessions.
fn farewell(arguments: &mut Arguments<'_>, turn: &mut Turn<'_>) -> Result<Farewell, WampError> {
    let reason = reason(arguments, turn)?.unwrap_or_else(|| Uri::from(uri::KILLED));
    let message: Option<String> = arguments.optional("message", "a string")?;
    arguments.end()?;
    turn.check_length(message.as_ref().map_or(0, String::len), turn.limits.farewell_length, "a message")?;
    Ok(Farewell { reason, message })
}

fn reason(arguments: &mut Arguments<'_>, turn: &mut Turn<'_>) -> Result<Option<Uri>, WampError> {
    let reason: Option<Uri> = arguments.optional("reason", "a URI")?;
    if let Some(reason) = &reason {
        turn.check_uri(reason, Form::Exact)?;
    }
    Ok(reason)
}

fn add_testament(realm: &mut Realm, caller: PeerId, arguments: &mut Arguments<'_>, turn: &mut Turn<'_>) -> Answer {
    let topic: Uri = arguments.next("topic", "a URI")?;
    let (args, kwargs) = (arguments.text("args"), arguments.text("kwargs"));
    let payload = Payload::from_raw(args, kwargs).map_err(|expected| invalid(&format!("expected {expected}")))?;
    let options = arguments.dict("publish_options", "a dict of options of PUBLISH")?.unwrap_or_default();
    let scope = scope(arguments)?;
    turn.check_own_uri(&topic, Form::Exact)?;
    let sessions = &mut realm.sessions;
    let mut of_realm = sessions.testaments;
    if let Some(session) = sessions.get_mut(caller) {
        authorize(session, Action::Publish, &topic, Match::Exact)?;
        session.testaments.add(scope, Testament { topic, options, payload }, &mut of_realm, turn)?;
    }
    sessions.testaments = of_realm;
    Ok(Payload::default())
}

fn flush_testaments(realm: &mut Realm, caller: PeerId, arguments: &mut Arguments<'_>, _: &mut Turn<'_>) -> Answer {
    let scope = scope(arguments)?;
    let sessions = &mut realm.sessions;
    let mut of_realm = sessions.testaments;
    if let Some(session) = sessions.get_mut(caller) {
        session.testaments.flush(scope, &mut of_realm);
    }
    sessions.testaments = of_realm;
    Ok(Payload::default())
}

/// The last argument of the two.
fn scope(arguments: &mut Arguments<'_>) -> Result<Scope, WampError> {
    let scope = arguments.optional("scope", r#""detached" or "destroyed""#)?.unwrap_or_default();
    arguments.end()?;
    Ok(scope)
}

fn remove_callee(realm: &mut Realm, _: PeerId, arguments: &mut Arguments<'_>, turn: &mut Turn<'_>) -> Answer {
    let registration: RegistrationId = arguments.next("registration_id", "a registration id")?;
    let callee: SessionId = arguments.next("callee_id", "a session id")?;
    let reason = reason(arguments, turn)?;
    arguments.end()?;
    let peer = realm.sessions.peer_of(callee);
    let peer = peer.ok_or_else(|| absent(uri::NO_SUCH_SESSION, "session", callee.get()))?;
    check_remote(realm, peer)?;
    let removal = realm.dealer.revoke(peer, registration, reason, &mut realm.sessions, turn);
    let removal = removal.ok_or_else(|| {
        let sentence = format!("expected a registration of the session {callee}, got {registration}");
        WampError::new(uri::NO_SUCH_REGISTRATION, &sentence)
    })?;
    realm.announce_unregistered(removal, turn);
    Ok(Payload::default())
}
