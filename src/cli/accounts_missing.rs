//! Users of the embedded router in a build without logins: a usage error that names the feature.

use std::path::Path;

use super::failure::Failure;
use super::given::Account;
use super::reload::Reloadable;
use super::secret::Readers;
use crate::router::RouterConfig;
use crate::server::Server;

fn missing() -> Failure {
    Failure::Usage("this program was built without logins: build it with the cargo feature \"auth\"".to_owned())
}

/// What clients can come by that says who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// A Unix socket.
    UnixSocket,
    /// TLS with a certificate of theirs.
    Certificate,
}

/// A file of users.
#[derive(Clone, Debug)]
pub struct Source;

impl Source {
    /// Of no use.
    #[must_use]
    pub const fn new(_: &Path, _: Readers, _: &[Way]) -> Self {
        Self
    }

    /// Not in this build.
    ///
    /// # Errors
    /// Always.
    pub fn configure(&self, _: &mut RouterConfig) -> Result<(), Failure> {
        Err(missing())
    }

    /// Nothing.
    #[must_use]
    pub const fn reloadable(self, _: &Server) -> Option<Reloadable> {
        None
    }
}

/// Not in this build.
///
/// # Errors
/// Always.
pub fn passwd(_: &Account, _: &str) -> Result<(), Failure> {
    Err(missing())
}

/// Not in this build.
///
/// # Errors
/// Always.
pub fn keygen(_: &Account, _: &Path) -> Result<(), Failure> {
    Err(missing())
}
