//! What the sampler has measured by its own clock. What each key is stands with [`crate::sampler::ProcessHistory`].

use std::time::Duration;

use serde_json::Value;

use super::{Answer, Entry};
use crate::api::arguments::{Kind, Param};
use crate::api::call::Call;
use crate::api::failure::Failure;
use crate::api::outcome::Outcome;
use crate::api::procedure::Handler;
use crate::sampler::Probe;
use crate::wamp::excerpt;

pub(super) fn entries() -> Vec<Entry> {
    vec![Entry {
        name: "get_process_history",
        params: vec![
            Param::optional("window", Kind::Number, Value::from(60)),
            Param::optional("resolution", Kind::Number, Value::from(1)),
        ],
        result: "dict",
        doc: "CPU, memory, threads and rates of the last window seconds, least, mean and most in buckets of resolution seconds.",
        handler: Handler::Sampler(history),
    }]
}

fn history(probe: &mut Probe, call: &Call) -> Answer {
    let (window, resolution) = span(call.arguments.value(0), call.arguments.value(1))?;
    if let Some(history) = probe.history(window, resolution) {
        return Ok(Outcome::of(&history));
    }
    // The history ends with its process; that would be the reason.
    probe.target()?.totals()?;
    Err(Failure::FeatureUnavailable(NONE.to_owned()))
}

/// Why there is none.
pub(super) const NONE: &str = "the history is not available: start the agent with --history above 0";

/// The longest window, s: some thirty years.
const LONGEST_WINDOW: f64 = 1e9;
/// The shortest resolution, s: no sampler is faster.
const SHORTEST_RESOLUTION: f64 = 0.01;
/// How many buckets may be asked for: some 500 bytes each.
const MOST_BUCKETS: f64 = 1000.0;

/// Window and resolution that a caller asks for.
fn span(window: &Value, resolution: &Value) -> Result<(Duration, Duration), Failure> {
    let wrong = |name: &str, expected: &str, got: &Value| {
        let got = excerpt(&got.to_string());
        Err(Failure::InvalidArgument(format!("{name}: expected {expected}, got {got}")))
    };
    let Some(seconds) = window.as_f64().filter(|seconds| (SHORTEST_RESOLUTION..=LONGEST_WINDOW).contains(seconds))
    else {
        return wrong("window", &format!("{SHORTEST_RESOLUTION} to {LONGEST_WINDOW} seconds"), window);
    };
    let finest = (seconds / MOST_BUCKETS).max(SHORTEST_RESOLUTION);
    match resolution.as_f64() {
        Some(each) if (finest..=seconds).contains(&each) => {
            Ok((Duration::from_secs_f64(seconds), Duration::from_secs_f64(each)))
        }
        _ => {
            let expected =
                format!("{finest} to {seconds} seconds, which are at most {MOST_BUCKETS} buckets in the window");
            wrong("resolution", &expected, resolution)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn at_most_a_thousand_buckets_and_none_longer_than_the_window() {
        let seconds = |window: &Value, resolution: &Value| {
            span(window, resolution).map(|(window, each)| (window.as_secs_f64(), each.as_secs_f64()))
        };
        assert_eq!(seconds(&json!(60), &json!(1)), Ok((60.0, 1.0)));
        assert_eq!(seconds(&json!(0.5), &json!(0.5)), Ok((0.5, 0.5)));
        assert_eq!(seconds(&json!(86_400), &json!(86.4)), Ok((86_400.0, 86.4)));
        let window = "window: expected 0.01 to 1000000000 seconds, got ";
        let resolution = "resolution: expected 0.06 to 60 seconds, which are at most 1000 buckets in the window, got ";
        for (asked, each, sentence) in [
            (json!(0), json!(1), format!("{window}0")),
            (json!(-5), json!(1), format!("{window}-5")),
            (json!(1e308), json!(1), format!("{window}1e+308")),
            (json!(60), json!(0), format!("{resolution}0")),
            (json!(60), json!(0.05), format!("{resolution}0.05")),
            (json!(60), json!(61), format!("{resolution}61")),
            (json!(60), json!(-1), format!("{resolution}-1")),
        ] {
            assert_eq!(span(&asked, &each).unwrap_err().to_string(), sentence);
        }
    }
}
