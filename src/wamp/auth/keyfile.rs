//! An ed25519 key in a text. The private one: hex, base64, or OpenSSH's format (its PROTOCOL.key). The public one: hex, or the
//! line of OpenSSH's `.pub` files (RFC 4253, 6.6, and RFC 8709).

use std::fmt;

use base64ct::{Base64, Encoding};
use ed25519_dalek::SigningKey;
use zeroize::Zeroizing;

use super::hex;

const BEGIN: &str = "-----BEGIN OPENSSH PRIVATE KEY-----";
const END: &str = "-----END OPENSSH PRIVATE KEY-----";
const MAGIC: &[u8] = b"openssh-key-v1\0";
const ALGORITHM: &[u8] = b"ssh-ed25519";

/// A key's secret half.
pub type Seed = Zeroizing<[u8; 32]>;

/// Why a text is no key. Its `Display` never repeats the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyError {
    /// None of the formats.
    Format,
    /// OpenSSH's, but damaged.
    Damaged,
    /// OpenSSH's, with a passphrase.
    Encrypted,
    /// OpenSSH's, of another algorithm.
    Algorithm,
    /// The public half is another's.
    Mismatch,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Format => {
                "expected a private ed25519 key as 64 characters of hex, as base64, or in OpenSSH's format, got something else"
            }
            Self::Damaged => "expected a private key in OpenSSH's format, got a damaged one",
            Self::Encrypted => "expected a private key without a passphrase, got an encrypted one",
            Self::Algorithm => "expected a private key of the kind ssh-ed25519, got one of another kind",
            Self::Mismatch => "expected a private key whose halves belong together, got a public half that is another's",
        })
    }
}

impl std::error::Error for KeyError {}

/// Whether it looks like OpenSSH's format.
pub fn is_openssh(text: &str) -> bool {
    text.trim_start().starts_with(BEGIN)
}

/// The key in a text.
pub fn read(text: &str) -> Result<Seed, KeyError> {
    let text = text.trim();
    if is_openssh(text) {
        return read_openssh(text);
    }
    if let Some(seed) = hex::decode(text) {
        return Ok(Zeroizing::new(seed));
    }
    let bytes = Zeroizing::new(Base64::decode_vec(text).map_err(|_| KeyError::Format)?);
    halves(&bytes).ok_or(KeyError::Format)?
}

/// The public key in a text.
pub fn read_public(text: &str) -> Option<[u8; 32]> {
    let text = text.trim();
    let mut words = text.split_ascii_whitespace();
    if words.next().map(str::as_bytes) != Some(ALGORITHM) {
        return hex::decode(text);
    }
    let blob = Base64::decode_vec(words.next()?).ok()?;
    let mut fields = Fields { rest: &blob };
    let (algorithm, key) = (fields.string().ok()?, fields.string().ok()?);
    (algorithm == ALGORITHM && fields.rest.is_empty()).then(|| key.try_into().ok())?
}

/// A seed alone, or with the public key behind it; `None` for another length.
fn halves(bytes: &[u8]) -> Option<Result<Seed, KeyError>> {
    let (seed, public) = bytes.split_at_checked(32)?;
    let seed = Zeroizing::new(<[u8; 32]>::try_from(seed).ok()?);
    match public.len() {
        0 => Some(Ok(seed)),
        32 if SigningKey::from_bytes(&seed).verifying_key().as_bytes() == public => Some(Ok(seed)),
        32 => Some(Err(KeyError::Mismatch)),
        _ => None,
    }
}

fn read_openssh(text: &str) -> Result<Seed, KeyError> {
    let body = text.strip_prefix(BEGIN).and_then(|text| text.strip_suffix(END)).ok_or(KeyError::Damaged)?;
    let base64 = Zeroizing::new(body.chars().filter(|c| !c.is_ascii_whitespace()).collect::<String>());
    let container = Zeroizing::new(Base64::decode_vec(&base64).map_err(|_| KeyError::Damaged)?);
    let mut outer = Fields { rest: container.strip_prefix(MAGIC).ok_or(KeyError::Damaged)? };
    let unencrypted = (outer.string()? == b"none", outer.string()? == b"none");
    outer.string()?;
    if outer.number()? != 1 {
        return Err(KeyError::Damaged);
    }
    let public = outer.string()?;
    if (Fields { rest: public }).string()? != ALGORITHM {
        return Err(KeyError::Algorithm);
    }
    if unencrypted != (true, true) {
        return Err(KeyError::Encrypted);
    }
    let mut private = Fields { rest: outer.string()? };
    if private.number()? != private.number()? || private.string()? != ALGORITHM {
        return Err(KeyError::Damaged);
    }
    private.string()?;
    match private.string()? {
        both if both.len() == 64 => halves(both).ok_or(KeyError::Damaged)?,
        _ => Err(KeyError::Damaged),
    }
}

/// Fields of RFC 4251 section 5.
struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    fn number(&mut self) -> Result<u32, KeyError> {
        let (number, rest) = self.rest.split_first_chunk::<4>().ok_or(KeyError::Damaged)?;
        self.rest = rest;
        Ok(u32::from_be_bytes(*number))
    }

    fn string(&mut self) -> Result<&'a [u8], KeyError> {
        let length = usize::try_from(self.number()?).map_err(|_| KeyError::Damaged)?;
        let (string, rest) = self.rest.split_at_checked(length).ok_or(KeyError::Damaged)?;
        self.rest = rest;
        Ok(string)
    }
}
