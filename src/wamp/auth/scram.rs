//! WAMP-SCRAM (*Salted Challenge Response Authentication Mechanism*; RFC 5802, RFC 7677): both sides prove that they know the
//! secret, or what was derived from it, and neither shows it.
//!
//! There are two dialects. The spec signs `c=biws,r=…`, calls the hash `argon2id13`, takes its bytes, and has the router's proof
//! in `verifier`. Crossbar.io and autobahn-python sign `c=,r=…`, say `argon2id-13`, take the hash's base64 text without padding,
//! and have the proof in `scram_server_signature`. A client goes by the name of the hash, or with PBKDF2 by the entry `memory`,
//! which Crossbar.io sends even there; a router takes either.

use argon2::{Algorithm, Argon2, Params, Version};
use base64ct::{Base64, Base64Unpadded, Encoding};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::challenge::{Challenge, violation};
use super::limits::{
    MAX_ARGON2_MEMORY, MAX_NONCE, MAX_PBKDF2_ITERATIONS, MAX_SALT, MIN_ARGON2_MEMORY, MIN_SCRAM_PBKDF2_ITERATIONS,
    argon2_iterations,
};
use super::wampcra::hmac;
use super::{NONCE_LENGTH, Rejection, Secret};
use crate::wamp::excerpt;
use crate::wamp::options::Dict;

/// The shortest salt, in bytes: what Argon2 wants.
const MIN_SALT: usize = 8;

/// Base64 as it stands in SCRAM's messages.
#[must_use]
pub fn base64(bytes: &[u8]) -> String {
    Base64::encode_string(bytes)
}

/// The bytes of a text in base64; `None` when it is not.
#[must_use]
pub fn from_base64(text: &str) -> Option<Vec<u8>> {
    Base64::decode_vec(text).ok()
}

/// How a secret is salted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kdf {
    /// PBKDF2 with HMAC-SHA-256.
    Pbkdf2 {
        /// Rounds.
        iterations: u32,
    },
    /// Argon2id, version 1.3, one lane.
    Argon2 {
        /// Passes over the memory.
        iterations: u32,
        /// KiB of it.
        memory: u32,
        /// How the hash is called and used.
        dialect: Dialect,
    },
}

/// Who spells SCRAM how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// As the spec has it.
    Spec,
    /// As Crossbar.io and autobahn-python have it.
    Crossbar,
}

impl Dialect {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Spec, Self::Crossbar];

    /// What is signed of the binding to a channel, which is none.
    const fn binding(self) -> &'static str {
        match self {
            Self::Spec => "biws",
            Self::Crossbar => "",
        }
    }
}

impl Kdf {
    /// Its name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pbkdf2 { .. } => "pbkdf2",
            Self::Argon2 { dialect: Dialect::Spec, .. } => "argon2id13",
            Self::Argon2 { dialect: Dialect::Crossbar, .. } => "argon2id-13",
        }
    }

    /// Rounds or passes.
    #[must_use]
    pub const fn iterations(self) -> u32 {
        match self {
            Self::Pbkdf2 { iterations } | Self::Argon2 { iterations, .. } => iterations,
        }
    }

    /// Salts a secret. `None` when the salt or the numbers are none that Argon2 takes.
    fn salted(self, secret: &Secret, salt: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let mut hash = Zeroizing::new(vec![0; 32]);
        let secret = secret.expose().as_bytes();
        match self {
            Self::Pbkdf2 { iterations } => pbkdf2::pbkdf2_hmac::<Sha256>(secret, salt, iterations, &mut hash),
            Self::Argon2 { iterations, memory, dialect } => {
                let params = Params::new(memory, iterations, 1, Some(hash.len())).ok()?;
                let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
                argon2.hash_password_into(secret, salt, &mut hash).ok()?;
                if dialect == Dialect::Crossbar {
                    return Some(Zeroizing::new(Base64Unpadded::encode_string(&hash).into_bytes()));
                }
            }
        }
        Some(hash)
    }
}

/// What a router keeps of a secret (RFC 5802 section 3): enough to check a proof and to give its own, not enough to log in.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredKeys {
    /// The hash of the client's key.
    pub stored: [u8; 32],
    /// The key of the router's proof.
    pub server: [u8; 32],
}

/// Not shown: who has the server's key can pretend to be the router.
impl std::fmt::Debug for StoredKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StoredKeys(not shown)")
    }
}

impl StoredKeys {
    /// What to keep of a secret. `None` when the salt or the numbers are none that the hash takes.
    #[must_use]
    pub fn derive(secret: &Secret, kdf: Kdf, salt: &[u8]) -> Option<Self> {
        let salted = kdf.salted(secret, salt)?;
        let client = Zeroizing::new(hmac(&salted, &[b"Client Key"]));
        Some(Self { stored: Sha256::digest(client.as_slice()).into(), server: hmac(&salted, &[b"Server Key"]) })
    }

    /// Checks a client's proof (base64) of what it signed, in either dialect; the router's own proof if it holds. Takes as long
    /// when it does not.
    #[must_use]
    pub fn check(&self, exchange: &Exchange<'_>, proof: &str) -> Option<String> {
        let mut bytes = [0; 32];
        let is_proof = Base64::decode(proof, &mut bytes).is_ok_and(|proof| proof.len() == 32);
        let mut verified = None;
        for dialect in Dialect::ALL {
            let message = exchange.auth_message(dialect);
            let client = Zeroizing::new(xor(&bytes, &hmac(&self.stored, &[message.as_bytes()])));
            let stored: [u8; 32] = Sha256::digest(client.as_slice()).into();
            let signature = base64(&hmac(&self.server, &[message.as_bytes()]));
            if bool::from(stored.ct_eq(&self.stored)) && is_proof {
                verified = Some(signature);
            }
        }
        verified
    }
}

