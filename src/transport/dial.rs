//! A client's WebSocket from a URL to an open connection: look the name up, connect to one address after the other, upgrade.
//! Nothing here waits; every step has its deadline, its own or one for all of them.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrStorage, connect, getsockopt, socket, sockopt};
use tungstenite::client::IntoClientRequest;
use tungstenite::error::ProtocolError;
use tungstenite::handshake::MidHandshake;
use tungstenite::handshake::client::ClientHandshake;
use tungstenite::http::HeaderValue;
use tungstenite::{Error, HandshakeError};

use super::keepalive::KeepalivePolicy;
use super::stream::Stream;
use super::url::Url;
use super::websocket::{Channel, End};
use super::{Incoming, SUBPROTOCOL, SharedMessage, Transport, TransportError};
use crate::sync::mailbox::{Mailbox, mailbox};
use crate::sync::wait::Interest;
use crate::sync::waker::Waker;
use crate::wamp::Message;

/// How long looking a name up and connecting may take together.
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);

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
    limit: Limit,
    step: Step,
    /// Written while the connection is not open yet.
    early: VecDeque<Message>,
}

enum Step {
    Resolving {
        addresses: Mailbox<io::Result<Vec<SocketAddr>>>,
        bell: Waker,
        deadline: Option<Instant>,
    },
    Connecting {
        socket: OwnedFd,
        address: SocketAddr,
        others: VecDeque<SocketAddr>,
        deadline: Option<Instant>,
    },
    Upgrading {
        handshake: Box<MidHandshake<ClientHandshake<Stream>>>,
        deadline: Option<Instant>,
    },
    Open(Box<Channel>),
    /// Only while a step is taken, or after one failed.
    Failed(Waker),
}

impl Dial {
    /// Takes the first step towards the router. Looking its name up and connecting may take 10 s together, the upgrade 10 s.
    ///
    /// # Errors
    /// When the kernel refuses a descriptor or a thread, or the address is refused at once.
    pub fn start(url: &Url, policy: KeepalivePolicy, now: Instant) -> Result<Self, TransportError> {
        Self::within(url, policy, Limit::EachStep, now)
    }

    /// Takes the first step towards the router, with as much time as the limit gives.
    ///
    /// # Errors
    /// As [`Dial::start`].
    pub fn within(url: &Url, policy: KeepalivePolicy, limit: Limit, now: Instant) -> Result<Self, TransportError> {
        let deadline = limit.deadline(CONNECT_PATIENCE, now);
        let step = match url.host().parse::<IpAddr>() {
            Ok(ip) => connect_to(VecDeque::from([SocketAddr::new(ip, url.port())]), deadline)?,
            Err(_) => resolve(url, deadline)?,
        };
        Ok(Self { url: url.clone(), policy, limit, step, early: VecDeque::new() })
    }

    fn advance(&mut self, now: Instant) -> Result<Incoming, TransportError> {
        let step = std::mem::replace(&mut self.step, Step::Failed(Waker::new()?));
        match step {
            Step::Resolving { addresses, bell, deadline } => {
                bell.hush();
                match addresses.try_recv() {
                    Ok(Some(Ok(found))) => {
                        self.step = connect_to(found.into(), deadline)?;
                        Ok(Incoming::Progress)
                    }
                    Ok(Some(Err(error))) => Err(TransportError::Resolve { host: self.url.host().to_owned(), error }),
                    Ok(None) => {
                        self.step = Step::Resolving { addresses, bell, deadline };
                        Ok(Incoming::Nothing)
                    }
                    Err(_) => {
                        let error = io::Error::other("the look-up ended without an answer");
                        Err(TransportError::Resolve { host: self.url.host().to_owned(), error })
                    }
                }
            }
            Step::Connecting { socket, address, others, deadline } => {
                if !is_connected(&socket)? {
                    self.step = Step::Connecting { socket, address, others, deadline };
                    return Ok(Incoming::Nothing);
                }
                match getsockopt(&socket, sockopt::SocketError).map_err(io::Error::from)? {
                    0 => {
                        let stream = TcpStream::from(socket);
                        stream.set_nodelay(true)?;
                        let handshake = self.upgrade(stream)?;
                        self.take_handshake(handshake, self.limit.deadline(HANDSHAKE_PATIENCE, now), now)
                    }
                    code if others.is_empty() => {
                        Err(TransportError::Connect { address, error: io::Error::from_raw_os_error(code) })
                    }
                    _ => {
                        self.step = connect_to(others, deadline)?;
                        Ok(Incoming::Progress)
                    }
                }
            }
            Step::Upgrading { handshake, deadline } => self.take_handshake(*handshake, deadline, now),
            Step::Open(mut channel) => {
                let incoming = channel.receive(now);
                self.step = Step::Open(channel);
                incoming
            }
            Step::Failed(bell) => {
                self.step = Step::Failed(bell);
                Err(TransportError::HungUp)
            }
        }
    }

    fn upgrade(&self, stream: TcpStream) -> Result<MidHandshake<ClientHandshake<Stream>>, TransportError> {
        let mut request = self.url.uri().clone().into_client_request().map_err(refusal)?;
        request.headers_mut().insert("Sec-WebSocket-Protocol", HeaderValue::from_static(SUBPROTOCOL));
        ClientHandshake::start(Stream::new(stream), request, Some(End::Client.config())).map_err(refusal)
    }

