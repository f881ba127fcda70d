//! `wampproc publish`.

use humantime::format_duration;

use super::client::{Conversation, Heard, converse};
use super::failure::Failure;
use super::given::{Acknowledgement, Given};
use super::{output, values};
use crate::wamp::event::Event;
use crate::wamp::options::PublishOptions;
use crate::wamp::{Payload, Uri};

pub(super) fn run(given: &Given) -> Result<(), Failure> {
    let topic = values::uri(&given.subject).map_err(|sentence| Failure::Usage(format!("TOPIC: {sentence}")))?;
    let payload = given.arguments.payload()?;
    converse(given, |conversation| publish(conversation, given, topic, payload))
}

fn publish(conversation: &mut Conversation, given: &Given, topic: Uri, payload: Payload) -> Result<(), Failure> {
    let options =
        PublishOptions { acknowledge: given.acknowledgement == Acknowledgement::Wanted, ..PublishOptions::default() };
    let publish = conversation.session().publish(topic, options, payload)?;
    if given.acknowledgement == Acknowledgement::Unwanted {
        // GOODBYE follows on the same connection, and its answer says that the event arrived too.
        return Ok(());
    }
    loop {
        match conversation.hear()? {
            Heard::Event(Event::Done { request, publication }) if request == publish => {
                return publication.map_or(Ok(()), |publication| output::line(&publication.to_string()));
            }
            Heard::Event(Event::Failed { request, error, .. }) if request == publish => {
                return Err(Failure::Wamp(error));
            }
            Heard::Event(_) => {}
            Heard::Deadline => {
                let time = format_duration(given.timeout.unwrap_or_default());
                return Err(Failure::TimedOut(format!("the router has not said within {time} that it published")));
            }
            Heard::Signal => return Err(Failure::Interrupted),
        }
    }
}
