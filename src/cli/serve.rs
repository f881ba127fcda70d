//! `wampproc serve`.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use super::accounts::{self, Way};
use super::ending;
use super::failure::Failure;
use super::given::{Listening, Process};
use super::ready::{self, Destination};
use super::reload::{Catcher, Hangup, OnHangup, Reloadable};
use super::socket_owner;
use super::tls::ServerFlags;
use crate::agent::Agent;
use crate::server::{Endpoint, Server, ServerConfig, ServerError};
use crate::transport::keepalive::KeepalivePolicy;
use crate::transport::memory;
use crate::transport::tls::TlsServer;
use crate::wamp::Uri;

/// Where clients look for a router that is on their machine.
const PORT: u16 = 8080;

pub(super) fn run(
    realm: &Uri,
    process: &Process<'_>,
    keepalive: KeepalivePolicy,
    listening: &Listening,
) -> Result<(), Failure> {
    let ready = Destination::of(process)?;
    let tls = listening.tls.load()?;
    let (here, there) = memory::pair()
        .map_err(|error| Failure::System { what: "connect the agent to the router".to_owned(), error })?;
    // The agent first: what is wrong with its names shows before the port is open. The URL is known only after that.
    let url = Arc::new(OnceLock::new());
    let known = Arc::clone(&url);
    let notice = ready::notice(ready, move || known.get().cloned().unwrap_or_default(), realm.clone());
    let builder = Agent::embedded(here).realm(realm.clone()).on_ready(notice);
    ending::run(process, builder, || {
        let mut config = ServerConfig::new(SocketAddr::from((Ipv4Addr::LOCALHOST, PORT)));
        if let Some(descriptors) = allow_descriptors() {
            config.capacity = config.capacity.within(descriptors);
        }
        if !listening.endpoints.is_empty() {
            config.listen = endpoints(listening)?;
        }
        config.router.realms = vec![realm.clone()];
        let source = |file: &PathBuf| accounts::Source::new(file, listening.readers, &ways(listening));
        let users = listening.users.as_ref().map(source);
        if let Some(users) = &users {
            users.configure(&mut config.router)?;
        }
        config.keepalive = keepalive;
        config.exposure = listening.exposure;
        config.allow_origin.clone_from(&listening.origins);
        config.tls.clone_from(&tls);
        // It outlives the agent's run, so that the agent's GOODBYE is answered.
        let server = Server::start(config, vec![there]).map_err(|error| match error {
            ServerError::NeedsPermission(_) => Failure::Usage(format!("--listen: {error}")),
            ServerError::Listen { .. } | ServerError::Resources(_) => Failure::Server(error),
        })?;
        url.get_or_init(|| server.url());
        let mut table = Vec::new();
        table.extend(tls.map(|server| certificates(listening.tls.clone(), server)));
        table.extend(users.and_then(|users| users.reloadable(&server)));
        let catcher = if process.child.is_given() { Catcher::Supervisor } else { Catcher::Handler };
        let reload = (process.hangup == Hangup::Reload).then(|| OnHangup::run(table, catcher)).transpose()?;
        Ok((server, reload))
    })
}

/// Whoever renews certificates need not end anybody's session.
fn certificates(flags: ServerFlags, server: TlsServer) -> Reloadable {
    Reloadable { what: "certificates", read: Box::new(move || flags.reload(&server)) }
}

/// What clients can come by that says who they are.
fn ways(listening: &Listening) -> Vec<Way> {
    let by_socket = listening.endpoints.iter().any(|endpoint| matches!(endpoint, Endpoint::Unix { .. }));
    let ways = [(Way::UnixSocket, by_socket), (Way::Certificate, listening.tls.asks_clients())];
    ways.into_iter().filter(|(_, is_there)| *is_there).map(|(way, _)| way).collect()
}

/// Where to listen, with who may reach the Unix sockets among it.
fn endpoints(listening: &Listening) -> Result<Vec<Endpoint>, Failure> {
    let access = socket_owner::access(listening.socket_mode, listening.socket_owner.as_deref())?;
    let mut endpoints = listening.endpoints.clone();
    for endpoint in &mut endpoints {
        if let Endpoint::Unix { access: default, .. } = endpoint {
            *default = access;
        }
    }
    Ok(endpoints)
}

/// As many descriptors as the kernel lets us have without asking anybody: each client takes one, and the usual soft limit of
/// 1024 is for programs that use `select(2)`. How many that are, if the kernel says so.
#[allow(clippy::useless_conversion)] // 32 bits on some targets.
fn allow_descriptors() -> Option<u64> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).ok()?;
    match setrlimit(Resource::RLIMIT_NOFILE, hard, hard) {
        Ok(()) => Some(u64::from(hard)),
        Err(errno) => {
            log::debug!("the limit of descriptors stays as it is: {errno}");
            Some(u64::from(soft))
        }
    }
}
