//! What goes wrong in TLS, in sentences.

use std::fmt;
use std::io;

use rustls::pki_types::{ServerName, UnixTime};
use rustls::{AlertDescription, CertificateError, Error, PeerIncompatible};

/// Why TLS came to nothing, or to an end. Its `Display` is a sentence for the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TlsError {
    /// The URL's host is neither a name nor an address that a certificate could have.
    NoName(String),
    /// There is nobody to trust.
    NoTrust(String),
    /// The other end's certificate does not do.
    Certificate(String),
    /// The other end does not speak TLS; what came instead.
    NotTls(&'static str),
    /// The other end refuses us, by this alert (RFC 8446, 6).
    Alert(String),
    /// There is no version, cipher or signature that both ends know.
    Incompatible(String),
    /// The other end hung up in the handshake.
    Unfinished,
    /// The other end hung up without `close_notify`: somebody may have cut off what it said last.
    Truncated,
    /// The other end broke the protocol.
    Violation(String),
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoName(host) => write!(f, "expected a host that a certificate can name, got {host:?}"),
            Self::NoTrust(sentence) | Self::Certificate(sentence) => f.write_str(sentence),
            Self::NotTls(got) => write!(f, "expected TLS, got {got}"),
            Self::Alert(alert) => write!(f, "the peer refuses TLS with us: {alert}"),
            Self::Incompatible(what) => write!(f, "no TLS that both ends can speak: {what}"),
            Self::Unfinished => f.write_str("expected a TLS handshake, got the end of the connection"),
            Self::Truncated => {
                f.write_str("the peer hung up without TLS's close_notify, so its last words may be missing")
            }
            Self::Violation(what) => write!(f, "the peer broke TLS: {what}"),
        }
    }
}

impl std::error::Error for TlsError {}

impl From<Error> for TlsError {
    fn from(error: Error) -> Self {
        match error {
            Error::InvalidCertificate(error) => Self::Certificate(about_certificate(&error)),
            Error::NoCertificatesPresented => {
                Self::Certificate("expected a certificate of the peer, got none".to_owned())
            }
            Error::AlertReceived(alert) => Self::Alert(about_alert(alert)),
            // A client of TLS 1.1 is told by what its greeting lacks, before its version is looked at.
            Error::PeerIncompatible(
                PeerIncompatible::Tls12NotOfferedOrEnabled | PeerIncompatible::SignatureAlgorithmsExtensionRequired,
            ) => Self::Incompatible("expected TLS 1.2 or 1.3, got an older version".to_owned()),
            Error::PeerIncompatible(what) => Self::Incompatible(format!("{what:?}")),
            other => Self::Violation(other.to_string()),
        }
    }
}

/// Through the layers that know nothing of TLS.
impl From<TlsError> for io::Error {
    fn from(error: TlsError) -> Self {
        Self::new(io::ErrorKind::InvalidData, error)
    }
}

/// Which flag says who is trusted: of a client, of a router.
const TRUSTED_BY: &str = "(--ca, of clients --tls-client-ca)";

fn about_certificate(error: &CertificateError) -> String {
    match error {
        CertificateError::ExpiredContext { time, not_after } => {
            format!(
                "expected a certificate that is still valid, got one that expired on {}{}",
                date(*not_after),
                late(*time)
            )
        }
        CertificateError::NotValidYetContext { time, not_before } => format!(
            "expected a certificate that is valid already, got one that will be on {}{}",
            date(*not_before),
            late(*time)
        ),
        CertificateError::Expired => "expected a certificate that is still valid, got one that has expired".to_owned(),
        CertificateError::NotValidYet => "expected a certificate that is valid already, got a future one".to_owned(),
        CertificateError::NotValidForNameContext { expected, presented } => {
            format!("expected a certificate of {}, got one of {}", name(expected), names(presented))
        }
        CertificateError::NotValidForName => "expected a certificate of that host, got another's".to_owned(),
        CertificateError::UnknownIssuer => {
            format!("expected a certificate by an authority that is trusted here, got one by another {TRUSTED_BY}")
        }
        // There is an authority of the issuer's name, with another key. With a key of another kind it is the first of these.
        CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } | CertificateError::BadSignature => {
            format!(
                "expected a certificate by an authority that is trusted here, got one by another of the same name \
                 {TRUSTED_BY}"
            )
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "expected a certificate for this end of a connection, got one for another purpose".to_owned()
        }
        CertificateError::Revoked => "expected a certificate that holds, got one that was revoked".to_owned(),
        // The library has no name for it that it shows, and it is what openssl(1) makes unless it is told otherwise.
        other if format!("{other:?}").contains("CaUsedAsEndEntity") => {
            "expected a certificate of an end, got one of an authority (make it with basicConstraints=CA:FALSE)"
                .to_owned()
        }
        other => {
            // Its name alone: what stands behind it is for programmers.
            let other = format!("{other:?}");
            let name = other.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
            format!("expected a certificate that can be checked, got a faulty one: {name}")
        }
    }
}

/// Alerts that a user can do something about, by what they mean here.
fn about_alert(alert: AlertDescription) -> String {
    match alert {
        AlertDescription::CertificateRequired => "it expects a certificate of ours, and got none",
        AlertDescription::UnknownCA => "it does not trust the authority that issued our certificate",
        AlertDescription::CertificateExpired => "our certificate has expired",
        AlertDescription::BadCertificate
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateRevoked
        | AlertDescription::DecryptError => "it does not accept our certificate",
        AlertDescription::ProtocolVersion => "it wants another version of TLS than 1.2 or 1.3",
        AlertDescription::UnrecognisedName => "it does not know the host's name",
        other => return format!("alert {other:?}"),
    }
    .to_owned()
}

fn name(name: &ServerName<'_>) -> String {
    name.to_str().into_owned()
}

/// The names in a certificate, which the library writes as `DnsName("a.example")` and `IpAddress(192.0.2.1)`.
fn names(presented: &[String]) -> String {
    const MOST: usize = 5;
    let mut names: Vec<&str> = presented.iter().map(|name| bare(name)).take(MOST).collect();
    if presented.len() > MOST {
        names.push("…");
    }
    if names.is_empty() { "nobody".to_owned() } else { names.join(", ") }
}

/// What stands in the brackets, without its quotes.
fn bare(name: &str) -> &str {
    let inside = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    inside.unwrap_or(name).trim_matches('"')
}

fn date(time: UnixTime) -> String {
    let time = std::time::UNIX_EPOCH.checked_add(std::time::Duration::from_secs(time.as_secs()));
    time.map_or_else(|| "a day far away".to_owned(), |time| humantime::format_rfc3339_seconds(time).to_string())
}

/// What our own clock says: it may be that which is wrong.
fn late(now: UnixTime) -> String {
    format!(" (it is {} here)", date(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As with Debian's own certificate of localhost among those of the system, and another one before us.
    #[test]
    fn an_authority_of_the_same_name_is_another() {
        let other_kind = CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext {
            signature_algorithm_id: vec![1],
            public_key_algorithm_id: vec![2],
        };
        for error in [other_kind, CertificateError::BadSignature] {
            let told = TlsError::from(Error::InvalidCertificate(error)).to_string();
            assert!(told.contains("trusted here, got one by another of the same name (--ca"), "{told}");
        }
    }
}
