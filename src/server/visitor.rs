//! A connection before it is a peer: its request is read, answered, and either upgraded or closed.

use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
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
use crate::transport::socket::Socket;
use crate::wamp::codec::Serialization;

/// How long the peer may take to close after the answer, and how many bytes it may still send. Without that patience, bytes
/// that are still under way would make the kernel reset the connection, and the answer be lost.
const LINGER: (Duration, usize) = (Duration::from_secs(1), 64 * 1024);

/// A connection that is no peer yet.
#[derive(Debug)]
pub(super) struct Visitor {
    socket: Socket,
    place: Place,
    stage: Stage,
    deadline: Instant,
    watch: Watch,
}

#[derive(Debug)]
enum Stage {
    Asking { head: Vec<u8> },
    Answering { bytes: Vec<u8>, written: usize, then: Then },
    Lingering { left: usize },
}

#[derive(Debug)]
enum Then {
    Close,
    Upgrade { early: Vec<u8>, serialization: Serialization },
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
    pub fn new(socket: Socket, place: Place, watch: Watch, deadline: Instant) -> Self {
        Self { socket, place, stage: Stage::Asking { head: Vec::new() }, deadline, watch }
    }

    /// Has the kernel and the clock tell when there is something to do.
    pub fn register(&mut self, interest: Interest, registry: &mut Registry) {
        registry.set(self.socket.as_fd(), &mut self.watch, interest, Some(self.deadline));
    }

    /// Takes it out of the registry, to be closed.
    pub fn forget(mut self, registry: &mut Registry) {
        registry.forget(self.socket.as_fd(), &mut self.watch);
    }

    /// Where it calls from.
    pub const fn place(&self) -> Place {
        self.place
    }

    /// How many requests of it were answered.
    pub const fn answers(&self) -> u64 {
        match self.stage {
            Stage::Asking { .. } => 0,
            Stage::Answering { .. } | Stage::Lingering { .. } => 1,
        }
    }

    /// What makes a peer of it. It stays registered.
    pub fn into_parts(self) -> (Socket, Place, Watch) {
        (self.socket, self.place, self.watch)
    }

    /// Goes as far as the connection allows.
    pub fn advance(&mut self, access: &Access, now: Instant) -> Visit {
        loop {
            let result = match &mut self.stage {
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

    fn ask(&mut self, access: &Access) -> Option<Visit> {
        let Stage::Asking { head } = &mut self.stage else { return None };
        let mut chunk = [0; 2048];
        let room = chunk.len().min(MAX_HEAD.saturating_sub(head.len()));
        let got = match (&self.socket).read(chunk.get_mut(..room)?) {
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
        log::debug!("{}: HTTP {}", self.place, response.status());
        self.stage = Stage::Answering { bytes: http::encode(response), written: 0, then };
    }

    fn answer(&mut self, now: Instant) -> Option<Visit> {
        let Stage::Answering { bytes, written, then } = &mut self.stage else { return None };
        while let Some(rest) = bytes.get(*written..).filter(|rest| !rest.is_empty()) {
            match (&self.socket).write(rest) {
                Ok(0) => return Some(Visit::Over),
                Ok(count) => *written += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return stopped(error.kind(), Interest::WRITE),
            }
        }
        match then {
            Then::Upgrade { early, serialization } => {
                Some(Visit::Upgraded { early: std::mem::take(early), serialization: *serialization })
            }
            Then::Close => {
                if self.socket.shutdown(Shutdown::Write).is_err() {
                    return Some(Visit::Over);
                }
                self.stage = Stage::Lingering { left: LINGER.1 };
                self.deadline = now + LINGER.0;
                None
            }
        }
    }

    fn linger(&mut self) -> Option<Visit> {
        let Stage::Lingering { left } = &mut self.stage else { return None };
        match (&self.socket).read(&mut [0; 4096]) {
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
