//! What protects packets in one direction: `chacha20-poly1305@openssh.com`, `aes256-gcm@openssh.com` (RFC 5647), and
//! `aes256-ctr` with `hmac-sha2-256-etm@openssh.com` (RFC 4344, RFC 6668), or nothing before the first keys. The primitives
//! are crates'; they compare authentication codes in constant time.

use std::fmt;

use aes_gcm::Aes256Gcm;
use ctr::cipher::{KeyIvInit, StreamCipher};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use ssh_cipher::aead::AeadInOut;
use ssh_cipher::{ChaCha20, ChaCha20Poly1305, ChaChaKey, ChaChaNonce};
use zeroize::{Zeroize, Zeroizing};

use super::error::SshError;

type Aes256Ctr = ctr::Ctr128BE<aes::Aes256>;

/// The length field at the head of a packet, in bytes.
pub(super) const LENGTH: usize = 4;

/// A cipher and what authenticates with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    ChaCha20Poly1305,
    Aes256Gcm,
    Aes256CtrHmac,
}

/// What the algorithms are called in KEXINIT, best first.
pub(super) const CIPHERS: [(&str, Algorithm); 3] = [
    ("chacha20-poly1305@openssh.com", Algorithm::ChaCha20Poly1305),
    ("aes256-gcm@openssh.com", Algorithm::Aes256Gcm),
    ("aes256-ctr", Algorithm::Aes256CtrHmac),
];

/// The one authentication code, for the cipher that needs one.
pub(super) const MAC: &str = "hmac-sha2-256-etm@openssh.com";

/// What [`Protection::new`] needs of an algorithm's keys, derived as RFC 4253, section 7.2 says.
pub(super) struct KeyMaterial {
    pub(super) iv: Zeroizing<Vec<u8>>,
    pub(super) key: Zeroizing<Vec<u8>>,
    pub(super) mac: Zeroizing<Vec<u8>>,
}

impl Algorithm {
    /// How many bytes of `iv`, `key` and `mac` it takes.
    pub(super) fn sizes(self) -> (usize, usize, usize) {
        match self {
            Self::ChaCha20Poly1305 => (0, 64, 0),
            Self::Aes256Gcm => (12, 32, 0),
            Self::Aes256CtrHmac => (16, 32, 32),
        }
    }
}

/// The state of one direction.
pub(super) enum Protection {
    /// Before the first keys.
    Plain,
    ChaCha20Poly1305 {
        length: ChaChaKey,
        body: ChaCha20Poly1305,
    },
    Aes256Gcm {
        cipher: Box<Aes256Gcm>,
        nonce: [u8; 12],
    },
    Aes256CtrHmac {
        cipher: Box<Aes256Ctr>,
        mac: Box<Hmac<Sha256>>,
    },
}

impl Drop for Protection {
    fn drop(&mut self) {
        // The ciphers wipe themselves; this key is a plain array.
        if let Self::ChaCha20Poly1305 { length, .. } = self {
            length.zeroize();
        }
    }
}

impl fmt::Debug for Protection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "Plain",
            Self::ChaCha20Poly1305 { .. } => "ChaCha20Poly1305",
            Self::Aes256Gcm { .. } => "Aes256Gcm",
            Self::Aes256CtrHmac { .. } => "Aes256CtrHmac",
        })
    }
}

impl Protection {
    /// `None` when the material is not of the algorithm's sizes.
    pub(super) fn new(algorithm: Algorithm, material: &KeyMaterial) -> Option<Self> {
        let (key, iv) = (material.key.as_slice(), material.iv.as_slice());
        Some(match algorithm {
            Algorithm::ChaCha20Poly1305 => {
                let (body, length) = key.split_at_checked(32)?;
                Self::ChaCha20Poly1305 {
                    length: length.try_into().ok()?,
                    body: ssh_cipher::aead::KeyInit::new_from_slice(body).ok()?,
                }
            }
            Algorithm::Aes256Gcm => Self::Aes256Gcm {
                cipher: Box::new(aes_gcm::KeyInit::new_from_slice(key).ok()?),
                nonce: iv.try_into().ok()?,
            },
            Algorithm::Aes256CtrHmac => Self::Aes256CtrHmac {
                cipher: Box::new(Aes256Ctr::new_from_slices(key, iv).ok()?),
                mac: Box::new(KeyInit::new_from_slice(material.mac.as_slice()).ok()?),
            },
        })
    }

    /// What a packet without its authentication code is a multiple of, in bytes. Where the length field is not encrypted with
    /// the rest, it does not count.
    pub(super) fn block(&self) -> usize {
        match self {
            Self::Plain | Self::ChaCha20Poly1305 { .. } => 8,
            Self::Aes256Gcm { .. } | Self::Aes256CtrHmac { .. } => 16,
        }
    }

    /// How many bytes of [`LENGTH`] count for [`Protection::block`].
    pub(super) fn aligned_head(&self) -> usize {
        if matches!(self, Self::Plain) { LENGTH } else { 0 }
    }

