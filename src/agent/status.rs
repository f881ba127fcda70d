//! How the agent fares with its router, for those who ask and those who look inside. Pure.

use std::time::Instant;

use serde::Serialize;

use super::drops::Drops;
use crate::link::Load;
use crate::sync::clock::{Now, Timestamp};
use crate::transport::traffic::Traffic;
use crate::wamp::Uri;

/// What stands for a URL that there is none of.
const EMBEDDED: &str = "the router in this process";

/// What the agent knows about its sessions.
#[derive(Debug)]
pub(super) struct Status {
    /// The router that was tried last; `None`: that in this process.
    url: Option<String>,
    /// `None`: messages are not written.
    serializer: Option<&'static str>,
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
    /// Events that were not, because the session was lost or the router reads too slowly.
    pub events_lost: u64,
    /// Those of them that were dropped in a session.
    pub drops: Drops,
    /// Connections that failed or were lost.
    failures: u64,
    last_failure: Option<String>,
    /// What went over connections that are gone, and the most that ever waited for one.
    past: Load,
    /// The same of the present one.
    present: Load,
}

#[derive(Debug)]
struct Joined {
    id: u64,
    /// What the router calls itself, if it says.
    router: Option<String>,
    since: Now,
}

/// The connection, to be told: the value of `get_link_stats`.
#[derive(Debug, Serialize)]
pub(super) struct LinkReport<'a> {
    /// `null` of a router in this process.
    url: Option<&'a str>,
    /// `null` without a session, as the next.
    session: Option<u64>,
    /// `null` also when it does not say its name.
    router: Option<&'a str>,
    #[serde(flatten)]
    measures: Measures<'a>,
}

/// The agent's sessions, to be told inside.
#[derive(Debug, Serialize)]
#[cfg_attr(not(feature = "manhole"), allow(dead_code))] // Nobody else looks inside.
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
    #[serde(flatten)]
    measures: Measures<'a>,
}

/// What both tell. The counters are of all connections since the agent began.
#[derive(Debug, Serialize)]
struct Measures<'a> {
    /// `null` where messages are not written, as all that is in bytes.
    serializer: Option<&'a str>,
    /// When the session began; `null` without one.
    connected_since: Option<Timestamp>,
    /// Sessions after the first.
    reconnects: u64,
    /// Connections that failed or were lost.
    failures: u64,
    /// Why the last of them did.
    last_failure: Option<&'a str>,
    bytes_in: Option<u64>,
    bytes_out: Option<u64>,
    messages_in: u64,
    messages_out: u64,
    /// Bytes that wait because the router does not read.
    queued: Option<u64>,
    /// The most there ever were.
    queued_max: Option<u64>,
    /// Seconds from the last ping to its answer; `null` before there was one.
    round_trip: Option<f64>,
    /// Whether events are being dropped, because too much waits.
    dropping: bool,
    /// Events dropped.
    drops: u64,
}

impl Status {
    pub fn new(serializer: Option<&'static str>, realm: Uri) -> Self {
        Self {
            url: None,
            serializer,
            realm,
            session: None,
            sessions: 0,
            calls: 0,
            errors: 0,
            events: 0,
            events_lost: 0,
            drops: Drops::default(),
            failures: 0,
            last_failure: None,
            past: Load::default(),
            present: Load::default(),
        }
    }

    /// A router is tried.
    pub fn dialled(&mut self, url: Option<String>) {
        self.url = url;
    }

    /// What has gone over the present connection.
    pub fn measured(&mut self, load: Load) {
        self.present = load;
    }

    /// A session began.
    pub fn joined(&mut self, id: u64, router: Option<String>, since: Now) {
        self.sessions += 1;
        self.session = Some(Joined { id, router, since });
    }

    /// An event found no session. Before the first one that is no loss: the process was not on the bus yet.
    pub fn event_missed(&mut self) {
        if self.sessions > 0 {
            self.events_lost += 1;
        }
    }

    /// The present session's id.
    pub fn session(&self) -> Option<u64> {
        self.session.as_ref().map(|joined| joined.id)
    }

    /// The connection failed or was lost.
    pub fn failed(&mut self, reason: String) {
        self.failures += 1;
        self.last_failure = Some(reason);
    }

    /// The connection is gone, and the session if there was one.
    pub fn left(&mut self, now: Now) {
        self.session = None;
        self.drops.session_ended(now);
        self.past = self.in_all();
        self.past.queued = 0;
        self.present = Load::default();
    }

