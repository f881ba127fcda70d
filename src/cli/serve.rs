//! `wampproc serve`.

use super::failure::Failure;
use super::given::Given;
use super::ready;
use super::signals::Signals;
use crate::agent::Agent;
use crate::server::{Server, ServerConfig, ServerError};
use crate::transport::memory;

pub(super) fn run(given: &Given) -> Result<(), Failure> {
    let signals = Signals::catch()?;
    let (here, there) = memory::pair()
        .map_err(|error| Failure::System { what: "connect the agent to the router".to_owned(), error })?;
    let listening = &given.listening;
    let mut config = ServerConfig::new(listening.address);
    config.router.realms = vec![given.realm.clone()];
    config.exposure = listening.exposure;
    config.allow_origin.clone_from(&listening.origins);
    // It outlives the agent, so that the agent's GOODBYE is answered.
    let server = Server::start(config, vec![there]).map_err(|error| match error {
        ServerError::NeedsPermission(_) => Failure::Usage(format!("--listen: {error}")),
        ServerError::Listen { .. } | ServerError::Resources(_) => Failure::Server(error),
    })?;
    let builder =
        Agent::embedded(here).realm(given.realm.clone()).on_ready(ready::notice(server.url(), given.realm.clone()));
    let agent = given.agent.configure(builder).build()?;
    let stopper = agent.stopper();
    signals.then(move || stopper.stop());
    Ok(agent.run()?)
}
