//! `wampproc call`.

use humantime::format_duration;

use super::client::{Conversation, Heard, converse};
use super::failure::Failure;
use super::given::{Given, Which};
use super::output;
use crate::wamp::event::Event;
use crate::wamp::options::{CallOptions, CancelMode};
use crate::wamp::{Payload, Uri};

pub(super) fn run(given: &Given) -> Result<(), Failure> {
    let payload = given.arguments.payload()?;
    converse(given, |conversation| call(conversation, given, payload))
}

fn call(conversation: &mut Conversation, given: &Given, payload: Payload) -> Result<(), Failure> {
    // No `timeout`: whether it counts ms or s differs between routers. Taking the call back in time does the same.
    let options = CallOptions { receive_progress: given.results.which == Which::All, ..CallOptions::default() };
    let call = conversation.session().call(Uri::from(given.subject.as_str()), options, payload)?;
    loop {
        let failure = match conversation.hear()? {
            Heard::Event(Event::Result { request, progress, payload }) if request == call => {
                // Some routers pass progressive results on to those who did not ask.
                if !progress || given.results.which == Which::All {
                    output::bytes(&output::result(&payload, given.results.form))?;
                }
                if !progress {
                    return Ok(());
                }
                continue;
            }
            Heard::Event(Event::Failed { request, error, .. }) if request == call => return Err(Failure::Wamp(error)),
            Heard::Event(_) => continue,
            Heard::Deadline => {
                let time = given.timeout.unwrap_or_default();
                Failure::TimedOut(format!("no result from {} within {}", given.subject, format_duration(time)))
            }
            Heard::Signal => Failure::Interrupted,
        };
        conversation.session().cancel(call, CancelMode::KillNoWait);
        return Err(failure);
    }
}
