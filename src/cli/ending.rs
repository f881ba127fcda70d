//! How `serve` and `join` end when nothing went wrong with the agent itself.

use super::failure::Failure;
use crate::agent::Ending;
use crate::supervisor::End;

/// What an agent's end means for the command.
pub fn of(ending: Ending) -> Result<(), Failure> {
    match ending {
        Ending::Stopped | Ending::Target(End::Ended) => Ok(()),
        Ending::Target(End::Failed(error)) => Err(Failure::System { what: "watch the process".to_owned(), error }),
    }
}
