//! What a command line says, typed: the flags' values by subject. Each command takes the subjects that concern it.
//!
//! The tables of [`super::flags`] and [`super::commands`] fill it, and have the defaults. It begins blank; what a blank holds
//! for a flag that has a default means nothing.

use std::path::PathBuf;
use std::time::Duration;

use humantime::format_duration;
use log::LevelFilter;

use super::arguments::Arguments;
use super::child::Child;
use super::failure::Failure;
use super::form::Form;
use super::login::LoginFlags;
use super::manhole::Manhole;
use super::reload::Hangup;
use super::secret::Readers;
use super::target::Target;
use super::tls;
use crate::agent::{AgentBuilder, Patience, ReconnectPolicy};
use crate::api::Role;
use crate::sampler::Rule;
use crate::server::{AllowedOrigin, Endpoint, Exposure};
use crate::transport::keepalive::KeepalivePolicy;
use crate::transport::unix::Access;
use crate::transport::url::Url;
use crate::wamp::Uri;
use crate::wamp::codec::Serialization;
use crate::wamp::options::Match;

/// Everything that can be given.
#[derive(Debug)]
pub struct Given {
    /// Where to connect to, or what to open.
    pub place: Place,
    /// The routers that `join` may join.
    pub routers: Vec<Url>,
    /// The procedure to call or the topic; nothing until it is given.
    pub subject: String,
    /// What `call` and `publish` send.
    pub arguments: Arguments,
    /// How long `call`, `publish` and `subscribe` may take.
    pub timeout: Timeout,
    /// What `subscribe` waits for.
    pub subscription: Subscription,
    /// Whether `publish` waits for the router's word.
    pub acknowledgement: Acknowledgement,
    /// What `call` prints.
    pub results: Results,
    /// How errors and tables are printed.
    pub format: Format,
    /// The process that `serve` and `join` are about.
    pub target: Target,
    /// The child that they supervise.
    pub child: Child,
    /// The descriptor that the ready line goes to.
    pub ready: Option<i32>,
    /// The agent of `serve` and `join`.
    pub agent: Agent,
    /// How `join` holds on to its router, and `serve` to its clients.
    pub connection: Connection,
    /// Where and to whom `serve` listens.
    pub listening: Listening,
    /// Whose entry `passwd` and `keygen` make.
    pub account: Account,
    /// What is logged.
    pub log_level: LevelFilter,
}

impl Default for Given {
    fn default() -> Self {
        Self {
            place: Place::default(),
            routers: Vec::new(),
            subject: String::new(),
            arguments: Arguments::default(),
            timeout: Timeout::default(),
            subscription: Subscription::default(),
            acknowledgement: Acknowledgement::default(),
            results: Results::default(),
            format: Format::default(),
            target: Target::default(),
            child: Child::default(),
            ready: None,
            agent: Agent::default(),
            connection: Connection::default(),
            listening: Listening::default(),
            account: Account::default(),
            log_level: LevelFilter::Off,
        }
    }
}

impl Given {
    /// What `serve` and `join` are about.
    #[must_use]
    pub const fn process(&self) -> Process<'_> {
        let hangup = self.listening.hangup();
        Process { target: &self.target, child: &self.child, agent: &self.agent, ready: self.ready, hangup }
    }
}

/// The process that `serve` and `join` are about, and how it is shown.
#[derive(Clone, Copy, Debug)]
pub struct Process<'a> {
    /// The process, if it runs already.
    pub target: &'a Target,
    /// The child, if there is to be one.
    pub child: &'a Child,
    /// The agent.
    pub agent: &'a Agent,
    /// The descriptor that the ready line goes to.
    pub ready: Option<i32>,
    /// What SIGHUP is for.
    pub hangup: Hangup,
}

/// A realm at a router.
#[derive(Debug)]
pub struct Place {
    /// The router.
    pub url: Url,
    /// The realm.
    pub realm: Uri,
    /// How messages are written on the way.
    pub serialization: Serialization,
    /// Who to be there.
    pub login: LoginFlags,
    /// Whom to trust there, and who to be, with TLS.
    pub tls: tls::ClientFlags,
}

impl Default for Place {
    fn default() -> Self {
        Self {
            url: Url::default(),
            realm: Uri::from(""),
            serialization: Serialization::default(),
            login: LoginFlags::default(),
            tls: tls::ClientFlags::default(),
        }
    }
}

/// How long a command may take in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Timeout {
    /// Nothing was said: to get into the realm each step has its usual time, and what is waited for then has no limit.
    #[default]
    Unsaid,
    /// As long as it takes.
    Never,
    /// So long.
    After(Duration),
}

/// What to subscribe to, and until when.
#[derive(Clone, Copy, Debug, Default)]
pub struct Subscription {
    /// How the topic is matched.
    pub matching: Match,
    /// How many events to wait for; `None` is no limit.
    pub count: Option<u64>,
}

