//! The users of a router, and the JSON file in which they stand. What the file keeps of a secret checks a login and is no way to
//! see the secret; all of it is checked in microseconds, because the router has one thread:
//! - SCRAM: StoredKey and ServerKey (RFC 5802), the salt and how the client is to hash. Who steals them cannot log in by SCRAM.
//! - WAMP-CRA: the derived key. It is as good as the secret for a login by WAMP-CRA, and for nothing else.
//! - Ticket: a hash of few rounds only, as the router itself must make it at each login: tickets should be long
//!   and random.
//! - Cryptosign: public keys.
//!
//! Users who need no secret, because the kernel or TLS says who they are, have `rules`.

mod misread;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;

use base64ct::{Base64, Encoding};
use serde::{Deserialize, Serialize};

use super::authorization::Action;
use super::roles::{Disclosure, Permission, Role};
use super::rules::Rule;
pub use super::rules::{Account, Accounts, CertificateEntry, LocalEntry};
use crate::wamp::auth::cryptosign::PublicKey;
use crate::wamp::auth::limits::{
    MAX_ARGON2_MEMORY, MAX_PBKDF2_ITERATIONS, MAX_SALT, MIN_ARGON2_MEMORY, MIN_SCRAM_PBKDF2_ITERATIONS,
    argon2_iterations,
};
use crate::wamp::auth::scram::{Dialect, Kdf, StoredKeys};
use crate::wamp::auth::{Secret, wampcra};
use crate::wamp::options::Match;
use crate::wamp::{Uri, excerpt};

/// Rounds of PBKDF2 of a new entry for WAMP-CRA, which the client makes.
const CRA_ITERATIONS: u32 = 100_000;

/// Rounds of PBKDF2 of a new entry for a ticket, which the router makes at each login: a millisecond.
const TICKET_ITERATIONS: u32 = 2000;

/// The most rounds that a ticket's entry may have.
const MAX_TICKET_ITERATIONS: u32 = 10_000;

/// How the secret of a new entry for SCRAM is hashed, by the client: 7 MiB, five times (OWASP's advice for Argon2id), under the
/// name that clients know.
const SCRAM_KDF: Kdf = Kdf::Argon2 { iterations: 5, memory: 7168, dialect: Dialect::Crossbar };

/// Bytes of an authid: what somebody says who has not logged in yet is kept until then.
pub(super) const MAX_AUTHID: usize = 256;

/// Bytes of a derived key.
const KEYLEN: usize = 32;

/// The file.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsersFile {
    /// Roles besides the built-in ones, or in their place.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub roles: BTreeMap<String, Vec<PermissionEntry>>,
    /// The role of sessions that do not log in. Missing: they are refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anonymous: Option<String>,
    /// The users by their authid.
    #[serde(default)]
    pub users: BTreeMap<String, UserEntry>,
}

/// A permission of a role.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PermissionEntry {
    /// The pattern.
    pub uri: String,
    /// How it is matched; exactly by default.
    #[serde(rename = "match", default)]
    pub matching: Match,
    /// What is allowed.
    #[serde(default)]
    pub allow: Vec<Action>,
    /// What is not, although a less specific permission allows it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deny: Vec<Action>,
    /// Who is told to the other end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub disclose: Vec<Disclosed>,
}

/// Who is told to the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Disclosed {
    /// A caller to the callee.
    Caller,
    /// A publisher to the subscribers.
    Publisher,
}

/// A user: a role, and an entry for each way to log in.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserEntry {
    /// The role.
    pub role: String,
    /// For `ticket`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<TicketEntry>,
    /// For `wampcra`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wampcra: Option<CraEntry>,
    /// For `scram`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scram: Option<ScramEntry>,
    /// For `cryptosign`: public keys, in hex or OpenSSH's format.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cryptosign: Vec<String>,
    /// For processes of this machine, by a Unix socket, without a secret.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub local: Vec<LocalEntry>,
    /// For clients with a certificate, by TLS, without a secret.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tls: Vec<CertificateEntry>,
}

/// What is kept of a ticket.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TicketEntry {
    salt: String,
    iterations: u32,
    hash: String,
}

/// What is kept for WAMP-CRA.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CraEntry {
    salt: String,
    iterations: u32,
    key: String,
}

