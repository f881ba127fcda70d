//! WAMP over a bare stream (*RawSocket Transport*): four bytes of greeting either way, then messages, each behind its length.
//! The same for both ends.
//!
//! A peer is pinged only when it has pinged before: there are routers that hang up on a ping. Until then it is the kernel that
//! finds out when the peer is gone without a word (`SO_KEEPALIVE` and `TCP_USER_TIMEOUT`, tcp(7)); a peer on
//! this machine cannot go so.

mod greeting;
mod message;

use std::collections::VecDeque;
use std::io::{self, IoSlice, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use tungstenite::Bytes;

pub use greeting::MAGIC;
use greeting::{Greeting, LENGTH, Refusal};
use message::{HEADER, Kind, Outgoing};

use super::closing::{CLOSE_PATIENCE, Closing, IDLE_ENTRIES, MAX_PONGS, forget_round};
use super::keepalive::{Due, Keepalive, KeepalivePolicy};
use super::stream::Stream;
use super::traffic::Traffic;
use super::{Incoming, MAX_FORWARDED, MAX_HELLO, MAX_MESSAGE, SharedMessage, Transport, TransportError};
use crate::sync::wait::Interest;
use crate::wamp::Message;
use crate::wamp::codec::{Sender, Serialization};

/// What a queued message costs beside its bytes.
const MESSAGE_COST: usize = 64;

/// Bytes that an empty buffer may keep room for.
const IDLE_BYTES: usize = 16 * 1024;

/// Pieces that are written at once.
const PIECES: usize = 64;

/// What a router has to do first. A WebSocket's port waits for more than those four bytes.
const ANSWER: &str = "answer the RawSocket handshake: is this its port, or one for ws://?";

/// A RawSocket, from its greeting on.
#[derive(Debug)]
pub struct RawSocket {
    stream: Stream,
    stage: Stage,
    serialization: Serialization,
    policy: KeepalivePolicy,
    /// The longest message that we take now, and that the peer takes.
    longest_in: usize,
    longest_out: usize,
    /// What has come, from `taken` on.
    input: Vec<u8>,
    taken: usize,
    queue: VecDeque<Outgoing>,
    queued: usize,
    blocked: bool,
    /// Bytes of answers to pings since the queue was last empty.
    pongs: usize,
    /// What comes in is thrown away: we have lost our place in the stream.
    deaf: bool,
    /// What could not be sent.
    failed: Option<String>,
    /// What a router's peer does not take, see [`Transport::take_back`].
    refused: Option<Message>,
    /// Who is at the other end.
    other: Sender,
    /// Once the peer has pinged.
    keepalive: Option<Keepalive>,
    /// Its bytes are counted by the stream.
    traffic: Traffic,
    closing: Option<Closing>,
    drain: Duration,
}

/// How far the greeting has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// A client's has gone out; the router's is to come by then.
    Asked(Option<Instant>),
    /// A client's is to come.
    Awaited,
    /// Both know how to write.
    Open,
    /// The client was refused.
    Refused,
}

/// What stands at the beginning of the input.
enum Taken {
    /// Not a whole message.
    Part,
    Whole(Kind, std::ops::Range<usize>),
}

impl RawSocket {
    /// A client's end of a connection that was just made. [`Incoming::Open`] comes when the router has answered, which it may
    /// take until `deadline` for.
    pub(super) fn dialled(
        stream: Stream,
        serialization: Serialization,
        policy: KeepalivePolicy,
        deadline: Option<Instant>,
    ) -> Self {
        let mut socket = Self::new(stream, Sender::Router, serialization, policy, Stage::Asked(deadline));
        let greeting = Greeting { serialization, longest: MAX_FORWARDED };
        socket.push(Outgoing::greeting(greeting.bytes()));
        socket
    }

    /// A router's end. `early` is what has come already.
    #[must_use]
    pub fn accepted(stream: Stream, early: Vec<u8>, policy: KeepalivePolicy) -> Self {
        let socket = Self::new(stream, Sender::Client, Serialization::Json, policy, Stage::Awaited);
        Self { input: early, ..socket }
    }

