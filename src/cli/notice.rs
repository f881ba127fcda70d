//! What systemd is told of an agent without a child (sd_notify(3)); a child is told of by its supervisor.

use super::failure::Failure;
use crate::agent::{AgentBuilder, LinkChange};
use crate::supervisor::ServiceManager;
use crate::terminal::printable;

/// Has systemd told how the agent fares, if it waits for that.
///
/// # Errors
/// [`Failure::System`] when there is no way to tell it.
pub fn configure(builder: AgentBuilder) -> Result<AgentBuilder, Failure> {
    let found = ServiceManager::find();
    let found = found.map_err(|error| Failure::System { what: "notify systemd".to_owned(), error })?;
    Ok(match found {
        Some(systemd) => builder.on_link_change(move |change| systemd.say(message(change).as_bytes())),
        None => builder,
    })
}

/// `READY` may be said again; systemd has heard it then.
fn message(change: LinkChange<'_>) -> String {
    match change {
        LinkChange::Ready { url: Some(url), session } => format!("READY=1\nSTATUS=joined {url} as session {session}\n"),
        LinkChange::Ready { url: None, session } => format!("READY=1\nSTATUS=serving, as session {session}\n"),
        LinkChange::Waiting { reason, delay } => {
            format!("STATUS=reconnecting in {:.1} s: {}\n", delay.as_secs_f64(), printable(reason))
        }
        LinkChange::Leaving => "STOPPING=1\nSTATUS=leaving\n".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn what_a_router_says_makes_no_lines_of_its_own() {
        let change = LinkChange::Waiting { reason: "no\nREADY=1", delay: Duration::from_millis(1500) };
        let message = message(change);
        assert!(message.starts_with("STATUS=reconnecting in 1.5 s: no"), "{message}");
        assert_eq!(message.lines().count(), 1, "{message}");
    }
}