/// What is kept for SCRAM.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScramEntry {
    kdf: String,
    salt: String,
    iterations: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    memory: Option<u32>,
    stored_key: String,
    server_key: String,
}

macro_rules! hidden {
    ($($name:ident),*) => { $(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(not shown)"))
            }
        }
    )* };
}
hidden!(TicketEntry, CraEntry, ScramEntry);

/// What is wrong with a file of users. Its `Display` says where, and never what stands in a secret's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidUsers(String);

impl fmt::Display for InvalidUsers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvalidUsers {}

/// Random bytes for the salt of an entry.
pub type Salt = [u8; 16];

impl TicketEntry {
    /// What to keep of a ticket.
    #[must_use]
    pub fn new(ticket: &Secret, salt: Salt) -> Self {
        let salt = Base64::encode_string(&salt);
        let hash = wampcra::derive(ticket, &salt, TICKET_ITERATIONS, KEYLEN).expose().to_owned();
        Self { salt, iterations: TICKET_ITERATIONS, hash }
    }
}

impl CraEntry {
    /// What to keep of a secret.
    #[must_use]
    pub fn new(secret: &Secret, salt: Salt) -> Self {
        let salt = Base64::encode_string(&salt);
        let key = wampcra::derive(secret, &salt, CRA_ITERATIONS, KEYLEN).expose().to_owned();
        Self { salt, iterations: CRA_ITERATIONS, key }
    }
}

impl ScramEntry {
    /// What to keep of a secret; `None` when its hash takes more memory than there is.
    #[must_use]
    pub fn new(secret: &Secret, salt: Salt) -> Option<Self> {
        let keys = StoredKeys::derive(secret, SCRAM_KDF, &salt)?;
        let memory = match SCRAM_KDF {
            Kdf::Argon2 { memory, .. } => Some(memory),
            Kdf::Pbkdf2 { .. } => None,
        };
        Some(Self {
            kdf: SCRAM_KDF.name().to_owned(),
            salt: Base64::encode_string(&salt),
            iterations: SCRAM_KDF.iterations(),
            memory,
            stored_key: Base64::encode_string(&keys.stored),
            server_key: Base64::encode_string(&keys.server),
        })
    }
}

impl UsersFile {
    /// Reads the text of a file.
    ///
    /// # Errors
    /// [`InvalidUsers`].
    pub fn parse(text: &str) -> Result<Self, InvalidUsers> {
        serde_json::from_str(text).map_err(|error| InvalidUsers(misread::sentence(text, &error)))
    }

    /// The names of users and of groups whose numbers [`Directory::new`] must be told.
    #[must_use]
    pub fn accounts(&self) -> (BTreeSet<&str>, BTreeSet<&str>) {
        let entries = || self.users.values().flat_map(|user| &user.local);
        (names(entries().map(|entry| entry.user.as_ref())), names(entries().map(|entry| entry.group.as_ref())))
    }

    /// The text of a file.
    #[must_use]
    pub fn to_text(&self) -> String {
        // Maps with keys of text only: it cannot fail.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }
}

fn names<'a>(accounts: impl Iterator<Item = Option<&'a Account>>) -> BTreeSet<&'a str> {
    accounts.flatten().filter_map(Account::name).collect()
}

/// The users, ready to be asked about.
#[derive(Debug)]
pub struct Directory {
    pub(super) users: HashMap<String, User>,
    /// Who has a public key; `None` when several have it.
    owners: HashMap<PublicKey, Option<String>>,
    anonymous: Option<Membership>,
    /// What the challenges of users that there are not look like.
    pub(super) shape: Shape,
}

/// A role by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Membership {
    pub name: String,
    pub role: Arc<Role>,
}

#[derive(Debug)]
pub(super) struct User {
    pub membership: Membership,
    pub ticket: Option<Salted>,
    pub wampcra: Option<Salted>,
    pub scram: Option<Scram>,
    pub keys: Vec<PublicKey>,
    /// Of those who need no secret.
    pub rules: Vec<Rule>,
}

/// A hash that PBKDF2 made, as base64 text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Salted {
    pub salt: String,
    pub iterations: u32,
    pub hash: Secret,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scram {
    pub salt: String,
    pub kdf: Kdf,
    pub keys: StoredKeys,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub ticket_iterations: u32,
    pub cra_iterations: u32,
    pub kdf: Kdf,
}

