//! The embedded router's one thread and its I/O: WebSocket, RawSocket and plain HTTP on each port, and ends in memory for those in this
//! process. It drives `router/`, which knows what a message means.
//!
//! [`Server::start`] binds the port and starts the thread; the handle that comes back stops it when it goes. Everything else
//! is private to the thread, which shares nothing with anybody but its counters:
//!
//! - `event_loop` has the turns of the thread, `order` what it is told, `registry` what it sleeps for, `deadlines` the part of that which is time;
//! - `listener` accepts, `capacity` has how many may come and `room` says who makes room, `turns` has whose turn it is, `visitor` is a connection up to its upgrade, with `http`, `site` and `origin`, which are pure, to say
//!   what is answered; `evidence` is what it says about its other end;
//! - `exchange` is between the router and its peers, `peer` one of them, `backpressure` what may be queued for it. The limits
//!   and why nobody waits for ever stand there.

mod backpressure;
mod capacity;
mod counters;
mod deadlines;
mod endpoint;
mod event_loop;
#[cfg(feature = "auth")]
mod evidence;
mod exchange;
mod http;
mod listener;
mod order;
mod origin;
mod peer;
mod registry;
mod room;
mod site;
mod turns;
mod visitor;

use std::fmt;
use std::hash::RandomState;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::link::AGENT;
use crate::router::{Anonymous, Router, RouterConfig};
use crate::sync::clock::Now;
use crate::sync::mailbox::{Post, mailbox};
use crate::sync::thread::Thread;
use crate::sync::waker::Waker;
use crate::transport::keepalive::KeepalivePolicy;
use crate::transport::memory::Memory;
use crate::transport::tls::TlsServer;
use crate::wamp::Uri;
use crate::wamp::id::RandomIds;

pub use capacity::Capacity;
pub use counters::{Counter, Counters};
pub use endpoint::Endpoint;
use event_loop::{EventLoop, Settings};
use exchange::{Exchange, ExchangeSettings, ROUND_TIME};
use listener::Listener;
#[cfg(feature = "auth")]
pub use order::UsersControl;
use order::{ORDERS, Order};
use origin::Access;
pub use origin::{AllowedOrigin, Exposure, InvalidOrigin, needs_permission};

/// The realm that there is when none is named, as on other routers.
pub const REALM: &str = "realm1";

/// What a server is like.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// Where to listen; at every one of these.
    pub listen: Vec<Endpoint>,
    /// Who may reach those of TCP.
    pub exposure: Exposure,
    /// Web pages that may use the port, besides its own.
    pub allow_origin: Vec<AllowedOrigin>,
    /// With it the port speaks TLS, and nothing else.
    pub tls: Option<TlsServer>,
    /// How connections are watched.
    pub keepalive: KeepalivePolicy,
    /// How long things may take.
    pub timeouts: Timeouts,
    /// How much there may be.
    pub capacity: Capacity,
    /// The router behind the port. Its [`RouterConfig::anonymous`] is [`Anonymous::Restricted`] where others can reach the
    /// address.
    pub router: RouterConfig,
}

impl ServerConfig {
    /// A server at that address with the realm `realm1`, everything else as by default.
    #[must_use]
    pub fn new(listen: SocketAddr) -> Self {
        Self {
            listen: vec![Endpoint::Tcp(listen)],
            exposure: Exposure::default(),
            allow_origin: Vec::new(),
            tls: None,
            keepalive: KeepalivePolicy::default(),
            timeouts: Timeouts::default(),
            capacity: Capacity::default(),
            router: RouterConfig::new(vec![Uri::from(REALM)], AGENT),
        }
    }
}

/// How long things may take. What a session may is in [`RouterConfig`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// From a connection to the end of its HTTP request, the handshake of TLS included, and of the answer.
    pub head: Duration,
    /// How long a peer may take nothing of what waits for it.
    pub drain: Duration,
    /// How long the goodbyes may take when the server stops.
    pub shutdown: Duration,
}

impl Default for Timeouts {
    /// 10 s for a request, 30 s to drain, 500 ms to stop.
    fn default() -> Self {
        Self { head: Duration::from_secs(10), drain: Duration::from_secs(30), shutdown: Duration::from_millis(500) }
    }
}

/// A server that runs. Dropping it says GOODBYE to everybody, and waits until they have left, or for
/// [`Timeouts::shutdown`].
#[derive(Debug)]
pub struct Server {
    /// Of the TCP ports.
    addresses: Vec<SocketAddr>,
    /// Of the Unix sockets.
    paths: Vec<PathBuf>,
    scheme: &'static str,
    counters: Arc<Counters>,
    // Before the thread: fields drop in order, and the thread ends when this is gone.
    #[cfg_attr(not(feature = "auth"), allow(dead_code))] // Without logins there is nothing to order.
    orders: Arc<Post<Order>>,
    _thread: Thread,
}

