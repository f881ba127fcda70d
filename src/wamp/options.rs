//! The dicts in messages (*Options* and *Details*), typed: the keys that something here reads or writes. Others are ignored
//! on arrival, as the spec wants it; a known key of the wrong type is a violation of the protocol.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::id::{RegistrationId, SessionId};
use super::uri::{Form, Uri};

/// A dict without a type of its own.
pub type Dict = Map<String, Value>;

/// A dict of which no key is read, and which is sent empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Empty {}

/// How a pattern is matched (*Pattern-based Subscriptions*, *Pattern-based Registrations*).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Match {
    /// The URI itself.
    #[default]
    Exact,
    /// Every URI that begins with these characters.
    Prefix,
    /// Every URI with as many components, an empty one standing for any.
    Wildcard,
}

impl Match {
    /// What the pattern's URI may look like.
    #[must_use]
    pub const fn form(self) -> Form {
        match self {
            Self::Exact => Form::Exact,
            Self::Prefix => Form::Prefix,
            Self::Wildcard => Form::Wildcard,
        }
    }

    /// Its name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Prefix => "prefix",
            Self::Wildcard => "wildcard",
        }
    }

    fn is_exact(&self) -> bool {
        *self == Self::Exact
    }
}

/// How a call is taken back (*Call Canceling*).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CancelMode {
    /// The caller is answered at once, the callee is left alone.
    Skip,
    /// The callee is interrupted, and its answer is the caller's.
    Kill,
    /// The callee is interrupted, and the caller is answered at once.
    #[default]
    KillNoWait,
}

/// A role's entry in HELLO or WELCOME.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Dict")]
pub struct Role {
    /// The advanced features that the role announces, by name.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub features: Dict,
}

/// By hand, because serde takes a list for a struct and WAMP does not.
impl TryFrom<Dict> for Role {
    type Error = &'static str;

    fn try_from(mut role: Dict) -> Result<Self, Self::Error> {
        match role.remove("features") {
            None => Ok(Self::default()),
            Some(Value::Object(features)) => Ok(Self { features }),
            Some(_) => Err("expected a dict of features"),
        }
    }
}

impl Role {
    /// A role that announces these features.
    #[must_use]
    pub fn with(features: &[&str]) -> Self {
        let mut announced = Dict::new();
        announced.extend(features.iter().map(|name| ((*name).to_owned(), Value::Bool(true))));
        Self { features: announced }
    }

    /// Whether the feature is announced.
    #[must_use]
    pub fn has(&self, feature: &str) -> bool {
        self.features.get(feature) == Some(&Value::Bool(true))
    }
}

/// The roles that a peer takes (*Session Establishment*).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Dict")]
pub struct Roles {
    /// Publishes events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publisher: Option<Role>,
    /// Gets events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subscriber: Option<Role>,
    /// Calls procedures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caller: Option<Role>,
    /// Answers calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub callee: Option<Role>,
    /// Routes events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broker: Option<Role>,
    /// Routes calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dealer: Option<Role>,
}

impl TryFrom<Dict> for Roles {
    type Error = String;

    fn try_from(mut roles: Dict) -> Result<Self, Self::Error> {
        let mut take = |name: &str| match roles.remove(name) {
            None => Ok(None),
            Some(Value::Object(role)) => Role::try_from(role).map(Some).map_err(|error| format!("{name}: {error}")),
            Some(_) => Err(format!("{name}: expected a dict")),
        };
        Ok(Self {
            publisher: take("publisher")?,
            subscriber: take("subscriber")?,
            caller: take("caller")?,
            callee: take("callee")?,
            broker: take("broker")?,
            dealer: take("dealer")?,
        })
    }
}

impl Roles {
    /// Whether a client's side of a session announces at least one role.
    #[must_use]
    pub const fn any_of_a_client(&self) -> bool {
        self.publisher.is_some() || self.subscriber.is_some() || self.caller.is_some() || self.callee.is_some()
    }

    /// Whether the callee can be told that its caller has given up.
    #[must_use]
    pub fn callee_can_be_interrupted(&self) -> bool {
        self.callee.as_ref().is_some_and(|role| role.has("call_canceling"))
    }
}

/// HELLO.Details.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HelloDetails {
    /// What the client can do.
    pub roles: Roles,
    /// The client's name and version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// The ways to log in that it offers; none means anonymously.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authmethods: Vec<String>,
    /// Who it says it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authid: Option<String>,
    /// What it wants to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authrole: Option<String>,
    /// What its way to log in needs, or the application adds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authextra: Option<Dict>,
}

/// WELCOME.Details.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WelcomeDetails {
    /// What the router can do.
    pub roles: Roles,
    /// The router's name and version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// The realm that was joined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub realm: Option<Uri>,
    /// Who the client is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authid: Option<String>,
    /// What the client is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authrole: Option<String>,
    /// How it logged in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authmethod: Option<String>,
    /// Who says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authprovider: Option<String>,
    /// What the way to log in needs, or the router adds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authextra: Option<Dict>,
}

/// ABORT.Details and GOODBYE.Details.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClosingDetails {
    /// A sentence for a human.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl ClosingDetails {
    /// With a sentence.
    #[must_use]
    pub fn saying(message: impl Into<String>) -> Self {
        Self { message: Some(message.into()) }
    }
}

