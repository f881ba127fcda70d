//! Users of the embedded router, on the command line: their file, the built-in roles, and the commands that make entries.

mod entries;
mod names;
mod prompt;
mod roles;
mod source;
mod store;

use super::failure::Failure;

pub use entries::{keygen, passwd};
pub use source::{Source, Way};

/// Random bytes from the kernel.
fn fill(bytes: &mut [u8]) -> Result<(), Failure> {
    getrandom::fill(bytes).map_err(|error| Failure::System {
        what: "draw random numbers".to_owned(),
        error: std::io::Error::other(error),
    })
}