/// Whether a publisher asks for PUBLISHED.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Acknowledgement {
    /// No.
    #[default]
    Unwanted,
    /// Yes.
    Wanted,
}

/// What is printed of a call's results.
#[derive(Clone, Copy, Debug, Default)]
pub struct Results {
    /// In which form.
    pub form: Form,
    /// Which of them.
    pub which: Which,
}

/// Which results are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Which {
    /// The last one.
    #[default]
    Final,
    /// The progressive ones too.
    All,
}

/// For whom errors and tables are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

/// What the agent is to be.
#[derive(Debug, Default)]
pub struct Agent {
    /// The node's id; without it [`AgentBuilder`] makes one of the host's name.
    pub node: Option<String>,
    /// The worker's id; without it [`AgentBuilder`] makes one of the target's name.
    pub worker: Option<String>,
    /// What the process is.
    pub role: Role,
    /// The prefixes that replace the default ones.
    pub prefixes: Vec<String>,
    /// What `get_process_monitor` gives as `type`.
    pub worker_type: String,
    /// Time between two samples.
    pub interval: Duration,
    /// How many samples are kept.
    pub history: u32,
    /// What is watched, each by its name.
    pub watches: Vec<(String, Rule)>,
    /// The manhole.
    pub manhole: Manhole,
}

impl Agent {
    /// Tells the builder.
    ///
    /// # Errors
    /// [`Failure::Usage`] for a manhole's file that others can read.
    pub fn configure(&self, builder: AgentBuilder) -> Result<AgentBuilder, Failure> {
        let mut builder = self
            .manhole
            .configure(builder)?
            .role(self.role)
            .worker_type(&self.worker_type)
            .interval(self.interval)
            .history(self.history);
        if let Some(node) = &self.node {
            builder = builder.node(node);
        }
        if let Some(worker) = &self.worker {
            builder = builder.worker(worker);
        }
        builder = self.watches.iter().fold(builder, |builder, (name, rule)| builder.watch(name, *rule));
        Ok(self.prefixes.iter().fold(builder, |builder, prefix| builder.uri_prefix(prefix)))
    }
}

/// How connections are held on to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Connection {
    /// Whether `join` tries again.
    pub patience: Patience,
    /// How patiently.
    pub reconnect: ReconnectPolicy,
    /// How the other end is watched.
    pub keepalive: KeepalivePolicy,
}

impl Connection {
    /// Whether its parts go together.
    ///
    /// # Errors
    /// [`Failure::Usage`] when the longest wait is shorter than the first.
    pub fn check(&self) -> Result<(), Failure> {
        let ReconnectPolicy { initial, max, .. } = self.reconnect;
        if max >= initial {
            return Ok(());
        }
        let (initial, max) = (format_duration(initial), format_duration(max));
        Err(Failure::Usage(format!(
            "--reconnect-max: expected at least --reconnect-initial, which is {initial}, got {max}"
        )))
    }
}

/// Where and to whom the router listens.
#[derive(Debug)]
pub struct Listening {
    /// Where; by default at 127.0.0.1:8080.
    pub endpoints: Vec<Endpoint>,
    /// The mode of the Unix sockets.
    pub socket_mode: u32,
    /// Whom they are given to.
    pub socket_owner: Option<String>,
    /// Web pages that may connect, beside the port's own.
    pub origins: Vec<AllowedOrigin>,
    /// Who may reach the address.
    pub exposure: Exposure,
    /// The file of those who may log in.
    pub users: Option<PathBuf>,
    /// Who else may be able to read it.
    pub readers: Readers,
    /// The router's certificate, for TLS.
    pub tls: tls::ServerFlags,
}

impl Listening {
    /// What SIGHUP is for: there are files that may change.
    const fn hangup(&self) -> Hangup {
        if self.users.is_some() || self.tls.is_given() { Hangup::Reload } else { Hangup::Usual }
    }
}

impl Default for Listening {
    fn default() -> Self {
        Self {
            endpoints: Vec::new(),
            socket_mode: Access::default().mode,
            socket_owner: None,
            origins: Vec::new(),
            exposure: Exposure::default(),
            users: None,
            readers: Readers::default(),
            tls: tls::ServerFlags::default(),
        }
    }
}

/// A user of the embedded router.
#[derive(Debug, Default)]
#[cfg_attr(not(feature = "auth"), allow(dead_code))] // Without logins there are no users.
pub struct Account {
    /// The file; empty until it is given.
    pub users: PathBuf,
    /// Who.
    pub authid: Option<String>,
    /// As what.
    pub role: Option<String>,
    /// Whether a ticket will do.
    pub ticket: Ticket,
    /// Where the private key goes; empty until it is given.
    pub key: PathBuf,
}

/// Whether a user may log in by ticket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(not(feature = "auth"), allow(dead_code))]
pub enum Ticket {
    /// No.
    #[default]
    Refused,
    /// Yes.
    Accepted,
}
