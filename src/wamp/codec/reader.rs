//! A message from the elements of its list, each a JSON text: whether every place holds what it must.

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::DecodeError;
use crate::wamp::auth::Secret;
#[cfg(any(feature = "cbor", feature = "msgpack"))]
use crate::wamp::encoded::Encoded;
use crate::wamp::excerpt;
use crate::wamp::message::{Kind, Message};
use crate::wamp::payload::Payload;

/// The message that a list is.
pub(super) fn read(mut list: Elements<'_>) -> Result<Message, DecodeError> {
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
        Kind::Authenticate => {
            Message::Authenticate { signature: list.next("a string").map(Secret::new)?, extra: list.dict()? }
        }
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
        Kind::Unregistered => Message::Unregistered { request: list.request()?, revoked: list.optional("a dict")? },
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

/// The most elements that any message has: ERROR's.
pub(super) const MAX_ELEMENTS: usize = 7;

/// The elements of a list, each still its own text.
pub(super) struct Elements<'a> {
    kind: Kind,
    elements: [Option<&'a RawValue>; MAX_ELEMENTS],
    count: usize,
    taken: usize,
    /// The arguments of the application, when they are no texts.
    #[cfg(any(feature = "cbor", feature = "msgpack"))]
    encoded: [Option<Encoded>; 2],
}

impl Default for Elements<'_> {
    fn default() -> Self {
        Self {
            kind: Kind::Hello,
            elements: [None; MAX_ELEMENTS],
            count: 0,
            taken: 0,
            #[cfg(any(feature = "cbor", feature = "msgpack"))]
            encoded: [None, None],
        }
    }
}

impl<'a> Elements<'a> {
    /// The elements before the arguments of the application, which are no texts.
    #[cfg(any(feature = "cbor", feature = "msgpack"))]
    pub fn before(encoded: [Option<Encoded>; 2]) -> Self {
        Self { encoded, ..Self::default() }
    }

    /// One more element. Those that no message has are only counted.
    pub fn push(&mut self, element: &'a RawValue) {
        if let Some(place) = self.elements.get_mut(self.count) {
            *place = Some(element);
        }
        self.count += 1;
    }

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
        #[cfg(any(feature = "cbor", feature = "msgpack"))]
        if let [Some(args), kwargs] = std::mem::take(&mut self.encoded) {
            // Shared, and made into text for the sentence of an error only.
            let got = if args.is_list() { kwargs.as_ref().unwrap_or(&args) } else { &args }.clone();
            return Payload::from_encoded(Some(args), kwargs)
                .map_err(|expected| self.wrong(expected, excerpt(got.json().get())));
        }
        let (args, kwargs) = (self.take(), self.take());
        Payload::from_raw(args, kwargs).map_err(|expected| {
            let got = if args.is_some_and(|args| !args.get().starts_with('[')) { args } else { kwargs };
            self.wrong(expected, got.map(|raw| excerpt(raw.get())).unwrap_or_default())
        })
    }

    const fn wrong(&self, expected: &'static str, got: String) -> DecodeError {
        DecodeError::Wrong { kind: self.kind, expected, got }
    }

    fn end(self) -> Result<(), DecodeError> {
        if self.count > self.taken { Err(DecodeError::Surplus { kind: self.kind }) } else { Ok(()) }
    }
}
