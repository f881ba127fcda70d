//! The JSON serialization: `wamp.2.json`.

use std::fmt;

use serde::de::{DeserializeOwned, Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{DecodeError, MAX_DEPTH};
use crate::wamp::excerpt;
use crate::wamp::message::{Kind, Message};
use crate::wamp::payload::Payload;

/// The text of a message.
#[must_use]
pub fn encode(message: &Message) -> String {
    let list = List::new(message.kind());
    match message {
        Message::Hello { realm, details } => list.and(realm).and(details),
        Message::Welcome { session, details } => list.and(session).and(details),
        Message::Abort { details, reason } | Message::Goodbye { details, reason } => list.and(details).and(reason),
        Message::Challenge { method: text, extra } | Message::Authenticate { signature: text, extra } => {
            list.and(text).and(extra)
        }
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
        Message::Unregistered { request, revoked: Some(registration) } => {
            list.and(request).and(&Revocation { registration: Some(*registration) })
        }
        Message::Invocation { request, registration, details, payload } => {
            list.and(request).and(registration).and(details).and_payload(payload)
        }
    }
    .end()
}

/// The message that a text is.
///
/// # Errors
/// [`DecodeError`], which says what was expected and what was got. No text makes this panic or recurse deeply.
pub fn decode(text: &str) -> Result<Message, DecodeError> {
    if is_deeper_than(MAX_DEPTH, text) {
        return Err(DecodeError::TooDeep);
    }
    let mut list: Elements<'_> =
        serde_json::from_str(text).map_err(|error| DecodeError::NotAMessage(excerpt(&error.to_string())))?;
    let code = list.first()?;
    let kind = Kind::from_code(code).ok_or(DecodeError::UnknownKind(code))?;
    list.kind = kind;
    let message = match kind {
        Kind::Hello => Message::Hello { realm: list.uri()?, details: list.next("a dict with roles")? },
        Kind::Welcome => {
            Message::Welcome { session: list.next("a session id")?, details: list.next("a dict with roles")? }
        }
        Kind::Abort => Message::Abort { details: list.dict()?, reason: list.uri()? },
        Kind::Challenge => Message::Challenge { method: list.next("a string")?, extra: list.dict()? },
        Kind::Authenticate => Message::Authenticate { signature: list.next("a string")?, extra: list.dict()? },
        Kind::Goodbye => Message::Goodbye { details: list.dict()?, reason: list.uri()? },
        Kind::Error => Message::Error {
            kind: list.request_kind()?,
            request: list.request()?,
            details: list.dict()?,
            error: list.uri()?,
            payload: list.payload()?,
        },
        Kind::Publish => Message::Publish {
            request: list.request()?,
            options: list.dict()?,
            topic: list.uri()?,
            payload: list.payload()?,
        },
        Kind::Published => Message::Published { request: list.request()?, publication: list.next("a publication id")? },
        Kind::Subscribe => Message::Subscribe { request: list.request()?, options: list.dict()?, topic: list.uri()? },
        Kind::Subscribed => {
            Message::Subscribed { request: list.request()?, subscription: list.next("a subscription id")? }
        }
        Kind::Unsubscribe => {
            Message::Unsubscribe { request: list.request()?, subscription: list.next("a subscription id")? }
        }
        Kind::Unsubscribed => {
            let request = list.request()?;
            // Details of a revoked subscription (*Subscription Revocation*), which nothing here reads.
            list.optional::<super::super::options::Dict>("a dict")?;
            Message::Unsubscribed { request }
        }
        Kind::Event => Message::Event {
            subscription: list.next("a subscription id")?,
            publication: list.next("a publication id")?,
            details: list.dict()?,
            payload: list.payload()?,
        },
        Kind::Call => Message::Call {
            request: list.request()?,
            options: list.dict()?,
            procedure: list.uri()?,
            payload: list.payload()?,
        },
        Kind::Cancel => Message::Cancel { request: list.request()?, options: list.dict()? },
        Kind::Result => Message::Result { request: list.request()?, details: list.dict()?, payload: list.payload()? },
        Kind::Register => Message::Register { request: list.request()?, options: list.dict()?, procedure: list.uri()? },
        Kind::Registered => {
            Message::Registered { request: list.request()?, registration: list.next("a registration id")? }
        }
        Kind::Unregister => {
            Message::Unregister { request: list.request()?, registration: list.next("a registration id")? }
        }
        Kind::Unregistered => {
            let request = list.request()?;
            let revocation: Option<Revocation> = list.optional("a dict")?;
            Message::Unregistered { request, revoked: revocation.and_then(|revocation| revocation.registration) }
        }
        Kind::Invocation => Message::Invocation {
            request: list.request()?,
            registration: list.next("a registration id")?,
            details: list.dict()?,
            payload: list.payload()?,
        },
        Kind::Interrupt => Message::Interrupt { request: list.request()?, options: list.dict()? },
        Kind::Yield => Message::Yield { request: list.request()?, options: list.dict()?, payload: list.payload()? },
    };
    list.end()?;
    Ok(message)
}

/// UNREGISTERED.Details of a registration that the router took away.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Revocation {
    registration: Option<crate::wamp::id::RegistrationId>,
}

/// A list that is being written.
struct List {
    text: Vec<u8>,
}

impl List {
    fn new(kind: Kind) -> Self {
        let mut text = Vec::with_capacity(256);
        text.push(b'[');
        text.extend_from_slice(kind.code().to_string().as_bytes());
        Self { text }
    }

