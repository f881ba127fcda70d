//! What a router's driver knows of a peer without asking it: who the kernel says is at the other end of a Unix socket, or which
//! certificate was verified by TLS. Pure.

use std::fmt;

use sha2::{Digest, Sha256};

/// What a login by the kernel's word is called on the wire.
pub(super) const LOCAL: &str = "local";

/// And one by a certificate.
pub(super) const TLS: &str = "tls";

/// What is known of a peer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Evidence {
    /// Nothing but what it says itself.
    #[default]
    None,
    /// It is a process of this machine: unix(7), `SO_PEERCRED` and `SO_PEERGROUPS`.
    Process {
        /// Its effective user.
        user: u32,
        /// Its effective group.
        group: u32,
        /// Its supplementary groups.
        groups: Vec<u32>,
    },
    /// It has the private key of a certificate that an authority for clients has issued.
    Certificate {
        /// Of the certificate.
        fingerprint: Fingerprint,
        /// Which of [`super::Router::certificate_names`] the certificate is for.
        names: Vec<String>,
    },
}

impl Evidence {
    /// What a login by it is called on the wire.
    pub(super) const fn method(&self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Process { .. } => Some(LOCAL),
            Self::Certificate { .. } => Some(TLS),
        }
    }
}

/// SHA-256 of a certificate in DER.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Of a certificate in DER.
    #[must_use]
    pub fn of(certificate: &[u8]) -> Self {
        Self(Sha256::digest(certificate).into())
    }

    /// From hex, with or without colons between the bytes, as openssl(1) prints it.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let digits: String = if text.contains(':') {
            let parts: Vec<&str> = text.split(':').collect();
            parts.iter().all(|part| part.len() == 2).then(|| parts.concat())?
        } else {
            text.to_owned()
        };
        if digits.len() != 64 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let mut bytes = [0; 32];
        for (byte, at) in bytes.iter_mut().zip((0..).step_by(2)) {
            *byte = u8::from_str_radix(digits.get(at..at + 2)?, 16).ok()?;
        }
        Some(Self(bytes))
    }
}

/// Lowercase hex.
impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_read_as_it_is_printed_by_others() {
        let fingerprint = Fingerprint::of(b"abc");
        let hex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(fingerprint.to_string(), hex);
        let colons: Vec<&str> = (0..32).map(|at| &hex[2 * at..2 * at + 2]).collect();
        for text in [hex.to_owned(), hex.to_uppercase(), colons.join(":"), colons.join(":").to_uppercase()] {
            assert_eq!(Fingerprint::from_hex(&text), Some(fingerprint), "{text}");
        }
        for text in [
            "",
            "ba",
            &hex[1..],
            &hex.replace('b', "x"),
            &format!("{hex}:"),
            &hex.replacen("ba", "b:a", 1),
            &"é".repeat(32),
        ] {
            assert_eq!(Fingerprint::from_hex(text), None, "{text}");
        }
    }
}
