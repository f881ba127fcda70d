//! A client that can do right and wrong, joined to a server without a socket between them. It shares the server's packet
//! layer; that both are right is shown by the vectors and by other people's clients.

use std::sync::Arc;

use ed25519_dalek::{Signature, Verifier, VerifyingKey};
use ml_kem::MlKem768;
use ml_kem::kem::{Decapsulate, Kem, KeyExport};
use sha2::{Digest, Sha256};
use x25519_dalek::{EphemeralSecret, PublicKey};

use super::rng::TestRng;
use crate::ssh::cipher::{CIPHERS, MAC, Protection};
use crate::ssh::kex::{self, Direction, ExchangeHash, METHODS, Transcript};
use crate::ssh::message;
use crate::ssh::packet::{PacketReader, PacketWriter};
use crate::ssh::wire::{Payload, Reader};
use crate::ssh::{ChannelId, Config, Connection, Credential, Event, HostKey, SshError, Verdict};

pub(super) const IDENT: &[u8] = b"SSH-2.0-test client";

/// What [`Client::numbers`] gives when the server has nothing to say.
pub(super) const NOTHING: [u8; 0] = [];

/// What the client knows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setup {
    pub(super) method: &'static str,
    pub(super) cipher: &'static str,
    pub(super) strict: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self { method: "curve25519-sha256", cipher: "chacha20-poly1305@openssh.com", strict: true }
    }
}

/// What the client keeps to itself in an exchange.
enum Secret {
    X25519(EphemeralSecret),
    Hybrid(Box<ml_kem::DecapsulationKey768>, EphemeralSecret),
}

pub(super) struct Client {
    pub(super) server: Connection,
    setup: Setup,
    rng: TestRng,
    reader: PacketReader,
    writer: PacketWriter,
    server_ident: Vec<u8>,
    ours: Vec<u8>,
    theirs: Vec<u8>,
    share: Vec<u8>,
    secret: Option<Secret>,
    pending: Option<(Protection, Protection)>,
    pub(super) session: ExchangeHash,
}

pub(super) fn config() -> Config {
    Config::new(HostKey::generate(&mut TestRng::new(0x5eed)))
}

impl Client {
    /// Accepted, and nothing said by the client.
    pub(super) fn silent(setup: Setup, config: Config) -> Self {
        let mut server = Connection::new(Arc::new(config), TestRng::new(1)).unwrap();
        let end = server.output().windows(2).position(|two| two == b"\r\n").unwrap();
        let server_ident = server.output()[..end].to_vec();
        server.consume(end + 2);
        Self {
            server,
            setup,
            rng: TestRng::new(2),
            reader: PacketReader::new(),
            writer: PacketWriter::new(Vec::new()),
            server_ident,
            ours: Vec::new(),
            theirs: Vec::new(),
            share: Vec::new(),
            secret: None,
            pending: None,
            session: ExchangeHash::default(),
        }
    }

    /// Identified.
    pub(super) fn identified(setup: Setup, config: Config) -> Self {
        let mut client = Self::silent(setup, config);
        client.server.receive(&[IDENT, b"\r\n"].concat()).unwrap();
        client
    }

    /// With its first keys.
    pub(super) fn connected(setup: Setup, config: Config) -> Self {
        let mut client = Self::identified(setup, config);
        client.exchange();
        client
    }

    /// With the service that logins belong to.
    pub(super) fn served(setup: Setup, config: Config) -> Self {
        let mut client = Self::connected(setup, config);
        client.send(Payload::message(message::SERVICE_REQUEST).string(b"ssh-userauth")).unwrap();
        assert_eq!(client.numbers(), [message::EXT_INFO, message::SERVICE_ACCEPT]);
        client
    }

    /// Logged in.
    pub(super) fn logged_in(setup: Setup, config: Config) -> Self {
        let mut client = Self::served(setup, config);
        client.send(password("me", "secret")).unwrap();
        let Some(Event::Login { user, credential: Credential::Password(password) }) = client.server.next_event() else {
            panic!("the driver was not asked");
        };
        assert_eq!((user.as_str(), password.expose()), ("me", "secret"));
        client.server.answer_auth(Verdict::Accept).unwrap();
        assert!(matches!(client.server.next_event(), Some(Event::LoggedIn { .. })));
        assert_eq!(client.next_number(), message::USERAUTH_SUCCESS);
        client
    }

