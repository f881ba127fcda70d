//! A client's connection from a URL until it is open: look the name up, connect to one address after the other, agree on TLS,
//! upgrade. Nothing here waits; every step has its deadline, its own or one for all of them.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrStorage, UnixAddr, connect, getsockopt, socket, sockopt,
};
use tungstenite::client::IntoClientRequest;
use tungstenite::error::ProtocolError;
use tungstenite::handshake::MidHandshake;
use tungstenite::handshake::client::ClientHandshake;
use tungstenite::http::header::CONTENT_TYPE;
use tungstenite::http::{HeaderValue, Response, StatusCode};
use tungstenite::{Error, HandshakeError};

use super::framed::Framed;
use super::keepalive::KeepalivePolicy;
use super::lookup::{LookUp, look_up};
use super::rawsocket::RawSocket;
use super::socket::Socket;
use super::stream::Stream;
use super::tls::TlsClient;
use super::traffic::Traffic;
use super::url::{Scheme, Security, Url};
use super::websocket::{Channel, End};
use super::{Incoming, SharedMessage, Transport, TransportError};
use crate::sync::wait::{Interest, wait};
use crate::sync::waker::Waker;
use crate::wamp::Message;
use crate::wamp::codec::Serialization;

/// How long looking the name up may take.
const LOOK_UP_PATIENCE: Duration = Duration::from_secs(10);

/// How long connecting may take, the attempts for all addresses together.
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);

/// How long the handshake of TLS may take.
const TLS_PATIENCE: Duration = Duration::from_secs(10);

/// How long the router may take to answer the upgrade.
const HANDSHAKE_PATIENCE: Duration = Duration::from_secs(10);

/// How long the steps to an open connection, and to a session on it, may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Each its usual time.
    EachStep,
    /// All of them until this moment; `None`: as long as they take.
    Until(Option<Instant>),
}

impl Limit {
    /// When a step that begins now must be over, if ever. `usual` is how long it may take by itself.
    #[must_use]
    pub fn deadline(self, usual: Duration, now: Instant) -> Option<Instant> {
        match self {
            Self::EachStep => Some(now + usual),
            Self::Until(deadline) => deadline,
        }
    }
}

/// A client's connection, from its first step on.
pub struct Dial {
    url: Url,
    policy: KeepalivePolicy,
    serialization: Serialization,
    tls: Option<TlsClient>,
    limit: Limit,
    step: Step,
    /// Rings when the name has been looked up. What there is to wait for when there is no socket.
    bell: Arc<Waker>,
}

enum Step {
    Resolving(LookUp, Option<Instant>),
    Connecting(Attempt),
    /// Connected, by nothing that would have to be waited for.
    Connected(Socket),
    Securing(Stream, Option<Instant>),
    Upgrading(Box<MidHandshake<ClientHandshake<Framed>>>, Option<Instant>),
    Open(Box<dyn Transport>),
    /// A step failed.
    Failed,
}

/// A connection under way to one of the addresses.
struct Attempt {
    socket: OwnedFd,
    address: SocketAddr,
    /// When it is the next one's turn.
    patience: Option<Instant>,
    others: VecDeque<SocketAddr>,
    /// When all of them must have been tried.
    deadline: Option<Instant>,
}

impl Dial {
    /// Takes the first step towards the router. Looking its name up, connecting, TLS and the upgrade may take 10 s each.
    ///
    /// # Errors
    /// When the kernel refuses a descriptor or a thread, the address is refused at once, or too many other names are being
    /// looked up.
    pub fn start(url: &Url, policy: KeepalivePolicy, now: Instant) -> Result<Self, TransportError> {
        Self::within(url, policy, Limit::EachStep, now)
    }

    /// Takes the first step towards the router, with as much time as the limit gives.
    ///
    /// # Errors
    /// As [`Dial::start`].
    pub fn within(url: &Url, policy: KeepalivePolicy, limit: Limit, now: Instant) -> Result<Self, TransportError> {
        let bell = Arc::new(Waker::new()?);
        let serialization = Serialization::Json;
        let step = match (url.path(), url.host().parse::<IpAddr>()) {
            (Some(path), _) => Step::Connected(connect_to_path(path)?.into()),
            (None, Ok(ip)) => {
                connect_to([SocketAddr::new(ip, url.port())].into(), limit.deadline(CONNECT_PATIENCE, now), now)?
            }
            (None, Err(_)) => {
                let look_up = look_up(url.host(), url.port(), &bell).map_err(|error| unresolved(url, error))?;
                Step::Resolving(look_up, limit.deadline(LOOK_UP_PATIENCE, now))
            }
        };
        Ok(Self { url: url.clone(), policy, serialization, tls: None, limit, step, bell })
    }

