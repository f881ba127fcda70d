//! What a build without the manhole has in its place: nothing to keep, nobody who asks.

use super::AgentError;
use super::dispatch::{Dispatcher, Origin};
use super::handle::Letter;
use crate::api::manhole::Order;
use crate::api::{Api, Failure, Outcome};
use crate::sync::mailbox::Post;
use crate::wamp::Payload;
use crate::wamp::session::Session;

/// What a manhole would send.
#[derive(Debug)]
pub(super) enum Report {}

/// Who would ask.
#[derive(Debug)]
pub(super) enum Reply {}

impl Reply {
    pub fn send(self, _: Result<Outcome, Failure>) {
        match self {}
    }
}

/// What would be known about it beforehand.
#[derive(Debug, Default)]
pub(super) struct Plan {}

/// Who would keep it.
pub(super) struct Keeper;

impl Keeper {
    // The other build's can fail.
    #[allow(clippy::unnecessary_wraps)]
    pub fn new(_: Plan, _: &Api, _: &str, _: Post<Letter>) -> Result<Self, AgentError> {
        Ok(Self)
    }

    pub fn tell(&mut self, _: &str, _: &Payload) {}

    pub fn forget_callers(&mut self) {}
}

impl Dispatcher {
    pub(super) fn boot(&mut self) {}

    pub(super) fn order(&mut self, _: Option<&mut Session>, _: Origin, order: Order) {
        match order {}
    }

    pub(super) fn report(&mut self, _: Option<&mut Session>, report: Report) {
        match report {}
    }
}
