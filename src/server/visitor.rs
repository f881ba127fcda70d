//! A connection before it is a peer: its request is read, answered, and either upgraded or closed.

use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use tungstenite::http::{Response, StatusCode};

use super::http::{self, Body, MAX_HEAD};
use super::origin::Access;
use super::peer::Place;
use super::registry::{Registry, Watch};
use super::site::{self, Answer};
use crate::sync::wait::Interest;
use crate::transport::rawsocket;
use crate::transport::stream::Stream;
use crate::transport::tls::{self, TlsServer};
use crate::wamp::codec::Serialization;

/// How long the peer may take to close after the answer, and how many bytes it may still send. Without that patience, bytes
/// that are still under way would make the kernel reset the connection, and the answer be lost.
const LINGER: (Duration, usize) = (Duration::from_secs(1), 64 * 1024);

/// A connection that is no peer yet.
#[derive(Debug)]
pub(super) struct Visitor {
    stream: Stream,
    place: Place,
    stage: Stage,
    deadline: Instant,
    watch: Watch,
    /// Whether it stands in the queue of those that can go on.
    pub ready: bool,
}

#[derive(Debug)]
enum Stage {
    /// Must begin with TLS.
    Knocking(TlsServer),
    Securing,
    Asking {
        head: Vec<u8>,
    },
    Answering {
        bytes: Vec<u8>,
        written: usize,
        then: Then,
    },
    Lingering {
        left: usize,
        answers: u64,
    },
}

#[derive(Debug)]
enum Then {
    Close,
    Upgrade { early: Vec<u8>, serialization: Serialization },
}

impl Stage {
    /// Of what speaks HTTP, or RawSocket.
    const fn begin() -> Self {
        Self::Asking { head: Vec::new() }
    }
}

/// Where a visitor has got to.
#[derive(Debug)]
pub(super) enum Visit {
    /// It waits for that.
    Waits(Interest),
    /// It was answered, and has closed or must be closed.
    Over,
    /// It began as a RawSocket does, with these bytes.
    RawSocket { early: Vec<u8> },
    /// It speaks WAMP over WebSocket from now on, so written; that much it has sent already.
    Upgraded { early: Vec<u8>, serialization: Serialization },
}

impl Visitor {
    /// A connection that has until `deadline` to ask for something.
    pub fn new(stream: Stream, place: Place, tls: Option<TlsServer>, watch: Watch, deadline: Instant) -> Self {
        let stage = tls.map_or_else(Stage::begin, Stage::Knocking);
        Self { stream, place, stage, deadline, watch, ready: false }
    }

    /// Has the kernel and the clock tell when there is something to do.
    pub fn register(&mut self, interest: Interest, registry: &mut Registry) {
        registry.set(self.stream.as_fd(), &mut self.watch, interest, Some(self.deadline));
    }

    /// Takes it out of the registry, to be closed.
    pub fn forget(mut self, registry: &mut Registry) {
        registry.forget(self.stream.as_fd(), &mut self.watch);
    }

    /// Where it calls from.
    pub const fn place(&self) -> Place {
        self.place
    }

    /// How many requests of it were answered.
    pub const fn answers(&self) -> u64 {
        match self.stage {
            Stage::Knocking(_) | Stage::Securing | Stage::Asking { .. } => 0,
            Stage::Answering { .. } => 1,
            Stage::Lingering { answers, .. } => answers,
        }
    }

    /// What makes a peer of it. It stays registered.
    pub fn into_parts(self) -> (Stream, Place, Watch) {
        (self.stream, self.place, self.watch)
    }

    /// Goes as far as the connection allows.
    pub fn advance(&mut self, access: &Access, now: Instant) -> Visit {
        loop {
            let result = match &mut self.stage {
                Stage::Knocking(_) => self.knock(),
                Stage::Securing => self.secure(now),
                Stage::Asking { .. } => self.ask(access),
                Stage::Answering { .. } => self.answer(now),
                Stage::Lingering { .. } => self.linger(),
            };
            if let Some(visit) = result {
                return visit;
            }
        }
    }

    /// Does what is due at the deadline: an unfinished request is answered, an unfinished answer is given up.
    pub fn expire(&mut self, access: &Access, now: Instant) -> Visit {
        self.watch.rang();
        if now < self.deadline {
            return self.advance(access, now);
        }
        match &self.stage {
            Stage::Asking { head } if !head.is_empty() => {
                let text = "expected a request, got only the beginning of one in that time";
                self.reply(&http::sentence(StatusCode::REQUEST_TIMEOUT, text), Then::Close);
                self.deadline = now + LINGER.0;
                self.advance(access, now)
            }
            _ => Visit::Over,
        }
    }

