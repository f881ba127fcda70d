//! From the text of a flag to its value. Pure. Every error is a sentence: what was expected, what was got.

use std::convert::Infallible;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::time::Duration;

use log::LevelFilter;

use super::given::Timeout;
use super::listing::listed;
use crate::api::{Names, Role};
use crate::process::Signal;
use crate::sampler::{LONGEST_HISTORY, SHORTEST_INTERVAL};
use crate::server::Endpoint;
use crate::supervisor::{MOST_RESTARTS, RestartLimit, RestartPolicy};
use crate::transport::unix::Access;
use crate::transport::url::socket_path;
use crate::wamp::Uri;
use crate::wamp::auth::Method;
use crate::wamp::codec::Serialization;
use crate::wamp::options::{Dict, Match};
use crate::wamp::uri::{Form, Rules, is_component};

const DAY: Duration = Duration::from_secs(86_400);

/// The longest time that can be given. Every clock can count that far.
const LONGEST: Duration = DAY.saturating_mul(365);

/// Whoever asks more often than that measures the scheduler, not the other end.
const SHORTEST_PING_INTERVAL: Duration = Duration::from_millis(100);

/// A time: `10s`, `500ms`, `1m 30s`, or a number of seconds.
pub fn duration(text: &str) -> Result<Duration, String> {
    let parsed = match text.parse::<f64>() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).ok(),
        Err(_) => humantime::parse_duration(text).ok(),
    };
    match parsed {
        Some(duration) if duration <= LONGEST => Ok(duration),
        _ => Err(format!("expected a time like 10s, 500ms or 2.5 (seconds), at most a year, got {text:?}")),
    }
}

/// A time, of which 0 means that there is none.
pub fn limit(text: &str) -> Result<Option<Duration>, String> {
    duration(text).map(|duration| Some(duration).filter(|duration| !duration.is_zero()))
}

/// How long a command may take; 0 is for ever.
pub fn timeout(text: &str) -> Result<Timeout, String> {
    limit(text).map(|limit| limit.map_or(Timeout::Never, Timeout::After))
}

/// A time to wait before trying again.
pub fn delay(text: &str) -> Result<Duration, String> {
    match duration(text) {
        Ok(delay) if (Duration::from_millis(1)..=DAY).contains(&delay) => Ok(delay),
        Ok(_) => Err(format!("expected a time from 1ms to 1d, got {text:?}")),
        Err(sentence) => Err(sentence),
    }
}

/// Silence after which the other end is asked whether it is there; 0 is never.
pub fn ping_interval(text: &str) -> Result<Option<Duration>, String> {
    match limit(text)? {
        Some(interval) if interval < SHORTEST_PING_INTERVAL => {
            Err(format!("expected 0 or a time of at least 100ms, got {text:?}"))
        }
        interval => Ok(interval),
    }
}

/// The time between two samples.
pub fn interval(text: &str) -> Result<Duration, String> {
    match duration(text) {
        Ok(interval) if (SHORTEST_INTERVAL..=DAY).contains(&interval) => Ok(interval),
        Ok(_) => Err(format!("expected a time from 10ms to 1d, got {text:?}")),
        Err(sentence) => Err(sentence),
    }
}

/// How many samples are kept.
pub fn history(text: &str) -> Result<u32, String> {
    match text.parse() {
        Ok(samples) if samples <= LONGEST_HISTORY => Ok(samples),
        _ => Err(format!("expected a whole number from 0 to {LONGEST_HISTORY}, got {text:?}")),
    }
}

/// A number of events.
pub fn count(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(count) if count > 0 => Ok(count),
        _ => Err(format!("expected a whole number from 1, got {text:?}")),
    }
}

/// Where to listen: an address, or a Unix socket that only its owner may reach.
pub fn endpoint(text: &str) -> Result<Endpoint, String> {
    if let Some(path) = text.strip_prefix("unix:") {
        return match socket_path(path) {
            Ok(path) => Ok(Endpoint::Unix { path, access: Access::default() }),
            Err(why) => Err(format!("expected unix:/PATH, got {text:?}{why}")),
        };
    }
    text.parse().map(Endpoint::Tcp).map_err(|_| {
        format!("expected ADDR:PORT with an IP address, like 127.0.0.1:8080 or [::1]:8080, or unix:/PATH, got {text:?}")
    })
}

/// The mode of a Unix socket.
pub fn mode(text: &str) -> Result<u32, String> {
    match u32::from_str_radix(text, 8) {
        Ok(mode) if mode <= 0o777 => Ok(mode),
        _ => Err(format!("expected a mode like 0660, got {text:?}")),
    }
}

/// A URI that names one thing.
pub fn uri(text: &str) -> Result<Uri, String> {
    let uri = Uri::from(text);
    uri.check(Rules::Loose, Form::Exact).map_err(|error| error.to_string())?;
    Ok(uri)
}

