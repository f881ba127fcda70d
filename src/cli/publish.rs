//! `wampproc publish`.

use super::arguments::Arguments;
use super::conversation::{Conversation, Goodbye, converse};
use super::failure::Failure;
use super::given::{Acknowledgement, Place, Timeout};
use super::values;
use crate::wamp::event::Event;
use crate::wamp::options::PublishOptions;
use crate::wamp::{Payload, Uri};

pub(super) fn run(
    place: &Place,
    timeout: Timeout,
    topic: &str,
    arguments: &Arguments,
    acknowledgement: Acknowledgement,
) -> Result<(), Failure> {
    let topic = values::topic(topic).map_err(|sentence| Failure::Usage(format!("TOPIC: {sentence}")))?;
    let payload = arguments.payload()?;
    converse(place, timeout, |conversation| publish(conversation, topic, payload, acknowledgement))
}

fn publish(
    conversation: &mut Conversation,
    topic: Uri,
    payload: Payload,
    acknowledgement: Acknowledgement,
) -> Result<Goodbye, Failure> {
    let options =
        PublishOptions { acknowledge: acknowledgement == Acknowledgement::Wanted, ..PublishOptions::default() };
    let publish = conversation.session().publish(topic, options, payload)?;
    if acknowledgement == Acknowledgement::Unwanted {
        // GOODBYE follows on the same connection: a router that says it too has taken the event before.
        return Ok(Goodbye::Receipt);
    }
    loop {
        match conversation.hear("no answer to PUBLISH")? {
            Event::Done { request, publication: Some(publication) } if request == publish => {
                conversation.print(format!("{publication}\n").as_bytes())?;
                return Ok(Goodbye::Courtesy);
            }
            _ => {}
        }
    }
}
