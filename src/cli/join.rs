//! `wampproc join`.

use super::failure::Failure;
use super::given::Given;
use super::ready;
use super::signals::Signals;
use crate::agent::Agent;

pub(super) fn run(given: &Given) -> Result<(), Failure> {
    let signals = Signals::catch()?;
    let url = given.url.to_string();
    let builder = Agent::builder(given.url.clone())
        .realm(given.realm.clone())
        .patience(given.connection.patience)
        .reconnect(given.connection.reconnect)
        .keepalive(given.connection.keepalive)
        .on_ready(ready::notice(move || url, given.realm.clone()));
    let agent = given.agent.configure(builder).build()?;
    let stopper = agent.stopper();
    signals.then(move || stopper.stop());
    Ok(agent.run()?)
}
