//! Watches: rules about what the process uses, and how they stand.

use std::time::Duration;

use serde_json::{Map, Value};

use super::{Answer, Entry};
use crate::api::arguments::{Kind, Param};
use crate::api::call::Call;
use crate::api::failure::Failure;
use crate::api::outcome::Outcome;
use crate::api::procedure::Handler;
use crate::api::topics::Topic;
use crate::sampler::{LONGEST_HOLD, Probe, Rule, RuleError, Threshold, WatchChange, WatchError};
use crate::wamp::excerpt;

pub(super) fn entries() -> Vec<Entry> {
    vec![
        Entry {
            name: "set_watch",
            params: vec![Param::required("name", Kind::Text), Param::required("rule", Kind::Dict)],
            result: "dict",
            doc: "Watches a metric by a rule, {metric, above or below, for, clear}; the watch, as get_watches has it.",
            handler: Handler::Sampler(set_watch),
        },
        Entry {
            name: "get_watches",
            params: Vec::new(),
            result: "[dict]",
            doc: "The watches by name: rule, state (clear, pending, raised), last value, and since when the condition holds.",
            handler: Handler::Sampler(watches),
        },
        Entry {
            name: "remove_watch",
            params: vec![Param::required("name", Kind::Text)],
            result: "null",
            doc: "Removes a watch.",
            handler: Handler::Sampler(remove_watch),
        },
    ]
}

fn set_watch(probe: &mut Probe, call: &Call) -> Answer {
    let rule = call.arguments.value(1).as_object().map_or_else(|| rule(&Map::new()), rule)?;
    let name = call.arguments.text(0);
    let replaced = probe.watches().set(name, rule)?;
    Ok(with_change(Outcome::of(&probe.watches().report(name)), replaced.as_ref()))
}

// The table's functions have one signature.
#[allow(clippy::unnecessary_wraps)]
fn watches(probe: &mut Probe, _: &Call) -> Answer {
    Ok(Outcome::of(&probe.watches().reports()))
}

fn remove_watch(probe: &mut Probe, call: &Call) -> Answer {
    let removed = probe.watches().remove(call.arguments.text(0))?;
    Ok(with_change(Outcome::of(&Value::Null), removed.as_ref()))
}

fn with_change(outcome: Outcome, change: Option<&WatchChange>) -> Outcome {
    match change {
        Some(change) => outcome.with_event(Topic::of_watch(change), change),
        None => outcome,
    }
}

/// The rule that a caller gives.
fn rule(given: &Map<String, Value>) -> Result<Rule, Failure> {
    let expected = "metric, above or below, for and clear";
    if let Some(key) = given.keys().find(|key| !["metric", "above", "below", "for", "clear"].contains(&key.as_str())) {
        return Err(wrong(format!("expected {expected}, got {}", excerpt(key))));
    }
    let metric = match given.get("metric") {
        Some(Value::String(metric)) => metric,
        Some(other) => return Err(wrong(format!("metric: expected a string, got {}", excerpt(&other.to_string())))),
        None => return Err(wrong(format!("expected {expected}, got no metric"))),
    };
    let threshold = match (number(given, "above")?, number(given, "below")?) {
        (Some(value), None) => Threshold::Above(value),
        (None, Some(value)) => Threshold::Below(value),
        (Some(_), Some(_)) => return Err(wrong("expected above or below, got both".to_owned())),
        (None, None) => return Err(wrong("expected above or below, got neither".to_owned())),
    };
    let mut rule = Rule::new(metric, threshold)?;
    if let Some(seconds) = number(given, "for")? {
        let hold = Duration::try_from_secs_f64(seconds)
            .map_err(|_| wrong(format!("for: expected 0 to {} seconds, got {seconds}", LONGEST_HOLD.as_secs())))?;
        rule = rule.hold_for(hold)?;
    }
    match number(given, "clear")? {
        Some(clear) => Ok(rule.clear_at(clear)?),
        None => Ok(rule),
    }
}

/// The number of that name; a null is as good as nothing.
fn number(given: &Map<String, Value>, key: &str) -> Result<Option<f64>, Failure> {
    match given.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_f64() {
            Some(number) => Ok(Some(number)),
            None => Err(wrong(format!("{key}: expected a number, got {}", excerpt(&value.to_string())))),
        },
    }
}

fn wrong(sentence: String) -> Failure {
    Failure::InvalidArgument(format!("rule: {sentence}"))
}

impl From<RuleError> for Failure {
    fn from(error: RuleError) -> Self {
        wrong(error.to_string())
    }
}

impl From<WatchError> for Failure {
    fn from(error: WatchError) -> Self {
        match error {
            WatchError::Process(error) => error.into(),
            WatchError::Name(_) | WatchError::Twice(_) | WatchError::TooMany | WatchError::Unknown { .. } => {
                Self::InvalidArgument(error.to_string())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parsed(given: &Value) -> Result<Rule, Failure> {
        rule(given.as_object().unwrap())
    }

    #[test]
    fn a_rule_comes_back_as_it_was_given_with_what_was_left_out() {
        for (given, complete) in [
            (
                json!({"metric": "cpu_percent", "above": 90, "for": 1.5, "clear": 70.5}),
                json!({"metric": "cpu_percent", "above": 90, "for": 1.5, "clear": 70.5}),
            ),
            (
                json!({"metric": "num_fds", "below": 3.0, "for": null}),
                json!({"metric": "num_fds", "below": 3, "for": 0, "clear": 3}),
            ),
            (json!({"metric": "psi.io.some", "above": 10}), json!({"metric": "psi.io.some", "above": 10, "for": 0})),
        ] {
            let rule = parsed(&given).unwrap();
            assert_eq!(serde_json::to_value(rule).unwrap(), complete);
            assert_eq!(parsed(&complete), Ok(rule));
        }
    }

    #[test]
    fn what_is_no_rule_is_named_with_what_was_expected() {
        let threads = |rest: Value| {
            let mut rule = json!({"metric": "threads"});
            rule.as_object_mut().unwrap().append(&mut rest.as_object().unwrap().clone());
            rule
        };
        for (given, sentence) in [
            (json!({}), "expected metric, above or below, for and clear, got no metric"),
            (threads(json!({"above": 1, "over": 2})), "expected metric, above or below, for and clear, got over"),
            (json!({"metric": 5, "above": 1}), "metric: expected a string, got 5"),
            (json!({"metric": "load", "above": 1}), "metric: expected one of cpu_percent, "),
            (threads(json!({})), "expected above or below, got neither"),
            (threads(json!({"above": 1, "below": 2})), "expected above or below, got both"),
            (threads(json!({"above": true})), "above: expected a number, got true"),
            (threads(json!({"above": "1"})), "above: expected a number, got \"1\""),
            (threads(json!({"above": 1, "for": -1})), "for: expected 0 to 86400 seconds, got -1"),
            (threads(json!({"above": 1, "for": 1e300})), "for: expected 0 to 86400 seconds, got 1"),
            (threads(json!({"above": 1, "for": 86_401})), "for: expected 0 to 86400 seconds, got 86401"),
            (threads(json!({"above": 1, "clear": 2})), "clear: expected at most the threshold, 1, got 2"),
            (threads(json!({"above": 1, "clear": []})), "clear: expected a number, got []"),
        ] {
            match parsed(&given) {
                Err(Failure::InvalidArgument(got)) => {
                    assert!(got.starts_with(&format!("rule: {sentence}")), "{given}: {got}");
                }
                other => panic!("{given}: {other:?}"),
            }
        }
    }
}
