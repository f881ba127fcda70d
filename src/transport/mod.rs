//! What carries messages between a client and a router: WebSocket or RawSocket, or this process's memory. A transport knows how
//! messages are framed and written, and whether its peer is alive; it knows nothing of sessions.
//!
//! Every transport is driven the same way, by one thread that sleeps in one `poll(2)`: [`Transport::receive`] until it says
//! [`Incoming::Nothing`], [`Transport::send`] what there is to say, [`Transport::flush`], then wait for
//! [`Transport::interest`] or [`Transport::deadline`].

mod closing;
pub mod dial;
mod follower;
mod frame;
mod framed;
pub mod keepalive;
mod lookup;
pub mod memory;
pub mod peer_groups;
pub mod rawsocket;
pub mod socket;
pub mod stream;
#[cfg_attr(not(feature = "tls"), path = "tls_missing.rs")]
pub mod tls;
pub mod traffic;
pub mod unix;
pub mod url;
pub mod websocket;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::os::fd::BorrowedFd;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use tls::TlsError;
use tungstenite::Bytes;

use traffic::Traffic;

use crate::sync::wait::Interest;
use crate::wamp::Message;
use crate::wamp::codec::Serialization;

/// The longest message that our router takes from a client, and that our clients send, in bytes. A longer one ends the
/// connection of its sender.
pub const MAX_MESSAGE: usize = 1 << 20;

/// The most bytes of arguments to send in a message, so that what stands around them (kind, ids, options, a URI) and what the
/// router adds has its room in [`MAX_MESSAGE`].
pub const MAX_PAYLOAD: usize = MAX_MESSAGE - 4096;

/// The longest message that our router takes from a client without a session, in bytes: a HELLO is no longer.
pub const MAX_HELLO: usize = 16 * 1024;

/// The longest message that a client takes from its router, in bytes. It must be more than [`MAX_MESSAGE`], because a router
/// forwards what it took with ids and URIs added; and other routers take longer messages than ours. Who sends a client a
/// message that is too long for it throws it off, so it is 16 MiB, the most that WAMP has on any transport (*RawSocket*).
pub const MAX_FORWARDED: usize = 16 << 20;

/// One end of a connection.
pub trait Transport: Send {
    /// The descriptor to wait for. Until the connection is open, it may change whenever [`Transport::receive`] says so by
    /// [`Incoming::Progress`], and in [`Transport::expire`].
    fn fd(&self) -> BorrowedFd<'_>;

    /// What to wait for on the descriptor.
    fn interest(&self) -> Interest;

    /// The next thing that came in, without waiting.
    ///
    /// # Errors
    /// [`TransportError`]: the connection is gone.
    fn receive(&mut self, now: Instant) -> Result<Incoming, TransportError>;

    /// Queues a message. Before [`Incoming::Open`] there is nobody to send it to, and it is dropped.
    fn send(&mut self, message: Message);

    /// Queues a message that goes to others too.
    fn send_shared(&mut self, message: &SharedMessage);

    /// The message that was sent last, if the peer takes none that long and others must be told; nothing of it was queued. To
    /// be asked after each message by who can tell them.
    fn take_back(&mut self) -> Option<Message> {
        None
    }

    /// Writes what is queued, as far as the peer takes it.
    ///
    /// # Errors
    /// [`TransportError`]: the connection is gone.
    fn flush(&mut self, now: Instant) -> Result<(), TransportError>;

    /// Bytes that wait because the peer does not read (in memory: messages).
    fn queued(&self) -> usize;

    /// What has gone over the connection.
    fn traffic(&self) -> Traffic;

    /// The peer has a session. Before that, a router's end takes messages of [`MAX_HELLO`] bytes only.
    fn welcome(&mut self) {}

    /// Bytes of a message that has not come whole.
    fn unfinished(&self) -> usize {
        0
    }

    /// When [`Transport::expire`] wants to be called.
    fn deadline(&self) -> Option<Instant>;

    /// Does what is due: a ping, the next address, or giving up on a peer that is silent.
    ///
    /// # Errors
    /// [`TransportError`]: the peer is given up.
    fn expire(&mut self, now: Instant) -> Result<(), TransportError>;

    /// Begins an orderly end; what is queued still goes out. [`Incoming::Closed`] or an error follows, at the latest in
    /// [`Transport::expire`].
    fn close(&mut self, now: Instant);

    /// After [`Transport::close`], when nothing that comes matters any more: takes and forgets what the peer still sends, so
    /// that the kernel does not reset the connection over it and our last words arrive. True when the peer is gone too.
    fn discard(&mut self, now: Instant) -> bool;
}

