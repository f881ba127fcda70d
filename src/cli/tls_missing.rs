//! The flags about TLS in a build without it: usage errors that name the feature.

use std::ffi::OsStr;

use super::failure::Failure;
use crate::transport::tls::{TlsClient, TlsServer};
use crate::transport::url::Url;

const MISSING: &str = "this program was built without TLS: build it with the cargo feature \"tls\"";

/// What a client can be told: nothing that does any good.
#[derive(Debug, Default)]
pub struct ClientFlags {
    believes_anybody: bool,
}

/// What a router can be told: nothing.
#[derive(Clone, Debug, Default)]
pub struct ServerFlags {}

impl ClientFlags {
    /// Not in this build.
    ///
    /// # Errors
    /// Always.
    pub fn set_authorities(&mut self, _: &OsStr) -> Result<(), String> {
        Err(MISSING.to_owned())
    }

    /// Not in this build.
    ///
    /// # Errors
    /// Always.
    pub fn set_certificate(&mut self, _: &OsStr) -> Result<(), String> {
        Err(MISSING.to_owned())
    }

    /// Not in this build.
    ///
    /// # Errors
    /// Always.
    pub fn set_key(&mut self, _: &OsStr) -> Result<(), String> {
        Err(MISSING.to_owned())
    }

    /// Not in this build, which [`ClientFlags::resolve`] says.
    pub fn believe_anybody(&mut self) {
        self.believes_anybody = true;
    }

    /// Nothing.
    ///
    /// # Errors
    /// [`Failure::Usage`] when a flag says that there should be something.
    pub fn resolve(&self, _: &[Url]) -> Result<Option<TlsClient>, Failure> {
        if self.believes_anybody { Err(Failure::Usage(format!("--tls-insecure: {MISSING}"))) } else { Ok(None) }
    }
}

impl ServerFlags {
    /// Not in this build.
    ///
    /// # Errors
    /// Always.
    pub fn set_certificate(&mut self, _: &OsStr) -> Result<(), String> {
        Err(MISSING.to_owned())
    }

    /// Not in this build.
    ///
    /// # Errors
    /// Always.
    pub fn set_key(&mut self, _: &OsStr) -> Result<(), String> {
        Err(MISSING.to_owned())
    }

    /// Not in this build.
    ///
    /// # Errors
    /// Always.
    pub fn set_authorities(&mut self, _: &OsStr) -> Result<(), String> {
        Err(MISSING.to_owned())
    }

    /// Never.
    #[must_use]
    pub const fn is_given(&self) -> bool {
        false
    }

    /// Never.
    #[must_use]
    pub const fn asks_clients(&self) -> bool {
        false
    }

    /// Nothing.
    ///
    /// # Errors
    /// None in this build.
    #[allow(clippy::unnecessary_wraps)] // As in a build with TLS.
    pub fn load(&self) -> Result<Option<TlsServer>, Failure> {
        Ok(None)
    }

    /// Nothing.
    ///
    /// # Errors
    /// None in this build.
    #[allow(clippy::unnecessary_wraps)] // As in a build with TLS.
    pub fn reload(&self, _: &TlsServer) -> Result<(), Failure> {
        Ok(())
    }
}
