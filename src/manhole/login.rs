//! The login of one connection: asks the users, delays what is refused, logs what came of it.

use std::time::{Duration, Instant};

use super::USERS_LOG;
use super::credentials::Users;
use crate::ssh::{Credential, Method, Verdict};

/// How long a refused password is thought about. Nobody sleeps for that; only the connection's answer waits. It covers up
/// what the comparison took, too.
const REFUSAL_DELAY: Duration = Duration::from_secs(1);

/// A login, from the connection to its end or to the end of patience.
#[derive(Debug)]
pub(super) struct Login {
    address: String,
    /// When it must hold.
    grace: Option<Instant>,
    /// When the refusal of a password may be told.
    refusal: Option<Instant>,
    user: Option<String>,
}

impl Login {
    pub fn new(address: String, grace: Instant) -> Self {
        Self { address, grace: Some(grace), refusal: None, user: None }
    }

    /// The verdict on what somebody wants to log in with, unless it has to wait: then [`Login::due`] has it later.
    pub fn decide(&mut self, users: &Users, user: &str, credential: &Credential, now: Instant) -> Option<Verdict> {
        match credential {
            // A key cannot be guessed, and clients offer all that they have: no delay.
            Credential::Key(key) if users.key_holds(user, key) => Some(Verdict::Accept),
            Credential::Key(key) => {
                log::info!("{user} from {}: the key {} is none of theirs", self.address, key.fingerprint());
                Some(Verdict::Refuse)
            }
            Credential::Password(password) if users.password_holds(user, password.expose()) => Some(Verdict::Accept),
            Credential::Password(_) => {
                log::warn!("{user} from {}: wrong password, or no such user", self.address);
                self.refusal = Some(now + REFUSAL_DELAY);
                None
            }
        }
    }

    /// The login holds.
    pub fn succeeded(&mut self, user: &str, method: Method, client: &str) {
        log::info!(target: USERS_LOG, "{user} from {} logged in by {} with {client}", self.address, method.name());
        (self.grace, self.user) = (None, Some(user.to_owned()));
    }

    /// Whether somebody is in.
    pub const fn is_done(&self) -> bool {
        self.user.is_some()
    }

    /// A refusal whose time has come.
    pub fn due(&mut self, now: Instant) -> Option<Verdict> {
        let is_due = self.refusal.is_some_and(|at| now >= at);
        is_due.then(|| {
            self.refusal = None;
            Verdict::Refuse
        })
    }

    /// Whether the login took too long.
    pub fn is_overdue(&self, now: Instant) -> bool {
        self.grace.is_some_and(|end| now >= end)
    }

    /// When [`Login::due`] or [`Login::is_overdue`] will have something.
    pub fn deadline(&self) -> Option<Instant> {
        crate::sync::wait::earlier(self.grace, self.refusal)
    }

    /// Who it is, for the log.
    pub fn who(&self) -> String {
        match &self.user {
            Some(user) => format!("{user} from {}", self.address),
            None => format!("somebody from {}", self.address),
        }
    }
}
