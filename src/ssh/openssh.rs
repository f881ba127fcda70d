//! OpenSSH's format of private keys (its PROTOCOL.key): a text around a binary container. Only what a host key of ours can
//! be is read and written: one ed25519 key without a passphrase.

use base64ct::{Base64, Encoding};
use zeroize::Zeroizing;

use super::error::{SshError, printable};
use super::key_error::KeyError;
use super::wire::{Payload, Reader};

/// The kind of key.
pub(super) const ED25519: &str = "ssh-ed25519";

const BEGIN: &str = "-----BEGIN OPENSSH PRIVATE KEY-----";
const END: &str = "-----END OPENSSH PRIVATE KEY-----";
const MAGIC: &[u8] = b"openssh-key-v1\0";

/// Characters of base64 in a line, as `ssh-keygen` has them.
const LINE: usize = 70;

/// What the private part is a multiple of, in bytes, when no cipher says otherwise.
const BLOCK: usize = 8;

/// Both halves of a key.
pub(super) struct Halves {
    pub(super) public: [u8; 32],
    pub(super) seed: Zeroizing<[u8; 32]>,
}

/// The text of a key.
pub(super) fn encode(halves: &Halves, comment: &str) -> Zeroizing<String> {
    let public = Payload::fields().string(ED25519.as_bytes()).string(&halves.public).into_bytes();
    let both = Zeroizing::new([halves.seed.as_slice(), &halves.public].concat());
    // Twice the same number, which only tells a right passphrase from a wrong one.
    let mut private = Vec::with_capacity(256);
    private.extend_from_slice(&[0; 8]);
    for field in [ED25519.as_bytes(), &halves.public, &both, comment.as_bytes()] {
        private.extend_from_slice(&u32::try_from(field.len()).unwrap_or(u32::MAX).to_be_bytes());
        private.extend_from_slice(field);
    }
    let padding = private.len().next_multiple_of(BLOCK) - private.len();
    private.extend((1..=u8::MAX).take(padding));
    let private = Zeroizing::new(private);

    let container = Payload::with_capacity(512)
        .raw(MAGIC)
        .string(b"none")
        .string(b"none")
        .string(b"")
        .u32(1)
        .string(&public)
        .string(&private);
    let container = Zeroizing::new(container.into_bytes());
    let base64 = Zeroizing::new(Base64::encode_string(&container));
    let mut text = Zeroizing::new(String::with_capacity(2 * base64.len()));
    text.push_str(BEGIN);
    for (at, character) in base64.chars().enumerate() {
        if at % LINE == 0 {
            text.push('\n');
        }
        text.push(character);
    }
    text.push('\n');
    text.push_str(END);
    text.push('\n');
    text
}

/// The key in a text.
pub(super) fn decode(text: &str) -> Result<Halves, KeyError> {
    let body = text.trim().strip_prefix(BEGIN).and_then(|text| text.strip_suffix(END));
    let body = body.ok_or_else(|| format("not between its two lines"))?;
    let base64 = Zeroizing::new(body.chars().filter(|c| !c.is_ascii_whitespace()).collect::<String>());
    let container = Zeroizing::new(Base64::decode_vec(&base64).map_err(|_| format("not in base64"))?);
    let fields = container.strip_prefix(MAGIC).ok_or_else(|| format("not a container of version 1"))?;
    container_fields(Reader::new("the container", fields))
}

fn container_fields(mut reader: Reader<'_>) -> Result<Halves, KeyError> {
    let cipher = reader.string("cipher")?;
    let derivation = reader.string("key derivation")?;
    reader.string("its options")?;
    let keys = reader.u32("number of keys")?;
    let mut public = Reader::new("the public key", reader.string("public key")?);
    let algorithm = public.string("algorithm")?;
    if algorithm != ED25519.as_bytes() {
        return Err(KeyError::Algorithm { expected: ED25519, got: printable(algorithm) });
    }
    if cipher != b"none" || derivation != b"none" {
        return Err(KeyError::Encrypted);
    }
    let public: [u8; 32] = public.string("key")?.try_into().map_err(|_| format("a public key of a wrong size"))?;
    let mut private = Reader::new("the private key", reader.string("private key")?);
    reader.end()?;
    let checks = (private.u32("check")?, private.u32("check")?);
    let repeated = (private.string("algorithm")?, private.string("public key")?);
    let both = private.string("both halves")?;
    let seed = both.strip_suffix(&public).and_then(|seed| <[u8; 32]>::try_from(seed).ok()).map(Zeroizing::new);
    private.string("comment")?;
    match seed {
        Some(seed) if keys == 1 && checks.0 == checks.1 && repeated == (algorithm, public.as_slice()) => {
            Ok(Halves { public, seed })
        }
        _ => Err(format("its parts do not fit together")),
    }
}

fn format(got: impl Into<String>) -> KeyError {
    KeyError::Format { expected: "a private key in OpenSSH's format", got: got.into() }
}

impl From<SshError> for KeyError {
    fn from(error: SshError) -> Self {
        format(error.to_string())
    }
}
