//! `wampproc subscribe`.

use humantime::format_duration;

use super::client::{Conversation, Heard, converse};
use super::failure::Failure;
use super::given::Given;
use super::output;
use crate::wamp::event::Event;
use crate::wamp::options::SubscribeOptions;
use crate::wamp::uri::Rules;
use crate::wamp::{SubscriptionId, Uri};

pub(super) fn run(given: &Given) -> Result<(), Failure> {
    let topic = Uri::from(given.subject.as_str());
    topic
        .check(Rules::Loose, given.subscription.matching.form())
        .map_err(|error| Failure::Usage(format!("TOPIC: {error}")))?;
    converse(given, |conversation| {
        let subscription = subscribe(conversation, given, &topic)?;
        log::info!("subscribed to {topic}");
        print(conversation, given, &topic, subscription)
    })
}

fn subscribe(conversation: &mut Conversation, given: &Given, topic: &Uri) -> Result<SubscriptionId, Failure> {
    let options = SubscribeOptions { matching: given.subscription.matching };
    let subscribe = conversation.session().subscribe(topic.clone(), options)?;
    loop {
        match conversation.hear()? {
            Heard::Event(Event::Subscribed { request, subscription }) if request == subscribe => {
                return Ok(subscription);
            }
            Heard::Event(Event::Failed { request, error, .. }) if request == subscribe => {
                return Err(Failure::Wamp(error));
            }
            Heard::Event(_) => {}
            Heard::Deadline => {
                let time = format_duration(given.timeout.unwrap_or_default());
                return Err(Failure::TimedOut(format!("the router has not answered SUBSCRIBE within {time}")));
            }
            Heard::Signal => return Err(Failure::Interrupted),
        }
    }
}

/// Prints events until there were enough of them.
fn print(conversation: &mut Conversation, given: &Given, topic: &Uri, wanted: SubscriptionId) -> Result<(), Failure> {
    let count = given.subscription.count;
    let mut printed = 0;
    while count.is_none_or(|count| printed < count) {
        match conversation.hear()? {
            Heard::Event(Event::Event { subscription, publication, details, payload }) if subscription == wanted => {
                let topic = details.topic.as_ref().unwrap_or(topic);
                output::line(&output::event(topic.as_str(), &payload, publication.get()))?;
                printed += 1;
            }
            Heard::Event(_) => {}
            Heard::Deadline | Heard::Signal if count.is_none() => return Ok(()),
            Heard::Deadline => {
                let time = format_duration(given.timeout.unwrap_or_default());
                return Err(Failure::TimedOut(format!(
                    "{printed} of {} events came within {time}",
                    count.unwrap_or_default()
                )));
            }
            Heard::Signal => return Err(Failure::Interrupted),
        }
    }
    Ok(())
}
