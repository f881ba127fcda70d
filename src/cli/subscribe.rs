//! `wampproc subscribe`.

use super::conversation::{Conversation, Goodbye, converse};
use super::failure::Failure;
use super::form;
use super::given::{Place, Subscription, Timeout};
use crate::wamp::event::Event;
use crate::wamp::options::{Match, SubscribeOptions};
use crate::wamp::uri::Rules;
use crate::wamp::{SubscriptionId, Uri};

pub(super) fn run(
    place: &Place,
    timeout: Timeout,
    topic: &str,
    Subscription { matching, count }: Subscription,
) -> Result<(), Failure> {
    let topic = Uri::from(topic);
    topic.check(Rules::Loose, matching.form()).map_err(|error| Failure::Usage(format!("TOPIC: {error}")))?;
    if topic.as_str().contains('*') {
        log::warn!("TOPIC: * stands for itself; topics that have a part in common are matched with --match");
    }
    let outcome = converse(place, timeout, |conversation| {
        conversation.only_for_a_reader()?;
        let subscription = subscribe(conversation, &topic, matching)?;
        log::info!("subscribed to {topic}");
        print(conversation, &topic, subscription, count)
    });
    match outcome {
        // The way to end what has no end of its own.
        Err(Failure::Interrupted) if count.is_none() => Ok(()),
        outcome => outcome,
    }
}

fn subscribe(conversation: &mut Conversation, topic: &Uri, matching: Match) -> Result<SubscriptionId, Failure> {
    let options = SubscribeOptions { matching, ..SubscribeOptions::default() };
    let subscribe = conversation.session().subscribe(topic.clone(), options)?;
    loop {
        match conversation.hear("no answer to SUBSCRIBE")? {
            Event::Subscribed { request, subscription } if request == subscribe => return Ok(subscription),
            _ => {}
        }
    }
}

/// Prints events until there were `count` of them, or without one until the time is up.
fn print(
    conversation: &mut Conversation,
    topic: &Uri,
    wanted: SubscriptionId,
    count: Option<u64>,
) -> Result<Goodbye, Failure> {
    let count_or_all = count.unwrap_or(u64::MAX);
    let mut printed = 0;
    while printed < count_or_all {
        let missing = format!("only {printed} of {count_or_all} events");
        match print_next(conversation, topic, wanted, &missing) {
            Ok(()) => printed += 1,
            Err(Failure::TimedOut(_)) if count.is_none() => break,
            Err(failure) => return Err(failure),
        }
    }
    Ok(Goodbye::Courtesy)
}

fn print_next(
    conversation: &mut Conversation,
    topic: &Uri,
    wanted: SubscriptionId,
    missing: &str,
) -> Result<(), Failure> {
    loop {
        match conversation.hear(missing)? {
            Event::Event { subscription, publication, details, payload } if subscription == wanted => {
                let topic = details.topic.as_ref().unwrap_or(topic);
                let line = form::event(topic.as_str(), &payload, publication.get()) + "\n";
                return conversation.print(line.as_bytes());
            }
            _ => {}
        }
    }
}
