//! `wampproc call`.

use super::conversation::{Conversation, Goodbye, converse};
use super::failure::Failure;
use super::given::{Given, Which};
use super::output;
use crate::wamp::event::Event;
use crate::wamp::options::{CallOptions, CancelMode};
use crate::wamp::{Payload, RequestId, Uri};

pub(super) fn run(given: &Given) -> Result<(), Failure> {
    let payload = given.arguments.payload()?;
    converse(given, |conversation| {
        let call = call(conversation, given, payload)?;
        let outcome = print(conversation, given, call);
        if outcome.is_err() {
            // Nobody waits for the result any more. A call that was answered, if only by an ERROR, is left alone.
            conversation.session().cancel(call, CancelMode::KillNoWait);
        }
        outcome
    })
}

fn call(conversation: &mut Conversation, given: &Given, payload: Payload) -> Result<RequestId, Failure> {
    // No `timeout`: whether it counts ms or s differs between routers. Taking the call back in time does the same.
    let options = CallOptions { receive_progress: given.results.which == Which::All, ..CallOptions::default() };
    Ok(conversation.session().call(Uri::from(given.subject.as_str()), options, payload)?)
}

/// Prints results up to the final one.
fn print(conversation: &mut Conversation, given: &Given, call: RequestId) -> Result<Goodbye, Failure> {
    loop {
        match conversation.hear(format_args!("no result from {}", given.subject))? {
            Event::Result { request, progress, payload } if request == call => {
                // Some routers pass progressive results on to those who did not ask.
                if !progress || given.results.which == Which::All {
                    conversation.print(&output::result(&payload, given.results.form))?;
                }
                if !progress {
                    return Ok(Goodbye::Courtesy);
                }
            }
            _ => {}
        }
    }
}
