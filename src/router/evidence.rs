//! What a router's driver knows of a peer without asking it: who the kernel says is at the other end of a Unix socket, or which
//! certificate was verified by TLS. And the rules of users who log in by that. Pure.
//!
//! # Security decisions
//! - Nothing that a peer sends takes part: without evidence no rule holds, and evidence of one kind holds for no rule of the other.
//! - [`UNNAMED`] is no rule: the kernel shows everybody by it who has no number in this user namespace.

use std::fmt;

use sha2::{Digest, Sha256};

/// What the kernel shows in the place of a user or group that has no number here (`/proc/sys/kernel/overflowuid`, as it is
/// everywhere).
const UNNAMED: u32 = 65534;

/// Bytes of a name in a certificate (RFC 1035, 2.3.4).
const LONGEST_NAME: usize = 253;

/// What a login by the kernel's word is called on the wire.
const LOCAL: &str = "local";

/// And one by a certificate.
const TLS: &str = "tls";

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

/// Whom a user's entry lets in without a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// A process of this user, or of this group, or of both; at least one is there.
    Process { user: Option<u32>, group: Option<u32> },
    /// Who has this certificate.
    Certificate(Fingerprint),
    /// Who has a certificate for this name.
    Name(String),
}

impl Rule {
    /// What a login by it is called on the wire.
    pub const fn method(&self) -> &'static str {
        match self {
            Self::Process { .. } => LOCAL,
            Self::Certificate(_) | Self::Name(_) => TLS,
        }
    }

    /// Whether it holds; the greater, the more it says about who that is.
    pub fn weight(&self, evidence: &Evidence) -> Option<u8> {
        match (self, evidence) {
            (Self::Process { user, group }, Evidence::Process { user: uid, group: gid, groups }) => {
                let of_user = user.is_none_or(|user| user == *uid);
                let of_group = group.is_none_or(|group| group == *gid || groups.contains(&group));
                (of_user && of_group).then_some(u8::from(user.is_some()))
            }
            (Self::Certificate(own), Evidence::Certificate { fingerprint, .. }) => (own == fingerprint).then_some(1),
            (Self::Name(own), Evidence::Certificate { names, .. }) => names.contains(own).then_some(0),
            _ => None,
        }
    }
}

/// The number of a user or group in a rule.
pub(super) fn account(number: u32) -> Result<u32, String> {
    match number {
        // The last one is nobody's either: chown(2) takes it for "as it is".
        UNNAMED | u32::MAX => Err(format!(
            "expected an account that others are not shown as, got {number}, which is everybody without one"
        )),
        number => Ok(number),
    }
}

/// The name in a rule.
pub(super) fn name(text: &str) -> Result<String, String> {
    let is_label = |label: &str| {
        let edges = label.starts_with('-') || label.ends_with('-');
        let fits = (1..=63).contains(&label.len()) && !edges;
        fits && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    // One that ends with a number would be an address.
    let is_address = text.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
    if text.len() > LONGEST_NAME || is_address || !text.split('.').all(is_label) {
        return Err(format!("expected a DNS name, whole and without a wildcard, got {:?}", crate::wamp::excerpt(text)));
    }
    Ok(text.to_ascii_lowercase())
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

    #[test]
    fn a_rule_holds_for_its_own_kind_of_evidence_alone() {
        let process = Evidence::Process { user: 1000, group: 100, groups: vec![27, 44] };
        let fingerprint = Fingerprint::of(b"abc");
        let certificate = Evidence::Certificate { fingerprint, names: vec!["a.example".to_owned()] };
        let of = |user, group| Rule::Process { user, group };
        for (rule, expected) in [
            (of(Some(1000), None), Some(1)),
            (of(Some(1001), None), None),
            (of(None, Some(100)), Some(0)),
            (of(None, Some(44)), Some(0)),
            (of(None, Some(45)), None),
            (of(Some(1000), Some(27)), Some(1)),
            (of(Some(1000), Some(28)), None),
            (of(Some(1001), Some(27)), None),
        ] {
            assert_eq!(rule.weight(&process), expected, "{rule:?}");
            assert_eq!((rule.weight(&Evidence::None), rule.weight(&certificate)), (None, None), "{rule:?}");
        }
        for (rule, expected) in [
            (Rule::Certificate(fingerprint), Some(1)),
            (Rule::Certificate(Fingerprint::of(b"abd")), None),
            (Rule::Name("a.example".to_owned()), Some(0)),
            (Rule::Name("b.example".to_owned()), None),
        ] {
            assert_eq!(rule.weight(&certificate), expected, "{rule:?}");
            assert_eq!((rule.weight(&Evidence::None), rule.weight(&process)), (None, None), "{rule:?}");
        }
    }

    #[test]
    fn who_could_be_anybody_is_no_rule() {
        assert_eq!(account(0), Ok(0));
        for number in [65534, u32::MAX] {
            assert!(account(number).is_err());
        }
        assert_eq!(name("Board-7.example"), Ok("board-7.example".to_owned()));
        for text in ["", "*.example", "a..b", "a.", "127.0.0.1", "-a.b", "a b", &"a".repeat(64), &"a.".repeat(127)] {
            assert!(name(text).is_err(), "{text}");
        }
    }
}
