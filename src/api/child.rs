//! The procedures about a supervised child: what they ask of its supervisor, and how that is told to callers.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use super::call::Call;
use super::failure::Failure;
use super::outcome::Outcome;
use crate::supervisor::{Answer, Captured, Order, Refusal, TooMany};
use crate::wamp::{binary, excerpt};

/// The longest time that a child can be given to end, s.
const LONGEST_TIMEOUT: f64 = 86_400.0;

/// The most bytes of output in a result: as text each may become six.
pub const MOST_OUTPUT: u64 = 128 * 1024;

/// Why there is nothing to start or stop.
pub const NO_CHILD: &str =
    "the agent did not start this process, so it cannot start or stop it: serve and join start one with -- COMMAND";

/// A call that the child's supervisor answers.
#[derive(Debug)]
pub struct ChildOrder {
    /// What the supervisor is asked.
    pub order: Order,
    /// How its answer is told.
    pub form: OutputForm,
}

/// How output is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OutputForm {
    /// As text; what is no UTF-8 is replaced.
    #[default]
    Text,
    /// As a binary value.
    Binary,
}

impl From<Order> for ChildOrder {
    fn from(order: Order) -> Self {
        Self { order, form: OutputForm::default() }
    }
}

// The table's functions have one signature.
#[allow(clippy::unnecessary_wraps)]
pub(super) fn start(_: &Call) -> Result<ChildOrder, Failure> {
    Ok(Order::Start.into())
}

pub(super) fn stop(call: &Call) -> Result<ChildOrder, Failure> {
    Ok(Order::Stop { timeout: timeout(call.arguments.value(0))? }.into())
}

pub(super) fn restart(call: &Call) -> Result<ChildOrder, Failure> {
    Ok(Order::Restart { timeout: timeout(call.arguments.value(0))? }.into())
}

pub(super) fn output(call: &Call) -> Result<ChildOrder, Failure> {
    let asked = call.arguments.value(0);
    let bytes = asked.as_u64().filter(|bytes| (1..=MOST_OUTPUT).contains(bytes)).ok_or_else(|| {
        let got = excerpt(&asked.to_string());
        Failure::InvalidArgument(format!("bytes: expected 1 to {MOST_OUTPUT}, got {got}"))
    })?;
    let form = if call.arguments.flag(1) { OutputForm::Binary } else { OutputForm::Text };
    Ok(ChildOrder { order: Order::Output { bytes }, form })
}

/// The time to end that a caller gives.
fn timeout(asked: &Value) -> Result<Option<Duration>, Failure> {
    match asked.as_f64() {
        _ if asked.is_null() => Ok(None),
        Some(seconds) if (0.0..=LONGEST_TIMEOUT).contains(&seconds) => Ok(Some(Duration::from_secs_f64(seconds))),
        _ => {
            let got = excerpt(&asked.to_string());
            let sentence = format!("timeout: expected null or 0 to {LONGEST_TIMEOUT} seconds, got {got}");
            Err(Failure::InvalidArgument(sentence))
        }
    }
}

impl OutputForm {
    /// The result that the caller gets.
    #[must_use]
    pub fn outcome(self, answer: &Answer) -> Outcome {
        match answer {
            Answer::Started(pid) => Outcome::of(pid),
            Answer::Stopped(exit) => Outcome::of(exit),
            Answer::Output(captured) => self.output(captured),
        }
    }

    fn output(self, Captured { bytes, total }: &Captured) -> Outcome {
        #[derive(Serialize)]
        struct Output {
            data: Value,
            bytes: u64,
            total: u64,
        }
        let data = match self {
            Self::Text => Value::from(binary::text_of(bytes)),
            Self::Binary => binary::to_json(bytes),
        };
        Outcome::of(&Output { data, bytes: bytes.len() as u64, total: *total })
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let sentence = refusal.to_string();
        match refusal {
            Refusal::Running | Refusal::Ending => Self::AlreadyStarted(sentence),
            Refusal::Stopped => Self::NotStarted(sentence),
            Refusal::NotCaptured => Self::FeatureUnavailable(sentence),
            Refusal::TooMany => Self::Busy(sentence),
            Refusal::Over | Refusal::CannotStart(_) => Self::Runtime(sentence),
        }
    }
}

impl From<TooMany> for Failure {
    fn from(too_many: TooMany) -> Self {
        Self::Busy(too_many.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_time_to_end_is_in_seconds_or_the_usual_one() {
        assert_eq!(timeout(&Value::Null), Ok(None));
        assert_eq!(timeout(&json!(0)), Ok(Some(Duration::ZERO)));
        assert_eq!(timeout(&json!(1.5)), Ok(Some(Duration::from_millis(1500))));
        for wrong in [json!(-1), json!(86_401), json!("1"), json!(true), json!(1e300)] {
            let failure = timeout(&wrong).unwrap_err().to_string();
            assert!(failure.starts_with("timeout: expected null or 0 to 86400 seconds, got "), "{failure}");
        }
    }

    #[test]
    fn output_is_text_or_bytes() {
        let nul = Answer::Output(Captured { bytes: b"\0\0".to_vec(), total: 2 });
        let text = OutputForm::Text.outcome(&nul).result.raw_args().unwrap().get().to_owned();
        assert_eq!(
            text, "[{\"data\":\"\u{fffd}\\u0000\",\"bytes\":2,\"total\":2}]",
            "a NUL at the start would make it bytes"
        );
        let captured = Answer::Output(Captured { bytes: b"a\xff\n".to_vec(), total: 10 });
        let text = |form: OutputForm| form.outcome(&captured).result.raw_args().unwrap().get().to_owned();
        assert_eq!(text(OutputForm::Text), "[{\"data\":\"a\u{fffd}\\n\",\"bytes\":3,\"total\":10}]");
        assert_eq!(text(OutputForm::Binary), r#"[{"data":"\u0000Yf8K","bytes":3,"total":10}]"#);
    }
}
