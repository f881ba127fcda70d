//! The transport protocol (RFC 4253) up to whole messages: identification, packets, key exchange at the start and later,
//! strict where it must be. What is left for the layers above are messages between exchanges.

use std::sync::Arc;

use rand_core::CryptoRng;

use super::cipher::Protection;
use super::config::Config;
use super::error::{SshError, printable};
use super::ident;
use super::kex::{self, Direction, ExchangeHash, Transcript};
use super::limits::{MAX_EARLY_EXCHANGES, MAX_HELD};
use super::message;
use super::negotiate::{self, Chosen};
use super::packet::{Packet, PacketReader, PacketWriter};
use super::publickey::SIGNATURE_ALGORITHMS;
use super::wire::{Payload, Reader};

/// Something for the layers above.
pub(super) enum Incoming {
    /// A message that is not the transport's.
    Message(Packet),
    /// The client said DISCONNECT.
    Goodbye { reason: u32, message: String },
}

enum Phase {
    /// Our identification and KEXINIT are out.
    Ident { ours: Vec<u8> },
    /// Our KEXINIT is out.
    AwaitInit { ours: Vec<u8> },
    /// Both are.
    AwaitShare { ours: Vec<u8>, theirs: Vec<u8>, chosen: Chosen },
    /// Our share and NEWKEYS are out; these keys are for what comes after the client's.
    AwaitNewKeys { incoming: Protection },
    /// No exchange is under way.
    Settled,
}

/// The transport of one connection.
pub(super) struct Transport {
    config: Arc<Config>,
    rng: Box<dyn CryptoRng + Send>,
    reader: PacketReader,
    writer: PacketWriter,
    phase: Phase,
    server_ident: Vec<u8>,
    client_ident: Vec<u8>,
    session: Option<ExchangeHash>,
    /// The connection's first exchange is not over.
    first: bool,
    /// Sequence numbers start again with each new keys.
    strict: bool,
    /// Exchanges that the client may still ask for before its login holds.
    early_exchanges: Option<u32>,
    /// Messages that wait because only the exchange may be sent.
    held: Vec<Payload>,
    held_bytes: usize,
}

impl Transport {
    pub(super) fn new(config: Arc<Config>, mut rng: Box<dyn CryptoRng + Send>) -> Result<Self, SshError> {
        let server_ident = format!("SSH-2.0-{}", config.software).into_bytes();
        let mut writer = PacketWriter::new([server_ident.as_slice(), b"\r\n"].concat());
        let ours = offer(rng.as_mut());
        writer.send(rng.as_mut(), &[&ours])?;
        Ok(Self {
            config,
            rng,
            reader: PacketReader::new(),
            writer,
            phase: Phase::Ident { ours },
            server_ident,
            client_ident: Vec::new(),
            session: None,
            first: true,
            strict: false,
            early_exchanges: Some(MAX_EARLY_EXCHANGES),
            held: Vec::new(),
            held_bytes: 0,
        })
    }

    pub(super) fn feed(&mut self, bytes: &[u8]) -> Result<(), SshError> {
        self.reader.feed(bytes)
    }

    /// The next message, once whatever of the transport's own came before it is dealt with.
    pub(super) fn next(&mut self) -> Result<Option<Incoming>, SshError> {
        if matches!(self.phase, Phase::Ident { .. }) && !self.take_ident()? {
            return Ok(None);
        }
        while let Some(packet) = self.reader.next()? {
            let number = packet.payload.first().copied().unwrap_or_default();
            match number {
                message::DISCONNECT => return Ok(Some(goodbye(&packet.payload))),
                message::KEXINIT => self.kexinit(&packet.payload)?,
                message::NEWKEYS => self.newkeys(&packet.payload)?,
                // Those of a key exchange method.
                30..=49 => self.share(&packet.payload)?,
                // Not in the first exchange, from nobody: an attacker could shift the numbering of packets by them
                // (CVE-2023-48795), and no client sends them there.
                message::IGNORE | message::DEBUG | message::UNIMPLEMENTED if !self.first => {}
                // We do not ask for it, and need nothing in it.
                message::EXT_INFO if matches!(self.phase, Phase::Settled) => {}
                _ if self.may_receive() => {
                    self.rekey_if_due()?;
                    return Ok(Some(Incoming::Message(packet)));
                }
                got => return Err(SshError::Unexpected { expected: self.expected(), got }),
            }
            self.rekey_if_due()?;
        }
        Ok(None)
    }

