//! `wampproc join`.

use super::failure::Failure;
use super::given::Given;
use super::ready;
use super::signals::Signals;
use crate::agent::Agent;
use crate::transport::keepalive::KeepalivePolicy;

pub(super) fn run(given: &Given) -> Result<(), Failure> {
    let signals = Signals::catch()?;
    let url = given.url.to_string();
    let keepalive = KeepalivePolicy { interval: given.connection.ping_interval, ..KeepalivePolicy::default() };
    let builder = Agent::builder(given.url.clone())
        .realm(given.realm.clone())
        .patience(given.connection.patience)
        .keepalive(keepalive)
        .on_ready(ready::notice(move || url, given.realm.clone()));
    let agent = given.agent.configure(builder).build()?;
    let stopper = agent.stopper();
    signals.then(move || stopper.stop());
    Ok(agent.run()?)
}
