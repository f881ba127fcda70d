//! An open WebSocket as frames in and frames out, whatever they carry: queues, limits, pings and the closing handshake, the
//! same for both ends. Driven as every transport is (see [`crate::transport`]).

use std::collections::VecDeque;
use std::io::{self, Read};
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use tungstenite::error::{CapacityError, ProtocolError};
use tungstenite::protocol::CloseFrame;
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::{Bytes, Error, Message as Frame, Utf8Bytes, WebSocket};

use super::end::End;
use crate::sync::wait::Interest;
use crate::transport::TransportError;
use crate::transport::closing::{CLOSE_PATIENCE, Closing, IDLE_ENTRIES, MAX_PONGS, forget_round};
use crate::transport::frame::LongFrame;
use crate::transport::framed::Framed;
use crate::transport::keepalive::{Due, Keepalive, KeepalivePolicy};
use crate::transport::stream::Stream;
use crate::transport::traffic::Traffic;

/// What a queued frame costs beside its text: an entry of the queue, a header, an allocation.
const FRAME_COST: usize = 64;

/// A longer frame leaves the WebSocket layer with a buffer that is too large to keep, in bytes.
const LONG_FRAME: u64 = 16 * 1024;

/// What a WebSocket carries: the payload of a frame, or of several that make one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data {
    /// A text.
    Text(Utf8Bytes),
    /// Bytes.
    Binary(Bytes),
}

/// What came in.
#[derive(Debug)]
pub enum Arrival {
    /// Nothing until the descriptor is ready.
    Nothing,
    /// A message.
    Data(Data),
    /// A message that is longer than may be, of which no more is read. The connection can still be written to.
    TooLong {
        /// Bytes that it may have.
        longest: usize,
        /// Bytes that it has so far.
        got: usize,
    },
    /// The peer closed in good order.
    Closed,
}

/// An open WebSocket.
#[derive(Debug)]
pub struct Frames {
    socket: WebSocket<Framed>,
    end: End,
    queue: VecDeque<Frame>,
    queued: usize,
    /// Whether the last write did not go out whole.
    blocked: bool,
    /// Bytes of answers to pings since the last write went out whole.
    pongs: usize,
    /// What comes in is thrown away: the WebSocket layer has lost its place in the stream, and must not read on.
    deaf: bool,
    keepalive: Keepalive,
    /// Its bytes are counted by the stream.
    traffic: Traffic,
    closing: Option<Closing>,
    /// How long it may take from [`Frames::close`] until what was queued before is out.
    drain: Duration,
}

impl Frames {
    /// That end of a connection whose upgrade is done. `early` is what came behind the head.
    #[must_use]
    pub fn new(stream: Stream, early: Vec<u8>, end: End, policy: KeepalivePolicy, now: Instant) -> Self {
        let stream = Framed::accepted(stream, &early);
        Self::on(WebSocket::from_partially_read(stream, early, end.role(), Some(end.config())), end, policy, now)
    }

    /// That end of an open WebSocket.
    pub(in crate::transport) fn on(socket: WebSocket<Framed>, end: End, policy: KeepalivePolicy, now: Instant) -> Self {
        let keepalive = Keepalive::new(policy, now);
        Self {
            socket,
            end,
            queue: VecDeque::new(),
            queued: 0,
            blocked: false,
            pongs: 0,
            deaf: false,
            keepalive,
            traffic: Traffic::default(),
            closing: None,
            drain: CLOSE_PATIENCE,
        }
    }

    /// How long what is queued may take to go out once the connection is to be closed; 500 ms if this is not said.
    #[must_use]
    pub fn draining_within(self, drain: Duration) -> Self {
        Self { drain, ..self }
    }

    /// Which end this is.
    #[must_use]
    pub const fn end(&self) -> End {
        self.end
    }

    /// From now on takes messages of so many bytes, instead of what [`End::config`] has.
    pub fn take_up_to(&mut self, longest: usize) {
        self.socket.set_config(|config| {
            config.max_message_size = Some(longest);
            config.max_frame_size = Some(longest);
        });
    }

    fn queue(&mut self, frame: Frame) {
        self.queued += frame.len() + FRAME_COST;
        self.queue.push_back(frame);
    }

