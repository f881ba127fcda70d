//! Users' public keys: as text in `authorized_keys`, as they travel, and the signatures made with them.

use ssh_key::public::KeyData;
use ssh_key::{Algorithm, EcdsaCurve, HashAlg, Signature};

use ed25519_dalek::Verifier;

use super::hostkey::KeyError;
use super::limits::MIN_RSA_BITS;

/// The algorithms of users' signatures, as EXT_INFO's `server-sig-algs` lists them (RFC 8308, RFC 8332).
pub(super) const SIGNATURE_ALGORITHMS: &str = "ssh-ed25519,ecdsa-sha2-nistp256,rsa-sha2-256,rsa-sha2-512";

const KINDS: &str = "ssh-ed25519, ecdsa-sha2-nistp256 or ssh-rsa (2048 bits or more)";

/// A user's public key. Two are equal when the keys are, whatever their comments say.
#[derive(Clone, Debug)]
pub struct PublicKey {
    data: KeyData,
    comment: String,
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.data == other.data
    }
}

impl Eq for PublicKey {}

impl PublicKey {
    /// A line of an `authorized_keys` file that is neither empty nor a comment: kind, key, comment. Options before the key
    /// are refused, as they would restrict what this server does not restrict.
    ///
    /// # Errors
    /// [`KeyError`] when it is no key, or one of a kind that cannot log in.
    pub fn from_openssh(line: &str) -> Result<Self, KeyError> {
        let key = ssh_key::PublicKey::from_openssh(line.trim()).map_err(|error| KeyError::Format {
            expected: "a public key as in authorized_keys, without options",
            got: error.to_string(),
        })?;
        let comment = key.comment().as_str_lossy().to_owned();
        Self::supported(key.key_data().clone(), comment)
    }

    /// The key in a login.
    pub(super) fn from_wire(blob: &[u8]) -> Result<Self, KeyError> {
        let key = ssh_key::PublicKey::from_bytes(blob)
            .map_err(|error| KeyError::Format { expected: "a public key", got: error.to_string() })?;
        Self::supported(key.key_data().clone(), String::new())
    }

    fn supported(data: KeyData, comment: String) -> Result<Self, KeyError> {
        let supported = match &data {
            KeyData::Ed25519(_) => true,
            KeyData::Ecdsa(key) => key.curve() == EcdsaCurve::NistP256,
            KeyData::Rsa(key) => key.key_size() >= MIN_RSA_BITS,
            _ => false,
        };
        if supported {
            return Ok(Self { data, comment });
        }
        let got = match &data {
            KeyData::Rsa(key) => format!("ssh-rsa of {} bits", key.key_size()),
            other => other.algorithm().to_string(),
        };
        Err(KeyError::Algorithm { expected: KINDS, got })
    }

    /// The kind of key: `ssh-ed25519`, `ecdsa-sha2-nistp256` or `ssh-rsa`.
    #[must_use]
    pub fn algorithm(&self) -> &'static str {
        match &self.data {
            KeyData::Ed25519(_) => "ssh-ed25519",
            KeyData::Ecdsa(_) => "ecdsa-sha2-nistp256",
            _ => "ssh-rsa",
        }
    }

    /// `SHA256:` and 43 characters of base64.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        self.data.fingerprint(HashAlg::Sha256).to_string()
    }

    /// What stands beside the key in its file.
    #[must_use]
    pub fn comment(&self) -> &str {
        &self.comment
    }

    /// Whether a key of this kind makes signatures by the algorithm of this name.
    pub(super) fn signs_by(&self, algorithm: &str) -> bool {
        self.signature_algorithm(algorithm).is_some()
    }

    /// Whether `signature`, as it travels, is this key's on `data`, by the algorithm of this name and no other.
    pub(super) fn verifies(&self, algorithm: &str, data: &[u8], signature: &[u8]) -> bool {
        let Some(expected) = self.signature_algorithm(algorithm) else { return false };
        let Ok(signature) = Signature::try_from(signature) else { return false };
        signature.algorithm() == expected && self.data.verify(data, &signature).is_ok()
    }

    fn signature_algorithm(&self, name: &str) -> Option<Algorithm> {
        match (&self.data, name) {
            (KeyData::Ed25519(_), "ssh-ed25519") => Some(Algorithm::Ed25519),
            (KeyData::Ecdsa(_), "ecdsa-sha2-nistp256") => Some(Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 }),
            (KeyData::Rsa(_), "rsa-sha2-256") => Some(Algorithm::Rsa { hash: Some(HashAlg::Sha256) }),
            (KeyData::Rsa(_), "rsa-sha2-512") => Some(Algorithm::Rsa { hash: Some(HashAlg::Sha512) }),
            _ => None,
        }
    }
}
