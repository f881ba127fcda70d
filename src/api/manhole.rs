//! The manhole's procedures: what they ask of whoever keeps the manhole, and how that is told to callers.

use std::time::Instant;

use serde::Serialize;

use super::call::Call;
use super::failure::Failure;
use crate::manhole::config::PublicConfig;
use crate::manhole::{Config, ConfigError, Refusal, StartError};
use crate::sync::clock::{Now, Timestamp};
use crate::wamp::Payload;

/// What whoever keeps the manhole is told.
#[derive(Debug)]
pub enum Order {
    /// `start_manhole`.
    Start(Config),
    /// `stop_manhole`.
    Stop,
    /// `get_manhole`.
    Get,
}

pub(super) fn start(call: &Call) -> Result<Order, Failure> {
    Ok(Order::Start(Config::parse(call.arguments.value(0))?))
}

// The table's functions have one signature.
#[allow(clippy::unnecessary_wraps)]
pub(super) fn stop(_: &Call) -> Result<Order, Failure> {
    Ok(Order::Stop)
}

#[allow(clippy::unnecessary_wraps)]
pub(super) fn get(_: &Call) -> Result<Order, Failure> {
    Ok(Order::Get)
}

/// A manhole as callers are told of it.
#[derive(Debug)]
pub struct Service {
    /// When it was asked for.
    pub created: Timestamp,
    /// How far it is.
    pub status: Status,
    /// When it began to listen.
    pub started: Option<Now>,
    /// Its configuration.
    pub config: PublicConfig,
    /// The host key's fingerprint, once it is known.
    pub host_key: Option<String>,
}

/// How far a manhole is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It is about to listen.
    Starting,
    /// It listens.
    Started,
    /// It is about to be gone.
    Stopping,
}

impl Service {
    /// The result of `get_manhole`, and the argument of the events.
    #[must_use]
    pub fn payload(&self, now: Instant) -> Payload {
        #[derive(Serialize)]
        struct Map<'a> {
            created: Timestamp,
            status: Status,
            started: Option<Timestamp>,
            uptime: Option<f64>,
            config: &'a PublicConfig,
            host_key: Option<&'a str>,
        }
        let since = |started: Now| now.saturating_duration_since(started.mono).as_secs_f64();
        Payload::of(&Map {
            created: self.created,
            status: self.status,
            started: self.started.map(|started| started.wall),
            uptime: self.started.map(since),
            config: &self.config,
            host_key: self.host_key.as_deref(),
        })
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::InvalidConfiguration(error.to_string())
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        let sentence = error.to_string();
        match error {
            StartError::Config(_) => Self::InvalidConfiguration(sentence),
            StartError::Listen(_) => Self::CannotListen(sentence),
            StartError::HostKey(_) | StartError::Resources(_) => Self::Runtime(sentence),
        }
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self::new(failure.uri(), failure.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::time::Duration;

    #[test]
    fn keys_in_the_order_of_the_contract() {
        let config = json!({"endpoint": {"type": "tcp", "port": 0}, "users": [{"user": "joe", "password": "hunter2"}]});
        let config = Config::parse(&config).unwrap().public();
        let created = Timestamp::from_ns(1_795_334_845_801_000_000);
        let mut service = Service { created, status: Status::Starting, started: None, config, host_key: None };
        let now = Instant::now();
        let text = |service: &Service, now| service.payload(now).raw_args().unwrap().get().to_owned();
        let tail = r#""users":[{"user":"joe","password":null}]}"#;
        assert_eq!(
            text(&service, now),
            format!(
                r#"[{{"created":"2026-11-22T08:07:25.801Z","status":"starting","started":null,"uptime":null,"config":{{"endpoint":{{"type":"tcp","port":0}},{tail},"host_key":null}}]"#
            )
        );
        service.started = Some(Now { mono: now, wall: created });
        service.status = Status::Started;
        service.config.set_port(6022);
        service.host_key = Some("SHA256:x".to_owned());
        assert_eq!(
            text(&service, now + Duration::from_millis(1500)),
            format!(
                r#"[{{"created":"2026-11-22T08:07:25.801Z","status":"started","started":"2026-11-22T08:07:25.801Z","uptime":1.5,"config":{{"endpoint":{{"type":"tcp","port":6022}},{tail},"host_key":"SHA256:x"}}]"#
            )
        );
    }
}
