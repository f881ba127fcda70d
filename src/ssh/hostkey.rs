//! The server's identity: an ed25519 key, as text in OpenSSH's private format, and its fingerprint. Files are the driver's.

use std::fmt;

use ed25519_dalek::{Signer, SigningKey};
use rand_core::CryptoRng;
use ssh_key::private::{Ed25519Keypair, KeypairData};
use ssh_key::{HashAlg, LineEnding, PrivateKey};
use zeroize::Zeroizing;

use super::wire::Payload;

/// The algorithm of host keys, the only one there is.
pub(super) const ALGORITHM: &str = "ssh-ed25519";

/// What stands beside the key in its file, so that `ssh-keygen -l` shows whose it is.
const COMMENT: &str = "wampproc";

/// The server's key: its secret half is wiped when dropped, and never shown.
pub struct HostKey {
    key: SigningKey,
}

/// Why a text is no host key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyError {
    /// Not a key in the format that is expected.
    Format {
        /// Which format that is.
        expected: &'static str,
        /// What the parser says.
        got: String,
    },
    /// A key that needs a passphrase.
    Encrypted,
    /// A key of another kind.
    Algorithm {
        /// Which kinds may be.
        expected: &'static str,
        /// Which it is.
        got: String,
    },
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Format { expected, got } => write!(f, "expected {expected}, got something else: {got}"),
            Self::Encrypted => f.write_str("expected a key without a passphrase, got an encrypted one"),
            Self::Algorithm { expected, got } => write!(f, "expected a key of the kind {expected}, got {got}"),
        }
    }
}

impl std::error::Error for KeyError {}

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
    /// [`KeyError`] when there is no unencrypted ed25519 key in it.
    pub fn from_openssh(text: &str) -> Result<Self, KeyError> {
        let key = PrivateKey::from_openssh(text).map_err(|error| KeyError::Format {
            expected: "a private key in OpenSSH's format",
            got: error.to_string(),
        })?;
        match key.key_data() {
            KeypairData::Ed25519(pair) => {
                Ok(Self { key: SigningKey::from_bytes(&Zeroizing::new(pair.private.to_bytes())) })
            }
            KeypairData::Encrypted(_) => Err(KeyError::Encrypted),
            _ => Err(KeyError::Algorithm { expected: ALGORITHM, got: key.algorithm().to_string() }),
        }
    }

    /// The key in OpenSSH's private format, for a file that nobody else can read.
    ///
    /// # Errors
    /// [`KeyError::Format`] when it cannot be written so, which would be a bug of the crate that does.
    pub fn to_openssh(&self) -> Result<Zeroizing<String>, KeyError> {
        let unwritten =
            |error: ssh_key::Error| KeyError::Format { expected: "a key that can be written", got: error.to_string() };
        PrivateKey::new(KeypairData::Ed25519(self.pair()), COMMENT)
            .and_then(|key| key.to_openssh(LineEnding::LF))
            .map_err(unwritten)
    }

    /// The fingerprint that clients show, `SHA256:` and 43 characters of base64.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        ssh_key::public::KeyData::Ed25519(self.pair().public).fingerprint(HashAlg::Sha256).to_string()
    }

    /// The public half as it travels: algorithm and key.
    pub(super) fn blob(&self) -> Vec<u8> {
        Payload::fields().string(ALGORITHM.as_bytes()).string(self.key.verifying_key().as_bytes()).into_bytes()
    }

    /// A signature as it travels: algorithm and signature.
    pub(super) fn sign(&self, data: &[u8]) -> Vec<u8> {
        Payload::fields().string(ALGORITHM.as_bytes()).string(&self.key.sign(data).to_bytes()).into_bytes()
    }

    fn pair(&self) -> Ed25519Keypair {
        Ed25519Keypair::from_seed(self.key.as_bytes())
    }
}

impl fmt::Debug for HostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HostKey({})", self.fingerprint())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ssh::tests::rng::TestRng;

    // Made by `ssh-keygen -t ed25519` for this test; `ssh-keygen -lf` shows its fingerprint.
    const KEY: &str = include_str!("tests/data/host_ed25519");
    const FINGERPRINT: &str = include_str!("tests/data/host_ed25519.fingerprint");

    #[test]
    fn a_key_of_ssh_keygen_is_read_and_written() {
        let key = HostKey::from_openssh(KEY).unwrap();
        assert_eq!(key.fingerprint(), FINGERPRINT.trim());
        let again = HostKey::from_openssh(&key.to_openssh().unwrap()).unwrap();
        assert_eq!(again.fingerprint(), FINGERPRINT.trim());
        assert!(!format!("{key:?}").contains("SigningKey"));
    }

    #[test]
    fn generated_keys_differ() {
        let mut rng = TestRng::new(1);
        assert_ne!(HostKey::generate(&mut rng).fingerprint(), HostKey::generate(&mut rng).fingerprint());
    }

    #[test]
    fn other_texts_are_refused() {
        for (text, expected) in [
            ("", "expected a private key in OpenSSH's format"),
            (
                "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
                "expected a private key",
            ),
            (include_str!("tests/data/user_rsa"), "expected a key of the kind ssh-ed25519, got ssh-rsa"),
            (include_str!("tests/data/encrypted_ed25519"), "expected a key without a passphrase"),
        ] {
            let error = HostKey::from_openssh(text).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
