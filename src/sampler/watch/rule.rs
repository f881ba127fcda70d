//! A rule: what is watched, when that is raised, and when it is cleared. Pure.

use std::fmt;
use std::time::Duration;

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::metric::{METRICS, Metric};
use super::number::Number;
use crate::process::{PRESSURE_WINDOW, Pressure};

/// When a watch is raised, and when it is cleared.
///
/// ```
/// use std::time::Duration;
/// use wampproc::sampler::{Rule, Threshold};
///
/// // More than 90 % of a CPU for 10 s; over when it is 70 % or less.
/// let rule = Rule::new("cpu_percent", Threshold::Above(90.0))?.hold_for(Duration::from_secs(10))?.clear_at(70.0)?;
/// # Ok::<(), wampproc::sampler::RuleError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rule {
    metric: &'static Metric,
    threshold: Threshold,
    hold: Duration,
    /// The threshold itself, unless another is given.
    clear: f64,
}

/// Beyond which value a watch is raised, and on which side of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Threshold {
    /// Raised by what is greater.
    Above(f64),
    /// Raised by what is less.
    Below(f64),
}

/// How a value stands to a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Beyond the threshold.
    Beyond,
    /// Not beyond the threshold, and not where it clears.
    Between,
    /// Where it clears.
    Within,
}

/// Longest time that a condition can be asked to hold.
pub const LONGEST_HOLD: Duration = Duration::from_secs(86_400);

/// Why a rule is none. Its `Display` names the part, as in `set_watch`'s argument, and what was expected.
#[derive(Clone, Debug, PartialEq)]
pub enum RuleError {
    /// There is no such metric.
    Metric(String),
    /// The threshold is infinite or no number.
    Threshold(f64),
    /// The condition is to hold for too long.
    Hold(Duration),
    /// The value at which it clears lies on the wrong side of the threshold.
    Clear {
        /// The threshold.
        threshold: Threshold,
        /// Where it was to be cleared.
        clear: f64,
    },
    /// The kernel tells only of more than a share of time.
    PressureBelow,
    /// A share of time is more than nothing and at most all of it.
    PressureShare(f64),
    /// The kernel does not tell how far below the threshold it is.
    PressureClear,
}

impl Rule {
    /// A rule about a metric of [`METRICS`], raised at once, and cleared when the value is not beyond the threshold any more.
    ///
    /// # Errors
    /// [`RuleError`] when there is no such metric, or it cannot have such a threshold.
    pub fn new(metric: &str, threshold: Threshold) -> Result<Self, RuleError> {
        let known =
            Metric::named(metric).ok_or_else(|| RuleError::Metric(metric.chars().take(LONGEST_GOT).collect()))?;
        let value = threshold.value();
        if !value.is_finite() {
            return Err(RuleError::Threshold(value));
        }
        let rule = Self { metric: known, threshold, hold: Duration::ZERO, clear: value };
        match (known.pressure(), threshold) {
            (Some(_), Threshold::Below(_)) => Err(RuleError::PressureBelow),
            (Some(_), Threshold::Above(share)) if share > 100.0 || stalled(share).is_zero() => {
                Err(RuleError::PressureShare(share))
            }
            _ => Ok(rule),
        }
    }

    /// The condition must hold for so long before the watch is raised: at most [`LONGEST_HOLD`].
    ///
    /// # Errors
    /// [`RuleError::Hold`].
    pub fn hold_for(self, hold: Duration) -> Result<Self, RuleError> {
        if hold > LONGEST_HOLD {
            return Err(RuleError::Hold(hold));
        }
        Ok(Self { hold, ..self })
    }

