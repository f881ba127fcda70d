//! `wampproc call`.

use super::arguments::Arguments;
use super::conversation::{Conversation, Goodbye, converse};
use super::failure::Failure;
use super::form;
use super::given::{Place, Results, Timeout, Which};
use crate::wamp::event::Event;
use crate::wamp::options::{CallOptions, CancelMode};
use crate::wamp::{Payload, RequestId, Uri};

pub(super) fn run(
    place: &Place,
    timeout: Timeout,
    procedure: &str,
    arguments: &Arguments,
    results: Results,
) -> Result<(), Failure> {
    let payload = arguments.payload()?;
    converse(place, timeout, |conversation| {
        let call = call(conversation, procedure, payload, results.which)?;
        let outcome = print(conversation, procedure, call, results);
        if outcome.is_err() {
            // Nobody waits for the result any more. A call that was answered, if only by an ERROR, is left alone.
            conversation.session().cancel(call, CancelMode::KillNoWait);
        }
        outcome
    })
}

fn call(
    conversation: &mut Conversation,
    procedure: &str,
    payload: Payload,
    which: Which,
) -> Result<RequestId, Failure> {
    // No `timeout`: whether it counts ms or s differs between routers. Taking the call back in time does the same.
    let options = CallOptions { receive_progress: which == Which::All, ..CallOptions::default() };
    Ok(conversation.session().call(Uri::from(procedure), options, payload)?)
}

/// Prints results up to the final one.
fn print(
    conversation: &mut Conversation,
    procedure: &str,
    call: RequestId,
    results: Results,
) -> Result<Goodbye, Failure> {
    loop {
        match conversation.hear(format_args!("no result from {procedure}"))? {
            Event::Result { request, progress, payload } if request == call => {
                // Some routers pass progressive results on to those who did not ask.
                if !progress || results.which == Which::All {
                    conversation.print(&form::result(&payload, results.form))?;
                }
                if !progress {
                    return Ok(Goodbye::Courtesy);
                }
            }
            _ => {}
        }
    }
}