    /// A client that is logged in, otherwise as by default, with a channel of this window and these packets.
    pub(super) fn in_channel(window: u32, max_packet: u32) -> (Self, ChannelId) {
        let mut client = Self::logged_in(Setup::default(), config());
        let channel = client.open(7, window, max_packet);
        (client, channel)
    }

    /// Opens a session channel.
    pub(super) fn open(&mut self, number: u32, window: u32, max_packet: u32) -> ChannelId {
        self.send(open(b"session", number, window, max_packet)).unwrap();
        let Some(Event::Opened(channel)) = self.server.next_event() else { panic!("no channel was opened") };
        let confirmation = self.next().unwrap();
        let mut reader = Reader::new("confirmation", &confirmation);
        assert_eq!(reader.byte("number"), Ok(message::CHANNEL_OPEN_CONFIRMATION));
        assert_eq!(reader.u32("recipient"), Ok(number));
        assert_eq!(reader.u32("sender"), Ok(channel.0));
        channel
    }

    /// Sends a message.
    pub(super) fn send(&mut self, payload: Payload) -> Result<(), SshError> {
        let bytes = self.seal(&payload);
        self.server.receive(&bytes)
    }

    /// The bytes that would send a message.
    pub(super) fn seal(&mut self, payload: &Payload) -> Vec<u8> {
        self.writer.send(&mut self.rng, &[payload.as_bytes()]).unwrap();
        let bytes = self.writer.output().to_vec();
        self.writer.consume(bytes.len());
        bytes
    }

