//! How `serve` and `join` run their agent, and how they end: by a signal, with the process that they are about, or as their
//! child did.

use super::failure::Failure;
use super::given::Process;
use super::notice;
use super::signals::Signals;
use crate::agent::{AgentBuilder, Ending};
use crate::supervisor::End;

/// Makes the agent, does what is to be done before it runs, and runs it. What `before` makes lives as long as the agent.
///
/// # Errors
/// [`Failure`]; with a child every one that comes before its start is a [`Failure::BeforeChild`].
pub fn run<S>(
    process: &Process<'_>,
    builder: AgentBuilder,
    before: impl FnOnce() -> Result<S, Failure>,
) -> Result<(), Failure> {
    let builder = process.agent.configure(builder)?;
    // Before any thread.
    if let Some(child) = process.child.supervise(process.hangup)? {
        let builder = process.target.configure_with_child(child.configure(builder))?;
        let agent = builder.build().map_err(|error| Failure::before_child(error.into()))?;
        let _kept = before().map_err(Failure::before_child)?;
        return child.end(agent.run());
    }
    let signals = Signals::catch()?;
    let builder = notice::configure(process.target.configure(builder)?)?;
    let agent = builder.build()?;
    let _kept = before()?;
    let stopper = agent.stopper();
    signals.then(move || stopper.stop());
    of(agent.run()?)
}

/// What an agent's end means for the command.
fn of(ending: Ending) -> Result<(), Failure> {
    match ending {
        Ending::Stopped | Ending::Target(End::Ended) => Ok(()),
        Ending::Target(End::Failed(error)) => Err(Failure::System { what: "watch the process".to_owned(), error }),
    }
}
