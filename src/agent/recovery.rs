//! What follows a connection that failed or was lost: another attempt, or the end.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::time::Instant;

use super::AgentError;
use super::builder::Patience;
use super::connector::Connector;
use super::link_change::LinkChange;
use super::reconnect::{Obstacle, Retry};
use super::run::{Agent, Connection, Joined};
use crate::link::LinkError;
use crate::wamp::error::uri::CLOSE_NORMAL;

/// Reasons of an ABORT that trying again does not mend (*Predefined URIs*, and those of Crossbar.io). Any other, like that of
/// a router which shuts down, may be over the next time.
const FINAL_REFUSALS: [&str; 12] = [
    "wamp.error.authentication_denied",
    "wamp.error.authentication_failed",
    "wamp.error.authentication_required",
    "wamp.error.authorization_denied",
    "wamp.error.authorization_required",
    "wamp.error.invalid_uri",
    "wamp.error.no_auth_method",
    "wamp.error.no_matching_auth_method",
    "wamp.error.no_such_principal",
    "wamp.error.no_such_realm",
    "wamp.error.no_such_role",
    "wamp.error.not_authorized",
];

impl Agent {
    /// What to do after a failure: another attempt, or the end.
    pub(super) fn recover(
        &mut self,
        error: AgentError,
        mut failed: Option<Box<Joined>>,
        now: Instant,
    ) -> Result<Connection, AgentError> {
        if let Some(failed) = &failed {
            self.dispatcher.status.measured(failed.link.load());
        }
        self.dispatcher.session_ended();
        if self.is_to_end(now) {
            log::debug!("ended without a GOODBYE: {error}");
            return Ok(Connection::Over);
        }
        let AgentError::Link(error) = error else {
            if let Some(failed) = &mut failed {
                // The connection is well, it is we who give up; whether the router hears it does not matter any more.
                failed.link.leave(CLOSE_NORMAL, now);
                let _ = failed.link.flush(now);
            }
            return Err(error);
        };
        let is_final = match &error {
            LinkError::Refused(closing) => FINAL_REFUSALS.contains(&closing.reason.as_str()),
            _ => matches!(self.connector, Connector::Embedded(_)),
        };
        let reason = error.to_string();
        self.dispatcher.status.failed(reason.clone());
        if is_final {
            return Err(error.into());
        }
        let met = match &error {
            LinkError::Unreachable(error) if error.is_absence() => Obstacle::Absence,
            _ => Obstacle::Rejection,
        };
        let retry = self.reconnect.next(met, now, chance());
        if self.patience == Patience::OneAttempt && (retry.begins_round || self.sessions > 0) {
            return Err(error.into());
        }
        self.log(&reason, retry);
        self.tell(LinkChange::Waiting { reason: &reason, delay: retry.delay });
        Ok(Connection::Waiting { until: now + retry.delay, failed })
    }

    /// Says what failed and what follows. What goes on failing in the same way for days is told once.
    fn log(&mut self, reason: &str, retry: Retry) {
        let level = if self.told == reason { log::Level::Debug } else { log::Level::Warn };
        reason.clone_into(&mut self.told);
        match self.connector.url(retry.router) {
            Some(url) if retry.delay.is_zero() => log::log!(level, "{reason}; trying {url}"),
            _ => log::log!(level, "{reason}; trying again in {:.1} s", retry.delay.as_secs_f64()),
        }
    }

    /// Tells the embedding program.
    pub(super) fn tell(&mut self, change: LinkChange<'_>) {
        for observer in &mut self.observers {
            observer(change);
        }
    }
}

/// A number from 0 to 1 that differs between processes and calls.
fn chance() -> f64 {
    let drawn = RandomState::new().hash_one(0_u8) >> 32;
    f64::from(u32::try_from(drawn).unwrap_or_default()) / f64::from(u32::MAX)
}