    /// Sends a message, now or as soon as the exchange that is under way allows.
    pub(super) fn send(&mut self, payload: Payload) -> Result<(), SshError> {
        if !self.may_send() {
            self.held_bytes += payload.as_bytes().len();
            self.held.push(payload);
            return if self.held_bytes <= MAX_HELD {
                Ok(())
            } else {
                Err(SshError::Limit {
                    what: "bytes for a client that does not answer SSH_MSG_KEXINIT",
                    limit: MAX_HELD as u64,
                    got: self.held_bytes as u64,
                })
            };
        }
        self.send_now(&[payload.as_bytes()])
    }

    /// Sends a message made of two parts. Nothing happens while [`Transport::may_send`] is false.
    pub(super) fn send_data(&mut self, head: &Payload, data: &[u8]) -> Result<(), SshError> {
        if self.may_send() { self.send_now(&[head.as_bytes(), data]) } else { Ok(()) }
    }

    /// Says DISCONNECT, whatever is under way.
    pub(super) fn goodbye(&mut self, reason: u32, sentence: &str) -> Result<(), SshError> {
        let payload = Payload::message(message::DISCONNECT).u32(reason).string(sentence.as_bytes()).string(b"");
        self.writer.send(self.rng.as_mut(), &[payload.as_bytes()])
    }

    /// Whether other messages than those of an exchange may be sent.
    pub(super) fn may_send(&self) -> bool {
        matches!(self.phase, Phase::AwaitNewKeys { .. } | Phase::Settled)
    }

    pub(super) fn output(&self) -> &[u8] {
        self.writer.output()
    }

    pub(super) fn consume(&mut self, written: usize) {
        self.writer.consume(written);
    }

    /// The session's id, once the first keys are agreed on.
    pub(super) fn session(&self) -> Option<ExchangeHash> {
        self.session
    }

    /// The client's identification line; empty until it came.
    pub(super) fn client_ident(&self) -> &[u8] {
        &self.client_ident
    }

    /// The client may exchange keys as often as it likes.
    pub(super) fn logged_in(&mut self) {
        self.early_exchanges = None;
    }

    fn send_now(&mut self, parts: &[&[u8]]) -> Result<(), SshError> {
        self.writer.send(self.rng.as_mut(), parts)?;
        self.rekey_if_due()
    }

    fn take_ident(&mut self) -> Result<bool, SshError> {
        let Some((line, size)) = ident::take(self.reader.unread())? else { return Ok(false) };
        self.reader.skip(size);
        self.client_ident = line;
        if let Phase::Ident { ours } = std::mem::replace(&mut self.phase, Phase::Settled) {
            self.phase = Phase::AwaitInit { ours };
        }
        Ok(true)
    }

    /// Whether a message of another layer may come.
    fn may_receive(&self) -> bool {
        match self.phase {
            Phase::Settled => true,
            // What was on its way when the client had not seen our KEXINIT yet.
            Phase::AwaitInit { .. } => !self.first,
            _ => false,
        }
    }

