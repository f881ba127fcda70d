//! How the agent fares with its router, for those who look inside. Pure.

use std::time::Instant;

use serde::Serialize;

use crate::wamp::Uri;

/// What the agent knows about its sessions.
#[derive(Clone, Debug)]
pub(super) struct Status {
    url: String,
    realm: Uri,
    session: Option<Joined>,
    /// Sessions so far.
    sessions: u64,
    /// Calls answered, those with an error too.
    pub calls: u64,
    /// Calls answered with an error.
    pub errors: u64,
    /// Events published; under several prefixes they count once.
    pub events: u64,
    /// Events that were not, because there was no session or the router reads too slowly.
    pub events_lost: u64,
}

#[derive(Clone, Debug)]
struct Joined {
    id: u64,
    router: String,
    since: Instant,
}

/// The same, to be told.
#[derive(Debug, Serialize)]
pub(super) struct StatusReport<'a> {
    url: &'a str,
    realm: &'a str,
    /// The target's id; `null` while there is none.
    pid: Option<i32>,
    /// `null` without a session, as the next two.
    session: Option<u64>,
    router: Option<&'a str>,
    /// Seconds since the session began.
    uptime: Option<f64>,
    sessions: u64,
    calls: u64,
    errors: u64,
    events: u64,
    events_lost: u64,
}

impl Status {
    pub fn new(url: String, realm: Uri) -> Self {
        Self { url, realm, session: None, sessions: 0, calls: 0, errors: 0, events: 0, events_lost: 0 }
    }

    /// A session began.
    pub fn joined(&mut self, id: u64, router: String, since: Instant) {
        self.sessions += 1;
        self.session = Some(Joined { id, router, since });
    }

    /// It ended.
    pub fn left(&mut self) {
        self.session = None;
    }

    #[cfg_attr(not(feature = "manhole"), allow(dead_code))] // Nobody else looks inside.
    pub fn report(&self, pid: Option<i32>, now: Instant) -> StatusReport<'_> {
        let session = self.session.as_ref();
        StatusReport {
            url: &self.url,
            realm: self.realm.as_str(),
            pid,
            session: session.map(|joined| joined.id),
            router: session.map(|joined| joined.router.as_str()),
            uptime: session.map(|joined| now.saturating_duration_since(joined.since).as_secs_f64()),
            sessions: self.sessions,
            calls: self.calls,
            errors: self.errors,
            events: self.events,
            events_lost: self.events_lost,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn what_there_is_only_in_a_session_is_null_without() {
        let mut status = Status::new("ws://h/ws".to_owned(), Uri::from("realm1"));
        let now = Instant::now();
        status.joined(7, "R".to_owned(), now);
        status.calls = 2;
        let text = |status: &Status, now| serde_json::to_string(&status.report(Some(17), now)).unwrap();
        let rest = r#""sessions":1,"calls":2,"errors":0,"events":0,"events_lost":0}"#;
        let head = r#"{"url":"ws://h/ws","realm":"realm1","pid":17,"#;
        assert_eq!(
            text(&status, now + Duration::from_secs(3)),
            format!(r#"{head}"session":7,"router":"R","uptime":3.0,{rest}"#)
        );
        status.left();
        assert_eq!(text(&status, now), format!(r#"{head}"session":null,"router":null,"uptime":null,{rest}"#));
    }
}
