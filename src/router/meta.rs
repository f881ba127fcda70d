//! The meta API: the procedures that the router itself answers, and the topics that it publishes to (*Session Meta API*,
//! *Registration Meta API*, *Subscription Meta API*). Here are those that only ask; `orders` has those that change something.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::PeerId;
use super::arguments::Arguments;
use super::broker::Subscribers;
use super::callees::Callees;
use super::dealer::no_such_procedure;
use super::orders::ORDERS;
use super::realm::Realm;
use super::session::{Session, Sessions};
use super::table::Entry;
use super::turn::Turn;
use crate::wamp::error::uri;
use crate::wamp::options::{Match, RegisterOptions, SubscribeOptions};
use crate::wamp::{Payload, RegistrationId, SessionId, SubscriptionId, Uri, WampError, excerpt};

/// What the router publishes to.
pub(super) mod topic {
    pub const SESSION_JOINED: &str = "wamp.session.on_join";
    pub const SESSION_LEFT: &str = "wamp.session.on_leave";
    pub const REGISTRATION_CREATED: &str = "wamp.registration.on_create";
    pub const REGISTERED: &str = "wamp.registration.on_register";
    pub const UNREGISTERED: &str = "wamp.registration.on_unregister";
    pub const REGISTRATION_DELETED: &str = "wamp.registration.on_delete";
    pub const SUBSCRIPTION_CREATED: &str = "wamp.subscription.on_create";
    pub const SUBSCRIBED: &str = "wamp.subscription.on_subscribe";
    pub const UNSUBSCRIBED: &str = "wamp.subscription.on_unsubscribe";
    pub const SUBSCRIPTION_DELETED: &str = "wamp.subscription.on_delete";
}

type Answer = Result<Value, WampError>;
type Question = fn(&Realm, &mut Arguments<'_>) -> Answer;

/// What the router answers.
const QUESTIONS: &[(&str, Question)] = &[
    ("wamp.session.count", session_count),
    ("wamp.session.list", session_list),
    ("wamp.session.get", session_get),
    ("wamp.registration.list", registration_list),
    ("wamp.registration.lookup", registration_lookup),
    ("wamp.registration.match", registration_match),
    ("wamp.registration.get", registration_get),
    ("wamp.registration.list_callees", registration_list_callees),
    ("wamp.registration.count_callees", registration_count_callees),
    ("wamp.subscription.list", subscription_list),
    ("wamp.subscription.lookup", subscription_lookup),
    ("wamp.subscription.match", subscription_match),
    ("wamp.subscription.get", subscription_get),
    ("wamp.subscription.list_subscribers", subscription_list_subscribers),
    ("wamp.subscription.count_subscribers", subscription_count_subscribers),
];

/// Answers a call of a procedure that is the protocol's own.
pub(super) fn call(
    realm: &mut Realm,
    caller: PeerId,
    procedure: &Uri,
    payload: &Payload,
    turn: &mut Turn<'_>,
) -> Result<Payload, WampError> {
    if let Some(order) = lookup(ORDERS, procedure) {
        return order(realm, caller, &mut Arguments::of(payload)?, turn);
    }
    let answer = lookup(QUESTIONS, procedure);
    let answer = answer.ok_or_else(|| no_such_procedure(&Uri::from(excerpt(procedure.as_str()))))?;
    let answer = Payload::of(&answer(realm, &mut Arguments::positional(payload)?)?);
    turn.check_length(answer.size(), turn.limits.answer_length, "an answer")?;
    Ok(answer)
}

fn lookup<T: Copy>(table: &[(&str, T)], procedure: &Uri) -> Option<T> {
    table.iter().find(|(name, _)| *name == procedure.as_str()).map(|(_, entry)| *entry)
}

/// A session, as `wamp.session.get` and `wamp.session.on_join` show it.
pub(super) fn session_details(Session { id, identity, .. }: &Session) -> Value {
    json!({
        "session": id,
        "authid": identity.authid,
        "authrole": identity.authrole,
        "authmethod": identity.authmethod,
        "authprovider": identity.authprovider,
    })
}

/// A registration, as `wamp.registration.get` and `wamp.registration.on_create` show it.
pub(super) fn registration_details(id: RegistrationId, entry: &Entry<Callees>) -> Value {
    json!({
        "id": id,
        "created": entry.created,
        "uri": entry.uri,
        "match": entry.matching,
        "invoke": entry.members.policy().name(),
    })
}

/// A subscription, as `wamp.subscription.get` and `wamp.subscription.on_create` show it.
pub(super) fn subscription_details<M>(id: SubscriptionId, entry: &Entry<M>) -> Value {
    json!({ "id": id, "created": entry.created, "uri": entry.uri, "match": entry.matching })
}

fn session_count(realm: &Realm, arguments: &mut Arguments<'_>) -> Answer {
    Ok(json!(sessions_with_role(realm, arguments)?.len()))
}

fn session_list(realm: &Realm, arguments: &mut Arguments<'_>) -> Answer {
    Ok(json!(sessions_with_role(realm, arguments)?))
}

fn sessions_with_role(realm: &Realm, arguments: &mut Arguments<'_>) -> Result<Vec<SessionId>, WampError> {
    // A set, because a long list would meet many sessions.
    let roles: Option<HashSet<String>> = arguments.optional("filter_authroles", "a list of strings")?;
    arguments.end()?;
    let wanted = |session: &&Session| roles.as_ref().is_none_or(|roles| roles.contains(&session.identity.authrole));
    Ok(realm.sessions.iter().filter(wanted).map(|session| session.id).collect())
}

fn session_get(realm: &Realm, arguments: &mut Arguments<'_>) -> Answer {
    let id: SessionId = arguments.last("session", "a session id")?;
    let session = realm.sessions.by_id(id);
    session.map(session_details).ok_or_else(|| absent(uri::NO_SUCH_SESSION, "session", id.get()))
}

fn registration_list(realm: &Realm, arguments: &mut Arguments<'_>) -> Answer {
    arguments.end()?;
    let ids = |matching| realm.dealer.registrations.ids(matching).collect::<Vec<_>>();
    Ok(json!({ "exact": ids(Match::Exact), "prefix": ids(Match::Prefix), "wildcard": ids(Match::Wildcard) }))
}

fn registration_lookup(realm: &Realm, arguments: &mut Arguments<'_>) -> Answer {
    let procedure: Uri = arguments.next("procedure", "a URI")?;
    let options: RegisterOptions = arguments.optional("options", "a dict with match")?.unwrap_or_default();
    arguments.end()?;
    Ok(json!(realm.dealer.registrations.lookup(options.matching, procedure.as_str())))
}

fn registration_match(realm: &Realm, arguments: &mut Arguments<'_>) -> Answer {
    let procedure: Uri = arguments.last("procedure", "a URI")?;
    Ok(json!(realm.dealer.route(&procedure).map(|(id, _)| id)))
}

fn registration_get(realm: &Realm, arguments: &mut Arguments<'_>) -> Answer {
    registration(realm, arguments).map(|(id, entry)| registration_details(id, entry))
}

fn registration_list_callees(realm: &Realm, arguments: &mut Arguments<'_>) -> Answer {
    let (_, entry) = registration(realm, arguments)?;
    Ok(json!(ids_of(entry.members.peers(), &realm.sessions)))
}

fn registration_count_callees(realm: &Realm, arguments: &mut Arguments<'_>) -> Answer {
    registration(realm, arguments).map(|(_, entry)| json!(entry.members.len()))
}

fn registration<'a>(
    realm: &'a Realm,
    arguments: &mut Arguments<'_>,
) -> Result<(RegistrationId, &'a Entry<Callees>), WampError> {
    let id: RegistrationId = arguments.last("registration", "a registration id")?;
    let entry = realm.dealer.registrations.get(id);
    Ok((id, entry.ok_or_else(|| absent(uri::NO_SUCH_REGISTRATION, "registration", id.get()))?))
}

