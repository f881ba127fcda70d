//! The key exchange itself: `curve25519-sha256` (RFC 8731) and the post-quantum hybrid `mlkem768x25519-sha256`
//! (draft-ietf-sshm-mlkem-hybrid-kex), the exchange hash and the keys that are derived from it (RFC 4253, section 7.2).

use ml_kem::kem::Encapsulate;
use ml_kem::{EncapsulationKey768, MlKem768};
use rand_core::CryptoRng;
use sha2::{Digest, Sha256};
use x25519_dalek::{EphemeralSecret, PublicKey};
use zeroize::Zeroizing;

use super::cipher::{Algorithm, KeyMaterial};
use super::error::SshError;
use super::wire::Payload;

/// How a secret is agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    /// X25519 alone.
    Curve25519,
    /// ML-KEM-768 and X25519: safe while either of them is.
    MlKem768X25519,
}

/// What the methods are called in KEXINIT, best first.
pub(super) const METHODS: [(&str, Method); 3] = [
    ("mlkem768x25519-sha256", Method::MlKem768X25519),
    ("curve25519-sha256", Method::Curve25519),
    ("curve25519-sha256@libssh.org", Method::Curve25519),
];

/// A hash of the exchange. The first of a connection is the session's id.
pub(super) type ExchangeHash = [u8; 32];

/// The outcome of an exchange.
pub(super) struct Agreement {
    /// Our share, for the client.
    pub(super) share: Vec<u8>,
    /// The shared secret, encoded as the hashes want it.
    pub(super) secret: Zeroizing<Vec<u8>>,
}

/// Agrees on a secret with the client whose share this is.
pub(super) fn agree(method: Method, share: &[u8], rng: &mut dyn CryptoRng) -> Result<Agreement, SshError> {
    match method {
        Method::Curve25519 => {
            let (ours, secret) = x25519(share, rng)?;
            let secret = Zeroizing::new(Payload::fields().mpint(secret.as_slice()).into_bytes());
            Ok(Agreement { share: ours.to_vec(), secret })
        }
        Method::MlKem768X25519 => {
            let (key, point) = share.split_at_checked(share.len().saturating_sub(32)).unwrap_or_default();
            let key = key
                .try_into()
                .ok()
                .and_then(|key| EncapsulationKey768::new(key).ok())
                .ok_or(SshError::KeyExchange { reason: "expected a key of ML-KEM-768, got something else" })?;
            let (ciphertext, first): (ml_kem::kem::Ciphertext<MlKem768>, _) = key.encapsulate_with_rng(rng);
            let first = Zeroizing::new(first);
            let (ours, second) = x25519(point, rng)?;
            let secret = Sha256::new().chain_update(first.as_slice()).chain_update(second.as_slice()).finalize();
            let secret = Zeroizing::new(<[u8; 32]>::from(secret));
            Ok(Agreement {
                share: [ciphertext.as_slice(), &ours].concat(),
                secret: Zeroizing::new(Payload::fields().string(secret.as_slice()).into_bytes()),
            })
        }
    }
}

fn x25519(share: &[u8], rng: &mut dyn CryptoRng) -> Result<([u8; 32], Zeroizing<[u8; 32]>), SshError> {
    let theirs: [u8; 32] = share
        .try_into()
        .map_err(|_| SshError::KeyExchange { reason: "expected an X25519 share of 32 bytes, got another size" })?;
    let secret = EphemeralSecret::random_from_rng(rng);
    let ours = PublicKey::from(&secret);
    let shared = secret.diffie_hellman(&PublicKey::from(theirs));
    // A share of small order would make the secret known to everybody (RFC 8731, section 3).
    if !shared.was_contributory() {
        return Err(SshError::KeyExchange { reason: "the X25519 share gives an all-zero secret" });
    }
    Ok((ours.to_bytes(), Zeroizing::new(shared.to_bytes())))
}

/// What both sides sign off on (RFC 5656, section 4).
pub(super) struct Transcript<'a> {
    pub(super) client_ident: &'a [u8],
    pub(super) server_ident: &'a [u8],
    pub(super) client_kexinit: &'a [u8],
    pub(super) server_kexinit: &'a [u8],
    pub(super) host_key: &'a [u8],
    pub(super) client_share: &'a [u8],
    pub(super) server_share: &'a [u8],
    /// Encoded already.
    pub(super) secret: &'a [u8],
}

impl Transcript<'_> {
    pub(super) fn hash(&self) -> ExchangeHash {
        let mut hash = Sha256::new();
        for part in [
            self.client_ident,
            self.server_ident,
            self.client_kexinit,
            self.server_kexinit,
            self.host_key,
            self.client_share,
            self.server_share,
        ] {
            hash.update(u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
            hash.update(part);
        }
        hash.chain_update(self.secret).finalize().into()
    }
}

/// Which way keys are for: the letters of RFC 4253, section 7.2.
#[derive(Clone, Copy, Debug)]
pub(super) enum Direction {
    ClientToServer,
    ServerToClient,
}

/// The keys of one direction.
pub(super) fn derive(
    algorithm: Algorithm,
    direction: Direction,
    secret: &[u8],
    hash: &ExchangeHash,
    session: &ExchangeHash,
) -> KeyMaterial {
    let (iv, key, mac) = match direction {
        Direction::ClientToServer => (b'A', b'C', b'E'),
        Direction::ServerToClient => (b'B', b'D', b'F'),
    };
    let (iv_size, key_size, mac_size) = algorithm.sizes();
    let make = |letter: u8, size: usize| {
        let mut made = Zeroizing::new(Vec::with_capacity(size + 32));
        while made.len() < size {
            let base = Sha256::new().chain_update(secret).chain_update(hash);
            let full = if made.is_empty() {
                base.chain_update([letter]).chain_update(session)
            } else {
                base.chain_update(made.as_slice())
            };
            made.extend_from_slice(&full.finalize());
        }
        made.truncate(size);
        made
    };
    KeyMaterial { iv: make(iv, iv_size), key: make(key, key_size), mac: make(mac, mac_size) }
}

#[cfg(test)]
#[path = "tests/kex.rs"]
mod tests;