/// What came in. The message is the common case, and moves straight on: a box for it would only be an allocation more.
#[derive(Debug)]
#[allow(clippy::large_enum_variant)]
pub enum Incoming {
    /// Nothing until the descriptor is ready.
    Nothing,
    /// A step towards an open connection was made: wait for the descriptor and interest as they are now.
    Progress,
    /// The connection is open: messages can be sent.
    Open,
    /// A message.
    Message(Message),
    /// The peer sent what is no message; the sentence says what is wrong with it. The connection can still be written to.
    Malformed(String),
    /// The peer closed in good order.
    Closed,
}

/// A message for many peers, written once.
#[derive(Debug)]
pub struct SharedMessage {
    message: Arc<Message>,
    /// As it is written in each of [`Serialization::ALL`].
    written: [OnceLock<Bytes>; Serialization::ALL.len()],
}

impl SharedMessage {
    /// Makes a message ready to be sent many times.
    #[must_use]
    pub fn new(message: Arc<Message>) -> Self {
        Self { message, written: Default::default() }
    }

    /// The message.
    #[must_use]
    pub fn message(&self) -> &Message {
        &self.message
    }

    fn written(&self, serialization: Serialization) -> Bytes {
        let write = || serialization.encode(&self.message).into();
        let place = Serialization::ALL.iter().zip(&self.written).find(|(each, _)| **each == serialization);
        place.map_or_else(write, |(_, written)| written.get_or_init(write).clone())
    }
}

/// Why a connection is gone or never was. Its `Display` is a sentence for the user.
#[derive(Debug)]
pub enum TransportError {
    /// The host's name has no address.
    Resolve {
        /// The name.
        host: String,
        /// What the resolver says.
        error: io::Error,
    },
    /// No connection to any of the host's addresses; this is the last one tried.
    Connect {
        /// The address.
        address: SocketAddr,
        /// What the kernel says.
        error: io::Error,
    },
    /// No connection to a Unix socket.
    ConnectLocal {
        /// Its path.
        path: PathBuf,
        /// What the kernel says.
        error: io::Error,
    },
    /// The peer did not upgrade the connection to WAMP over WebSocket.
    Handshake(String),
    /// The peer did not answer the handshake of a RawSocket as it must.
    Greeting(String),
    /// TLS came to nothing, or broke.
    Tls(TlsError),
    /// A step towards a connection took longer than it may: as far as can be seen there is nobody.
    NoAnswer(&'static str),
    /// A step with the peer took longer than it may.
    TooSlow(&'static str),
    /// The peer has been silent for so long, in seconds, that it must be gone.
    Silent(u64),
    /// The peer broke the protocol that frames messages.
    Framing(String),
    /// The peer hung up.
    HungUp,
    /// The kernel refused.
    Io(io::Error),
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resolve { host, error } => write!(f, "no address for {host:?}: {error}"),
            Self::Connect { address, error } => write!(f, "no connection to {address}: {error}"),
            Self::ConnectLocal { path, error } => write!(f, "no connection to {}: {error}", path.display()),
            Self::Handshake(got) => write!(f, "expected a WebSocket upgrade to WAMP, got {got}"),
            Self::Greeting(got) => write!(f, "expected the answer to a RawSocket handshake, got {got}"),
            Self::Tls(error) => error.fmt(f),
            Self::NoAnswer(step) | Self::TooSlow(step) => write!(f, "the peer took too long to {step}"),
            Self::Silent(seconds) => write!(f, "the peer has been silent for {seconds} s"),
            Self::Framing(what) => write!(f, "the peer broke the protocol: {what}"),
            Self::HungUp => f.write_str("the peer hung up"),
            Self::Io(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for TransportError {}

impl TransportError {
    /// From what reading or writing an open connection said.
    pub(crate) fn of_stream(error: io::Error) -> Self {
        use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, TimedOut, UnexpectedEof};
        match error.kind() {
            ConnectionReset | ConnectionAborted | BrokenPipe | UnexpectedEof | TimedOut => Self::HungUp,
            _ => error.into(),
        }
    }
}

impl TransportError {
    /// Whether no connection could be made at all, so that nobody noticed the attempt.
    #[must_use]
    pub const fn is_absence(&self) -> bool {
        matches!(self, Self::Resolve { .. } | Self::Connect { .. } | Self::NoAnswer(_))
    }
}

impl From<io::Error> for TransportError {
    fn from(error: io::Error) -> Self {
        match error.downcast::<TlsError>() {
            Ok(error) => Self::Tls(error),
            Err(error) => Self::Io(error),
        }
    }
}