fn subscription_list(realm: &Realm, arguments: &mut Arguments<'_>) -> Answer {
    arguments.end()?;
    let ids = |matching| realm.broker.subscriptions.ids(matching).collect::<Vec<_>>();
    Ok(json!({ "exact": ids(Match::Exact), "prefix": ids(Match::Prefix), "wildcard": ids(Match::Wildcard) }))
}

fn subscription_lookup(realm: &Realm, arguments: &mut Arguments<'_>) -> Answer {
    let topic: Uri = arguments.next("topic", "a URI")?;
    let options: SubscribeOptions = arguments.optional("options", "a dict with match")?.unwrap_or_default();
    arguments.end()?;
    Ok(json!(realm.broker.subscriptions.lookup(options.matching, topic.as_str())))
}

fn subscription_match(realm: &Realm, arguments: &mut Arguments<'_>) -> Answer {
    let topic: Uri = arguments.last("topic", "a URI")?;
    let ids: Vec<_> = realm.broker.subscriptions.matches(topic.as_str()).map(|(id, _)| id).collect();
    Ok(if ids.is_empty() { Value::Null } else { json!(ids) })
}

fn subscription_get(realm: &Realm, arguments: &mut Arguments<'_>) -> Answer {
    subscription(realm, arguments).map(|(id, entry)| subscription_details(id, entry))
}

fn subscription_list_subscribers(realm: &Realm, arguments: &mut Arguments<'_>) -> Answer {
    let (_, entry) = subscription(realm, arguments)?;
    Ok(json!(ids_of(&entry.members, &realm.sessions)))
}

fn subscription_count_subscribers(realm: &Realm, arguments: &mut Arguments<'_>) -> Answer {
    subscription(realm, arguments).map(|(_, entry)| json!(entry.members.len()))
}

fn subscription<'a>(
    realm: &'a Realm,
    arguments: &mut Arguments<'_>,
) -> Result<(SubscriptionId, &'a Entry<Subscribers>), WampError> {
    let id: SubscriptionId = arguments.last("subscription", "a subscription id")?;
    let entry = realm.broker.subscriptions.get(id);
    Ok((id, entry.ok_or_else(|| absent(uri::NO_SUCH_SUBSCRIPTION, "subscription", id.get()))?))
}

fn ids_of<'a>(peers: impl IntoIterator<Item = &'a PeerId>, sessions: &Sessions) -> Vec<SessionId> {
    peers.into_iter().filter_map(|peer| Some(sessions.get(*peer)?.id)).collect()
}

/// The error for what is not there.
pub(super) fn absent(error: &str, what: &str, id: u64) -> WampError {
    WampError::new(error, &format!("expected a {what} of this realm, got {id}"))
}
