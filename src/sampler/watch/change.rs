//! What is told when a watch is raised or cleared, keys and order as they go over the wire. Pure.

use serde::Serialize;

use super::number::Number;
use super::rule::Rule;
use crate::sync::clock::Timestamp;

/// A watch was raised or cleared.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WatchChange {
    /// When.
    pub ts: Timestamp,
    /// Which watch.
    pub name: String,
    metric: &'static str,
    /// On which side of the threshold the values lie that raise it.
    side: &'static str,
    threshold: Number,
    /// The value that did it; `None` when it was no value, or one that only the kernel knows.
    value: Option<Number>,
    /// When the condition began to hold.
    pub since: Timestamp,
    /// `None` when it was raised.
    #[serde(flatten)]
    pub clearing: Option<Clearing>,
    /// Whether it was told before, and is told once more for those who may have missed that.
    pub again: bool,
}

/// The rest of what is told when a watch is cleared.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Clearing {
    /// Seconds since the condition began to hold, by the monotonic clock.
    pub duration: f64,
    /// Why.
    pub reason: Reason,
}

/// Why a watch was cleared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Reason {
    /// The value came to where it clears.
    Value,
    /// The process ended.
    Exited,
    /// Its rule was replaced by another.
    Replaced,
    /// It was removed.
    Removed,
}

impl WatchChange {
    pub(super) fn new(
        ts: Timestamp,
        name: &str,
        rule: &Rule,
        value: Option<f64>,
        since: Timestamp,
        clearing: Option<Clearing>,
    ) -> Self {
        Self {
            ts,
            name: name.to_owned(),
            metric: rule.metric().name,
            side: rule.threshold().side(),
            threshold: Number(rule.threshold().value()),
            value: value.map(Number),
            since,
            clearing,
            again: false,
        }
    }
}

/// A watch as `get_watches` tells it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WatchReport {
    /// Its name.
    pub name: String,
    /// What `set_watch` was given, with what holds where nothing was.
    pub rule: Rule,
    /// Of the metric.
    pub unit: Option<&'static str>,
    /// How it stands.
    pub state: WatchState,
    /// The last value that was known; `None` before the first, and for those that only the kernel knows.
    pub(super) value: Option<Number>,
    /// When the condition began to hold; `None` while it does not.
    pub since: Option<Timestamp>,
}

/// How a watch stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum WatchState {
    /// The condition does not hold, or nothing is known yet.
    Clear,
    /// It holds, but not for long enough.
    Pending,
    /// It is raised.
    Raised,
}
