//! A client that knows one key exchange and one cipher, `curve25519-sha256` and `aes256-gcm@openssh.com`, written against the
//! RFCs and not against the server's own code.

use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes256Gcm, Tag};
use sha2::{Digest, Sha256};
use wampproc::ssh::{Connection, Verdict};
use x25519_dalek::{PublicKey, StaticSecret};

use crate::{CONFIG, FixedRng, drive};

const IDENT: &[u8] = b"SSH-2.0-fuzz";

/// A connection and the keys for what the client sends on it.
pub struct Client {
    pub server: Connection,
    keys: Option<(Aes256Gcm, [u8; 12])>,
}

impl Client {
    /// Accepted, and nothing said.
    pub fn silent() -> Self {
        let server = Connection::new(CONFIG.clone(), FixedRng::new(2)).expect("a connection");
        Self { server, keys: None }
    }

    /// Identified.
    pub fn identified() -> Self {
        let mut client = Self::silent();
        client.server.receive(&[IDENT, b"\r\n"].concat()).expect("an identification");
        client
    }

    /// With keys, and with the service that logins belong to.
    pub fn connected() -> Self {
        let mut client = Self::identified();
        let output = client.server.output().to_vec();
        let (server_ident, rest) = split_line(&output);
        let server_kexinit = plain_payload(rest).0.to_vec();
        client.server.consume(output.len());

        let kexinit = kexinit();
        let secret = StaticSecret::from([7; 32]);
        let share = PublicKey::from(&secret).to_bytes();
        client.send(&kexinit);
        client.send(&[&[30][..], &string(&share)].concat());
        let output = client.server.output().to_vec();
        let (reply, _) = plain_payload(&output);
        let (host_key, rest) = split_string(&reply[1..]);
        let (server_share, _) = split_string(rest);

        let shared = secret.diffie_hellman(&PublicKey::from(<[u8; 32]>::try_from(server_share).expect("a share")));
        let k = mpint(shared.as_bytes());
        let mut hash = Sha256::new();
        for part in [IDENT, server_ident, &kexinit, &server_kexinit, host_key, &share, server_share] {
            hash.update(string(part));
        }
        let h = hash.chain_update(&k).finalize();
        let derive = |letter: u8| Sha256::new().chain_update(&k).chain_update(h).chain_update([letter]).chain_update(h);
        let nonce = *derive(b'A').finalize().first_chunk().expect("12 bytes");
        let cipher = Aes256Gcm::new(&derive(b'C').finalize());
        client.send(&[21]);
        client.keys = Some((cipher, nonce));
        client.send(&[&[5][..], &string(b"ssh-userauth")].concat());
        assert!(!client.server.is_over(), "the client does it right");
        client.discard_output();
        client
    }

    /// Logged in, with two channels.
    pub fn logged_in() -> Self {
        let mut client = Self::connected();
        let login = [&[50][..], &string(b"me"), &string(b"ssh-connection"), &string(b"password"), &[0], &string(b"x")];
        client.send(&login.concat());
        drive(&mut client.server, Verdict::Accept);
        for number in 0..2_u32 {
            let numbers = [number, 100_000, 1000].map(u32::to_be_bytes).concat();
            client.send(&[&[90][..], &string(b"session"), &numbers].concat());
        }
        drive(&mut client.server, Verdict::Accept);
        assert!(!client.server.is_over(), "the client does it right");
        client.discard_output();
        client
    }

    /// Sends a message; whether the connection goes on.
    pub fn send(&mut self, payload: &[u8]) -> bool {
        let aligned_head = if self.keys.is_some() { 0 } else { 4 };
        let block = if self.keys.is_some() { 16 } else { 8 };
        let unpadded = aligned_head + 1 + payload.len();
        let padding = (unpadded + 4).next_multiple_of(block) - unpadded;
        let mut body = vec![padding as u8];
        body.extend_from_slice(payload);
        body.resize(body.len() + padding, 0);
        let head = (body.len() as u32).to_be_bytes();
        let mut tag = Vec::new();
        if let Some((cipher, nonce)) = &mut self.keys {
            let made: Tag =
                cipher.encrypt_inout_detached(&(*nonce).into(), &head, body.as_mut_slice().into()).expect("a tag");
            tag.extend_from_slice(&made);
            let counter = nonce.last_chunk_mut::<8>().expect("8 of 12 bytes");
            *counter = u64::from_be_bytes(*counter).wrapping_add(1).to_be_bytes();
        }
        self.server.receive(&[&head[..], &body, &tag].concat()).is_ok() && !self.server.is_over()
    }

    /// Reads everything that the server has sent, and looks at nothing of it.
    pub fn discard_output(&mut self) {
        let length = self.server.output().len();
        self.server.consume(length);
    }
}

/// The client's KEXINIT, strict.
pub fn kexinit() -> Vec<u8> {
    let cipher = &b"aes256-gcm@openssh.com"[..];
    let methods = &b"curve25519-sha256,ext-info-c,kex-strict-c-v00@openssh.com"[..];
    let lists = [methods, b"ssh-ed25519", cipher, cipher, b"", b"", b"none", b"none", b"", b""];
    let mut payload = [&[20][..], &[9; 16]].concat();
    for list in lists {
        payload.extend(string(list));
    }
    payload.extend([0; 5]);
    payload
}

fn string(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u32).to_be_bytes()[..], bytes].concat()
}

fn mpint(number: &[u8]) -> Vec<u8> {
    let start = number.iter().position(|byte| *byte != 0).unwrap_or(number.len());
    let number = &number[start..];
    if number.first().is_some_and(|byte| byte & 0x80 != 0) { string(&[&[0], number].concat()) } else { string(number) }
}

fn split_string(bytes: &[u8]) -> (&[u8], &[u8]) {
    let (length, rest) = bytes.split_first_chunk().expect("a length");
    rest.split_at(u32::from_be_bytes(*length) as usize)
}

fn split_line(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes.windows(2).position(|two| two == b"\r\n").expect("a line");
    (&bytes[..end], &bytes[end + 2..])
}

/// The payload of the first packet of a stream that is not encrypted, and what follows it.
fn plain_payload(bytes: &[u8]) -> (&[u8], &[u8]) {
    let (body, rest) = split_string(bytes);
    let padding = usize::from(body[0]);
    (&body[1..body.len() - padding], rest)
}
