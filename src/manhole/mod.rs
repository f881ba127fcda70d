//! The manhole: an SSH server into this process, with a shell that asks the management API.
//!
//! [`Manhole::start`] starts the thread "manhole", which listens and gives each caller a thread of its own ("ssh-1" …). They
//! ask the agent by [`Report`]s over its bounded mailbox, and never hold it up: what it does not take is refused as busy, and
//! its answers go to bounded mailboxes that nobody waits for.
//!
//! # Security decisions
//! - It is off until it is asked for, listens on loopback unless another interface is named, and a Unix socket of it is for its
//!   owner alone.
//! - Who may log in stands in the configuration and nowhere else. `credentials` has how passwords and keys are kept and
//!   compared, [`crate::ssh`] what the protocol refuses, `host_key` where the key is.
//! - At most [`MAX_CONNECTIONS`] at a time, of which [`MAX_STRANGERS`] have not logged in; one more is turned away. A login has
//!   30 s and 6 attempts, and a wrong password costs a second.
//! - Every login, every refusal and every command is logged with user and address, and never with what was typed behind the
//!   command's name: that may be a secret. A logger that leaves out what there is too much of, as the program's does, does so by
//!   target: what users do has one of its own, so that no stranger can use up its room.
//! - Whoever is in may do what a caller of the API may, no more: there is no way to a program or a file of the host.
//!
//! # Commands of one's own
//! A program that embeds the library adds commands to the shell:
//!
//! ```
//! use serde_json::json;
//! use wampproc::Agent;
//! use wampproc::manhole::Config;
//! # use wampproc::transport::memory;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let config = json!({
//!     "endpoint": {"type": "tcp", "port": 0},
//!     "users": [{"user": "joe", "password": "correct horse"}],
//! });
//! # let (here, _there) = memory::pair()?;
//! # let builder = Agent::embedded(here);
//! # #[cfg(any())]
//! let builder = Agent::builder("ws://127.0.0.1:8080/ws".parse()?);
//! let agent = builder
//!     .worker("pump")
//!     .manhole(Config::parse(&config)?)
//!     .command("drain", "Drain a tank, by its number.", |words| match words {
//!         [tank] => Ok(json!({"tank": tank, "litres": 40})),
//!         _ => Err(format!("expected the number of a tank, got {} words", words.len())),
//!     })
//!     .build()?;
//! let running = agent.spawn()?;
//! // ssh -p PORT joe@127.0.0.1 drain 3
//! # drop(running);
//! # Ok(())
//! # }
//! ```
//!
//! `log follow` shows what is told to a [`LogFeed`], which is for the program's logger to do.
//!
//! # What lives where
//! Pure: `keys`, `line`, `editor`, `shell`, `config`, `question`. `actor` is the manhole's thread, `connection` with `login` and
//! `channel` a caller's; `listener` has the sockets, `report` what goes to the agent and back, `feeds` and `log_feed` what comes
//! unasked to those who follow it.

mod actor;
mod channel;
pub mod config;
mod connection;
mod credentials;
mod editor;
mod feeds;
mod host_key;
mod keys;
mod letter;
mod line;
mod listener;
mod log_feed;
mod login;
mod question;
mod quick_ack;
mod report;
mod shell;

use std::io;
use std::sync::Arc;
use std::time::Duration;

pub use config::{Config, ConfigError};
pub use host_key::{HostKeyError, HostKeySource};
pub use listener::ListenError;
pub use log_feed::{LogFeed, Logged};
pub use question::{Answer, Question, Refusal};
pub use report::{Follower, Presence, Reply, Report, StartError};
pub use shell::table::{COMMANDS, Custom, CustomRun};
pub use shell::{Procedure, Setting};

use crate::sync::mailbox::{Post, mailbox};
use crate::sync::thread::Thread;
use crate::sync::waker::Waker;
use actor::Actor;
use connection::Shared;
use credentials::Users;
use listener::Listener;

/// Connections at a time.
pub const MAX_CONNECTIONS: usize = 16;

/// Of those, how many may not have logged in yet.
pub const MAX_STRANGERS: usize = 4;

