//! A client's end of TLS: whom it trusts, and who it is.

use std::fmt;
use std::io;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, RootCertStore, SignatureScheme};

use super::config::{Identity, TlsConfigError, authorities, identity, provider};
use super::error::TlsError;
use super::layer::Layer;

/// Whose routers a client believes to be who they say.
#[derive(Clone, Copy, Debug, Default)]
pub enum Trust<'a> {
    /// Those with a certificate by an authority of this system: those of `SSL_CERT_FILE` and `SSL_CERT_DIR` if one of them is
    /// set in the environment, else those where systems keep them, like `/etc/ssl/certs`.
    #[default]
    System,
    /// Those with a certificate by one of these authorities, in PEM, and no others.
    Authorities(&'a [u8]),
    /// Anybody: whoever sits between can read and change everything. For tests.
    Anybody,
}

/// What a client needs for `wss://` and `rss://`. Clones share what routers gave to begin the next session sooner.
#[derive(Clone)]
pub struct TlsClient {
    config: Arc<ClientConfig>,
    believes_anybody: bool,
}

impl TlsClient {
    /// A client that trusts so, and shows this certificate to a router that asks for one.
    ///
    /// # Errors
    /// [`TlsConfigError`]: what is wrong with the certificates or the key.
    pub fn new(trust: Trust<'_>, shown: Option<&Identity>) -> Result<Self, TlsConfigError> {
        let provider = provider();
        let builder =
            ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
        let builder = match trust {
            Trust::System => builder.with_root_certificates(system()?),
            Trust::Authorities(pem) => builder.with_root_certificates(authorities(pem)?),
            Trust::Anybody => {
                builder.dangerous().with_custom_certificate_verifier(Arc::new(BelievesAnybody { provider }))
            }
        };
        let config = match shown {
            Some(shown) => {
                let (chain, key) = identity(shown)?;
                builder.with_client_auth_cert(chain, key)?
            }
            None => builder.with_no_client_auth(),
        };
        Ok(Self { config: Arc::new(config), believes_anybody: matches!(trust, Trust::Anybody) })
    }

    /// A client that trusts whom the system trusts.
    pub(in crate::transport) fn of_system() -> io::Result<Self> {
        Self::new(Trust::System, None).map_err(|error| TlsError::NoTrust(error.to_string()).into())
    }

    /// For a connection to a router of that name or address.
    pub(in crate::transport) fn layer(&self, host: &str) -> Result<Layer, TlsError> {
        let name = ServerName::try_from(host.to_owned()).map_err(|_| TlsError::NoName(host.to_owned()))?;
        if self.believes_anybody {
            log::warn!("{host}: nobody checks the router's certificate: this connection is not secure");
        }
        Ok(Layer::new(ClientConnection::new(Arc::clone(&self.config), name)?.into()))
    }
}

impl fmt::Debug for TlsClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsClient").field("believes_anybody", &self.believes_anybody).finish_non_exhaustive()
    }
}

/// The system's authorities. One that cannot be read is passed over, as everybody does: there are some, on old systems.
fn system() -> Result<RootCertStore, TlsConfigError> {
    let found = rustls_native_certs::load_native_certs();
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(found.certs);
    if store.is_empty() {
        let error = found.errors.first().map_or_else(|| "none".to_owned(), ToString::to_string);
        return Err(TlsConfigError::NoSystemAuthorities(error));
    }
    Ok(store)
}

/// Takes every certificate. That its owner has the key is checked all the same.
#[derive(Debug)]
struct BelievesAnybody {
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for BelievesAnybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
