//! Logins without a secret: the entries of the file of users that say who the kernel or TLS must vouch for, and who comes in by
//! them. Such a user is let in by `anonymous`, or by the name of what vouches: `local` or `tls`. WELCOME has the method that the
//! client offered, because there are clients that leave when it is another (autobahn-python), and as provider what vouches.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::evidence::{self, Evidence, Fingerprint, Rule};
use super::users::{Directory, User, UserEntry, UsersFile};
use crate::wamp::excerpt;

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

impl UsersFile {
    /// The names of users and of groups whose numbers [`Directory::new`] must be told.
    #[must_use]
    pub fn accounts(&self) -> (BTreeSet<&str>, BTreeSet<&str>) {
        let entries = || self.users.values().flat_map(|user| &user.local);
        (names(entries().map(|entry| &entry.user)), names(entries().map(|entry| &entry.group)))
    }
}

fn names<'a>(accounts: impl Iterator<Item = &'a Option<Account>>) -> BTreeSet<&'a str> {
    accounts
        .filter_map(|account| match account {
            Some(Account::Name(name)) => Some(name.as_str()),
            Some(Account::Number(_)) | None => None,
        })
        .collect()
}

/// The rules of an entry.
pub(super) fn rules(entry: &UserEntry, accounts: &Accounts) -> Result<Vec<Rule>, String> {
    let number = |account: &Option<Account>, known: &BTreeMap<String, u32>, kind: &str| {
        let number = match account {
            None => return Ok(None),
            Some(Account::Number(number)) => *number,
            Some(Account::Name(name)) => match known.get(name) {
                Some(number) => *number,
                None => return Err(format!("{kind}: expected a {kind} of this machine, got {:?}", excerpt(name))),
            },
        };
        evidence::account(number).map(Some).map_err(|sentence| format!("{kind}: {sentence}"))
    };
    let local = entry.local.iter().zip(0_usize..).map(|(LocalEntry { user, group }, place)| {
        let rule = number(user, &accounts.users, "user").and_then(|user| {
            let group = number(group, &accounts.groups, "group")?;
            if user.is_none() && group.is_none() {
                return Err("expected a user or a group, got neither".to_owned());
            }
            Ok(Rule::Process { user, group })
        });
        rule.map_err(|sentence| format!("local[{place}]: {sentence}"))
    });
    let certificates = entry.tls.iter().zip(0_usize..).map(|(entry, place)| {
        let rule = match entry {
            CertificateEntry::Sha256(text) => Fingerprint::from_hex(text)
                .map(Rule::Certificate)
                .ok_or_else(|| format!("sha256: expected a SHA-256 in hex, 64 digits, got {:?}", excerpt(text))),
            CertificateEntry::Name(text) => {
                evidence::name(text).map(Rule::Name).map_err(|sentence| format!("name: {sentence}"))
            }
        };
        rule.map_err(|sentence| format!("tls[{place}]: {sentence}"))
    });
    local.chain(certificates).collect()
}

/// Who somebody is of whom there is evidence.
#[derive(Debug)]
pub(super) enum Vouched<'a> {
    /// None of the users.
    Nobody,
    /// That one, by what vouches.
    User { authid: &'a str, user: &'a User, by: &'static str },
    /// The evidence does not say which of them.
    Several,
}

impl Directory {
    /// Whose rules hold; only that user's, if one is named. Of several users the one whose rule says more: a user of the machine
    /// more than a group, a certificate more than a name.
    pub(super) fn vouched(&self, evidence: &Evidence, authid: Option<&str>) -> Vouched<'_> {
        let Some(by) = evidence.method() else { return Vouched::Nobody };
        if let Some(authid) = authid {
            let user = self.users.get_key_value(authid).filter(|(_, user)| user.weight(evidence).is_some());
            return user.map_or(Vouched::Nobody, |(authid, user)| Vouched::User { authid, user, by });
        }
        let (mut best, mut found) = (None, Vouched::Nobody);
        for (authid, user) in &self.users {
            let weight = user.weight(evidence);
            if weight > best {
                (best, found) = (weight, Vouched::User { authid, user, by });
            } else if weight.is_some() && weight == best {
                found = Vouched::Several;
            }
        }
        found
    }

    /// The names that rules about certificates ask for.
    pub(super) fn certificate_names(&self) -> impl Iterator<Item = &str> {
        let rules = self.users.values().flat_map(|user| &user.rules);
        rules.filter_map(|rule| match rule {
            Rule::Name(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// The first user, by name, with a rule about processes.
    #[must_use]
    pub fn local_user(&self) -> Option<&str> {
        self.first_with(|rule| matches!(rule, Rule::Process { .. }))
    }

    /// The first user, by name, with a rule about certificates.
    #[must_use]
    pub fn certified_user(&self) -> Option<&str> {
        self.first_with(|rule| !matches!(rule, Rule::Process { .. }))
    }

    fn first_with(&self, is_such: impl Fn(&Rule) -> bool) -> Option<&str> {
        let such = self.users.iter().filter(|(_, user)| user.rules.iter().any(&is_such));
        such.map(|(authid, _)| authid.as_str()).min()
    }
}

impl User {
    fn weight(&self, evidence: &Evidence) -> Option<u8> {
        self.rules.iter().filter_map(|rule| rule.weight(evidence)).max()
    }
}
