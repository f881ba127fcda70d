//! A procedure, and what happens to a call of one.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use super::arguments::{Arguments, Param};
use super::child::ChildOrder;
use super::failure::Failure;
use super::host::Host;
use super::manhole::Order;
use super::outcome::Outcome;
use super::procedures;
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

/// One call, as a procedure sees it.
#[derive(Debug)]
pub(super) struct Call {
    pub host: Arc<Host>,
    pub arguments: Arguments,
    pub caller: Caller,
}

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

/// The procedures of one agent: the built-in ones, then those of the embedding program.
#[derive(Debug)]
pub struct Api {
    procedures: Vec<Procedure>,
}

impl Default for Api {
    fn default() -> Self {
        Self { procedures: procedures::builtin() }
    }
}

impl Api {
    /// Adds a procedure; false when one of that name is there already.
    pub fn add(&mut self, procedure: Procedure) -> bool {
        let is_new = self.procedures.iter().all(|known| known.name != procedure.name);
        if is_new {
            self.procedures.push(procedure);
        }
        is_new
    }

    /// All procedures, in the order of the documentation.
    #[must_use]
    pub fn procedures(&self) -> &[Procedure] {
        &self.procedures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_one_line_documented() {
        let api = Api::default();
        let names: std::collections::HashSet<_> = api.procedures().iter().map(Procedure::name).collect();
        assert_eq!(names.len(), api.procedures().len());
        assert!(api.procedures().iter().all(|procedure| !procedure.doc().contains('\n')));
    }

    #[test]
    fn a_second_procedure_of_a_name_is_refused() {
        let mut api = Api::default();
        let custom = |name: &'static str| Procedure::custom(name, Vec::new(), "", Box::new(|_| Ok(Value::Null)));
        assert!(!api.add(custom("utcnow")));
        assert!(api.add(custom("add2")));
        assert!(!api.add(custom("add2")));
    }
}
