//! Rules of the file of users: whom the kernel or TLS must vouch for, so that a user logs in without a secret. As they are written,
//! and when they hold. Pure.
//!
//! # Security decisions
//! - Nothing that a peer sends takes part: without evidence no rule holds, and evidence of one kind holds for no rule of the other.
//! - [`UNNAMED`] is no rule: the kernel shows everybody by it who has no number in this user namespace.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::evidence::{Evidence, Fingerprint, LOCAL, TLS};
use crate::wamp::excerpt;

/// What the kernel shows in the place of a user or group that has no number here (`/proc/sys/kernel/overflowuid`, as it is
/// everywhere).
const UNNAMED: u32 = 65534;

/// Bytes of a name in a certificate (RFC 1035, 2.3.4).
const LONGEST_NAME: usize = 253;

/// A process of this machine, by a Unix socket.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocalEntry {
    /// Its user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Account>,
    /// One of its groups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Account>,
}

/// A user or group of this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Account {
    /// By its number.
    Number(u32),
    /// By its name.
    Name(String),
}

impl Account {
    pub(super) fn name(&self) -> Option<&str> {
        match self {
            Self::Name(name) => Some(name),
            Self::Number(_) => None,
        }
    }
}

impl<'de> Deserialize<'de> for Account {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl Visitor<'_> for Either {
            type Value = Account;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name or the number of an account")
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Account, E> {
                let invalid = |_| E::invalid_value(serde::de::Unexpected::Unsigned(number), &self);
                u32::try_from(number).map(Account::Number).map_err(invalid)
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<Account, E> {
                Ok(Account::Name(name.to_owned()))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// A client's certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CertificateEntry {
    /// By the SHA-256 of its DER, in hex.
    Sha256(String),
    /// By a DNS name among its alternative names.
    Name(String),
}

/// The numbers of this machine's users and groups, by the names that a file has for them.
#[derive(Clone, Debug, Default)]
pub struct Accounts {
    /// Of users.
    pub users: BTreeMap<String, u32>,
    /// Of groups.
    pub groups: BTreeMap<String, u32>,
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
fn checked(number: u32) -> Result<u32, String> {
    match number {
        // The last one is nobody's either: chown(2) takes it for "as it is".
        UNNAMED | u32::MAX => Err(format!(
            "expected an account that others are not shown as, got {number}, which is everybody without one"
        )),
        number => Ok(number),
    }
}

/// The name in a rule.
fn name(text: &str) -> Result<String, String> {
    let is_label = |label: &str| {
        let edges = label.starts_with('-') || label.ends_with('-');
        let fits = (1..=63).contains(&label.len()) && !edges;
        fits && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    // One that ends with a number would be an address.
    let is_address = text.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
    if text.len() > LONGEST_NAME || is_address || !text.split('.').all(is_label) {
        return Err(format!("expected a DNS name, whole and without a wildcard, got {:?}", excerpt(text)));
    }
    Ok(text.to_ascii_lowercase())
}

/// The rules of a user's entry.
pub(super) fn rules(local: &[LocalEntry], tls: &[CertificateEntry], accounts: &Accounts) -> Result<Vec<Rule>, String> {
    let number = |account: &Option<Account>, known: &BTreeMap<String, u32>, kind: &str| {
        let number = match account {
            None => return Ok(None),
            Some(Account::Number(number)) => *number,
            Some(Account::Name(name)) => match known.get(name) {
                Some(number) => *number,
                None => return Err(format!("{kind}: expected a {kind} of this machine, got {:?}", excerpt(name))),
            },
        };
        checked(number).map(Some).map_err(|sentence| format!("{kind}: {sentence}"))
    };
    let local = local.iter().zip(0_usize..).map(|(LocalEntry { user, group }, place)| {
        let rule = number(user, &accounts.users, "user").and_then(|user| {
            let group = number(group, &accounts.groups, "group")?;
            if user.is_none() && group.is_none() {
                return Err("expected a user or a group, got neither".to_owned());
            }
            Ok(Rule::Process { user, group })
        });
        rule.map_err(|sentence| format!("local[{place}]: {sentence}"))
    });
    let certificates = tls.iter().zip(0_usize..).map(|(entry, place)| {
        let rule = match entry {
            CertificateEntry::Sha256(text) => Fingerprint::from_hex(text)
                .map(Rule::Certificate)
                .ok_or_else(|| format!("sha256: expected a SHA-256 in hex, 64 digits, got {:?}", excerpt(text))),
            CertificateEntry::Name(text) => name(text).map(Rule::Name).map_err(|sentence| format!("name: {sentence}")),
        };
        rule.map_err(|sentence| format!("tls[{place}]: {sentence}"))
    });
    local.chain(certificates).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!(checked(0), Ok(0));
        for number in [65534, u32::MAX] {
            assert!(checked(number).is_err());
        }
        assert_eq!(name("Board-7.example"), Ok("board-7.example".to_owned()));
        for text in ["", "*.example", "a..b", "a.", "127.0.0.1", "-a.b", "a b", &"a".repeat(64), &"a.".repeat(127)] {
            assert!(name(text).is_err(), "{text}");
        }
    }
}
