//! A message as a list of elements, in the order that the specification gives them. How an element is written is the
//! serialization's business.

use serde::Serialize;

use crate::wamp::message::Message;
use crate::wamp::payload::Payload;

/// A list that is being written, and begins with the message's number.
pub(super) trait List: Sized {
    /// One more element.
    fn and<T: Serialize + ?Sized>(self, element: &T) -> Self;

    /// The application's arguments: none, one or two elements.
    fn and_payload(self, payload: &Payload) -> Self;
}

/// All elements of a message but the first, its number.
pub(super) fn write<L: List>(message: &Message, list: L) -> L {
    match message {
        Message::Hello { realm, details } => list.and(realm).and(details),
        Message::Welcome { session, details } => list.and(session).and(details),
        Message::Abort { details, reason } | Message::Goodbye { details, reason } => list.and(details).and(reason),
        Message::Challenge { method, extra } => list.and(method).and(extra),
        Message::Authenticate { signature, extra } => list.and(signature.expose()).and(extra),
        Message::Error { kind, request, details, error, payload } => {
            list.and(&kind.code()).and(request).and(details).and(error).and_payload(payload)
        }
        Message::Publish { request, options, topic, payload } => {
            list.and(request).and(options).and(topic).and_payload(payload)
        }
        Message::Published { request, publication } => list.and(request).and(publication),
        Message::Subscribe { request, options, topic } => list.and(request).and(options).and(topic),
        Message::Subscribed { request, subscription } | Message::Unsubscribe { request, subscription } => {
            list.and(request).and(subscription)
        }
        Message::Unsubscribed { request } | Message::Unregistered { request, revoked: None } => list.and(request),
        Message::Event { subscription, publication, details, payload } => {
            list.and(subscription).and(publication).and(details).and_payload(payload)
        }
        Message::Call { request, options, procedure, payload } => {
            list.and(request).and(options).and(procedure).and_payload(payload)
        }
        Message::Cancel { request, options } | Message::Interrupt { request, options } => {
            list.and(request).and(options)
        }
        Message::Result { request, details, payload } | Message::Yield { request, options: details, payload } => {
            list.and(request).and(details).and_payload(payload)
        }
        Message::Register { request, options, procedure } => list.and(request).and(options).and(procedure),
        Message::Registered { request, registration } | Message::Unregister { request, registration } => {
            list.and(request).and(registration)
        }
        Message::Unregistered { request, revoked: Some(revocation) } => list.and(request).and(revocation),
        Message::Invocation { request, registration, details, payload } => {
            list.and(request).and(registration).and(details).and_payload(payload)
        }
    }
}