    /// Whom to trust, and who to be, where the URL says TLS. Without it: whom the system trusts.
    #[must_use]
    pub fn secured_by(self, tls: Option<TlsClient>) -> Self {
        Self { tls, ..self }
    }

    /// Asks the router for this serialization instead of JSON.
    #[must_use]
    pub fn speaking(self, serialization: Serialization) -> Self {
        Self { serialization, ..self }
    }

    /// Goes a step further, if it can be gone. After an error there is none.
    fn advance(&mut self, now: Instant) -> Result<Incoming, TransportError> {
        match std::mem::replace(&mut self.step, Step::Failed) {
            Step::Resolving(look_up, deadline) => {
                self.bell.hush();
                let Some(answer) = look_up.answer() else {
                    self.step = Step::Resolving(look_up, deadline);
                    return Ok(Incoming::Nothing);
                };
                let found = answer.map_err(|error| unresolved(&self.url, error))?;
                self.step = connect_to(found.into(), self.limit.deadline(CONNECT_PATIENCE, now), now)?;
                Ok(Incoming::Progress)
            }
            Step::Connecting(attempt) => {
                if !is_connected(&attempt.socket)? {
                    self.step = Step::Connecting(attempt);
                    return Ok(Incoming::Nothing);
                }
                let Attempt { socket, address, others, deadline, .. } = attempt;
                match getsockopt(&socket, sockopt::SocketError).map_err(io::Error::from)? {
                    0 => {
                        let stream = TcpStream::from(socket);
                        if stream.local_addr()? == stream.peer_addr()? {
                            // Nobody listens, and the kernel lent us that very port: we reached ourselves.
                            let error = io::ErrorKind::ConnectionRefused.into();
                            return Err(TransportError::Connect { address, error });
                        }
                        stream.set_nodelay(true)?;
                        self.secure(Socket::from(stream).into(), now)
                    }
                    code if others.is_empty() => {
                        Err(TransportError::Connect { address, error: io::Error::from_raw_os_error(code) })
                    }
                    _ => {
                        self.step = connect_to(others, deadline, now)?;
                        Ok(Incoming::Progress)
                    }
                }
            }
            Step::Connected(socket) => self.speak(socket.into(), now),
            Step::Securing(stream, deadline) => self.take_security(stream, deadline, now),
            Step::Upgrading(handshake, deadline) => self.take_handshake(*handshake, deadline, now),
            open_or_failed => {
                self.step = open_or_failed;
                Err(TransportError::HungUp)
            }
        }
    }

    /// The attempt took as long as it may: it is the next address's turn.
    fn give_up_attempt(&mut self, now: Instant) -> Result<(), TransportError> {
        match std::mem::replace(&mut self.step, Step::Failed) {
            Step::Connecting(Attempt { others, deadline, .. }) if !others.is_empty() => {
                self.step = connect_to(others, deadline, now)?;
                Ok(())
            }
            _ => Err(TransportError::NoAnswer("accept the connection")),
        }
    }

    /// Begins what is under the transport.
    fn secure(&mut self, mut stream: Stream, now: Instant) -> Result<Incoming, TransportError> {
        match self.url.security() {
            Security::None => self.speak(stream, now),
            Security::Tls => {
                if self.tls.is_none() {
                    self.tls = Some(TlsClient::of_system()?);
                }
                if let Some(tls) = &self.tls {
                    stream.secure_as_client(tls, self.url.host())?;
                }
                self.take_security(stream, self.limit.deadline(TLS_PATIENCE, now), now)
            }
        }
    }

