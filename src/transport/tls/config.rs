//! Certificates and keys from PEM. Pure.

use std::fmt;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::{Error as PemError, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// A certificate with its key, as an end shows it to the other.
#[derive(Clone)]
pub struct Identity {
    /// The certificate, in PEM; behind it those that lead to an authority, if there are any.
    pub chain: Vec<u8>,
    /// The certificate's private key, in PEM: PKCS #8, PKCS #1 or SEC 1, not encrypted.
    pub key: Vec<u8>,
}

/// The key is not shown.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").finish_non_exhaustive()
    }
}

/// Why certificates or keys do not do. Its `Display` says what was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TlsConfigError {
    /// The text of an authority's certificates has none that can be read.
    Authorities(String),
    /// The text of a certificate has none that can be read.
    Certificate(String),
    /// The text of a key has none that can be read.
    Key(String),
    /// The key is not the certificate's.
    Mismatch,
    /// The system keeps no certificates of authorities where they are looked for.
    NoSystemAuthorities(String),
    /// The library refuses the rest.
    Library(String),
}

impl fmt::Display for TlsConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Authorities(got) => write!(f, "expected certificates of authorities in PEM, got {got}"),
            Self::Certificate(got) => write!(f, "expected a certificate in PEM, got {got}"),
            Self::Key(got) => write!(f, "expected an unencrypted private key in PEM, got {got}"),
            Self::Mismatch => f.write_str("expected the certificate's private key, got another one"),
            Self::NoSystemAuthorities(got) => {
                write!(f, "expected certificates of authorities where this system keeps them, got {got}")
            }
            Self::Library(what) => write!(f, "these certificates and keys cannot be used: {what}"),
        }
    }
}

impl std::error::Error for TlsConfigError {}

impl From<rustls::Error> for TlsConfigError {
    fn from(error: rustls::Error) -> Self {
        match error {
            rustls::Error::InconsistentKeys(_) => Self::Mismatch,
            rustls::Error::InvalidCertificate(_) => Self::Certificate("one that cannot be read".to_owned()),
            other => Self::Library(other.to_string()),
        }
    }
}

/// The cryptography.
pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// The authorities of a text.
pub(super) fn authorities(pem: &[u8]) -> Result<RootCertStore, TlsConfigError> {
    let certificates = certificates(pem).map_err(TlsConfigError::Authorities)?;
    let mut store = RootCertStore::empty();
    for certificate in certificates {
        store.add(certificate).map_err(|error| TlsConfigError::Authorities(error.to_string()))?;
    }
    Ok(store)
}

/// What an identity is for the library.
pub(super) fn identity(
    identity: &Identity,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), TlsConfigError> {
    let chain = certificates(&identity.chain).map_err(TlsConfigError::Certificate)?;
    let key = PrivateKeyDer::from_pem_slice(&identity.key).map_err(|error| TlsConfigError::Key(in_words(&error)))?;
    Ok((chain, key))
}

/// The certificates of a text, at least one.
fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match certificates {
        Ok(certificates) if certificates.is_empty() => Err("none".to_owned()),
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(in_words(&error)),
    }
}

/// Without what stands there: it may be part of a key.
fn in_words(error: &PemError) -> String {
    match error {
        PemError::MissingSectionEnd { .. } => "a beginning without an end",
        PemError::IllegalSectionStart { .. } => "a line that begins nothing",
        PemError::Base64Decode(_) => "what is not base64",
        PemError::NoItemsFound => "none",
        _ => "what cannot be read",
    }
    .to_owned()
}
