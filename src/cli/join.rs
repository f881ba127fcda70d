//! `wampproc join`.

use super::failure::Failure;
use super::given::{self, Connection, Place};
use super::ready;
use super::signals::Signals;
use super::target::Target;
use crate::agent::Agent;

pub(super) fn run(
    place: &Place,
    target: &Target,
    agent: &given::Agent,
    connection: &Connection,
) -> Result<(), Failure> {
    connection.check()?;
    let login = place.login.resolve()?;
    let signals = Signals::catch()?;
    let url = place.url.to_string();
    let builder = Agent::builder(place.url.clone())
        .realm(place.realm.clone())
        .login(login)
        .patience(connection.patience)
        .reconnect(connection.reconnect)
        .keepalive(connection.keepalive)
        .on_ready(ready::notice(move || url, place.realm.clone()));
    let agent = agent.configure(target.configure(builder)?).build()?;
    let stopper = agent.stopper();
    signals.then(move || stopper.stop());
    super::ending::of(agent.run()?)
}