    fn take_handshake(
        &mut self,
        handshake: MidHandshake<ClientHandshake<Stream>>,
        deadline: Option<Instant>,
        now: Instant,
    ) -> Result<Incoming, TransportError> {
        match handshake.handshake() {
            Ok((socket, _response)) => {
                let mut channel = Box::new(Channel::new(socket, End::Client, self.policy, now));
                for message in self.early.drain(..) {
                    channel.send(message);
                }
                self.step = Step::Open(channel);
                Ok(Incoming::Open)
            }
            Err(HandshakeError::Interrupted(handshake)) => {
                self.step = Step::Upgrading { handshake: Box::new(handshake), deadline };
                Ok(Incoming::Nothing)
            }
            Err(HandshakeError::Failure(error)) => Err(refusal(error)),
        }
    }
}

/// What the router's answer to the upgrade was, in words.
fn refusal(error: Error) -> TransportError {
    let got = match error {
        Error::Http(response) => return TransportError::Handshake(format!("HTTP {}", response.status())),
        Error::Io(error) => return TransportError::Handshake(error.to_string()),
        Error::Protocol(ProtocolError::SecWebSocketSubProtocolError(_)) => "a WebSocket of another subprotocol",
        Error::Protocol(ProtocolError::HandshakeIncomplete) | Error::ConnectionClosed => "the end of the connection",
        Error::Protocol(
            ProtocolError::HttparseError(_) | ProtocolError::WrongHttpVersion | ProtocolError::JunkAfterRequest,
        ) => "no HTTP answer",
        Error::Capacity(_) | Error::AttackAttempt => "an HTTP answer without an end",
        _ => "an HTTP answer that is no WebSocket upgrade",
    };
    TransportError::Handshake(got.to_owned())
}

/// Looks a name up on a thread of its own, because `getaddrinfo(3)` waits as long as it likes. The thread cannot be told to
/// stop, so it is the one that nobody joins: it ends when the resolver answers, and its answer may find nobody.
fn resolve(url: &Url, deadline: Option<Instant>) -> Result<Step, TransportError> {
    let bell = Waker::new()?;
    let (post, addresses) = mailbox(1, bell.clone());
    let (host, port) = (url.host().to_owned(), url.port());
    std::thread::Builder::new().name("resolve".to_owned()).stack_size(256 * 1024).spawn(move || {
        let found = (host.as_str(), port).to_socket_addrs().map(Iterator::collect);
        // Nobody waits any more: fine.
        let _ = post.try_send(found);
    })?;
    Ok(Step::Resolving { addresses, bell, deadline })
}

/// Begins to connect to the first address that is not refused at once.
fn connect_to(mut addresses: VecDeque<SocketAddr>, deadline: Option<Instant>) -> Result<Step, TransportError> {
    let mut refused = TransportError::Io(io::Error::other("the name has no address"));
    while let Some(address) = addresses.pop_front() {
        let family = if address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
        let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
        let begun = socket(family, SockType::Stream, flags, None).and_then(|socket| {
            match connect(std::os::fd::AsRawFd::as_raw_fd(&socket), &SockaddrStorage::from(address)) {
                Ok(()) | Err(Errno::EINPROGRESS) => Ok(socket),
                Err(errno) => Err(errno),
            }
        });
        match begun {
            Ok(socket) => return Ok(Step::Connecting { socket, address, others: addresses, deadline }),
            Err(errno) => refused = TransportError::Connect { address, error: errno.into() },
        }
    }
    Err(refused)
}

/// Whether the attempt to connect has ended, well or not.
fn is_connected(socket: &OwnedFd) -> Result<bool, TransportError> {
    let ready = crate::sync::wait::wait([(socket.as_fd(), Interest::WRITE)], Some(Duration::ZERO))?;
    Ok(ready.iter().any(|ready| ready.writable))
}

impl Transport for Dial {
    fn fd(&self) -> BorrowedFd<'_> {
        match &self.step {
            Step::Resolving { bell, .. } | Step::Failed(bell) => bell.as_fd(),
            Step::Connecting { socket, .. } => socket.as_fd(),
            Step::Upgrading { handshake, .. } => handshake.get_ref().get_ref().as_fd(),
            Step::Open(channel) => channel.fd(),
        }
    }

    fn interest(&self) -> Interest {
        match &self.step {
            Step::Resolving { .. } | Step::Upgrading { .. } => Interest::READ,
            Step::Connecting { .. } => Interest::WRITE,
            Step::Open(channel) => channel.interest(),
            Step::Failed(_) => Interest::NONE,
        }
    }

    fn receive(&mut self, now: Instant) -> Result<Incoming, TransportError> {
        match &mut self.step {
            Step::Open(channel) => channel.receive(now),
            _ => self.advance(now),
        }
    }

    fn send(&mut self, message: Message) {
        match &mut self.step {
            Step::Open(channel) => channel.send(message),
            _ => self.early.push_back(message),
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

    fn deadline(&self) -> Option<Instant> {
        match &self.step {
            Step::Resolving { deadline, .. } | Step::Connecting { deadline, .. } | Step::Upgrading { deadline, .. } => {
                *deadline
            }
            Step::Open(channel) => channel.deadline(),
            Step::Failed(_) => None,
        }
    }

    fn expire(&mut self, now: Instant) -> Result<(), TransportError> {
        let is_due = self.deadline().is_some_and(|deadline| now >= deadline);
        match &mut self.step {
            Step::Open(channel) => channel.expire(now),
            _ if !is_due => Ok(()),
            Step::Resolving { .. } => Err(TransportError::TooSlow("be looked up")),
            Step::Connecting { .. } => Err(TransportError::TooSlow("accept the connection")),
            Step::Upgrading { .. } => Err(TransportError::TooSlow("answer the WebSocket upgrade")),
            Step::Failed(_) => Ok(()),
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