    /// Hands the WebSocket layer what it may hold. True: there is more.
    fn feed(&mut self) -> Result<bool, Error> {
        let unit = self.end.write_unit();
        let mut fed = 0;
        while fed < unit {
            let Some(frame) = self.queue.pop_front() else { return Ok(false) };
            let cost = frame.len() + FRAME_COST;
            match frame {
                // The layer's buffer grows with the longest frame and never shrinks: a thousand subscribers would keep a
                // thousand copies of the longest event there ever was. So that one goes past it, and needs no copy at all.
                frame @ (Frame::Text(_) | Frame::Binary(_)) if frame.len() > unit && self.end == End::Server => {
                    if let Err(error) = self.socket.flush() {
                        self.queue.push_front(frame);
                        return Err(error);
                    }
                    self.queued = self.queued.saturating_sub(cost);
                    self.socket.get_mut().put(match frame {
                        Frame::Text(text) => LongFrame::text(text.into()),
                        frame => LongFrame::binary(frame.into_data()),
                    });
                    return Ok(!self.queue.is_empty());
                }
                frame => {
                    self.queued = self.queued.saturating_sub(cost);
                    fed += cost;
                    // `WouldBlock` means here: taken, but not all of it written yet.
                    self.socket.write(frame)?;
                }
            }
        }
        Ok(!self.queue.is_empty())
    }

    /// Everything that was queued is written.
    fn all_is_out(&mut self, now: Instant) {
        // A burst that has gone out leaves no memory behind.
        self.queue.shrink_to(IDLE_ENTRIES);
        if let Some(Closing::Draining(_)) = self.closing {
            self.closing = Some(Closing::Said(now + CLOSE_PATIENCE));
        }
    }

    /// Puts the ping off, or takes it for answered, when there was a sign of life.
    fn look_for_life(&mut self, now: Instant) {
        if self.socket.get_mut().stream().take_sign_of_life() {
            self.keepalive.heard(now);
        }
    }

    /// The WebSocket layer's buffer grows with the longest frame and never shrinks: a thousand peers would keep a thousand
    /// times the longest message there ever was. When the layer holds nothing, a new one takes its place. (What waits to be
    /// written is not in it either, unless it is `blocked` or answers to pings are under way.)
    fn give_memory_back(&mut self) {
        let follower = self.socket.get_ref().follower();
        let is_large = follower.longest() > LONG_FRAME;
        let is_idle = follower.is_between_messages() && !self.blocked && self.pongs == 0;
        if is_large && is_idle && self.socket.can_read() && self.socket.can_write() {
            let (role, config) = (self.end.role(), *self.socket.get_config());
            let stream = self.socket.get_mut().handed_on();
            self.socket = WebSocket::from_raw_socket(stream, role, Some(config));
        }
    }

    /// Throws away a round of what comes in, until the peer has hung up.
    fn pass_over(&mut self) -> Result<Arrival, TransportError> {
        let mut sink = [0; 4096];
        loop {
            match self.socket.get_mut().read(&mut sink) {
                Ok(0) => return Ok(Arrival::Closed),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Arrival::Nothing),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Err(TransportError::HungUp),
            }
        }
    }

    fn fail(&mut self, error: Error) -> TransportError {
        self.deaf = true;
        let code = match error {
            Error::Utf8(_) => CloseCode::Invalid,
            _ => CloseCode::Protocol,
        };
        // The connection is lost either way; the peer is told why if it still listens.
        let _ = self.socket.close(Some(CloseFrame { code, reason: Utf8Bytes::from_static("") }));
        match error {
            Error::ConnectionClosed
            | Error::AlreadyClosed
            | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => TransportError::HungUp,
            Error::Io(error) => TransportError::of_stream(error),
            Error::Protocol(error) => TransportError::Framing(error.to_string()),
            Error::Utf8(_) => TransportError::Framing("expected text in UTF-8".to_owned()),
            other => TransportError::Framing(other.to_string()),
        }
    }
}