    fn and<T: Serialize + ?Sized>(mut self, element: &T) -> Self {
        self.text.push(b',');
        let start = self.text.len();
        if serde_json::to_writer(&mut self.text, element).is_err() {
            // Our own types always have a text; should one day one not, the place must not stay half written.
            debug_assert!(false, "an element that JSON cannot write");
            self.text.truncate(start);
            self.text.extend_from_slice(b"null");
        }
        self
    }

    fn and_payload(self, payload: &Payload) -> Self {
        match (payload.raw_args(), payload.raw_kwargs()) {
            (None, None) => self,
            (Some(args), None) => self.and(args),
            (None, Some(kwargs)) => self.and::<[(); 0]>(&[]).and(kwargs),
            (Some(args), Some(kwargs)) => self.and(args).and(kwargs),
        }
    }

    fn end(mut self) -> String {
        self.text.push(b']');
        String::from_utf8(self.text).unwrap_or_default()
    }
}

/// The most elements that any message has: ERROR's.
const MAX_ELEMENTS: usize = 7;

/// The elements of a list, each still its own text.
struct Elements<'a> {
    kind: Kind,
    elements: [Option<&'a RawValue>; MAX_ELEMENTS],
    taken: usize,
    surplus: bool,
}

impl<'a> Elements<'a> {
    fn first(&mut self) -> Result<u64, DecodeError> {
        let element = self.take().ok_or_else(|| DecodeError::NotAMessage("an empty list".to_owned()))?;
        serde_json::from_str(element.get()).map_err(|_| DecodeError::NotAMessage(excerpt(element.get())))
    }

    fn take(&mut self) -> Option<&'a RawValue> {
        let element = self.elements.get(self.taken).copied().flatten();
        self.taken += 1;
        element
    }

    fn optional<T: DeserializeOwned>(&mut self, expected: &'static str) -> Result<Option<T>, DecodeError> {
        let Some(element) = self.take() else { return Ok(None) };
        match serde_json::from_str(element.get()) {
            Ok(value) => Ok(Some(value)),
            Err(error) => {
                Err(self.wrong(expected, format!("{} ({})", excerpt(element.get()), excerpt(&error.to_string()))))
            }
        }
    }

    fn next<T: DeserializeOwned>(&mut self, expected: &'static str) -> Result<T, DecodeError> {
        self.optional(expected)?.ok_or(DecodeError::Missing { kind: self.kind, expected })
    }

    fn request<T: DeserializeOwned>(&mut self) -> Result<T, DecodeError> {
        self.next("a request id")
    }

    fn uri<T: DeserializeOwned>(&mut self) -> Result<T, DecodeError> {
        self.next("a URI")
    }

    /// A dict. serde would also take a list for a struct, which WAMP does not.
    fn dict<T: DeserializeOwned>(&mut self) -> Result<T, DecodeError> {
        match self.elements.get(self.taken).copied().flatten() {
            Some(element) if !element.get().starts_with('{') => Err(self.wrong("a dict", excerpt(element.get()))),
            _ => self.next("a dict"),
        }
    }

    fn request_kind(&mut self) -> Result<Kind, DecodeError> {
        let code = self.next("the number of the request's message")?;
        match Kind::from_code(code) {
            Some(
                kind @ (Kind::Publish
                | Kind::Subscribe
                | Kind::Unsubscribe
                | Kind::Call
                | Kind::Cancel
                | Kind::Register
                | Kind::Unregister
                | Kind::Invocation),
            ) => Ok(kind),
            _ => Err(self.wrong("the number of a message that is a request", code.to_string())),
        }
    }

    fn payload(&mut self) -> Result<Payload, DecodeError> {
        let (args, kwargs) = (self.take(), self.take());
        Payload::from_raw(args, kwargs).map_err(|expected| {
            let got = if args.is_some_and(|args| !args.get().starts_with('[')) { args } else { kwargs };
            self.wrong(expected, got.map(|raw| excerpt(raw.get())).unwrap_or_default())
        })
    }

    const fn wrong(&self, expected: &'static str, got: String) -> DecodeError {
        DecodeError::Wrong { kind: self.kind, expected, got }
    }

    fn end(mut self) -> Result<(), DecodeError> {
        if self.surplus || self.take().is_some() { Err(DecodeError::Surplus { kind: self.kind }) } else { Ok(()) }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Elements<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ListVisitor;
        impl<'de> Visitor<'de> for ListVisitor {
            type Value = Elements<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Elements<'de>, A::Error> {
                let mut list = Elements { kind: Kind::Hello, elements: [None; MAX_ELEMENTS], taken: 0, surplus: false };
                for place in &mut list.elements {
                    match seq.next_element()? {
                        Some(element) => *place = Some(element),
                        None => return Ok(list),
                    }
                }
                while seq.next_element::<&RawValue>()?.is_some() {
                    list.surplus = true;
                }
                Ok(list)
            }
        }
        deserializer.deserialize_seq(ListVisitor)
    }
}

/// Whether a JSON text has more levels of lists and dicts than so many. Reads it once; no parser need have seen it.
#[must_use]
pub fn is_deeper_than(levels: usize, text: &str) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'[' | b'{' => {
                depth += 1;
                if depth > levels {
                    return true;
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

#[cfg(test)]
#[path = "json_tests.rs"]
mod tests;
