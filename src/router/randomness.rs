//! What the router draws for its challenges, and what it makes up of users that there are not: keyed hashes, so nobody else
//! can tell either, and the latter are the same each time until it is started again. Pure.

use super::users::{Salted, Scram};
use crate::wamp::auth::scram::{self, Kdf, StoredKeys};
use crate::wamp::auth::{Secret, hmac};

/// Random bytes: a keyed hash of a counter.
pub(super) struct Randomness {
    key: [u8; 32],
    drawn: u64,
}

/// Not shown: who knows the key knows every challenge to come.
impl std::fmt::Debug for Randomness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Randomness(not shown)")
    }
}

impl Randomness {
    /// From random bytes that nobody else knows.
    pub const fn new(key: [u8; 32]) -> Self {
        Self { key, drawn: 0 }
    }

    /// What is the same for the same thing.
    pub fn hash(&self, what: &str, of: &[u8]) -> [u8; 32] {
        hmac(&self.key, &[what.as_bytes(), b"\0", of])
    }

    /// What is new each time.
    pub fn draw(&mut self) -> [u8; 32] {
        self.drawn += 1;
        self.hash("draw", &self.drawn.to_be_bytes())
    }

    /// What the entry of a user that there is not would be.
    pub fn decoy(&self, what: &str, authid: &str, iterations: u32) -> Salted {
        let salt = self.hash(what, authid.as_bytes());
        let hash = scram::base64(&self.hash("hash", authid.as_bytes()));
        Salted { salt: scram::base64(salt.get(..16).unwrap_or(&salt)), iterations, hash: Secret::new(hash) }
    }

    /// What its entry for SCRAM would be.
    pub fn scram_decoy(&self, authid: &str, kdf: Kdf) -> Scram {
        let Salted { salt, .. } = self.decoy("scram", authid, kdf.iterations());
        let hash = |what| self.hash(what, authid.as_bytes());
        Scram { salt, kdf, keys: StoredKeys { stored: hash("stored"), server: hash("server") } }
    }
}
