//! Users of the embedded router, on the command line: their file, the built-in roles, and the commands that make entries.

mod entries;
mod prompt;
mod roles;
mod store;

use std::path::Path;
use std::sync::Arc;

use super::failure::Failure;
use super::secret::Readers;
use crate::router::users::Directory;
use crate::router::{LoginConfig, RouterConfig};

pub use entries::{keygen, passwd};

/// Has the router ask clients who they are.
///
/// # Errors
/// [`Failure::Input`] or [`Failure::Usage`] when the file cannot be used; [`Failure::System`] without random numbers.
pub fn configure(router: &mut RouterConfig, file: &Path, readers: Readers) -> Result<(), Failure> {
    let users = store::read(file, readers)?;
    let directory = Directory::new(&users, roles::built_in())
        .map_err(|error| Failure::Usage(format!("--users: {}: {error}", file.display())))?;
    let mut seed = [0; 32];
    fill(&mut seed)?;
    router.logins = Some(LoginConfig::new(Arc::new(directory), seed));
    Ok(())
}

/// Random bytes from the kernel.
fn fill(bytes: &mut [u8]) -> Result<(), Failure> {
    getrandom::fill(bytes).map_err(|error| Failure::System {
        what: "draw random numbers".to_owned(),
        error: std::io::Error::other(error),
    })
}