    fn knock(&mut self) -> Option<Visit> {
        let Stage::Knocking(tls) = &self.stage else { return None };
        let mut first = [0];
        match self.stream.socket().peek(&mut first) {
            Ok(0) => return Some(Visit::Over),
            Ok(_) => {}
            Err(error) => return stopped(error.kind(), Interest::READ),
        }
        if first == [tls::FIRST_BYTE] {
            let tls = tls.clone();
            if let Err(error) = self.stream.secure_as_server(&tls) {
                log::error!("{}: {error}", self.place);
                return Some(Visit::Over);
            }
            self.stage = Stage::Securing;
            return None;
        }
        log::info!("{}: expected TLS, got something else", self.place);
        if !first[0].is_ascii_alphabetic() {
            return Some(Visit::Over);
        }
        let text = "expected TLS, got plain HTTP: this port speaks https:// and wss://";
        self.reply(&http::sentence(StatusCode::BAD_REQUEST, text), Then::Close);
        None
    }

    fn secure(&mut self, now: Instant) -> Option<Visit> {
        match self.stream.handshake() {
            Ok(()) => self.stage = Stage::begin(),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Some(Visit::Waits(self.stream.interest())),
            Err(error) => {
                log::info!("{}: {error}", self.place);
                return self.finish(now);
            }
        }
        None
    }

    fn ask(&mut self, access: &Access) -> Option<Visit> {
        let Stage::Asking { head } = &mut self.stage else { return None };
        let mut chunk = [0; 2048];
        let room = chunk.len().min(MAX_HEAD.saturating_sub(head.len()));
        let got = match self.stream.read(chunk.get_mut(..room)?) {
            Ok(0) => return Some(Visit::Over),
            Ok(count) => chunk.get(..count)?,
            Err(error) => return stopped(error.kind(), Interest::READ),
        };
        head.extend_from_slice(got);
        if head.first() == Some(&rawsocket::MAGIC) {
            return Some(Visit::RawSocket { early: std::mem::take(head) });
        }
        match http::parse(head) {
            Ok(None) => {}
            Ok(Some((request, length))) => {
                let early = head.split_off(length.min(head.len()));
                match site::answer(&request, access) {
                    Answer::Close(response) => self.reply(&response, Then::Close),
                    Answer::Upgrade(response, serialization) => {
                        self.reply(&response, Then::Upgrade { early, serialization });
                    }
                }
            }
            Err(error) => self.reply(&http::sentence(error.status(), error), Then::Close),
        }
        None
    }

    fn reply(&mut self, response: &Response<Body>, then: Then) {
        // Whoever runs the port may want to allow what is refused; the rest is between it and the caller.
        let is_refused = response.status() == StatusCode::FORBIDDEN;
        let level = if is_refused { log::Level::Info } else { log::Level::Debug };
        let said = String::from_utf8_lossy(response.body());
        log::log!(level, "{}: HTTP {}: {}", self.place, response.status(), said.trim_end());
        self.stage = Stage::Answering { bytes: http::encode(response), written: 0, then };
    }

    fn answer(&mut self, now: Instant) -> Option<Visit> {
        let Stage::Answering { bytes, written, then } = &mut self.stage else { return None };
        while let Some(rest) = bytes.get(*written..).filter(|rest| !rest.is_empty()) {
            match self.stream.write(rest) {
                Ok(0) => return Some(Visit::Over),
                Ok(count) => *written += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return stopped(error.kind(), Interest::WRITE),
            }
        }
        if let Err(error) = self.stream.flush() {
            return stopped(error.kind(), Interest::WRITE);
        }
        match then {
            Then::Upgrade { early, serialization } => {
                Some(Visit::Upgraded { early: std::mem::take(early), serialization: *serialization })
            }
            Then::Close => self.finish(now),
        }
    }

    /// Says that nothing follows.
    fn finish(&mut self, now: Instant) -> Option<Visit> {
        if self.stream.finish().is_err() {
            return Some(Visit::Over);
        }
        self.stage = Stage::Lingering { left: LINGER.1, answers: self.answers() };
        self.deadline = now + LINGER.0;
        None
    }

    fn linger(&mut self) -> Option<Visit> {
        let Stage::Lingering { left, .. } = &mut self.stage else { return None };
        // Whatever it is, encrypted or not.
        match self.stream.socket().read(&mut [0; 4096]) {
            Ok(0) => Some(Visit::Over),
            Ok(count) if count >= *left => Some(Visit::Over),
            Ok(count) => {
                *left -= count;
                None
            }
            Err(error) => stopped(error.kind(), Interest::READ),
        }
    }
}

/// What a failed call means: waiting, trying again, or the end.
fn stopped(kind: ErrorKind, interest: Interest) -> Option<Visit> {
    match kind {
        ErrorKind::WouldBlock => Some(Visit::Waits(interest)),
        ErrorKind::Interrupted => None,
        _ => Some(Visit::Over),
    }
}