impl Server {
    /// Binds the port and starts the thread. Each of `inside` is the router's end of a [`crate::transport::memory::pair`].
    ///
    /// # Errors
    /// [`ServerError`]; nothing runs then.
    pub fn start(config: ServerConfig, inside: Vec<Memory>) -> Result<Self, ServerError> {
        let ServerConfig { listen, exposure, allow_origin, tls, keepalive, timeouts, capacity, mut router } = config;
        let exposed = listen.iter().find_map(|endpoint| match endpoint {
            Endpoint::Tcp(address) if needs_permission(*address) => Some(*address),
            Endpoint::Tcp(_) | Endpoint::Unix { .. } => None,
        });
        if let (Some(address), false) = (exposed, has_logins(&router)) {
            if exposure != Exposure::RemoteAnonymous {
                return Err(ServerError::NeedsPermission(address));
            }
            router.anonymous = Anonymous::Restricted;
        }
        let (mut listeners, mut addresses, mut paths) = (Vec::new(), Vec::new(), Vec::new());
        for endpoint in listen {
            let bound = Listener::bind(&endpoint).and_then(|listener| Ok((listener.local_addr()?, listener)));
            let (address, listener) =
                bound.map_err(|error| ServerError::Listen { endpoint: endpoint.clone(), error })?;
            addresses.extend(address);
            if let Endpoint::Unix { path, .. } = endpoint {
                paths.push(path);
            }
            listeners.push(listener);
        }
        let bell = Waker::new()?;
        let (post, orders) = mailbox(ORDERS, bell.clone());
        let counters = Arc::new(Counters::default());
        let router = Router::new(router, RandomIds::new(RandomState::new()));
        let Capacity { queued_bytes, unfinished_bytes, .. } = capacity;
        let limits = ExchangeSettings { drain: timeouts.drain, queued_bytes, unfinished_bytes, round: ROUND_TIME };
        let exchange = Exchange::new(router, limits, Arc::clone(&counters));
        let scheme = if tls.is_some() { "wss" } else { "ws" };
        let access = Access::new(exposed.map_or(Ipv4Addr::LOCALHOST.into(), |address| address.ip()), allow_origin);
        let access = if tls.is_some() { access.over_tls() } else { access };
        let settings = Settings { access, tls, keepalive, timeouts, capacity, visits: ROUND_TIME };
        let mut event_loop = EventLoop::new(settings, listeners, exchange, (orders, bell), Arc::clone(&counters))?;
        for memory in inside {
            event_loop.add_inside(memory, Now::read())?;
        }
        let thread = Thread::spawn("router", move || event_loop.run())?;
        Ok(Self { addresses, paths, scheme, counters, orders: Arc::new(post), _thread: thread })
    }

    /// The TCP ports that it listens at, with the numbers that they have.
    #[must_use]
    pub fn local_addrs(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The URL for clients on this machine, or of that address: of the first TCP port, or else of the first Unix socket.
    #[must_use]
    pub fn url(&self) -> String {
        let Some(mut address) = self.addresses.first().copied() else {
            return self.paths.first().map_or_else(String::new, |path| format!("unix://{}", path.display()));
        };
        if address.ip().is_unspecified() {
            address.set_ip(match address {
                SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            });
        }
        format!("{}://{address}{}", self.scheme, site::WAMP_PATH)
    }

    /// What gives it other users.
    #[cfg(feature = "auth")]
    #[must_use]
    pub fn users(&self) -> UsersControl {
        UsersControl(Arc::downgrade(&self.orders))
    }

    /// What it has counted so far.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.counters
    }
}

/// Whether the router asks clients who they are.
#[cfg(feature = "auth")]
const fn has_logins(router: &RouterConfig) -> bool {
    router.logins.is_some()
}

/// This build has no logins.
#[cfg(not(feature = "auth"))]
const fn has_logins(_: &RouterConfig) -> bool {
    false
}

/// Why a server does not start.
#[derive(Debug)]
pub enum ServerError {
    /// Others could reach the address, and nobody said that they may.
    NeedsPermission(SocketAddr),
    /// It cannot be listened there.
    Listen {
        /// Where.
        endpoint: Endpoint,
        /// What the kernel says.
        error: io::Error,
    },
    /// The kernel refuses a descriptor or a thread.
    Resources(io::Error),
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NeedsPermission(address) => write!(
                f,
                "expected a loopback address to listen at, got {address}, which others can reach without a login: \
                 --users says who may log in, --allow-remote-anonymous that anybody may"
            ),
            Self::Listen { endpoint, error } => write!(f, "cannot listen at {endpoint}: {error}"),
            Self::Resources(error) => write!(f, "cannot start the router: {error}"),
        }
    }
}

impl std::error::Error for ServerError {}

impl From<io::Error> for ServerError {
    fn from(error: io::Error) -> Self {
        Self::Resources(error)
    }
}