/// The target of log records about what users do, whom nobody else may crowd out.
pub const USERS_LOG: &str = concat!(module_path!(), "::users");

/// How long things may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// From the connection to the end of the login.
    pub login: Duration,
    /// Without anything typed, while nothing runs that is looked at.
    pub idle: Duration,
    /// Without the client taking any of what waits for it.
    pub stall: Duration,
}

impl Default for Timeouts {
    /// 30 s for the login, an hour of idleness, 5 min of not reading.
    fn default() -> Self {
        Self { login: Duration::from_secs(30), idle: Duration::from_secs(3600), stall: Duration::from_secs(300) }
    }
}

/// The word to stop.
#[derive(Clone, Copy, Debug)]
struct Stop;

/// A manhole that runs, or is about to. Dropping it closes everything and waits for its threads.
#[derive(Debug)]
pub struct Manhole {
    // Before the thread: it ends when this is gone.
    stop: Post<Stop>,
    _thread: Thread,
}

impl Manhole {
    /// Starts the manhole's thread; [`Report::Started`] or [`Report::Failed`] follows.
    ///
    /// # Errors
    /// When the kernel refuses a thread or a descriptor.
    pub fn start<R>(
        config: Config,
        host_key: HostKeySource,
        setting: Arc<Setting>,
        timeouts: Timeouts,
        reports: Post<R>,
    ) -> io::Result<Self>
    where
        R: From<Report> + Send + 'static,
    {
        let waker = Waker::new()?;
        let (stop, stopped) = mailbox(1, waker.clone());
        let thread = Thread::spawn("manhole", move || {
            let mut last = LastReport { reports, report: Some(Report::Stopped) };
            match prepare(config, &host_key, setting, timeouts) {
                Ok((listener, shared)) => {
                    let host_key = shared.ssh.host_key.fingerprint();
                    let started = Report::Started { port: listener.port(), host_key };
                    if last.reports.send(started.into()).is_ok() {
                        let actor = Actor::new(listener, Arc::new(shared), last.reports.clone(), waker, stopped);
                        if let Err(error) = actor.run() {
                            log::error!("the manhole ends: {error}");
                        }
                    }
                }
                Err(error) => last.report = Some(Report::Failed(error)),
            }
        })?;
        Ok(Self { stop, _thread: thread })
    }

    /// Asks it to close the listener and every connection; [`Report::Stopped`] follows.
    pub fn stop(&self) {
        // Full: it was asked already.
        let _ = self.stop.try_send(Stop);
    }
}

/// Everything that can go wrong before there is a manhole.
fn prepare(
    config: Config,
    host_key: &HostKeySource,
    setting: Arc<Setting>,
    timeouts: Timeouts,
) -> Result<(Listener, Shared), StartError> {
    // From here on the kernel has randomness: it does not lose it again.
    getrandom::fill(&mut [0; 1]).map_err(|error| StartError::Resources(io::Error::other(error)))?;
    let users = Users::new(config.users, &mut random()).map_err(StartError::Config)?;
    let host_key = host_key.get(&mut random()).map_err(StartError::HostKey)?;
    // Last, so that nobody is let in before all is well.
    let listener = Listener::bind(&config.endpoint).map_err(StartError::Listen)?;
    let ssh = Arc::new(crate::ssh::Config::new(host_key));
    Ok((listener, Shared { users, ssh, setting, timeouts }))
}

/// The last that is heard of a manhole, also when its thread panics.
struct LastReport<R: From<Report>> {
    reports: Post<R>,
    report: Option<Report>,
}

impl<R: From<Report>> Drop for LastReport<R> {
    fn drop(&mut self) {
        if let Some(report) = self.report.take() {
            // An agent that has ended needs no report.
            let _ = self.reports.send(report.into());
        }
    }
}

/// The kernel's randomness. It fails only where the kernel has none, which [`Manhole::start`] finds out first.
fn random() -> rand_core::UnwrapErr<getrandom::SysRng> {
    rand_core::UnwrapErr(getrandom::SysRng)
}