    fn expected(&self) -> &'static str {
        match self.phase {
            Phase::Ident { .. } | Phase::AwaitInit { .. } => message::name(message::KEXINIT),
            Phase::AwaitShare { .. } => message::name(message::KEX_ECDH_INIT),
            Phase::AwaitNewKeys { .. } => message::name(message::NEWKEYS),
            Phase::Settled => "no message of a key exchange",
        }
    }

    /// The client's KEXINIT: its answer to ours, or its wish for new keys.
    fn kexinit(&mut self, payload: &[u8]) -> Result<(), SshError> {
        let ours = match std::mem::replace(&mut self.phase, Phase::Settled) {
            Phase::AwaitInit { ours } => ours,
            Phase::Settled => self.send_kexinit()?,
            other => {
                self.phase = other;
                return Err(SshError::Unexpected { expected: self.expected(), got: message::KEXINIT });
            }
        };
        if let Some(left) = self.early_exchanges {
            self.early_exchanges = Some(left.checked_sub(1).ok_or(SshError::Limit {
                what: "key exchanges before a login",
                limit: u64::from(MAX_EARLY_EXCHANGES),
                got: u64::from(MAX_EARLY_EXCHANGES) + 1,
            })?);
        }
        let chosen = negotiate::choose(payload)?;
        if self.first {
            self.strict = chosen.strict;
        }
        self.phase = Phase::AwaitShare { ours, theirs: payload.to_vec(), chosen };
        Ok(())
    }

    /// The client's share: answered by ours, the host's signature and NEWKEYS.
    fn share(&mut self, payload: &[u8]) -> Result<(), SshError> {
        let number = payload.first().copied().unwrap_or_default();
        let Phase::AwaitShare { ours, theirs, chosen } = &mut self.phase else {
            return Err(SshError::Unexpected { expected: self.expected(), got: number });
        };
        if std::mem::take(&mut chosen.wrong_guess) {
            return Ok(());
        }
        if number != message::KEX_ECDH_INIT {
            return Err(SshError::Unexpected { expected: self.expected(), got: number });
        }
        let mut reader = Reader::new(message::name(message::KEX_ECDH_INIT), payload);
        reader.byte("number")?;
        let client_share = reader.string("Q_C")?;
        reader.end()?;
        let agreement = kex::agree(chosen.method, client_share, self.rng.as_mut())?;
        let host_key = self.config.host_key.blob();
        let hash = Transcript {
            client_ident: &self.client_ident,
            server_ident: &self.server_ident,
            client_kexinit: theirs,
            server_kexinit: ours,
            host_key: &host_key,
            client_share,
            server_share: &agreement.share,
            secret: &agreement.secret,
        }
        .hash();
        let session = *self.session.get_or_insert(hash);
        let chosen = *chosen;
        let protection = |algorithm, direction| {
            let material = kex::derive(algorithm, direction, &agreement.secret, &hash, &session);
            Protection::new(algorithm, &material).ok_or(SshError::KeyExchange { reason: "keys of a wrong size" })
        };
        let incoming = protection(chosen.incoming, Direction::ClientToServer)?;
        let outgoing = protection(chosen.outgoing, Direction::ServerToClient)?;
        let reply = Payload::message(message::KEX_ECDH_REPLY)
            .string(&host_key)
            .string(&agreement.share)
            .string(&self.config.host_key.sign(&hash));
        self.writer.send(self.rng.as_mut(), &[reply.as_bytes()])?;
        self.writer.send(self.rng.as_mut(), &[&[message::NEWKEYS]])?;
        self.writer.way.rekey(outgoing);
        if self.strict {
            self.writer.way.reset_sequence();
        }
        self.phase = Phase::AwaitNewKeys { incoming };
        if self.first && chosen.ext_info {
            let extensions = Payload::message(message::EXT_INFO)
                .u32(1)
                .string(b"server-sig-algs")
                .string(SIGNATURE_ALGORITHMS.as_bytes());
            self.send_now(&[extensions.as_bytes()])?;
        }
        self.held_bytes = 0;
        for payload in std::mem::take(&mut self.held) {
            self.send(payload)?;
        }
        Ok(())
    }

    fn newkeys(&mut self, payload: &[u8]) -> Result<(), SshError> {
        match std::mem::replace(&mut self.phase, Phase::Settled) {
            Phase::AwaitNewKeys { incoming } => {
                Reader::new("SSH_MSG_NEWKEYS", payload.get(1..).unwrap_or_default()).end()?;
                self.reader.way.rekey(incoming);
                if self.strict {
                    self.reader.way.reset_sequence();
                }
                self.first = false;
                Ok(())
            }
            other => {
                self.phase = other;
                Err(SshError::Unexpected { expected: self.expected(), got: message::NEWKEYS })
            }
        }
    }

    /// Asks for new keys when enough went under the old ones; gives up on a client that does not give them.
    fn rekey_if_due(&mut self) -> Result<(), SshError> {
        let limits = self.config.rekey;
        if self.reader.way.must_rekey(limits) {
            return Err(SshError::Limit {
                what: "bytes that a client sends after SSH_MSG_KEXINIT before its own",
                limit: limits.bytes,
                got: limits.bytes.saturating_mul(2),
            });
        }
        let is_due = self.reader.way.wants_rekey(limits) || self.writer.way.wants_rekey(limits);
        if is_due && matches!(self.phase, Phase::Settled) {
            let ours = self.send_kexinit()?;
            self.phase = Phase::AwaitInit { ours };
        }
        Ok(())
    }

    fn send_kexinit(&mut self) -> Result<Vec<u8>, SshError> {
        let ours = offer(self.rng.as_mut());
        self.writer.send(self.rng.as_mut(), &[&ours])?;
        Ok(ours)
    }
}

/// Our KEXINIT.
fn offer(rng: &mut dyn CryptoRng) -> Vec<u8> {
    let mut cookie = [0; 16];
    rng.fill_bytes(&mut cookie);
    negotiate::offer(cookie).into_bytes()
}

/// What the client says at the end, even if it says it badly.
fn goodbye(payload: &[u8]) -> Incoming {
    let mut reader = Reader::new("SSH_MSG_DISCONNECT", payload.get(1..).unwrap_or_default());
    let reason = reader.u32("reason code").unwrap_or_default();
    let message = printable(reader.string("description").unwrap_or_default());
    Incoming::Goodbye { reason, message }
}
