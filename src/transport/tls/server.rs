//! A router's end of TLS: who it is, and whose clients it takes. Both can be replaced while it runs.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::server::WebPkiClientVerifier;
use rustls::{ServerConfig, ServerConnection};

use super::config::{Identity, TlsConfigError, authorities, identity, provider};
use super::error::TlsError;
use super::layer::Layer;

/// What a router needs for `wss://` and `rss://`. Clones are the same: what one is given anew, all have.
#[derive(Clone)]
pub struct TlsServer {
    /// For connections that begin. Those that there are keep what they began with.
    config: Arc<Mutex<Arc<ServerConfig>>>,
}

impl TlsServer {
    /// A router that shows this certificate. With authorities for clients, in PEM, it takes only clients that show a
    /// certificate by one of them; without, it asks for none.
    ///
    /// # Errors
    /// [`TlsConfigError`]: what is wrong with the certificates or the key.
    pub fn new(shown: &Identity, clients: Option<&[u8]>) -> Result<Self, TlsConfigError> {
        Ok(Self { config: Arc::new(Mutex::new(config(shown, clients)?)) })
    }

    /// Replaces both for all connections that begin from now on.
    ///
    /// # Errors
    /// [`TlsConfigError`]: what is wrong with the new ones; the old ones hold on.
    pub fn replace(&self, shown: &Identity, clients: Option<&[u8]>) -> Result<(), TlsConfigError> {
        let config = config(shown, clients)?;
        *self.config.lock().unwrap_or_else(PoisonError::into_inner) = config;
        Ok(())
    }

    /// For a connection that was accepted.
    pub(in crate::transport) fn layer(&self) -> Result<Layer, TlsError> {
        let config = Arc::clone(&self.config.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(Layer::new(ServerConnection::new(config)?.into()))
    }
}

impl fmt::Debug for TlsServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsServer").finish_non_exhaustive()
    }
}

fn config(shown: &Identity, clients: Option<&[u8]>) -> Result<Arc<ServerConfig>, TlsConfigError> {
    let provider = provider();
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
    let builder = match clients {
        Some(pem) => {
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(authorities(pem)?), provider)
                .build()
                .map_err(|error| TlsConfigError::Authorities(error.to_string()))?;
            builder.with_client_cert_verifier(verifier)
        }
        None => builder.with_no_client_auth(),
    };
    let (chain, key) = identity(shown)?;
    Ok(Arc::new(builder.with_single_cert(chain, key)?))
}