impl Directory {
    /// Checks a file. A role of its own replaces the built-in one of that name; `accounts` has the numbers for the names of
    /// [`UsersFile::accounts`].
    ///
    /// # Errors
    /// [`InvalidUsers`], of the first entry that is wrong.
    pub fn new(file: &UsersFile, built_in: BTreeMap<String, Role>, accounts: &Accounts) -> Result<Self, InvalidUsers> {
        let mut roles = BTreeMap::new();
        roles.extend(built_in.into_iter().map(|(name, role)| (name, Arc::new(role))));
        for (name, entries) in &file.roles {
            let permissions = entries.iter().zip(0_usize..).map(|(entry, number)| {
                permission(entry).map_err(|sentence| InvalidUsers(format!("roles.{name}[{number}]: {sentence}")))
            });
            roles.insert(name.clone(), Arc::new(Role::new(permissions.collect::<Result<_, _>>()?)));
        }
        let membership = |name: &String, place: &str| match roles.get(name) {
            Some(role) => Ok(Membership { name: name.clone(), role: Arc::clone(role) }),
            None => {
                let known: Vec<&str> = roles.keys().map(String::as_str).collect();
                let known = known.join(", ");
                Err(InvalidUsers(format!("{place}: expected one of the roles {known}, got {:?}", excerpt(name))))
            }
        };
        let anonymous = file.anonymous.as_ref().map(|name| membership(name, "anonymous")).transpose()?;
        let (mut users, mut owners) = (HashMap::new(), HashMap::new());
        for (authid, entry) in &file.users {
            if authid.len() > MAX_AUTHID {
                let (got, name) = (authid.len(), excerpt(authid));
                let sentence = format!("users.{name}: expected an authid of at most {MAX_AUTHID} bytes, got {got}");
                return Err(InvalidUsers(sentence));
            }
            let membership = membership(&entry.role, &format!("users.{authid}.role"))?;
            let user = user(authid, entry, membership, accounts)
                .map_err(|sentence| InvalidUsers(format!("users.{authid}.{sentence}")))?;
            for key in &user.keys {
                owners.entry(*key).and_modify(|owner| *owner = None).or_insert_with(|| Some(authid.clone()));
            }
            users.insert(authid.clone(), user);
        }
        // In the order of the names, so that it does not change from one start to the next.
        let mut known = file.users.keys().filter_map(|authid| users.get(authid));
        let first = |iterations: Option<u32>, default| iterations.unwrap_or(default);
        let shape = Shape {
            ticket_iterations: first(
                known.clone().find_map(|user| Some(user.ticket.as_ref()?.iterations)),
                TICKET_ITERATIONS,
            ),
            cra_iterations: first(
                known.clone().find_map(|user| Some(user.wampcra.as_ref()?.iterations)),
                CRA_ITERATIONS,
            ),
            kdf: known.find_map(|user| Some(user.scram.as_ref()?.kdf)).unwrap_or(SCRAM_KDF),
        };
        Ok(Self { users, owners, anonymous, shape })
    }

    pub(super) fn user(&self, authid: &str) -> Option<&User> {
        self.users.get(authid)
    }

    pub(super) fn owner(&self, key: &PublicKey) -> Option<&str> {
        self.owners.get(key)?.as_deref()
    }

    pub(super) const fn anonymous(&self) -> Option<&Membership> {
        self.anonymous.as_ref()
    }
}

fn permission(entry: &PermissionEntry) -> Result<Permission, String> {
    let PermissionEntry { uri, matching, allow, deny, disclose } = entry;
    let uri = Uri::from(uri.as_str());
    uri.check(crate::wamp::uri::Rules::Loose, matching.form()).map_err(|error| format!("uri: {error}"))?;
    let disclose = Disclosure {
        caller: disclose.contains(&Disclosed::Caller),
        publisher: disclose.contains(&Disclosed::Publisher),
    };
    Ok(Permission { uri, matching: *matching, allow: allow.clone(), deny: deny.clone(), disclose })
}

