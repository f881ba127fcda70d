//! A procedure, and what happens to a call of one.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use super::arguments::{Arguments, Param};
use super::call::Call;
use super::child::ChildOrder;
use super::failure::Failure;
use super::host::Host;
use super::manhole::Order;
use super::outcome::Outcome;
use crate::sampler::{Job, Probe};
use crate::wamp::Payload;
use crate::wamp::options::Caller;

/// A procedure.
pub struct Procedure {
    pub(super) name: Cow<'static, str>,
    pub(super) params: Vec<Param>,
    pub(super) result: Cow<'static, str>,
    pub(super) doc: Cow<'static, str>,
    pub(super) handler: Handler,
}

/// Who answers.
pub(super) enum Handler {
    /// The loop itself, at once.
    Inline(fn(&Call) -> Result<Outcome, Failure>),
    /// The sampler, on its thread.
    Sampler(fn(&mut Probe, &Call) -> Result<Outcome, Failure>),
    /// Whoever knows how the target collects its garbage.
    Garbage,
    /// Whoever holds on to the router.
    Link,
    /// Whoever keeps the manhole.
    Manhole(fn(&Call) -> Result<Order, Failure>),
    /// The supervisor of the child.
    Child(fn(&Call) -> Result<ChildOrder, Failure>),
    /// An embedding program, on the loop's thread.
    Custom(Box<CustomHandler>),
}

/// A procedure of an embedding program. It runs on the thread of the loop, so it must not wait.
pub type CustomHandler = dyn Fn(&Arguments) -> Result<Value, Failure> + Send;

/// What a call leads to.
pub enum Step {
    /// It is done.
    Done(Outcome),
    /// The sampler must do this.
    Ask(Job<Result<Outcome, Failure>>),
    /// The target's garbage is to be collected.
    Garbage,
    /// It is about the connection to the router.
    Link,
    /// Whoever keeps the manhole must do this.
    Manhole(Order),
    /// The supervisor of the child must do this.
    Child(ChildOrder),
}

impl Procedure {
    /// A procedure of an embedding program. `handler` runs on the thread of the loop, so it must not wait.
    #[must_use]
    pub fn custom(
        name: impl Into<Cow<'static, str>>,
        params: Vec<Param>,
        doc: impl Into<Cow<'static, str>>,
        handler: Box<CustomHandler>,
    ) -> Self {
        let handler = Handler::Custom(handler);
        Self { name: name.into(), params, result: Cow::Borrowed("any"), doc: doc.into(), handler }
    }

    /// The last component of its URI.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its parameters as in a signature: `cpus, relative=true`.
    #[must_use]
    pub fn signature(&self) -> String {
        let params: Vec<String> = self.params.iter().map(ToString::to_string).collect();
        params.join(", ")
    }

    /// The type of its result.
    #[must_use]
    pub fn result(&self) -> &str {
        &self.result
    }

    /// Its parameters.
    #[must_use]
    pub fn params(&self) -> &[Param] {
        &self.params
    }

    /// One sentence.
    #[must_use]
    pub fn doc(&self) -> &str {
        &self.doc
    }

    /// Takes the first step of a call.
    ///
    /// # Errors
    /// [`Failure`]; nothing was changed.
    pub fn call(&self, host: &Arc<Host>, caller: &Caller, payload: &Payload) -> Result<Step, Failure> {
        let arguments = Arguments::parse(&self.params, payload)?;
        let call = |arguments| Call { host: Arc::clone(host), arguments, caller: caller.clone() };
        match &self.handler {
            Handler::Inline(answer) => answer(&call(arguments)).map(Step::Done),
            Handler::Sampler(answer) => {
                let (answer, call) = (*answer, call(arguments));
                Ok(Step::Ask(Box::new(move |probe| answer(probe, &call))))
            }
            Handler::Garbage => Ok(Step::Garbage),
            Handler::Link => Ok(Step::Link),
            Handler::Manhole(order) => order(&call(arguments)).map(Step::Manhole),
            Handler::Child(order) => order(&call(arguments)).map(Step::Child),
            Handler::Custom(handler) => handler(&arguments).map(|value| Step::Done(Outcome::of(&value))),
        }
    }
}

impl fmt::Debug for Procedure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({}) -> {}", self.name, self.signature(), self.result)
    }
}
