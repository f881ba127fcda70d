//! The process that is managed: signals to it, and, where it is a child, starting and stopping it and what it wrote. What most
//! entries name is in [`crate::api::child`].

use serde_json::Value;

use super::{Answer, Entry};
use crate::api::arguments::{Kind, Param};
use crate::api::call::Call;
use crate::api::child;
use crate::api::failure::Failure;
use crate::api::outcome::Outcome;
use crate::api::procedure::Handler;
use crate::process::Signal;
use crate::sampler::Probe;
use crate::wamp::excerpt;

pub(super) fn entries() -> Vec<Entry> {
    vec![
        Entry {
            name: "signal_process",
            params: vec![Param::required("signal", Kind::Any)],
            result: "null",
            doc: "Sends the process a signal, by its name or number. The agent itself takes only what does it no harm.",
            handler: Handler::Sampler(signal_process),
        },
        Entry {
            name: "start_process",
            params: Vec::new(),
            result: "int",
            doc: "Starts the child, if none runs; its process id.",
            handler: Handler::Child(child::start),
        },
        Entry {
            name: "stop_process",
            params: vec![Param::optional("timeout", Kind::Any, Value::Null)],
            result: "dict",
            doc: "Ends the child and all that descends from it, by force after timeout seconds; it stays stopped. The value of \
                  on_process_exited.",
            handler: Handler::Child(child::stop),
        },
        Entry {
            name: "restart_process",
            params: vec![Param::optional("timeout", Kind::Any, Value::Null)],
            result: "int",
            doc: "Ends the child as stop_process does, if one runs, and starts it; its new process id.",
            handler: Handler::Child(child::restart),
        },
        Entry {
            name: "get_process_output",
            params: vec![
                Param::optional("bytes", Kind::Int, Value::from(16_384)),
                Param::optional("binary", Kind::Bool, Value::Bool(false)),
            ],
            result: "dict",
            doc: "The newest bytes that the child wrote, as {data, bytes, total}; needs --capture.",
            handler: Handler::Child(child::output),
        },
    ]
}

fn signal_process(probe: &mut Probe, call: &Call) -> Answer {
    let signal = signal(call.arguments.value(0))?;
    probe.target()?.signal(signal)?;
    Ok(Outcome::of(&Value::Null))
}

/// The signal that a caller names.
fn signal(asked: &Value) -> Result<Signal, Failure> {
    let text = match asked {
        Value::String(name) => Some(name.clone()),
        Value::Number(number) => number.as_i64().map(|number| number.to_string()),
        _ => None,
    };
    text.and_then(|text| text.parse().ok()).ok_or_else(|| {
        let got = excerpt(&asked.to_string());
        Failure::InvalidArgument(format!("signal: expected a signal's name or number, like \"TERM\" or 15, got {got}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn signals_by_name_and_by_number() {
        for known in [json!("TERM"), json!("sigterm"), json!(15), json!("15")] {
            assert_eq!(signal(&known), Ok(Signal::TERM), "{known}");
        }
        for wrong in [json!(0), json!(15.5), json!(true), json!(null), json!("NO"), json!([15]), json!(1_000_000)] {
            let failure = signal(&wrong).unwrap_err().to_string();
            assert!(failure.starts_with("signal: expected a signal's name or number"), "{failure}");
        }
    }
}