    /// The size of the authentication code in bytes.
    pub(super) fn tag(&self) -> usize {
        match self {
            Self::Plain => 0,
            Self::ChaCha20Poly1305 { .. } | Self::Aes256Gcm { .. } => 16,
            Self::Aes256CtrHmac { .. } => 32,
        }
    }

    /// The length that stands at the head of a packet. Not to be trusted until [`Protection::open`] has agreed.
    pub(super) fn length(&self, sequence: u32, mut head: [u8; LENGTH]) -> u32 {
        if let Self::ChaCha20Poly1305 { length, .. } = self {
            ChaCha20::new(length, &nonce(sequence)).apply_keystream(&mut head);
        }
        u32::from_be_bytes(head)
    }

    /// Encrypts a packet in place: length field, body, and room for the authentication code.
    ///
    /// # Errors
    /// [`SshError::Integrity`] when there is no such room, which would be our own mistake.
    pub(super) fn seal(&mut self, sequence: u32, packet: &mut [u8]) -> Result<(), SshError> {
        let (head, body, tag) = self.parts(packet)?;
        match self {
            Self::Plain => {}
            Self::ChaCha20Poly1305 { length, body: cipher } => {
                let nonce = nonce(sequence);
                ChaCha20::new(length, &nonce).apply_keystream(head);
                let code = cipher.encrypt_inout_detached(&nonce, head, body.into()).map_err(|_| SshError::Integrity)?;
                tag.copy_from_slice(&code);
            }
            Self::Aes256Gcm { cipher, nonce } => {
                let code = cipher
                    .encrypt_inout_detached(&(*nonce).into(), head, body.into())
                    .map_err(|_| SshError::Integrity)?;
                tag.copy_from_slice(&code);
                increment(nonce);
            }
            Self::Aes256CtrHmac { cipher, mac } => {
                cipher.try_apply_keystream(body).map_err(|_| SshError::Integrity)?;
                tag.copy_from_slice(&authenticator(mac, sequence, head, body).finalize().into_bytes());
            }
        }
        Ok(())
    }

    /// Checks and decrypts a whole packet in place.
    ///
    /// # Errors
    /// [`SshError::Integrity`] when it is not what the client sent; nothing of it may be used then.
    pub(super) fn open(&mut self, sequence: u32, packet: &mut [u8]) -> Result<(), SshError> {
        let (head, body, tag) = self.parts(packet)?;
        match self {
            Self::Plain => Ok(()),
            Self::ChaCha20Poly1305 { body: cipher, .. } => {
                let tag = (&*tag).try_into().map_err(|_| SshError::Integrity)?;
                cipher
                    .decrypt_inout_detached(&nonce(sequence), head, body.into(), &tag)
                    .map_err(|_| SshError::Integrity)
            }
            Self::Aes256Gcm { cipher, nonce } => {
                let tag = (&*tag).try_into().map_err(|_| SshError::Integrity)?;
                cipher
                    .decrypt_inout_detached(&(*nonce).into(), head, body.into(), &tag)
                    .map_err(|_| SshError::Integrity)?;
                increment(nonce);
                Ok(())
            }
            Self::Aes256CtrHmac { cipher, mac } => {
                authenticator(mac, sequence, head, body).verify_slice(tag).map_err(|_| SshError::Integrity)?;
                cipher.try_apply_keystream(body).map_err(|_| SshError::Integrity)
            }
        }
    }

    /// Length field, body and authentication code.
    #[allow(clippy::type_complexity, reason = "three borrows of one packet")]
    fn parts<'p>(&self, packet: &'p mut [u8]) -> Result<(&'p mut [u8], &'p mut [u8], &'p mut [u8]), SshError> {
        let (head, rest) = packet.split_at_mut_checked(LENGTH).ok_or(SshError::Integrity)?;
        let end = rest.len().checked_sub(self.tag()).ok_or(SshError::Integrity)?;
        let (body, tag) = rest.split_at_mut_checked(end).ok_or(SshError::Integrity)?;
        Ok((head, body, tag))
    }
}

/// The sequence number as the nonce of `chacha20-poly1305@openssh.com`.
fn nonce(sequence: u32) -> ChaChaNonce {
    u64::from(sequence).to_be_bytes().into()
}

/// The next nonce of AES-GCM: 4 bytes that stay, then a counter (RFC 5647, section 7.1).
fn increment(nonce: &mut [u8; 12]) {
    if let Some(counter) = nonce.last_chunk_mut::<8>() {
        *counter = u64::from_be_bytes(*counter).wrapping_add(1).to_be_bytes();
    }
}

/// Encrypt-then-MAC: over the sequence number, the length as it is, and the encrypted body.
fn authenticator(mac: &Hmac<Sha256>, sequence: u32, head: &[u8], body: &[u8]) -> Hmac<Sha256> {
    mac.clone().chain_update(sequence.to_be_bytes()).chain_update(head).chain_update(body)
}

#[cfg(test)]
#[path = "tests/cipher.rs"]
mod tests;
