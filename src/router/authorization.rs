//! Who may do what. The router asks one question before it acts on a CALL, a REGISTER, a SUBSCRIBE or a PUBLISH, and once
//! more when a testament is left: [`authorize`]. Procedures of the protocol's own (`wamp.session.kill` …) are asked about like
//! any other. Who displaces a callee (`force_reregister`) must be allowed to register, and not be of those who
//! must not end what is others' ([`Permissions::check_displacing`]).
//!
//! Without logins everybody who can connect is equal. On loopback that is who is on this machine already, and may do
//! everything ([`Anonymous::Trusted`]); where others can connect they must not end each other's sessions
//! ([`Anonymous::Restricted`]). With logins it is the role of the user that says ([`super::roles`]). What no client may do, whoever it is, does not stand here but where it is done: end the
//! session of a peer in the router's own process, which could not come back, or take away what it registered.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::roles::{Disclosure, Role};
use super::session::Session;
use crate::wamp::error::uri;
use crate::wamp::options::Match;
use crate::wamp::{Uri, WampError, excerpt};

/// What a session wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Call a procedure.
    Call,
    /// Register a procedure.
    Register,
    /// Subscribe to a topic.
    Subscribe,
    /// Publish to a topic.
    Publish,
}

impl Action {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Call, Self::Register, Self::Subscribe, Self::Publish];

    const fn name(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Register => "register",
            Self::Subscribe => "subscribe to",
            Self::Publish => "publish to",
        }
    }
}

/// What sessions may do that did not log in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Anonymous {
    /// Everything: whoever can connect is on this machine.
    #[default]
    Trusted,
    /// Everything but to end what is others': `wamp.session.kill`, `kill_by_authid`, `kill_by_authrole` and `kill_all`,
    /// `wamp.registration.remove_callee`, `force_reregister` of a procedure that another has.
    Restricted,
}

/// What a session may do.
#[derive(Clone, Debug)]
pub(super) enum Permissions {
    Everything,
    /// All but [`ends_what_is_others`].
    Harmless,
    /// What the role of a user may.
    #[cfg_attr(not(feature = "auth"), allow(dead_code))] // Without logins there are no users.
    Role(Arc<Role>),
}

impl Permissions {
    pub const fn of_anonymous(anonymous: Anonymous) -> Self {
        match anonymous {
            Anonymous::Trusted => Self::Everything,
            Anonymous::Restricted => Self::Harmless,
        }
    }

    /// Who is told to the other end of a call of that procedure, or an event of that topic, even if neither side asks for it.
    pub fn disclosure(&self, name: &Uri) -> Disclosure {
        match self {
            Self::Everything | Self::Harmless => Disclosure::default(),
            Self::Role(role) => role.disclosure(name.as_str()),
        }
    }

    /// Whether it may take a procedure from others (`force_reregister`).
    ///
    /// # Errors
    /// `wamp.error.not_authorized`.
    pub fn check_displacing(&self, procedure: &Uri) -> Result<(), WampError> {
        match self {
            Self::Everything | Self::Role(_) => Ok(()),
            Self::Harmless => {
                let sentence = format!(
                    "force_reregister: expected a procedure that no other session has, got {}",
                    excerpt(procedure.as_str())
                );
                Err(WampError::new(uri::NOT_AUTHORIZED, &sentence))
            }
        }
    }

    fn allow(&self, action: Action, name: &Uri, matching: Match) -> bool {
        match self {
            Self::Everything => true,
            Self::Role(role) => role.allows(action, name.as_str(), matching),
            Self::Harmless => (action, matching) != (Action::Call, Match::Exact) || !ends_what_is_others(name.as_str()),
        }
    }
}

/// Whether the session may do that to a URI, or with a pattern to all URIs that it matches.
///
/// # Errors
/// `wamp.error.not_authorized`.
pub(super) fn authorize(session: &Session, action: Action, name: &Uri, matching: Match) -> Result<(), WampError> {
    if session.identity.permissions.allow(action, name, matching) {
        return Ok(());
    }
    let (role, action) = (&session.identity.authrole, action.name());
    let sentence = format!("expected a role that may {action} {}, got {role:?}", excerpt(name.as_str()));
    Err(WampError::new(uri::NOT_AUTHORIZED, &sentence))
}

fn ends_what_is_others(procedure: &str) -> bool {
    procedure == "wamp.registration.remove_callee" || procedure.starts_with("wamp.session.kill")
}
