//! Asks a child's supervisor, and answers with what it says.

use std::collections::HashMap;

use super::builder::AgentBuilder;
use super::dispatch::{Dispatcher, Origin};
use super::handle::Letter;
use crate::api::child::{ChildOrder, NO_CHILD, OutputForm};
use crate::api::{Failure, Topic};
use crate::supervisor::{Answer, Control, Output, Refusal, Request};
use crate::sync::mailbox::Post;
use crate::sync::ticket::Ticket;
use crate::wamp::Payload;
use crate::wamp::session::Session;

impl AgentBuilder {
    /// The agent is about a child, which its supervisor starts when the agent begins to run. When the supervisor says that no
    /// other will follow, the agent ends; the agent's own end leaves the child alone.
    #[must_use]
    pub fn child(mut self, control: Control) -> Self {
        self.child = Some(control);
        self
    }
}

/// The child's supervisor, and who waits for its answers.
#[derive(Debug, Default)]
pub(super) struct Child {
    control: Option<Control>,
    asked: HashMap<Ticket, (Origin, OutputForm)>,
}

impl Child {
    pub fn new(control: Option<Control>) -> Self {
        Self { control, asked: HashMap::new() }
    }

    /// Has it started, if there is one.
    pub fn begin(&self, reports: &Post<Letter>) {
        if let Some(control) = &self.control {
            control.begin(reports.clone());
        }
    }

    /// The session of those who asked over WAMP is over.
    pub fn forget_callers(&mut self) {
        self.asked.retain(|_, (origin, _)| !matches!(origin, Origin::Invocation { .. }));
    }
}

impl Dispatcher {
    /// Hands an order to the supervisor; the answer comes with a later report.
    pub(super) fn order_child(&mut self, session: Option<&mut Session>, origin: Origin, order: ChildOrder) {
        let ChildOrder { order, form } = order;
        let ticket = self.next_ticket();
        let asked = match &self.supervision.child.control {
            Some(control) => control.ask(Request { ticket, order }).map_err(Failure::from),
            None => Err(Failure::FeatureUnavailable(NO_CHILD.to_owned())),
        };
        match asked {
            Ok(()) => {
                self.supervision.child.asked.insert(ticket, (origin, form));
            }
            Err(failure) => self.settle(session, origin, Err(failure)),
        }
    }

    /// What came of an order. The events that it caused go out before.
    pub(super) fn child_answered(
        &mut self,
        mut session: Option<&mut Session>,
        ticket: Ticket,
        answer: Result<Answer, Refusal>,
    ) {
        if let Some(session) = session.as_deref_mut() {
            self.publish_held(session);
        }
        // Calls of a session that ended are forgotten.
        if let Some((origin, form)) = self.supervision.child.asked.remove(&ticket) {
            self.settle(session, origin, answer.map(|answer| form.outcome(&answer)).map_err(Failure::from));
        }
    }

    /// The child wrote something.
    pub(super) fn child_wrote(&mut self, session: Option<&mut Session>, output: &Output) {
        self.announce(session, Topic::ProcessOutput, None, &Payload::of(output));
    }
}
