//! An open WebSocket that carries messages of WAMP, the same for both of its ends: each is written as its serialization says,
//! in a text or a binary frame. How frames travel is [`frames`]' business.

mod end;
pub mod frames;

use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use tungstenite::{Bytes, Utf8Bytes, WebSocket};

use super::framed::Framed;
use super::keepalive::KeepalivePolicy;
use super::stream::Stream;
use super::traffic::Traffic;
use super::{Incoming, MAX_MESSAGE, SharedMessage, Transport, TransportError};
use crate::sync::wait::Interest;
use crate::wamp::Message;
use crate::wamp::codec::{Serialization, json};
pub use end::End;
use frames::{Arrival, Data, Frames};

/// An open WebSocket.
#[derive(Debug)]
pub struct Channel {
    frames: Frames,
    serialization: Serialization,
}

impl Channel {
    /// A client's end, after the router has answered the upgrade.
    pub(super) fn dialled(
        socket: WebSocket<Framed>,
        serialization: Serialization,
        policy: KeepalivePolicy,
        now: Instant,
    ) -> Self {
        Self { frames: Frames::on(socket, End::Client, policy, now), serialization }
    }

    /// A router's end, after it has answered the upgrade. `early` is what the client sent behind its request.
    #[must_use]
    pub fn accepted(
        stream: Stream,
        early: Vec<u8>,
        serialization: Serialization,
        policy: KeepalivePolicy,
        now: Instant,
    ) -> Self {
        Self { frames: Frames::new(stream, early, End::Server, policy, now), serialization }
    }

    /// How long what is queued may take to go out once the connection is to be closed.
    #[must_use]
    pub fn draining_within(self, drain: Duration) -> Self {
        Self { frames: self.frames.draining_within(drain), ..self }
    }

    /// The message that came in a frame.
    fn read(&self, data: &Data) -> Incoming {
        let decoded = match (self.serialization, data) {
            (Serialization::Json, Data::Text(text)) => json::decode_from(text, self.frames.end().other()),
            #[cfg(any(feature = "cbor", feature = "msgpack"))]
            (Serialization::Binary(binary), Data::Binary(bytes)) => binary.decode(bytes, self.frames.end().other()),
            #[cfg(any(feature = "cbor", feature = "msgpack"))]
            (Serialization::Binary(_), _) => {
                return Incoming::Malformed("expected a binary frame, got text".to_owned());
            }
            (Serialization::Json, _) => {
                return Incoming::Malformed("expected a text frame, got a binary one".to_owned());
            }
        };
        decoded.map_or_else(|error| Incoming::Malformed(error.to_string()), Incoming::Message)
    }
}

impl Transport for Channel {
    fn fd(&self) -> BorrowedFd<'_> {
        self.frames.fd()
    }

    fn interest(&self) -> Interest {
        self.frames.interest()
    }

    fn receive(&mut self, now: Instant) -> Result<Incoming, TransportError> {
        Ok(match self.frames.receive(now)? {
            Arrival::Nothing => Incoming::Nothing,
            Arrival::Data(data) => self.read(&data),
            Arrival::TooLong { longest, got } => {
                Incoming::Malformed(format!("expected at most {longest} bytes, got {got}"))
            }
            Arrival::Closed => Incoming::Closed,
        })
    }

    fn send(&mut self, message: Message) {
        self.frames.send(match self.serialization {
            Serialization::Json => Data::Text(json::encode(&message).into()),
            #[cfg(any(feature = "cbor", feature = "msgpack"))]
            Serialization::Binary(binary) => Data::Binary(binary.encode(&message).into()),
        });
    }

    fn send_shared(&mut self, message: &SharedMessage) {
        let bytes: Bytes = message.written(self.serialization);
        self.frames.send(match self.serialization {
            // What JSON is written in is UTF-8.
            Serialization::Json => Data::Text(Utf8Bytes::try_from(bytes).unwrap_or_default()),
            #[cfg(any(feature = "cbor", feature = "msgpack"))]
            Serialization::Binary(_) => Data::Binary(bytes),
        });
    }

    fn flush(&mut self, now: Instant) -> Result<(), TransportError> {
        self.frames.flush(now)
    }

    fn queued(&self) -> usize {
        self.frames.queued()
    }

    fn traffic(&self) -> Traffic {
        self.frames.traffic()
    }

    fn welcome(&mut self) {
        if self.frames.end() == End::Server {
            self.frames.take_up_to(MAX_MESSAGE);
        }
    }

    fn unfinished(&self) -> usize {
        self.frames.unfinished()
    }

    fn deadline(&self) -> Option<Instant> {
        self.frames.deadline()
    }

    fn expire(&mut self, now: Instant) -> Result<(), TransportError> {
        self.frames.expire(now)
    }

    fn close(&mut self, now: Instant) {
        self.frames.close(now);
    }

    fn discard(&mut self, now: Instant) -> bool {
        self.frames.discard(now)
    }
}