fn user(authid: &str, entry: &UserEntry, membership: Membership, accounts: &Accounts) -> Result<User, String> {
    let salted = |salt: &str, iterations: u32, most: u32, hash: &str| {
        if salt.is_empty() || salt.len() as u64 > MAX_SALT {
            return Err(format!("salt: expected a text of 1 to {MAX_SALT} bytes, got {}", salt.len()));
        }
        if !(1..=most).contains(&iterations) {
            return Err(format!("iterations: expected 1 to {most}, got {iterations}"));
        }
        if Base64::decode_vec(hash).map_or(0, |bytes| bytes.len()) != KEYLEN {
            return Err(format!("expected base64 of {KEYLEN} bytes for the derived key, got something else"));
        }
        Ok(Salted { salt: salt.to_owned(), iterations, hash: Secret::new(hash.to_owned()) })
    };
    let most = u32::try_from(MAX_PBKDF2_ITERATIONS).unwrap_or(u32::MAX);
    let ticket = entry.ticket.as_ref().map(|TicketEntry { salt, iterations, hash }| {
        salted(salt, *iterations, MAX_TICKET_ITERATIONS, hash).map_err(|sentence| format!("ticket: {sentence}"))
    });
    let wampcra = entry.wampcra.as_ref().map(|CraEntry { salt, iterations, key }| {
        salted(salt, *iterations, most, key).map_err(|sentence| format!("wampcra: {sentence}"))
    });
    let scram = entry.scram.as_ref().map(|entry| {
        if !crate::wamp::auth::is_saslname(authid) {
            return Err("scram: expected an authid of printable ASCII without ',' and '='".to_owned());
        }
        scram(entry).map_err(|sentence| format!("scram: {sentence}"))
    });
    let keys = entry.cryptosign.iter().zip(0_usize..).map(|(text, number)| {
        let expected = "a public ed25519 key as 64 characters of hex, or as OpenSSH has it (ssh-ed25519 AAAA…)";
        PublicKey::from_text(text)
            .ok_or_else(|| format!("cryptosign[{number}]: expected {expected}, got something else"))
    });
    Ok(User {
        membership,
        ticket: ticket.transpose()?,
        wampcra: wampcra.transpose()?,
        scram: scram.transpose()?,
        keys: keys.collect::<Result<_, _>>()?,
        rules: super::rules::rules(&entry.local, &entry.tls, accounts)?,
    })
}

fn scram(entry: &ScramEntry) -> Result<Scram, String> {
    let ScramEntry { kdf, salt, iterations, memory, stored_key, server_key } = entry;
    let iterations = *iterations;
    let memory_or_none = memory.unwrap_or_default();
    let kdf = match kdf.as_str() {
        "pbkdf2" => Kdf::Pbkdf2 { iterations },
        "argon2id13" => Kdf::Argon2 { iterations, memory: memory_or_none, dialect: Dialect::Spec },
        "argon2id-13" => Kdf::Argon2 { iterations, memory: memory_or_none, dialect: Dialect::Crossbar },
        other => return Err(format!("kdf: expected pbkdf2, argon2id13 or argon2id-13, got {:?}", excerpt(other))),
    };
    let range = match kdf {
        Kdf::Pbkdf2 { .. } => MIN_SCRAM_PBKDF2_ITERATIONS..=MAX_PBKDF2_ITERATIONS,
        Kdf::Argon2 { memory, .. } => {
            let (least, most, memory) = (MIN_ARGON2_MEMORY, MAX_ARGON2_MEMORY, memory.into());
            if !(least..=most).contains(&memory) {
                return Err(format!("memory: expected {least} to {most} (KiB), got {memory}"));
            }
            argon2_iterations(memory)
        }
    };
    if !range.contains(&u64::from(iterations)) {
        let (least, most) = (range.start(), range.end());
        return Err(format!("iterations: expected {least} to {most}, got {iterations}"));
    }
    let length = Base64::decode_vec(salt).map_or(0, |bytes| bytes.len());
    if length < 8 || salt.len() as u64 > MAX_SALT {
        return Err("salt: expected base64 of 8 to 192 bytes, got something else".to_owned());
    }
    let key = |name: &str, text: &str| {
        let mut key = [0; 32];
        let is_key = Base64::decode(text, &mut key).is_ok_and(|bytes| bytes.len() == 32);
        if is_key { Ok(key) } else { Err(format!("{name}: expected base64 of 32 bytes, got something else")) }
    };
    let keys = StoredKeys { stored: key("stored_key", stored_key)?, server: key("server_key", server_key)? };
    Ok(Scram { salt: salt.clone(), kdf, keys })
}