    /// The value at which a raised watch is cleared: not beyond the threshold. What lies between the two leaves it as it is.
    ///
    /// # Errors
    /// [`RuleError`] when the value is on the other side, or the metric has none.
    pub fn clear_at(self, clear: f64) -> Result<Self, RuleError> {
        let threshold = self.threshold;
        let is_this_side = match threshold {
            Threshold::Above(value) => clear <= value,
            Threshold::Below(value) => clear >= value,
        };
        if self.metric.pressure().is_some() {
            return Err(RuleError::PressureClear);
        }
        if !is_this_side || !clear.is_finite() {
            return Err(RuleError::Clear { threshold, clear });
        }
        Ok(Self { clear, ..self })
    }

    /// What is watched.
    #[must_use]
    pub const fn metric(&self) -> &'static Metric {
        self.metric
    }

    /// Beyond which value it is raised.
    #[must_use]
    pub const fn threshold(&self) -> Threshold {
        self.threshold
    }

    /// For how long the condition must hold.
    #[must_use]
    pub const fn hold(&self) -> Duration {
        self.hold
    }

    /// What the kernel is asked to tell, and from which time of waiting in [`PRESSURE_WINDOW`] on; `None` when it is not the
    /// kernel that tells.
    pub(super) fn pressure(&self) -> Option<(Pressure, Duration)> {
        Some((self.metric.pressure()?, stalled(self.threshold.value())))
    }

    pub(super) fn verdict(&self, value: f64) -> Verdict {
        let (is_beyond, is_within) = match self.threshold {
            Threshold::Above(threshold) => (value > threshold, value <= self.clear),
            Threshold::Below(threshold) => (value < threshold, value >= self.clear),
        };
        match (is_beyond, is_within) {
            (true, _) => Verdict::Beyond,
            (false, true) => Verdict::Within,
            (false, false) => Verdict::Between,
        }
    }
}

/// That share of the window, in percent; the kernel counts µs.
fn stalled(percent: f64) -> Duration {
    let window = PRESSURE_WINDOW.as_micros() as f64;
    Duration::from_micros((window * percent / 100.0).round() as u64)
}

/// How much of a wrong name is told.
const LONGEST_GOT: usize = 40;

impl Threshold {
    /// The value itself.
    #[must_use]
    pub const fn value(self) -> f64 {
        match self {
            Self::Above(value) | Self::Below(value) => value,
        }
    }

    /// The side's word.
    #[must_use]
    pub const fn side(self) -> &'static str {
        match self {
            Self::Above(_) => "above",
            Self::Below(_) => "below",
        }
    }
}

/// As `set_watch` takes it.
impl Serialize for Rule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("metric", self.metric.name)?;
        map.serialize_entry(self.threshold.side(), &Number(self.threshold.value()))?;
        map.serialize_entry("for", &Number(self.hold.as_secs_f64()))?;
        if self.metric.pressure().is_none() {
            map.serialize_entry("clear", &Number(self.clear))?;
        }
        map.end()
    }
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Metric(got) => {
                let names: Vec<&str> = METRICS.iter().map(|metric| metric.name).collect();
                write!(f, "metric: expected one of {}, got {got:?}", names.join(", "))
            }
            Self::Threshold(got) => write!(f, "above or below: expected a finite number, got {got}"),
            Self::Hold(got) => {
                write!(f, "for: expected 0 to {} seconds, got {}", LONGEST_HOLD.as_secs(), Number(got.as_secs_f64()))
            }
            Self::Clear { threshold, clear } => {
                let side = match threshold {
                    Threshold::Above(_) => "at most",
                    Threshold::Below(_) => "at least",
                };
                let (value, clear) = (Number(threshold.value()), Number(*clear));
                write!(f, "clear: expected {side} the threshold, {value}, got {clear}")
            }
            Self::PressureBelow => f.write_str("below: expected above, for the kernel tells of more pressure only"),
            Self::PressureShare(got) => {
                write!(f, "above: expected more than 0 and at most 100 (percent of 2 s), got {}", Number(*got))
            }
            Self::PressureClear => f.write_str("clear: expected none, for the kernel tells of more pressure only"),
        }
    }
}

