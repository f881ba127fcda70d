//! `wampproc serve`.

use std::sync::{Arc, OnceLock};

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use super::accounts;
use super::ending;
use super::failure::Failure;
use super::given::{Listening, Process};
use super::ready::{self, Destination};
use crate::agent::Agent;
use crate::server::{Server, ServerConfig, ServerError};
use crate::transport::keepalive::KeepalivePolicy;
use crate::transport::memory;
use crate::wamp::Uri;

pub(super) fn run(
    realm: &Uri,
    process: &Process<'_>,
    keepalive: KeepalivePolicy,
    listening: &Listening,
) -> Result<(), Failure> {
    let ready = Destination::of(process)?;
    let (here, there) = memory::pair()
        .map_err(|error| Failure::System { what: "connect the agent to the router".to_owned(), error })?;
    // The agent first: what is wrong with its names shows before the port is open. The URL is known only after that.
    let url = Arc::new(OnceLock::new());
    let known = Arc::clone(&url);
    let notice = ready::notice(ready, move || known.get().cloned().unwrap_or_default(), realm.clone());
    let builder = Agent::embedded(here).realm(realm.clone()).on_ready(notice);
    ending::run(process, builder, || {
        allow_descriptors();
        let mut config = ServerConfig::new(listening.address);
        config.router.realms = vec![realm.clone()];
        if let Some(users) = &listening.users {
            accounts::configure(&mut config.router, users, listening.readers)?;
        }
        config.keepalive = keepalive;
        config.exposure = listening.exposure;
        config.allow_origin.clone_from(&listening.origins);
        // It outlives the agent's run, so that the agent's GOODBYE is answered.
        let server = Server::start(config, vec![there]).map_err(|error| match error {
            ServerError::NeedsPermission(_) => Failure::Usage(format!("--listen: {error}")),
            ServerError::Listen { .. } | ServerError::Resources(_) => Failure::Server(error),
        })?;
        url.get_or_init(|| server.url());
        Ok(server)
    })
}

/// As many descriptors as the kernel lets us have without asking anybody: each client takes one, and the usual soft limit of
/// 1024 is for programs that use `select(2)`.
fn allow_descriptors() {
    if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        if let Err(errno) = setrlimit(Resource::RLIMIT_NOFILE, hard, hard) {
            log::debug!("the limit of descriptors stays as it is: {errno}");
        }
    }
}