/// A URI that events can be published to.
pub fn topic(text: &str) -> Result<Uri, String> {
    if text.starts_with("wamp.") {
        return Err(format!("expected a URI that does not begin with wamp., which is the router's own, got {text:?}"));
    }
    uri(text)
}

/// A prefix of the agent's URIs.
pub fn prefix(text: &str) -> Result<String, String> {
    // Whether it can be one does not depend on the ids that come in, as long as those can stand in a URI.
    Names::new(Role::default(), "node", "worker", &[text.to_owned()]).map_err(|error| {
        let sentence = error.to_string();
        sentence.strip_prefix("URI prefix: ").unwrap_or(&sentence).to_owned()
    })?;
    Ok(text.to_owned())
}

/// A process's id.
pub fn pid(text: &str) -> Result<i32, String> {
    match text.parse() {
        Ok(pid) if pid > 0 => Ok(pid),
        _ => Err(format!("expected the id of a process, got {text:?}")),
    }
}

/// A signal that a process can take as a wish, by its name or number.
pub fn signal(text: &str) -> Result<Signal, String> {
    match text.parse() {
        Ok(Signal::KILL | Signal::STOP) | Err(_) => {
            Err(format!("expected a signal that a process can handle, like USR1, got {text:?}"))
        }
        Ok(signal) => Ok(signal),
    }
}

/// A program and its arguments.
pub fn words(text: &str) -> Result<Vec<String>, String> {
    let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
    if words.is_empty() {
        return Err("expected a program and its arguments, got nothing".to_owned());
    }
    Ok(words)
}

/// The name of a file.
pub fn file(path: &OsStr) -> Result<PathBuf, String> {
    if path.is_empty() {
        return Err("expected the name of a file, got nothing".to_owned());
    }
    let path = PathBuf::from(path);
    if path.file_name().is_none() {
        return Err(format!("expected the name of a file, got {path:?}"));
    }
    Ok(path)
}

/// Any text.
pub fn text(text: &str) -> Result<String, Infallible> {
    Ok(text.to_owned())
}

/// An id that can stand in a URI.
pub fn id(text: &str) -> Result<String, String> {
    if is_component(text) {
        return Ok(text.to_owned());
    }
    Err(format!("expected characters other than white space, '.' and '#', and at least one, got {text:?}"))
}

/// When a child is started again.
pub fn restart(text: &str) -> Result<RestartPolicy, String> {
    word(
        text,
        &[("never", RestartPolicy::Never), ("on-failure", RestartPolicy::OnFailure), ("always", RestartPolicy::Always)],
    )
}

/// So many restarts in so much time: `5/1m`.
pub fn restart_limit(text: &str) -> Result<RestartLimit, String> {
    let limit = text.split_once('/').and_then(|(restarts, window)| {
        let restarts = restarts.parse().ok().filter(|restarts| (1..=MOST_RESTARTS).contains(restarts))?;
        let window = duration(window).ok().filter(|window| !window.is_zero())?;
        Some(RestartLimit { restarts, window })
    });
    limit.ok_or_else(|| format!("expected 1 to {MOST_RESTARTS} restarts and a time, like 5/1m, got {text:?}"))
}

/// The number of a descriptor.
pub fn descriptor(text: &str) -> Result<i32, String> {
    match text.parse() {
        Ok(number) if number >= 0 => Ok(number),
        _ => Err(format!("expected the number of an open descriptor, got {text:?}")),
    }
}

