//! Cryptosign (*Cryptosign-based Authentication*): a challenge is signed with an ed25519 key.

use std::fmt;

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use zeroize::Zeroizing;

use super::challenge::{Challenge, violation};
pub use super::keyfile::KeyError;
use super::{Rejection, hex};
use crate::wamp::excerpt;
use crate::wamp::options::Dict;

/// Bytes of a challenge.
pub const CHALLENGE_LENGTH: usize = 32;

/// A private key: wiped when dropped, never shown.
#[derive(Clone)]
pub struct PrivateKey(SigningKey);

/// A public key. Its text is lowercase hex, as it travels and as Crossbar.io's configuration has it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublicKey([u8; 32]);

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey(of {})", self.public())
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl PrivateKey {
    /// From its seed.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// From the text of a file: 64 characters of hex, base64 of 32 bytes (or twice as much with the public key behind it), or
    /// OpenSSH's format without a passphrase.
    ///
    /// # Errors
    /// [`KeyError`]; it never repeats what stands in the text.
    pub fn from_text(text: &str) -> Result<Self, KeyError> {
        super::keyfile::read(text).map(|seed| Self::from_seed(&seed))
    }

    /// Whether a text looks like a key in OpenSSH's format, encrypted or not.
    #[must_use]
    pub fn is_openssh(text: &str) -> bool {
        super::keyfile::is_openssh(text)
    }

    /// Its seed in hex, for a file that nobody else can read.
    #[must_use]
    pub fn to_hex(&self) -> Zeroizing<String> {
        Zeroizing::new(hex::encode(Zeroizing::new(self.0.to_bytes()).as_slice()))
    }

    /// Its public half.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }
}

impl PublicKey {
    /// From 64 characters of hex; `None` when it is not that, or no point of the curve.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let bytes = hex::decode(text)?;
        VerifyingKey::from_bytes(&bytes).ok().map(|_| Self(bytes))
    }

    /// From the text of a file: as [`PublicKey::from_hex`], or the line of OpenSSH's public key with or without a comment.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let bytes = super::keyfile::read_public(text)?;
        VerifyingKey::from_bytes(&bytes).ok().map(|_| Self(bytes))
    }

    /// Whether `answer` is what the owner of this key answers the challenge with: hex of the signature with the challenge behind
    /// it, or the signature alone.
    #[must_use]
    pub fn holds(&self, challenge: &[u8; CHALLENGE_LENGTH], answer: &str) -> bool {
        let (signature, behind) = answer.split_at_checked(2 * Signature::BYTE_SIZE).unwrap_or_default();
        let is_this = behind.is_empty() || hex::decode(behind).as_ref() == Some(challenge);
        let (Some(signature), Ok(key)) = (hex::decode(signature), VerifyingKey::from_bytes(&self.0)) else {
            return false;
        };
        is_this && key.verify_strict(challenge, &Signature::from_bytes(&signature)).is_ok()
    }
}

/// A challenge as it travels.
#[must_use]
pub fn challenge_text(challenge: &[u8; CHALLENGE_LENGTH]) -> String {
    hex::encode(challenge)
}

/// What a client answers a challenge with.
pub(super) fn answer(key: &PrivateKey, extra: &Dict) -> Result<String, Rejection> {
    let entries = Challenge::new(extra);
    entries.check_unbound()?;
    let text = entries.text("challenge", 2 * CHALLENGE_LENGTH as u64)?;
    let challenge: [u8; CHALLENGE_LENGTH] = hex::decode(text)
        .ok_or_else(|| violation("challenge", "64 characters of hex", &format!("{:?}", excerpt(text))))?;
    let signature = key.0.sign(&challenge).to_bytes();
    Ok(hex::encode(&[signature.as_slice(), &challenge].concat()))
}

#[cfg(test)]
#[path = "cryptosign_tests.rs"]
mod tests;
