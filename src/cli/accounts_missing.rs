//! Users of the embedded router in a build without logins: a usage error that names the feature.

use std::path::Path;

use super::failure::Failure;
use super::given::Account;
use super::secret::Readers;
use crate::router::RouterConfig;

fn missing() -> Failure {
    Failure::Usage("this program was built without logins: build it with the cargo feature \"auth\"".to_owned())
}

/// Not in this build.
///
/// # Errors
/// Always.
pub fn configure(_: &mut RouterConfig, _: &Path, _: Readers) -> Result<(), Failure> {
    Err(missing())
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
