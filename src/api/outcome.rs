//! What came of a procedure: its result, and the event that it causes.

use serde::Serialize;

use super::topics::Topic;
use crate::wamp::Payload;

/// What a procedure that succeeded has to say, and to whom. The event goes out before the result.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The result: one positional value.
    pub result: Payload,
    /// The event, if it causes one.
    pub event: Option<(Topic, Payload)>,
}

impl Outcome {
    /// A result without an event.
    #[must_use]
    pub fn of(value: &impl Serialize) -> Self {
        Self { result: Payload::of(value), event: None }
    }

    /// With an event, whose only argument is `value`.
    #[must_use]
    pub(super) fn with_event(mut self, topic: Topic, value: &impl Serialize) -> Self {
        self.event = Some((topic, Payload::of(value)));
        self
    }
}