/// One of few words.
fn word<T: Copy>(text: &str, words: &[(&'static str, T)]) -> Result<T, String> {
    words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value).ok_or_else(|| {
        let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        format!("expected {}, got {text:?}", listed(&words, "or"))
    })
}

/// What the process is.
pub fn role(text: &str) -> Result<Role, String> {
    word(text, &[("worker", Role::Worker), ("controller", Role::Controller)])
}

/// How messages are written.
pub fn serialization(text: &str) -> Result<Serialization, String> {
    if ["msgpack", "cbor"].contains(&text) && !Serialization::ALL.iter().any(|built_in| built_in.name() == text) {
        return Err(format!(
            "expected what this program was built with, got {text:?}: build it with the cargo feature {text:?}"
        ));
    }
    let known: Vec<_> = Serialization::ALL.iter().map(|serialization| (serialization.name(), *serialization)).collect();
    word(text, &known)
}

/// How a topic is matched.
pub fn matching(text: &str) -> Result<Match, String> {
    word(text, &[Match::Exact, Match::Prefix, Match::Wildcard].map(|matching| (matching.name(), matching)))
}

/// What is logged.
pub fn log_level(text: &str) -> Result<LevelFilter, String> {
    word(
        text,
        &[
            ("off", LevelFilter::Off),
            ("error", LevelFilter::Error),
            ("warn", LevelFilter::Warn),
            ("info", LevelFilter::Info),
            ("debug", LevelFilter::Debug),
            ("trace", LevelFilter::Trace),
        ],
    )
}

/// How to log in.
pub fn method(text: &str) -> Result<Method, String> {
    word(text, &Method::ALL.map(|method| (method.name(), method)))
}

/// A dict in JSON.
pub fn dict(text: &str) -> Result<Dict, String> {
    serde_json::from_str(text).map_err(|error| format!("expected a dict in JSON, got {text:?}: {error}"))
}

/// `KEY=VALUE`.
pub fn key_value(text: &str) -> Result<(&str, &str), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key, value)),
        _ => Err(format!("expected KEY=VALUE, got {text:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_with_units_and_bare_seconds() {
        for (text, ms) in
            [("10s", 10_000), ("500ms", 500), ("1m 30s", 90_000), ("10", 10_000), ("2.5", 2_500), ("0", 0)]
        {
            assert_eq!(duration(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        for text in ["", "-1", "s", "ten", "inf", "nan", "1e300", "2years", "10 parsecs", "1h;"] {
            let sentence = duration(text).expect_err(text);
            assert!(sentence.starts_with("expected a time like 10s"), "{sentence}");
        }
        assert_eq!(limit("0"), Ok(None));
        assert_eq!(limit("1"), Ok(Some(Duration::from_secs(1))));
        assert_eq!(timeout("0"), Ok(Timeout::Never));
        assert_eq!(timeout("60s"), Ok(Timeout::After(Duration::from_secs(60))));
    }

    #[test]
    fn ranges_are_told() {
        assert_eq!(interval("10ms"), Ok(SHORTEST_INTERVAL));
        assert_eq!(interval("9ms"), Err("expected a time from 10ms to 1d, got \"9ms\"".to_owned()));
        assert_eq!(ping_interval("0"), Ok(None));
        assert_eq!(ping_interval("0.1"), Ok(Some(Duration::from_millis(100))));
        let sentence = "expected 0 or a time of at least 100ms, got \"99ms\"";
        assert_eq!(ping_interval("99ms"), Err(sentence.to_owned()));
        assert_eq!(history("0"), Ok(0));
        assert_eq!(history("86401"), Err("expected a whole number from 0 to 86400, got \"86401\"".to_owned()));
        assert_eq!(count("1"), Ok(1));
        assert!(count("0").is_err() && count("-1").is_err() && count("1.5").is_err());
    }

    #[test]
    fn words_are_listed_when_another_is_given() {
        assert_eq!(role("controller"), Ok(Role::Controller));
        assert_eq!(role("boss"), Err("expected worker or controller, got \"boss\"".to_owned()));
        assert_eq!(matching("prefix"), Ok(Match::Prefix));
        assert_eq!(matching("regex"), Err("expected exact, prefix or wildcard, got \"regex\"".to_owned()));
        assert_eq!(log_level("debug"), Ok(LevelFilter::Debug));
        let levels = "expected off, error, warn, info, debug or trace, got \"loud\"";
        assert_eq!(log_level("loud"), Err(levels.to_owned()));
    }

    #[test]
    fn limits_of_restarts() {
        let window = Duration::from_secs(60);
        assert_eq!(restart_limit("5/1m"), Ok(RestartLimit { restarts: 5, window }));
        for text in ["5", "0/1m", "1001/1m", "5/0", "5/", "/1m", "a/1m"] {
            assert!(restart_limit(text).is_err(), "{text}");
        }
        assert_eq!(restart("on-failure"), Ok(RestartPolicy::OnFailure));
        assert!(descriptor("3").is_ok() && descriptor("0").is_ok() && descriptor("-1").is_err());
    }

    #[test]
    fn addresses_and_pairs() {
        assert_eq!(endpoint("[::1]:0"), Ok(Endpoint::Tcp("[::1]:0".parse().unwrap())));
        for text in ["unix:/run/w", "unix:///run/w"] {
            assert_eq!(endpoint(text), Ok(Endpoint::Unix { path: "/run/w".into(), access: Access::default() }));
        }
        let relative = "expected unix:/PATH, got \"unix:b.sock\" (the path must begin with /)";
        assert_eq!(endpoint("unix:b.sock"), Err(relative.to_owned()));
        assert!(
            endpoint(&format!("unix:/{}", "x".repeat(107)))
                .unwrap_err()
                .ends_with("(the path must have at most 107 bytes)")
        );
        assert_eq!((mode("0660"), mode("600")), (Ok(0o660), Ok(0o600)));
        assert!(["", "8", "01000", "rw"].iter().all(|text| mode(text).is_err()));
        for text in ["", ":8080", "8080", "localhost:8080", "127.0.0.1", "127.0.0.1:70000", "unix:", "unix:run/w"] {
            assert!(endpoint(text).is_err(), "{text}");
        }
        assert_eq!(key_value("a=b=c"), Ok(("a", "b=c")));
        assert_eq!(key_value("a="), Ok(("a", "")));
        assert!(key_value("=b").is_err() && key_value("a").is_err());
    }
}