/// PUBLISH.Options.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PublishOptions {
    /// Whether the router shall answer with PUBLISHED or ERROR.
    #[serde(skip_serializing_if = "is_false")]
    pub acknowledge: bool,
    /// *Publisher Exclusion*: whether a publisher that subscribes to its own topic is left out. Missing: it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude_me: Option<bool>,
    /// *Publisher Identification*: whether subscribers are to be told who published.
    #[serde(skip_serializing_if = "is_false")]
    pub disclose_me: bool,
    /// *Subscriber Black- and Whitelisting*: sessions that do not get the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude: Option<Box<[SessionId]>>,
    /// Users that do not get the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude_authid: Option<Box<[String]>>,
    /// Roles that do not get the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude_authrole: Option<Box<[String]>>,
    /// The only sessions that may get the event; an empty list is nobody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eligible: Option<Box<[SessionId]>>,
    /// The only users that may get the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eligible_authid: Option<Box<[String]>>,
    /// The only roles that may get the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eligible_authrole: Option<Box<[String]>>,
    /// *Event Retention*: whether the event is kept for those who subscribe later.
    #[serde(skip_serializing_if = "is_false")]
    pub retain: bool,
}

impl PublishOptions {
    /// Bytes that its lists hold, about.
    #[must_use]
    pub fn size(&self) -> usize {
        let sessions = [&self.exclude, &self.eligible].into_iter().flatten().map(|list| size_of_val(&**list));
        let names = [&self.exclude_authid, &self.exclude_authrole, &self.eligible_authid, &self.eligible_authrole];
        let names =
            names.into_iter().flatten().flat_map(|list| list.iter()).map(|name| size_of::<String>() + name.len());
        sessions.sum::<usize>() + names.sum::<usize>()
    }
}

/// SUBSCRIBE.Options.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SubscribeOptions {
    /// How the topic is matched.
    #[serde(rename = "match", skip_serializing_if = "Match::is_exact")]
    pub matching: Match,
    /// *Event Retention*: whether the subscriber wants what was kept.
    #[serde(skip_serializing_if = "is_false")]
    pub get_retained: bool,
}

/// EVENT.Details.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EventDetails {
    /// The topic published to, when the subscription is a pattern.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic: Option<Uri>,
    /// Who published, when that is disclosed.
    #[serde(flatten)]
    pub publisher: Publisher,
    /// *Event Retention*: whether the event was published before the subscription stood.
    #[serde(skip_serializing_if = "is_false")]
    pub retained: bool,
}

/// *Publisher Identification*.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Publisher {
    /// The publisher's session.
    #[serde(rename = "publisher", skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// Who the publisher is.
    #[serde(rename = "publisher_authid", skip_serializing_if = "Option::is_none")]
    pub authid: Option<String>,
    /// What the publisher is.
    #[serde(rename = "publisher_authrole", skip_serializing_if = "Option::is_none")]
    pub authrole: Option<String>,
}

/// CALL.Options.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CallOptions {
    /// *Progressive Call Results*: whether the caller takes results before the last.
    #[serde(skip_serializing_if = "is_false")]
    pub receive_progress: bool,
    /// *Call Timeouts*: ms after which the call is taken back; 0 is never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<u64>,
    /// *Caller Identification*: whether the callee is to be told who calls.
    #[serde(skip_serializing_if = "is_false")]
    pub disclose_me: bool,
}

/// CANCEL.Options and INTERRUPT.Options.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CancelOptions {
    /// How the call is taken back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<CancelMode>,
}

/// RESULT.Details and YIELD.Options.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ResultDetails {
    /// Whether more results of the same call will follow.
    #[serde(skip_serializing_if = "is_false")]
    pub progress: bool,
}

/// REGISTER.Options.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RegisterOptions {
    /// How the procedure is matched.
    #[serde(rename = "match", skip_serializing_if = "Match::is_exact")]
    pub matching: Match,
    /// *Shared Registration*: who of several callees is called. Missing: there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invoke: Option<String>,
    /// *Caller Identification*: whether the callee wants to be told who calls.
    #[serde(skip_serializing_if = "is_false")]
    pub disclose_caller: bool,
    /// Whether those who have registered the procedure already lose it (Crossbar.io's; the spec has only what it leads to,
    /// *Registration Revocation*).
    #[serde(skip_serializing_if = "is_false")]
    pub force_reregister: bool,
}

/// UNREGISTERED.Details of a registration that the router took away (*Registration Revocation*).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Revocation {
    /// Which one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registration: Option<RegistrationId>,
    /// Why. A URI, because autobahn takes nothing else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Uri>,
}

/// INVOCATION.Details.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct InvocationDetails {
    /// The procedure called, when the registration is a pattern.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub procedure: Option<Uri>,
    /// Whether the caller takes progressive results.
    #[serde(skip_serializing_if = "is_false")]
    pub receive_progress: bool,
    /// Who calls, when that is disclosed.
    #[serde(flatten)]
    pub caller: Caller,
}

/// *Caller Identification*.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Caller {
    /// The caller's session.
    #[serde(rename = "caller", skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// Who the caller is.
    #[serde(rename = "caller_authid", skip_serializing_if = "Option::is_none")]
    pub authid: Option<String>,
    /// What the caller is.
    #[serde(rename = "caller_authrole", skip_serializing_if = "Option::is_none")]
    pub authrole: Option<String>,
}

// The signature is serde's.
#[allow(clippy::trivially_copy_pass_by_ref)]
const fn is_false(flag: &bool) -> bool {
    !*flag
}