fn xor(one: &[u8; 32], other: &[u8; 32]) -> [u8; 32] {
    let mut result = *one;
    result.iter_mut().zip(other).for_each(|(byte, other)| *byte ^= other);
    result
}

/// What both sides have said, as both sign it.
#[derive(Clone, Copy, Debug)]
pub struct Exchange<'a> {
    /// Who logs in.
    pub authid: &'a str,
    /// The client's nonce, base64.
    pub client_nonce: &'a str,
    /// Both nonces, base64.
    pub nonce: &'a str,
    /// The salt, base64.
    pub salt: &'a str,
    /// Rounds or passes.
    pub iterations: u32,
}

impl Exchange<'_> {
    /// AuthMessage (RFC 5802 section 3).
    fn auth_message(&self, dialect: Dialect) -> String {
        let Self { authid, client_nonce, nonce, salt, iterations } = self;
        let binding = dialect.binding();
        format!("n={authid},r={client_nonce},r={nonce},s={salt},i={iterations},c={binding},r={nonce}")
    }
}

/// What a router must prove in WELCOME.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerSignature([u8; 32]);

impl ServerSignature {
    /// Whether WELCOME.Details.authextra has it, under either name.
    pub(super) fn check(&self, authextra: Option<&Dict>) -> Result<(), Rejection> {
        let names = ["verifier", "scram_server_signature"];
        let Some(given) = authextra.and_then(|extra| names.iter().find_map(|name| extra.get(*name)?.as_str())) else {
            let sentence = "WELCOME: expected the router's signature in authextra (verifier), got none";
            return Err(Rejection::Refusal(sentence.to_owned()));
        };
        let mut bytes = [0; 32];
        let is_signature = Base64::decode(given, &mut bytes).is_ok_and(|bytes| bytes.len() == 32);
        if is_signature && bool::from(bytes.ct_eq(&self.0)) {
            return Ok(());
        }
        let sentence = "WELCOME: expected the signature of a router that knows the secret, got another";
        Err(Rejection::Refusal(sentence.to_owned()))
    }
}

/// What a client answers a challenge with.
pub(super) struct Answer {
    /// Base64.
    pub proof: String,
    /// Both nonces.
    pub nonce: String,
    pub expected: ServerSignature,
}

/// Answers a challenge. Takes seconds at most, by the limits.
pub(super) fn answer(
    secret: &Secret,
    authid: &str,
    client_nonce: &[u8; NONCE_LENGTH],
    extra: &Dict,
) -> Result<Answer, Rejection> {
    answer_to(secret, authid, &base64(client_nonce), extra)
}

fn answer_to(secret: &Secret, authid: &str, client_nonce: &str, extra: &Dict) -> Result<Answer, Rejection> {
    let entries = Challenge::new(extra);
    entries.check_unbound()?;
    let nonce = entries.text("nonce", MAX_NONCE)?;
    let is_ours = nonce.len() > client_nonce.len() && nonce.starts_with(client_nonce);
    if !is_ours || nonce.bytes().any(|byte| !byte.is_ascii_graphic() || byte == b',') {
        return Err(violation("nonce", "one that begins with the client's", &format!("{:?}", excerpt(nonce))));
    }
    let salt = entries.text("salt", MAX_SALT)?;
    let salt_bytes = Base64::decode_vec(salt).ok().filter(|bytes| bytes.len() >= MIN_SALT).ok_or_else(|| {
        violation("salt", &format!("base64 of at least {MIN_SALT} bytes"), &format!("{:?}", excerpt(salt)))
    })?;
    let (kdf, dialect) = kdf_of(&entries)?;
    let exchange = Exchange { authid, client_nonce, nonce, salt, iterations: kdf.iterations() };
    let message = exchange.auth_message(dialect);
    let salted = kdf
        .salted(secret, &salt_bytes)
        .ok_or_else(|| violation("memory", "numbers that argon2 takes", &format!("{kdf:?}")))?;
    let client = Zeroizing::new(hmac(&salted, &[b"Client Key"]));
    let stored = Sha256::digest(client.as_slice());
    let proof = base64(&xor(&client, &hmac(&stored, &[message.as_bytes()])));
    let expected = ServerSignature(hmac(&hmac(&salted, &[b"Server Key"]), &[message.as_bytes()]));
    Ok(Answer { proof, nonce: nonce.to_owned(), expected })
}

/// The hash that a challenge asks for, and whose dialect it is in.
fn kdf_of(entries: &Challenge<'_>) -> Result<(Kdf, Dialect), Rejection> {
    let narrow = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    let dialect = match entries.text("kdf", MAX_NONCE)? {
        "pbkdf2" => {
            let range = MIN_SCRAM_PBKDF2_ITERATIONS..=MAX_PBKDF2_ITERATIONS;
            let iterations = narrow(entries.number("iterations", None, range)?);
            let dialect = if entries.has("memory") { Dialect::Crossbar } else { Dialect::Spec };
            return Ok((Kdf::Pbkdf2 { iterations }, dialect));
        }
        "argon2id13" => Dialect::Spec,
        "argon2id-13" => Dialect::Crossbar,
        other => {
            let got = format!("{:?}", excerpt(other));
            return Err(violation("kdf", "pbkdf2, argon2id13 or argon2id-13", &got));
        }
    };
    let memory = entries.number("memory", None, MIN_ARGON2_MEMORY..=MAX_ARGON2_MEMORY)?;
    let iterations = entries.number("iterations", None, argon2_iterations(memory))?;
    Ok((Kdf::Argon2 { iterations: narrow(iterations), memory: narrow(memory), dialect }, dialect))
}

#[cfg(test)]
#[path = "scram_tests.rs"]
mod tests;