    /// Takes what the server sent in another way.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        self.reader.feed(bytes).unwrap();
    }

    /// The server's next message. Those of a key exchange are dealt with, and given too.
    pub(super) fn next(&mut self) -> Option<Vec<u8>> {
        let output = self.server.output().to_vec();
        if !output.is_empty() {
            self.server.consume(output.len());
            self.reader.feed(&output).unwrap();
        }
        let payload = self.reader.next().unwrap()?.payload.to_vec();
        match payload[0] {
            message::KEXINIT => self.theirs = payload.clone(),
            message::KEX_ECDH_REPLY => self.reply(&payload),
            message::NEWKEYS => {
                let (incoming, outgoing) = self.pending.take().expect("keys");
                self.reader.way.rekey(incoming);
                if self.setup.strict {
                    self.reader.way.reset_sequence();
                }
                self.send(Payload::message(message::NEWKEYS)).unwrap();
                self.writer.way.rekey(outgoing);
                if self.setup.strict {
                    self.writer.way.reset_sequence();
                }
            }
            _ => {}
        }
        Some(payload)
    }

    pub(super) fn next_number(&mut self) -> u8 {
        self.next().expect("a message")[0]
    }

    /// Everything that the server has to say, by number.
    pub(super) fn numbers(&mut self) -> Vec<u8> {
        std::iter::from_fn(|| self.next()).map(|payload| payload[0]).collect()
    }

    pub(super) fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.server.next_event()).collect()
    }

    /// An exchange from the client's KEXINIT to its NEWKEYS; what the server sends after it is left.
    pub(super) fn exchange(&mut self) {
        self.send_kexinit().unwrap();
        self.send_share().unwrap();
        while self.next_number() != message::NEWKEYS {}
    }

    pub(super) fn send_kexinit(&mut self) -> Result<(), SshError> {
        let kexinit = self.kexinit(false);
        self.ours = kexinit.as_bytes().to_vec();
        self.send(kexinit)
    }

    /// The client's KEXINIT.
    pub(super) fn kexinit(&self, follows: bool) -> Payload {
        let mut methods = vec![self.setup.method, "ext-info-c"];
        if self.setup.strict {
            methods.push("kex-strict-c-v00@openssh.com");
        }
        let methods = methods.join(",");
        let cipher = self.setup.cipher;
        let lists = [&methods, "ssh-ed25519", cipher, cipher, MAC, MAC, "none", "none", "", ""];
        let payload = Payload::message(message::KEXINIT).raw(&[9; 16]);
        lists.iter().fold(payload, |payload, list| payload.string(list.as_bytes())).boolean(follows).u32(0)
    }

    /// Remembers a KEXINIT that was sent in another way.
    pub(super) fn remember(&mut self, kexinit: &Payload) {
        self.ours = kexinit.as_bytes().to_vec();
    }

    pub(super) fn send_share(&mut self) -> Result<(), SshError> {
        let share = self.share();
        self.send(share)
    }

    /// The client's share of a secret.
    pub(super) fn share(&mut self) -> Payload {
        let point = EphemeralSecret::random_from_rng(&mut self.rng);
        let public = PublicKey::from(&point);
        if self.setup.method.starts_with("mlkem") {
            let (private, key) = MlKem768::generate_keypair_from_rng(&mut self.rng);
            self.share = [key.to_bytes().as_slice(), public.as_bytes()].concat();
            self.secret = Some(Secret::Hybrid(Box::new(private), point));
        } else {
            self.share = public.as_bytes().to_vec();
            self.secret = Some(Secret::X25519(point));
        }
        Payload::message(message::KEX_ECDH_INIT).string(&self.share)
    }

    fn reply(&mut self, payload: &[u8]) {
        let mut reader = Reader::new("reply", &payload[1..]);
        let host_key = reader.string("K_S").unwrap();
        let server_share = reader.string("Q_S").unwrap();
        let signature = reader.string("signature").unwrap();
        reader.end().unwrap();
        let point = |bytes: &[u8]| PublicKey::from(<[u8; 32]>::try_from(bytes).unwrap());
        let secret = match self.secret.take().expect("a share was sent") {
            Secret::X25519(secret) => {
                Payload::fields().mpint(secret.diffie_hellman(&point(server_share)).as_bytes()).into_bytes()
            }
            Secret::Hybrid(private, secret) => {
                let (ciphertext, theirs) = server_share.split_at(1088);
                let hash = Sha256::new()
                    .chain_update(private.decapsulate(ciphertext.try_into().unwrap()))
                    .chain_update(secret.diffie_hellman(&point(theirs)))
                    .finalize();
                Payload::fields().string(&hash).into_bytes()
            }
        };
        let hash = Transcript {
            client_ident: IDENT,
            server_ident: &self.server_ident,
            client_kexinit: &self.ours,
            server_kexinit: &self.theirs,
            host_key,
            client_share: &self.share,
            server_share,
            secret: &secret,
        }
        .hash();
        let key = VerifyingKey::from_bytes(host_key.last_chunk().unwrap()).unwrap();
        key.verify(&hash, &Signature::from_bytes(signature.last_chunk().unwrap())).unwrap();
        if self.session == ExchangeHash::default() {
            self.session = hash;
        }
        assert!(METHODS.iter().any(|(name, _)| *name == self.setup.method));
        let algorithm = CIPHERS.iter().find(|(name, _)| *name == self.setup.cipher).unwrap().1;
        let keys = |direction| {
            let material = kex::derive(algorithm, direction, &secret, &hash, &self.session);
            Protection::new(algorithm, &material).unwrap()
        };
        self.pending = Some((keys(Direction::ServerToClient), keys(Direction::ClientToServer)));
    }
}

/// A login by password.
pub(super) fn password(user: &str, password: &str) -> Payload {
    auth(user, "password").boolean(false).string(password.as_bytes())
}

/// The head of a login.
pub(super) fn auth(user: &str, method: &str) -> Payload {
    Payload::message(message::USERAUTH_REQUEST)
        .string(user.as_bytes())
        .string(b"ssh-connection")
        .string(method.as_bytes())
}

pub(super) fn open(kind: &[u8], number: u32, window: u32, max_packet: u32) -> Payload {
    Payload::message(message::CHANNEL_OPEN).string(kind).u32(number).u32(window).u32(max_packet)
}

/// A message on a channel.
pub(super) fn on(channel: ChannelId, number: u8) -> Payload {
    Payload::message(number).u32(channel.0)
}

/// The head of a request on a channel.
pub(super) fn request(channel: ChannelId, kind: &str, wants_reply: bool) -> Payload {
    on(channel, message::CHANNEL_REQUEST).string(kind.as_bytes()).boolean(wants_reply)
}