impl Frames {
    /// The descriptor to wait for.
    #[must_use]
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.socket.get_ref().as_fd()
    }

    /// What to wait for on it.
    #[must_use]
    pub fn interest(&self) -> Interest {
        Interest { read: true, write: self.blocked || self.socket.get_ref().owes() }
    }

    /// The next message, without waiting.
    ///
    /// # Errors
    /// [`TransportError`]: the connection is gone.
    pub fn receive(&mut self, now: Instant) -> Result<Arrival, TransportError> {
        if self.deaf {
            return self.pass_over();
        }
        loop {
            let frame = match self.socket.read() {
                Ok(frame) => frame,
                Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.look_for_life(now);
                    self.give_memory_back();
                    return Ok(Arrival::Nothing);
                }
                Err(Error::Io(error)) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(Error::ConnectionClosed) => return Ok(Arrival::Closed),
                Err(Error::Capacity(CapacityError::MessageTooLong { size, max_size })) => {
                    self.deaf = true;
                    return Ok(Arrival::TooLong { longest: max_size, got: size });
                }
                Err(error) => return Err(self.fail(error)),
            };
            self.keepalive.heard(now);
            match frame {
                Frame::Text(text) => return Ok(self.arrived(Data::Text(text))),
                Frame::Binary(bytes) => return Ok(self.arrived(Data::Binary(bytes))),
                // Answered by the WebSocket layer, which buffers the answer when it cannot write.
                Frame::Ping(data) => {
                    self.pongs += data.len() + 2;
                    if self.pongs > MAX_PONGS {
                        self.deaf = true;
                        return Err(TransportError::Framing("it sends pings and does not read the answers".to_owned()));
                    }
                }
                Frame::Pong(_) => self.traffic.round_trip = self.keepalive.answered(now),
                Frame::Frame(_) => {}
                Frame::Close(_) => {
                    self.closing.get_or_insert(Closing::Said(now + CLOSE_PATIENCE));
                }
            }
        }
    }

    fn arrived(&mut self, data: Data) -> Arrival {
        self.traffic.received.count();
        Arrival::Data(data)
    }

    /// Queues a message.
    pub fn send(&mut self, data: Data) {
        self.traffic.sent.count();
        self.queue(match data {
            Data::Text(text) => Frame::Text(text),
            Data::Binary(bytes) => Frame::Binary(bytes),
        });
    }

    /// Writes what is queued, as far as the peer takes it.
    ///
    /// # Errors
    /// [`TransportError`]: the connection is gone.
    pub fn flush(&mut self, now: Instant) -> Result<(), TransportError> {
        if !self.socket.can_write() {
            self.queue.clear();
            self.queued = 0;
        }
        loop {
            let fed = if self.blocked { Ok(true) } else { self.feed() };
            let result = fed.and_then(|more| self.socket.flush().map(|()| more));
            self.look_for_life(now);
            match result {
                Ok(more) => {
                    self.blocked = false;
                    self.pongs = 0;
                    if !more || self.queue.is_empty() {
                        self.all_is_out(now);
                        return Ok(());
                    }
                }
                Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.blocked = true;
                    return Ok(());
                }
                Err(Error::Io(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                // The closing handshake is done; reading says so.
                Err(Error::ConnectionClosed | Error::AlreadyClosed) => return Ok(()),
                Err(error) => return Err(self.fail(error)),
            }
        }
    }

    /// Bytes that wait because the peer does not read.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.queued + self.socket.get_ref().left()
    }

    /// What went over it.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        let (read, written) = self.socket.get_ref().bytes();
        Traffic {
            received: self.traffic.received.of_bytes(read),
            sent: self.traffic.sent.of_bytes(written),
            ..self.traffic
        }
    }

    /// Bytes of a message that has not come whole.
    #[must_use]
    pub fn unfinished(&self) -> usize {
        if self.deaf {
            return 0;
        }
        usize::try_from(self.socket.get_ref().follower().unfinished()).unwrap_or(usize::MAX)
    }

    /// When [`Frames::expire`] wants to be called.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        match self.closing {
            Some(closing) => Some(closing.deadline()),
            None => self.keepalive.deadline(),
        }
    }

    /// Does what is due: a ping, or giving up on a peer that is silent.
    ///
    /// # Errors
    /// [`TransportError`]: the peer is given up.
    pub fn expire(&mut self, now: Instant) -> Result<(), TransportError> {
        if self.closing.is_some_and(|closing| now >= closing.deadline()) {
            let _ = self.socket.get_ref().socket().shutdown(Shutdown::Both);
            return Err(TransportError::TooSlow("close the connection"));
        }
        if self.closing.is_some() {
            return Ok(());
        }
        match self.keepalive.due(now) {
            Due::Nothing => Ok(()),
            Due::Ping => {
                self.queue(Frame::Ping(Bytes::new()));
                Ok(())
            }
            // What has come and was not read, because we were busy, is a sign of life too.
            Due::GiveUp(_) if self.socket.get_ref().socket().has_unread() => {
                self.keepalive.heard(now);
                Ok(())
            }
            Due::GiveUp(silence) => Err(TransportError::Silent(silence.as_secs())),
        }
    }

    /// Begins the closing handshake behind what is queued.
    pub fn close(&mut self, now: Instant) {
        if self.closing.is_none() {
            // Who broke the framing is not waited for.
            let drain = if self.deaf { CLOSE_PATIENCE } else { self.drain };
            self.closing = Some(Closing::Draining(now + drain));
            self.queue(Frame::Close(Some(CloseFrame {
                code: CloseCode::Normal,
                reason: Utf8Bytes::from_static("wamp.close.normal"),
            })));
        }
    }

    /// After [`Frames::close`], when nothing that comes matters any more: takes and forgets it. True when the peer is gone too.
    pub fn discard(&mut self, now: Instant) -> bool {
        if self.closing.is_none_or(|closing| now >= closing.deadline()) || self.flush(now).is_err() {
            return true;
        }
        forget_round(self.socket.get_ref().socket())
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
