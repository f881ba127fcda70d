//! A certificate that a peer has shown: what it is, and for which names. Pure.

use rustls::client::verify_server_name;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::ParsedCertificate;

/// A verified certificate of a peer.
#[derive(Clone, Copy, Debug)]
pub struct PeerCertificate<'a>(&'a CertificateDer<'static>);

impl<'a> PeerCertificate<'a> {
    pub(super) const fn new(der: &'a CertificateDer<'static>) -> Self {
        Self(der)
    }

    /// The certificate in DER.
    #[must_use]
    pub fn der(&self) -> &'a [u8] {
        self.0
    }

    /// For which of these DNS names it is: by its alternative names and not its common name, as with servers (RFC 9525).
    #[must_use]
    pub fn names_among<'n>(&self, names: impl Iterator<Item = &'n str>) -> Vec<&'n str> {
        let Ok(parsed) = ParsedCertificate::try_from(self.0) else { return Vec::new() };
        let is_for =
            |name: &&str| ServerName::try_from(*name).is_ok_and(|name| verify_server_name(&parsed, &name).is_ok());
        names.filter(is_for).collect()
    }
}
