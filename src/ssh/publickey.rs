//! Users' public keys: as text in `authorized_keys`, as they travel, and the signatures made with them.

use base64ct::{Base64, Base64Unpadded, Encoding};
use p256::ecdsa;
use p256::ecdsa::signature::hazmat::PrehashVerifier;
use rsa::traits::PublicKeyParts;
use rsa::{BigUint, Pkcs1v15Sign, RsaPublicKey};
use sha2::{Digest, Sha256, Sha512};

use super::error::{SshError, printable};
use super::key_error::KeyError;
use super::limits::{MAX_RSA_BITS, MIN_RSA_BITS};
use super::wire::Reader;

/// The algorithms of users' signatures, as EXT_INFO's `server-sig-algs` lists them (RFC 8308, RFC 8332).
pub(super) const SIGNATURE_ALGORITHMS: &str = "ssh-ed25519,ecdsa-sha2-nistp256,rsa-sha2-256,rsa-sha2-512";

const KINDS: &str = "ssh-ed25519, ecdsa-sha2-nistp256 or ssh-rsa (2048 to 8192 bits)";
const LINE: &str = "a public key as in authorized_keys, without options";

/// A user's public key. Two are equal when the keys are, whatever their comments say.
#[derive(Clone, Debug)]
pub struct PublicKey {
    key: Box<Key>,
    blob: Vec<u8>,
    comment: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Key {
    Ed25519(ed25519_dalek::VerifyingKey),
    Ecdsa(ecdsa::VerifyingKey),
    Rsa(RsaPublicKey),
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
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
        let wrong = |got: &str| KeyError::Format { expected: LINE, got: got.to_owned() };
        let mut words = line.trim().splitn(3, [' ', '\t']);
        let kind = words.next().filter(|kind| !kind.is_empty()).ok_or_else(|| wrong("nothing"))?;
        let base64 = words.next().ok_or_else(|| wrong("one word"))?;
        let blob = Base64::decode_vec(base64).map_err(|_| wrong("a second word that is not base64"))?;
        if Reader::new("key", &blob).string("kind") != Ok(kind.as_bytes()) {
            return Err(wrong("a first word that is not the key's kind"));
        }
        let mut key = Self::from_wire(&blob)?;
        words.next().unwrap_or_default().trim().clone_into(&mut key.comment);
        Ok(key)
    }

    /// The key in a login.
    pub(super) fn from_wire(blob: &[u8]) -> Result<Self, KeyError> {
        let mut reader = Reader::new("public key", blob);
        let wrong = || KeyError::Format { expected: "a public key", got: "numbers that are none".to_owned() };
        let key = match reader.string("kind")? {
            b"ssh-ed25519" => {
                let point = reader.string("key")?.try_into().map_err(|_| reader.malformed("key"))?;
                let key = ed25519_dalek::VerifyingKey::from_bytes(point).map_err(|_| wrong())?;
                // Anybody can sign for such a key.
                if key.is_weak() {
                    return Err(KeyError::Algorithm { expected: KINDS, got: "a weak ssh-ed25519".to_owned() });
                }
                Key::Ed25519(key)
            }
            b"ecdsa-sha2-nistp256" => {
                if reader.string("curve")? != b"nistp256" {
                    return Err(reader.malformed("curve").into());
                }
                Key::Ecdsa(ecdsa::VerifyingKey::from_sec1_bytes(reader.string("point")?).map_err(|_| wrong())?)
            }
            b"ssh-rsa" => Key::Rsa(rsa(&mut reader)?),
            other => return Err(KeyError::Algorithm { expected: KINDS, got: printable(other) }),
        };
        reader.end()?;
        Ok(Self { key: Box::new(key), blob: blob.to_vec(), comment: String::new() })
    }