    fn take_security(
        &mut self,
        mut stream: Stream,
        deadline: Option<Instant>,
        now: Instant,
    ) -> Result<Incoming, TransportError> {
        match stream.handshake() {
            Ok(()) => self.speak(stream, now),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.step = Step::Securing(stream, deadline);
                Ok(Incoming::Nothing)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Begins the transport.
    fn speak(&mut self, stream: Stream, now: Instant) -> Result<Incoming, TransportError> {
        let deadline = self.limit.deadline(HANDSHAKE_PATIENCE, now);
        match self.url.scheme() {
            Scheme::RawSocket => {
                let socket = RawSocket::dialled(stream, self.serialization, self.policy, deadline);
                self.step = Step::Open(Box::new(socket));
                Ok(Incoming::Progress)
            }
            Scheme::WebSocket => {
                let handshake = self.upgrade(stream)?;
                self.take_handshake(handshake, deadline, now)
            }
        }
    }

    fn upgrade(&self, stream: Stream) -> Result<MidHandshake<ClientHandshake<Framed>>, TransportError> {
        let mut request = self.url.uri().clone().into_client_request().map_err(|error| self.refusal(error))?;
        request
            .headers_mut()
            .insert("Sec-WebSocket-Protocol", HeaderValue::from_static(self.serialization.subprotocol()));
        ClientHandshake::start(Framed::dialled(stream), request, Some(End::Client.config()))
            .map_err(|error| self.refusal(error))
    }

    fn take_handshake(
        &mut self,
        handshake: MidHandshake<ClientHandshake<Framed>>,
        deadline: Option<Instant>,
        now: Instant,
    ) -> Result<Incoming, TransportError> {
        match handshake.handshake() {
            Ok((socket, _response)) => {
                self.step = Step::Open(Box::new(Channel::dialled(socket, self.serialization, self.policy, now)));
                Ok(Incoming::Open)
            }
            Err(HandshakeError::Interrupted(handshake)) => {
                self.step = Step::Upgrading(Box::new(handshake), deadline);
                Ok(Incoming::Nothing)
            }
            Err(HandshakeError::Failure(error)) => Err(self.refusal(error)),
        }
    }

    /// What the router's answer to the upgrade was, in words.
    fn refusal(&self, error: Error) -> TransportError {
        let asked = self.serialization.subprotocol();
        TransportError::Handshake(match error {
            Error::Http(response) => {
                let (status, said) = (response.status(), explanation(&response));
                // Most routers say no more than that to a subprotocol that they do not know.
                let doubt = || format!(": does it know {asked} (--serializer)?");
                let said = said.or_else(|| (status == StatusCode::BAD_REQUEST).then(doubt)).unwrap_or_default();
                format!("HTTP {status}{said}")
            }
            Error::Io(error) => match TransportError::from(error) {
                TransportError::Io(error) => error.to_string(),
                broken => return broken,
            },
            Error::Protocol(ProtocolError::SecWebSocketSubProtocolError(_)) => {
                format!("a WebSocket of another subprotocol than {asked} (--serializer)")
            }
            Error::Protocol(ProtocolError::HandshakeIncomplete) | Error::ConnectionClosed => {
                "the end of the connection".to_owned()
            }
            Error::Protocol(ProtocolError::WrongHttpVersion) => {
                "an answer of HTTP/1.0, which knows no WebSocket".to_owned()
            }
            Error::Protocol(ProtocolError::HttparseError(_) | ProtocolError::JunkAfterRequest) => {
                "no HTTP answer".to_owned()
            }
            Error::Capacity(_) | Error::AttackAttempt => "an HTTP answer without an end".to_owned(),
            _ => "an HTTP answer that is no WebSocket upgrade".to_owned(),
        })
    }
}

fn unresolved(url: &Url, error: io::Error) -> TransportError {
    TransportError::Resolve { host: url.host().to_owned(), error }
}

/// What the answer says about itself, if that is a short text, and has come with the head.
fn explanation(response: &Response<Option<Vec<u8>>>) -> Option<String> {
    const LONGEST: usize = 200;
    let is_text = response.headers().get(CONTENT_TYPE)?.as_bytes().starts_with(b"text/plain");
    let line = std::str::from_utf8(response.body().as_ref()?).ok()?.lines().next()?;
    (is_text && (1..=LONGEST).contains(&line.len())).then(|| format!(": {line}"))
}

/// Begins to connect to the first address that is not refused at once. It has its share of the time until `deadline`.
fn connect_to(
    mut addresses: VecDeque<SocketAddr>,
    deadline: Option<Instant>,
    now: Instant,
) -> Result<Step, TransportError> {
    let mut refused = TransportError::Io(io::Error::other("the name has no address"));
    while let Some(address) = addresses.pop_front() {
        let family = if address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
        let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
        let begun = socket(family, SockType::Stream, flags, None).and_then(|socket| {
            match connect(socket.as_raw_fd(), &SockaddrStorage::from(address)) {
                Ok(()) | Err(Errno::EINPROGRESS) => Ok(socket),
                Err(errno) => Err(errno),
            }
        });
        match begun {
            Ok(socket) => {
                let shares = u32::try_from(addresses.len()).unwrap_or(u32::MAX).saturating_add(1);
                let patience = match deadline {
                    Some(deadline) => Some(now + deadline.saturating_duration_since(now) / shares),
                    // Where there is all the time, the others have their turn all the same.
                    None => (shares > 1).then(|| now + CONNECT_PATIENCE),
                };
                return Ok(Step::Connecting(Attempt { socket, address, patience, others: addresses, deadline }));
            }
            Err(errno) => refused = TransportError::Connect { address, error: errno.into() },
        }
    }
    Err(refused)
}

/// Connects to a Unix socket, which succeeds or fails at once.
fn connect_to_path(path: &Path) -> Result<UnixStream, TransportError> {
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    let begun = socket(AddressFamily::Unix, SockType::Stream, flags, None).and_then(|socket| {
        connect(socket.as_raw_fd(), &UnixAddr::new(path)?)?;
        Ok(socket)
    });
    begun
        .map(UnixStream::from)
        .map_err(|errno| TransportError::ConnectLocal { path: path.to_owned(), error: errno.into() })
}

/// Whether the attempt to connect has ended, well or not.
fn is_connected(socket: &OwnedFd) -> Result<bool, TransportError> {
    let ready = wait([(socket.as_fd(), Interest::WRITE)], Some(Duration::ZERO))?;
    Ok(ready.iter().any(|ready| ready.writable))
}

impl Transport for Dial {
    fn fd(&self) -> BorrowedFd<'_> {
        match &self.step {
            Step::Resolving(..) | Step::Failed => self.bell.as_fd(),
            Step::Connecting(attempt) => attempt.socket.as_fd(),
            Step::Connected(socket) => socket.as_fd(),
            Step::Securing(stream, _) => stream.as_fd(),
            Step::Upgrading(handshake, _) => handshake.get_ref().get_ref().as_fd(),
            Step::Open(channel) => channel.fd(),
        }
    }

    fn interest(&self) -> Interest {
        match &self.step {
            Step::Resolving(..) => Interest::READ,
            Step::Connecting(_) | Step::Connected(_) => Interest::WRITE,
            Step::Securing(stream, _) => stream.interest(),
            // Full: the request is not out whole.
            Step::Upgrading(handshake, _) => Interest { read: true, write: handshake.get_ref().get_ref().is_full() },
            Step::Open(channel) => channel.interest(),
            Step::Failed => Interest::NONE,
        }
    }

    fn receive(&mut self, now: Instant) -> Result<Incoming, TransportError> {
        match &mut self.step {
            Step::Open(channel) => channel.receive(now),
            _ => self.advance(now),
        }
    }

    fn send(&mut self, message: Message) {
        if let Step::Open(channel) = &mut self.step {
            channel.send(message);
        }
    }

    fn send_shared(&mut self, message: &SharedMessage) {
        self.send(message.message().clone());
    }

    fn flush(&mut self, now: Instant) -> Result<(), TransportError> {
        match &mut self.step {
            Step::Open(channel) => channel.flush(now),
            _ => Ok(()),
        }
    }

    fn queued(&self) -> usize {
        match &self.step {
            Step::Open(channel) => channel.queued(),
            _ => 0,
        }
    }

    fn traffic(&self) -> Traffic {
        match &self.step {
            Step::Open(channel) => channel.traffic(),
            _ => Traffic::default(),
        }
    }

    fn deadline(&self) -> Option<Instant> {
        match &self.step {
            Step::Resolving(_, deadline) | Step::Securing(_, deadline) | Step::Upgrading(_, deadline) => *deadline,
            Step::Connecting(attempt) => attempt.patience,
            Step::Open(channel) => channel.deadline(),
            Step::Connected(_) | Step::Failed => None,
        }
    }

    fn expire(&mut self, now: Instant) -> Result<(), TransportError> {
        let is_due = self.deadline().is_some_and(|deadline| now >= deadline);
        match &mut self.step {
            Step::Open(channel) => channel.expire(now),
            _ if !is_due => Ok(()),
            Step::Resolving(..) => Err(TransportError::NoAnswer("be looked up")),
            Step::Connecting(_) => self.give_up_attempt(now),
            Step::Securing(..) => Err(TransportError::TooSlow("agree on TLS")),
            Step::Upgrading(..) => Err(TransportError::TooSlow("answer the WebSocket upgrade")),
            Step::Connected(_) | Step::Failed => Ok(()),
        }
    }

    fn close(&mut self, now: Instant) {
        if let Step::Open(channel) = &mut self.step {
            channel.close(now);
        }
    }

    fn discard(&mut self, now: Instant) -> bool {
        match &mut self.step {
            Step::Open(channel) => channel.discard(now),
            _ => true,
        }
    }
}

#[cfg(test)]
#[path = "dial_tests.rs"]
mod tests;