    /// What `get_link_stats` tells.
    pub fn link(&self) -> LinkReport<'_> {
        let session = self.session.as_ref();
        LinkReport {
            url: self.url.as_deref(),
            session: session.map(|joined| joined.id),
            router: session.and_then(|joined| joined.router.as_deref()),
            measures: self.measures(),
        }
    }

    #[cfg_attr(not(feature = "manhole"), allow(dead_code))] // Nobody else looks inside.
    pub fn report(&self, pid: Option<i32>, now: Instant) -> StatusReport<'_> {
        let session = self.session.as_ref();
        StatusReport {
            url: self.url.as_deref().unwrap_or(EMBEDDED),
            realm: self.realm.as_str(),
            pid,
            session: session.map(|joined| joined.id),
            router: session.and_then(|joined| joined.router.as_deref()),
            uptime: session.map(|joined| now.saturating_duration_since(joined.since.mono).as_secs_f64()),
            sessions: self.sessions,
            calls: self.calls,
            errors: self.errors,
            events: self.events,
            events_lost: self.events_lost,
            measures: self.measures(),
        }
    }

    fn in_all(&self) -> Load {
        let Load { mut traffic, queued_max, .. } = self.past;
        traffic += self.present.traffic;
        Load { traffic, queued: self.present.queued, queued_max: queued_max.max(self.present.queued_max) }
    }

    fn measures(&self) -> Measures<'_> {
        let Load { traffic: Traffic { received, sent, round_trip }, queued, queued_max } = self.in_all();
        let bytes = |count: u64| self.serializer.map(|_| count);
        Measures {
            serializer: self.serializer,
            connected_since: self.session.as_ref().map(|joined| joined.since.wall),
            reconnects: self.sessions.saturating_sub(1),
            failures: self.failures,
            last_failure: self.last_failure.as_deref(),
            bytes_in: bytes(received.bytes.unwrap_or_default()),
            bytes_out: bytes(sent.bytes.unwrap_or_default()),
            messages_in: received.messages,
            messages_out: sent.messages,
            queued: bytes(queued),
            queued_max: bytes(queued_max),
            round_trip: round_trip.map(|time| time.as_secs_f64()),
            dropping: self.drops.is_dropping(),
            drops: self.drops.total(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::traffic::Flow;
    use serde_json::{Value, json};
    use std::time::Duration;

    fn at(start: Instant, seconds: u64) -> Now {
        Now { mono: start + Duration::from_secs(seconds), wall: Timestamp::from_ns(seconds * 1_000_000_000) }
    }

    fn load(messages: u64, queued: u64, queued_max: u64) -> Load {
        let flow = Flow { messages, bytes: Some(10 * messages) };
        Load { traffic: Traffic { received: flow, sent: flow, round_trip: None }, queued, queued_max }
    }

    #[test]
    fn what_there_is_only_in_a_session_is_null_without() {
        let mut status = Status::new(Some("json"), Uri::from("realm1"));
        let start = Instant::now();
        status.dialled(Some("ws://h/ws".to_owned()));
        status.event_missed();
        assert_eq!(status.events_lost, 0);
        status.joined(7, Some("R".to_owned()), at(start, 1));
        status.calls = 2;
        status.measured(load(3, 5, 9));
        let report = |status: &Status| serde_json::to_value(status.report(Some(17), at(start, 4).mono)).unwrap();
        let inside = report(&status);
        assert_eq!(
            (&inside["url"], &inside["realm"], &inside["pid"]),
            (&json!("ws://h/ws"), &json!("realm1"), &json!(17))
        );
        assert_eq!((&inside["session"], &inside["router"]), (&json!(7), &json!("R")));
        assert_eq!((&inside["uptime"], &inside["calls"], &inside["bytes_in"]), (&json!(3.0), &json!(2), &json!(30)));
        status.left(at(start, 5));
        status.event_missed();
        let inside = report(&status);
        assert_eq!(inside["events_lost"], 1);
        for key in ["session", "router", "uptime", "connected_since"] {
            assert_eq!(inside[key], Value::Null, "{key}");
        }
    }

    #[test]
    fn counters_go_on_over_connections_and_the_most_that_waited_stays() {
        let (mut status, start) = (Status::new(Some("cbor"), Uri::from("realm1")), Instant::now());
        status.dialled(Some("rs://h:1".to_owned()));
        status.joined(7, Some("R".to_owned()), at(start, 1));
        status.measured(load(3, 5, 9));
        status.failed("lost".to_owned());
        status.left(at(start, 2));
        status.joined(8, None, at(start, 3));
        status.measured(load(4, 2, 4));
        let text = serde_json::to_string(&status.link()).unwrap();
        let expected = r#"{"url":"rs://h:1","session":8,"router":null,"serializer":"cbor","#.to_owned()
            + r#""connected_since":"1970-01-01T00:00:03.000Z","reconnects":1,"failures":1,"last_failure":"lost","#
            + r#""bytes_in":70,"bytes_out":70,"messages_in":7,"messages_out":7,"queued":2,"queued_max":9,"#
            + r#""round_trip":null,"dropping":false,"drops":0}"#;
        assert_eq!(text, expected);
    }

    #[test]
    fn in_memory_there_are_no_bytes() {
        let mut status = Status::new(None, Uri::from("realm1"));
        let flow = Flow { messages: 2, bytes: None };
        let traffic = Traffic { received: flow, sent: flow, round_trip: None };
        status.measured(Load { traffic, queued: 1, queued_max: 1 });
        let told = serde_json::to_value(status.link()).unwrap();
        for key in ["url", "serializer", "bytes_in", "bytes_out", "queued", "queued_max", "round_trip"] {
            assert_eq!(told[key], Value::Null, "{key}");
        }
        assert_eq!(told["messages_in"], 2);
    }
}