    /// How long what is queued may take to go out once the connection is to be closed.
    #[must_use]
    pub fn draining_within(self, drain: Duration) -> Self {
        Self { drain, ..self }
    }

    fn new(stream: Stream, other: Sender, serialization: Serialization, policy: KeepalivePolicy, stage: Stage) -> Self {
        if let Err(errno) = stream.socket().watch(policy) {
            log::debug!("the kernel does not watch a connection: {errno}");
        }
        Self {
            stream,
            stage,
            serialization,
            policy,
            longest_in: if other == Sender::Router { MAX_FORWARDED } else { MAX_HELLO },
            longest_out: MAX_MESSAGE,
            input: Vec::new(),
            taken: 0,
            queue: VecDeque::new(),
            queued: 0,
            blocked: false,
            pongs: 0,
            deaf: false,
            failed: None,
            refused: None,
            other,
            keepalive: None,
            traffic: Traffic::default(),
            closing: None,
            drain: CLOSE_PATIENCE,
        }
    }

    fn push(&mut self, outgoing: Outgoing) {
        self.queued += outgoing.length() + MESSAGE_COST;
        self.queue.push_back(outgoing);
    }

    /// Queues what was written for the peer.
    fn put(&mut self, payload: Bytes, message: &Message) {
        if payload.len() > self.longest_out {
            if self.other == Sender::Client && message::is_forwarded(message) {
                self.refused = Some(message.clone());
            } else {
                let (got, most) = (payload.len(), self.longest_out);
                self.failed.get_or_insert(format!("a message of {got} bytes, and it takes no more than {most}"));
            }
            return;
        }
        if self.stage == Stage::Open && self.closing.is_none() {
            self.traffic.sent.count();
            self.push(Outgoing::new(Kind::Regular, payload));
        }
    }

    /// What stands next in the input; a sentence when it is nothing.
    fn look(&self) -> Result<Taken, String> {
        let input = self.input.get(self.taken..).unwrap_or_default();
        let Some(&header) = input.first_chunk::<HEADER>() else { return Ok(Taken::Part) };
        let (kind, length) = message::header(header)?;
        if length > self.longest_in {
            return Err(format!("expected at most {} bytes, got {length}", self.longest_in));
        }
        let begin = self.taken + HEADER;
        let range = begin..begin + length;
        Ok(if range.end <= self.input.len() { Taken::Whole(kind, range) } else { Taken::Part })
    }

    /// Takes the greeting, if it is there. The answer is what the caller must hear.
    fn greet(&mut self) -> Result<Option<Incoming>, TransportError> {
        let input = self.input.get(self.taken..).unwrap_or_default();
        let Some(&bytes) = input.first_chunk::<LENGTH>() else {
            return Ok(None);
        };
        self.taken += LENGTH;
        if let Stage::Asked(_) = self.stage {
            let greeting = Greeting::of_router(bytes, self.serialization).map_err(refused)?;
            self.stage = Stage::Open;
            self.longest_out = greeting.longest.min(MAX_FORWARDED);
            return Ok(Some(Incoming::Open));
        }
        match Greeting::of_client(bytes) {
            Ok(greeting) => {
                self.stage = Stage::Open;
                self.serialization = greeting.serialization;
                self.longest_out = greeting.longest;
                let ours = Greeting { longest: MAX_MESSAGE, ..greeting };
                self.push(Outgoing::greeting(ours.bytes()));
                Ok(Some(Incoming::Progress))
            }
            Err(refusal) => {
                self.stage = Stage::Refused;
                self.deaf = true;
                self.push(Outgoing::greeting(refusal.bytes()));
                Ok(Some(Incoming::Malformed(format!("expected a RawSocket handshake for {}, got {refusal}", spoken()))))
            }
        }
    }

