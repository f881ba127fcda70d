//! `wampproc join`.

use super::ending;
use super::failure::Failure;
use super::given::{Connection, Place, Process};
use super::login;
use super::ready::{self, Destination};
use crate::agent::{Agent, AgentError, LinkChange};
use crate::transport::url::Url;

pub(super) fn run(
    routers: &[Url],
    place: &Place,
    process: &Process<'_>,
    connection: &Connection,
) -> Result<(), Failure> {
    connection.check()?;
    let login = place.login.resolve()?;
    let tls = place.tls.resolve(routers)?;
    let mut ready = Some((Destination::of(process)?, place.realm.clone()));
    let (first, others) =
        routers.split_first().map_or_else(Default::default, |(first, others)| (first.clone(), others));
    let builder = Agent::builder(first)
        .realm(place.realm.clone())
        .login(login.clone())
        .serialization(place.serialization)
        .patience(connection.patience)
        .reconnect(connection.reconnect)
        .keepalive(connection.keepalive)
        // Which of the routers it will be is known only then.
        .on_link_change(move |change| {
            if let LinkChange::Ready { url, .. } = change {
                let url = url.unwrap_or_default().to_owned();
                if let Some((destination, realm)) = ready.take() {
                    ready::notice(destination, move || url, realm)();
                }
            }
        });
    let builder = match tls {
        Some(tls) => builder.tls(tls),
        None => builder,
    };
    let builder = others.iter().cloned().fold(builder, |builder, url| builder.or(url));
    ending::run(process, builder, || Ok(())).map_err(|failure| {
        let advice = match &failure {
            Failure::Agent(AgentError::Link(error)) => login::advice(&login, error),
            _ => None,
        };
        failure.advised(advice)
    })
}