impl std::error::Error for RuleError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_says_what_was_expected() {
        let rule = |metric, threshold| Rule::new(metric, threshold).map(|_| ());
        let above = || Rule::new("threads", Threshold::Above(90.0)).unwrap();
        let below = || Rule::new("uptime", Threshold::Below(0.5)).unwrap();
        let psi = || Rule::new("psi.io.full", Threshold::Above(100.0)).unwrap();
        for (error, sentence) in [
            (rule("x", Threshold::Above(1.0)), "metric: expected one of cpu_percent, "),
            (rule("threads", Threshold::Above(f64::NAN)), "above or below: expected a finite number, got NaN"),
            (above().hold_for(LONGEST_HOLD * 2).map(|_| ()), "for: expected 0 to 86400 seconds, got 172800"),
            (above().clear_at(90.5).map(|_| ()), "clear: expected at most the threshold, 90, got 90.5"),
            (below().clear_at(0.4).map(|_| ()), "clear: expected at least the threshold, 0.5, got 0.4"),
            (above().clear_at(f64::NEG_INFINITY).map(|_| ()), "clear: expected at most the threshold, 90, got -inf"),
            (
                rule("psi.io.full", Threshold::Below(1.0)),
                "below: expected above, for the kernel tells of more pressure only",
            ),
            (
                rule("psi.io.full", Threshold::Above(100.1)),
                "above: expected more than 0 and at most 100 (percent of 2 s), got 100.1",
            ),
            (
                rule("psi.io.full", Threshold::Above(0.000_01)),
                "above: expected more than 0 and at most 100 (percent of 2 s), got 0.00001",
            ),
            (psi().clear_at(1.0).map(|_| ()), "clear: expected none, for the kernel tells of more pressure only"),
        ] {
            let got = error.unwrap_err().to_string();
            assert!(got.starts_with(sentence), "{got}");
        }
        let got = rule(&"x".repeat(100_000), Threshold::Above(1.0)).unwrap_err().to_string();
        assert!(got.len() < 500 && got.contains("psi.io.full"), "{got}");
    }

    #[test]
    fn between_the_threshold_and_where_it_clears_nothing_changes() {
        let above = Rule::new("threads", Threshold::Above(90.0)).unwrap();
        let verdicts = |rule: Rule, values: [f64; 4]| values.map(|value| rule.verdict(value));
        use Verdict::{Between, Beyond, Within};
        assert_eq!(verdicts(above, [90.1, 90.0, 89.0, 70.0]), [Beyond, Within, Within, Within]);
        let above = above.clear_at(70.0).unwrap();
        assert_eq!(verdicts(above, [90.1, 90.0, 70.1, 70.0]), [Beyond, Between, Between, Within]);
        let below = Rule::new("threads", Threshold::Below(5.0)).unwrap().clear_at(8.0).unwrap();
        assert_eq!(verdicts(below, [4.0, 5.0, 7.0, 8.0]), [Beyond, Between, Between, Within]);
    }

    #[test]
    fn told_as_set_watch_takes_it() {
        let text = |rule: Rule| serde_json::to_string(&rule).unwrap();
        let rule = Rule::new("resident", Threshold::Above(1e9)).unwrap();
        assert_eq!(text(rule), r#"{"metric":"resident","above":1000000000,"for":0,"clear":1000000000}"#);
        let rule = Rule::new("cpu_percent", Threshold::Below(0.5)).unwrap();
        let rule = rule.hold_for(Duration::from_millis(1500)).unwrap().clear_at(1.0).unwrap();
        assert_eq!(text(rule), r#"{"metric":"cpu_percent","below":0.5,"for":1.5,"clear":1}"#);
        let rule = Rule::new("psi.memory.full", Threshold::Above(7.5)).unwrap();
        assert_eq!(text(rule), r#"{"metric":"psi.memory.full","above":7.5,"for":0}"#);
        assert_eq!(rule.pressure(), Some((Pressure::MemoryFull, Duration::from_millis(150))));
    }
}