    /// Reads a piece. `None`: it is there.
    fn read(&mut self) -> Option<Result<Incoming, TransportError>> {
        let mut chunk = [0; 8 * 1024];
        loop {
            return match self.stream.read(&mut chunk) {
                Ok(0) => Some(Ok(Incoming::Closed)),
                Ok(count) => {
                    self.input.drain(..std::mem::take(&mut self.taken));
                    self.input.extend_from_slice(chunk.get(..count).unwrap_or_default());
                    None
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => Some(Ok(Incoming::Nothing)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => Some(Err(TransportError::of_stream(error))),
            };
        }
    }

    fn look_for_life(&mut self, now: Instant) {
        if self.stream.take_sign_of_life() {
            if let Some(keepalive) = &mut self.keepalive {
                keepalive.heard(now);
            }
        }
    }

    /// Everything that was queued is written.
    fn all_is_out(&mut self, now: Instant) {
        self.pongs = 0;
        self.queue.shrink_to(IDLE_ENTRIES);
        if let Some(Closing::Draining(_)) = self.closing {
            let _ = self.stream.finish();
            self.closing = Some(Closing::Said(now + CLOSE_PATIENCE));
        }
    }

    /// Between two messages a buffer that has grown is given back.
    fn give_memory_back(&mut self) {
        if self.taken == self.input.len() {
            self.input.clear();
            self.taken = 0;
            self.input.shrink_to(IDLE_BYTES);
        }
    }

    /// Writes a piece of the queue; without one, what TLS made of the last.
    fn write(&mut self) -> io::Result<usize> {
        if self.queue.is_empty() {
            return self.stream.flush().map(|()| 0);
        }
        let parts = self.queue.iter().flat_map(|outgoing| [outgoing.header(), outgoing.payload()]);
        let mut pieces = [IoSlice::new(&[]); PIECES];
        pieces.iter_mut().zip(parts).for_each(|(piece, part)| *piece = IoSlice::new(part));
        self.stream.write_vectored(&pieces)
    }

    /// So many bytes were written.
    fn advance(&mut self, mut count: usize) {
        while let Some(first) = self.queue.front_mut() {
            let length = first.length();
            if count < length {
                first.skip(count);
                self.queued = self.queued.saturating_sub(count);
                return;
            }
            count -= length;
            self.queued = self.queued.saturating_sub(length + MESSAGE_COST);
            self.queue.pop_front();
        }
    }
}

/// What can be asked for: `json or …`.
fn spoken() -> String {
    Serialization::ALL.iter().map(|serialization| serialization.name()).collect::<Vec<_>>().join(" or ")
}

fn refused(refusal: Refusal) -> TransportError {
    TransportError::Greeting(refusal.to_string())
}

impl Transport for RawSocket {
    fn fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }

    fn interest(&self) -> Interest {
        Interest { read: true, write: self.blocked || self.stream.owes() }
    }

    fn receive(&mut self, now: Instant) -> Result<Incoming, TransportError> {
        loop {
            if self.deaf {
                self.taken = self.input.len();
            }
            let stands = match self.stage {
                Stage::Open if !self.deaf => match self.look() {
                    Ok(stands) => stands,
                    Err(sentence) => {
                        self.deaf = true;
                        return Ok(Incoming::Malformed(sentence));
                    }
                },
                Stage::Asked(_) | Stage::Awaited => {
                    // Nobody flushes a connection that is not open.
                    self.flush(now)?;
                    if let Some(incoming) = self.greet()? {
                        return Ok(incoming);
                    }
                    Taken::Part
                }
                Stage::Open | Stage::Refused => Taken::Part,
            };
            let Taken::Whole(kind, range) = stands else {
                match self.read() {
                    None => continue,
                    Some(Ok(Incoming::Nothing)) => {
                        self.look_for_life(now);
                        self.give_memory_back();
                        return Ok(Incoming::Nothing);
                    }
                    Some(Ok(Incoming::Closed) | Err(TransportError::HungUp))
                        if matches!(self.stage, Stage::Asked(_)) =>
                    {
                        let asked = self.serialization.name();
                        let got = format!("the end of the connection: does it know {asked} (--serializer)?");
                        return Err(TransportError::Greeting(got));
                    }
                    Some(other) => return other,
                }
            };
            self.taken = range.end;
            let bytes = self.input.get(range).unwrap_or_default();
            if let Some(keepalive) = &mut self.keepalive {
                keepalive.heard(now);
            }
            match kind {
                Kind::Regular => {
                    self.traffic.received.count();
                    let decoded = self.serialization.decode(bytes, self.other);
                    return Ok(decoded.map_or_else(|error| Incoming::Malformed(error.to_string()), Incoming::Message));
                }
                Kind::Ping => {
                    let answer = Outgoing::new(Kind::Pong, Bytes::copy_from_slice(bytes));
                    self.pongs += answer.length();
                    if self.pongs > MAX_PONGS {
                        self.deaf = true;
                        return Err(TransportError::Framing("it sends pings and does not read the answers".to_owned()));
                    }
                    self.push(answer);
                    self.keepalive.get_or_insert_with(|| Keepalive::new(self.policy, now));
                }
                Kind::Pong => self.traffic.round_trip = self.keepalive.as_mut().and_then(|it| it.answered(now)),
            }
        }
    }

    fn send(&mut self, message: Message) {
        self.put(self.serialization.encode(&message).into(), &message);
    }

    fn send_shared(&mut self, message: &SharedMessage) {
        self.put(message.written(self.serialization), message.message());
    }

    fn take_back(&mut self) -> Option<Message> {
        self.refused.take()
    }

    fn flush(&mut self, now: Instant) -> Result<(), TransportError> {
        self.blocked = false;
        while !self.queue.is_empty() || self.stream.owes() {
            let written = self.write();
            self.look_for_life(now);
            match written {
                Ok(count) => self.advance(count),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.blocked = true;
                    break;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(TransportError::of_stream(error)),
            }
        }
        if self.queue.is_empty() && !self.blocked {
            self.all_is_out(now);
        }
        match self.failed.take() {
            Some(what) => Err(TransportError::Framing(what)),
            None => Ok(()),
        }
    }

    fn queued(&self) -> usize {
        self.queued
    }

    fn traffic(&self) -> Traffic {
        Traffic {
            received: self.traffic.received.of_bytes(self.stream.bytes_read()),
            sent: self.traffic.sent.of_bytes(self.stream.bytes_written()),
            ..self.traffic
        }
    }

    fn welcome(&mut self) {
        self.longest_in = self.longest_in.max(MAX_MESSAGE);
    }

    fn unfinished(&self) -> usize {
        if self.deaf { 0 } else { self.input.len() - self.taken }
    }

    fn deadline(&self) -> Option<Instant> {
        match (self.closing, self.stage) {
            (Some(closing), _) => Some(closing.deadline()),
            (None, Stage::Asked(deadline)) => deadline,
            (None, _) => self.keepalive.as_ref().and_then(Keepalive::deadline),
        }
    }

    fn expire(&mut self, now: Instant) -> Result<(), TransportError> {
        if let Some(closing) = self.closing {
            if now < closing.deadline() {
                return Ok(());
            }
            let _ = self.stream.socket().shutdown(Shutdown::Both);
            return Err(TransportError::TooSlow("close the connection"));
        }
        if let Stage::Asked(Some(deadline)) = self.stage {
            return if now < deadline { Ok(()) } else { Err(TransportError::TooSlow(ANSWER)) };
        }
        let Some(keepalive) = &mut self.keepalive else { return Ok(()) };
        match keepalive.due(now) {
            Due::Nothing => Ok(()),
            Due::Ping => {
                self.push(Outgoing::new(Kind::Ping, Bytes::new()));
                Ok(())
            }
            // What has come and was not read, because we were busy, is a sign of life too.
            Due::GiveUp(_) if self.stream.socket().has_unread() => {
                keepalive.heard(now);
                Ok(())
            }
            Due::GiveUp(silence) => Err(TransportError::Silent(silence.as_secs())),
        }
    }

    fn close(&mut self, now: Instant) {
        if self.closing.is_none() {
            let drain = if self.deaf { CLOSE_PATIENCE } else { self.drain };
            self.closing = Some(Closing::Draining(now + drain));
        }
    }

    fn discard(&mut self, now: Instant) -> bool {
        if self.closing.is_none_or(|closing| now >= closing.deadline()) || self.flush(now).is_err() {
            return true;
        }
        forget_round(self.stream.socket())
    }
}

#[cfg(test)]
mod tests;