    /// The kind of key: `ssh-ed25519`, `ecdsa-sha2-nistp256` or `ssh-rsa`.
    #[must_use]
    pub fn algorithm(&self) -> &'static str {
        match &*self.key {
            Key::Ed25519(_) => "ssh-ed25519",
            Key::Ecdsa(_) => "ecdsa-sha2-nistp256",
            Key::Rsa(_) => "ssh-rsa",
        }
    }

    /// `SHA256:` and 43 characters of base64.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        fingerprint(&self.blob)
    }

    /// What stands beside the key in its file.
    #[must_use]
    pub fn comment(&self) -> &str {
        &self.comment
    }

    /// Whether a key of this kind makes signatures by the algorithm of this name.
    pub(super) fn signs_by(&self, algorithm: &str) -> bool {
        matches!(
            (&*self.key, algorithm),
            (Key::Ed25519(_), "ssh-ed25519")
                | (Key::Ecdsa(_), "ecdsa-sha2-nistp256")
                | (Key::Rsa(_), "rsa-sha2-256" | "rsa-sha2-512")
        )
    }

    /// Whether `signature`, as it travels, is this key's on `data`, by the algorithm of this name and no other.
    pub(super) fn verifies(&self, algorithm: &str, data: &[u8], signature: &[u8]) -> bool {
        self.signs_by(algorithm) && self.check(algorithm, data, signature).unwrap_or(false)
    }

    fn check(&self, algorithm: &str, data: &[u8], signature: &[u8]) -> Result<bool, SshError> {
        let mut reader = Reader::new("signature", signature);
        if reader.string("algorithm")? != algorithm.as_bytes() {
            return Ok(false);
        }
        let signature = reader.string("signature")?;
        reader.end()?;
        Ok(match &*self.key {
            Key::Ed25519(key) => ed25519_dalek::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify_strict(data, &signature).is_ok()),
            Key::Ecdsa(key) => {
                let mut numbers = Reader::new("signature", signature);
                let (r, s) = (scalar(numbers.mpint("r")?), scalar(numbers.mpint("s")?));
                numbers.end()?;
                let signature = r.zip(s).and_then(|(r, s)| ecdsa::Signature::from_scalars(r, s).ok());
                signature.is_some_and(|signature| key.verify_prehash(&Sha256::digest(data), &signature).is_ok())
            }
            Key::Rsa(key) => {
                // Some clients leave out leading zeros.
                let Some(missing) = key.size().checked_sub(signature.len()) else { return Ok(false) };
                let padded = [vec![0; missing], signature.to_vec()].concat();
                let hash = match algorithm {
                    "rsa-sha2-256" => Sha256::digest(data).to_vec(),
                    _ => Sha512::digest(data).to_vec(),
                };
                key.verify(rsa_scheme(algorithm), &hash, &padded).is_ok()
            }
        })
    }
}

/// What stands before the hash in an RSA signature: the DER of `DigestInfo` (RFC 8017, section 9.2, note 1).
const SHA256_PREFIX: [u8; 19] = *b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20";
const SHA512_PREFIX: [u8; 19] = *b"\x30\x51\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00\x04\x40";

/// The signature scheme of `rsa-sha2-256` or `rsa-sha2-512` (RFC 8332) for a hash that is there already. (`rsa` would take the
/// hashes of `sha2`, but of an older generation of it than the one used here.)
pub(super) fn rsa_scheme(algorithm: &str) -> Pkcs1v15Sign {
    let (prefix, length) = match algorithm {
        "rsa-sha2-256" => (SHA256_PREFIX, 32),
        _ => (SHA512_PREFIX, 64),
    };
    Pkcs1v15Sign { hash_len: Some(length), prefix: prefix.into() }
}

/// RFC 4253, section 6.6: exponent and modulus.
fn rsa(reader: &mut Reader<'_>) -> Result<RsaPublicKey, KeyError> {
    let (exponent, modulus) = (reader.mpint("exponent")?, reader.mpint("modulus")?);
    let leading = modulus.first().map_or(0, |byte| byte.leading_zeros() as usize);
    let bits = modulus.len() * 8 - leading;
    if !(MIN_RSA_BITS..=MAX_RSA_BITS).contains(&bits) {
        return Err(KeyError::Algorithm { expected: KINDS, got: format!("ssh-rsa of {bits} bits") });
    }
    RsaPublicKey::new_with_max_size(BigUint::from_bytes_be(modulus), BigUint::from_bytes_be(exponent), MAX_RSA_BITS)
        .map_err(|error| KeyError::Format { expected: "an RSA key", got: error.to_string() })
}

/// A number of at most 256 bits, in 32 bytes.
fn scalar(number: &[u8]) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    let start = bytes.len().checked_sub(number.len())?;
    bytes.get_mut(start..)?.copy_from_slice(number);
    Some(bytes)
}

/// The fingerprint of a public key as it travels, as OpenSSH shows it.
pub(super) fn fingerprint(blob: &[u8]) -> String {
    format!("SHA256:{}", Base64Unpadded::encode_string(&Sha256::digest(blob)))
}
