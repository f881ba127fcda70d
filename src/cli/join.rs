//! `wampproc join`.

use super::ending;
use super::failure::Failure;
use super::given::{Connection, Place, Process};
use super::ready::{self, Destination};
use crate::agent::Agent;

pub(super) fn run(place: &Place, process: &Process<'_>, connection: &Connection) -> Result<(), Failure> {
    connection.check()?;
    let login = place.login.resolve()?;
    let ready = Destination::of(process)?;
    let url = place.url.to_string();
    let builder = Agent::builder(place.url.clone())
        .realm(place.realm.clone())
        .login(login)
        .serialization(place.serialization)
        .patience(connection.patience)
        .reconnect(connection.reconnect)
        .keepalive(connection.keepalive)
        .on_ready(ready::notice(ready, move || url, place.realm.clone()));
    ending::run(process, builder, || Ok(()))
}
