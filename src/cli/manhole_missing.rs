//! The manhole's flags in a build without it: a usage error that names the feature.

use std::ffi::OsStr;

use super::failure::Failure;
use crate::agent::AgentBuilder;

/// The target of log records about what the manhole's users do, if there can be any.
pub const USERS_LOG: Option<&str> = None;

/// Nothing can be said.
#[derive(Debug, Default)]
pub struct Manhole;

const MISSING: &str = "this program was built without the manhole: build it with the cargo feature \"manhole\"";

impl Manhole {
    /// Not in this build.
    ///
    /// # Errors
    /// Always.
    pub fn set_config(&mut self, _: &OsStr) -> Result<(), String> {
        Err(MISSING.to_owned())
    }

    /// Not in this build.
    ///
    /// # Errors
    /// Always.
    pub fn set_state_directory(&mut self, _: &OsStr) -> Result<(), String> {
        Err(MISSING.to_owned())
    }

    /// There is nothing to read.
    pub const fn allow_readers(&mut self) {}

    /// Tells the builder nothing.
    ///
    /// # Errors
    /// Never.
    #[allow(clippy::unnecessary_wraps)] // As in the other builds.
    pub fn configure(&self, builder: AgentBuilder) -> Result<AgentBuilder, Failure> {
        Ok(builder)
    }
}
