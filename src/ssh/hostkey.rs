//! The server's identity: an ed25519 key, as text in OpenSSH's private format, and its fingerprint. Files are the driver's.

use std::fmt;

use ed25519_dalek::{Signer, SigningKey};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::key_error::KeyError;
use super::openssh::{self, Halves};
use super::publickey;
use super::wire::Payload;

/// The algorithm of host keys, the only one there is.
pub(super) const ALGORITHM: &str = openssh::ED25519;

/// What stands beside the key in its file, so that `ssh-keygen -l` shows whose it is.
const COMMENT: &str = "wampproc";

/// The server's key: its secret half is wiped when dropped, and never shown.
pub struct HostKey {
    key: SigningKey,
}

impl HostKey {
    /// A new key.
    #[must_use]
    pub fn generate(rng: &mut dyn CryptoRng) -> Self {
        let mut seed = Zeroizing::new([0; 32]);
        rng.fill_bytes(seed.as_mut_slice());
        Self { key: SigningKey::from_bytes(&seed) }
    }

    /// The key in a text of OpenSSH's private format (`-----BEGIN OPENSSH PRIVATE KEY-----`).
    ///
    /// # Errors
    /// [`KeyError`] when there is no unencrypted ed25519 key in it, or one whose halves do not belong together.
    pub fn from_openssh(text: &str) -> Result<Self, KeyError> {
        let halves = openssh::decode(text)?;
        let key = SigningKey::from_bytes(&halves.seed);
        if key.verifying_key().as_bytes() == &halves.public {
            Ok(Self { key })
        } else {
            Err(KeyError::Format {
                expected: "a key whose halves belong together",
                got: "a public half that is another's".to_owned(),
            })
        }
    }

    /// The key in OpenSSH's private format, for a file that nobody else can read.
    #[must_use]
    pub fn to_openssh(&self) -> Zeroizing<String> {
        let seed = Zeroizing::new(self.key.to_bytes());
        openssh::encode(&Halves { public: self.key.verifying_key().to_bytes(), seed }, COMMENT)
    }

    /// The fingerprint that clients show, `SHA256:` and 43 characters of base64.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        publickey::fingerprint(&self.blob())
    }

    /// The public half as it travels: algorithm and key.
    pub(super) fn blob(&self) -> Vec<u8> {
        Payload::fields().string(ALGORITHM.as_bytes()).string(self.key.verifying_key().as_bytes()).into_bytes()
    }

    /// A signature as it travels: algorithm and signature.
    pub(super) fn sign(&self, data: &[u8]) -> Vec<u8> {
        Payload::fields().string(ALGORITHM.as_bytes()).string(&self.key.sign(data).to_bytes()).into_bytes()
    }
}

impl fmt::Debug for HostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HostKey({})", self.fingerprint())
    }
}

#[cfg(test)]
#[path = "tests/hostkey.rs"]
mod tests;
