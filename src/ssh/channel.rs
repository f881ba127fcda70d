//! One channel (RFC 4254, section 5): its windows, and how it ends. What it sends goes out through the transport, in the
//! order in which it was asked for.

use super::error::SshError;
use super::event::{ChannelId, Stream};
use super::limits::{MAX_DATA, MAX_OUTPUT, RECEIVE_WINDOW};
use super::message;
use super::transport::Transport;
use super::wire::Payload;

/// What the client opened a channel with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Opening {
    /// The client's number for it.
    pub(super) theirs: u32,
    /// How much the client takes for now, in bytes.
    pub(super) window: u32,
    /// The longest data that it takes at once, in bytes.
    pub(super) max_packet: u32,
}

/// Which of the two directions of a channel a side has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
enum End {
    /// None.
    Open,
    /// It sends no more data.
    Eof,
    /// It is through with the channel.
    Closed,
}

/// A channel that neither side has forgotten.
#[derive(Debug)]
pub(super) struct Channel {
    id: ChannelId,
    opening: Opening,
    /// How much we may send, in bytes.
    send_window: u32,
    /// How much the client may send, in bytes.
    receive_window: u32,
    /// How much was consumed that the client was not told of, in bytes.
    consumed: u32,
    ours: End,
    theirs: End,
    /// What was asked for on it.
    pub(super) session: Session,
}

/// What a session channel has been asked for.
#[derive(Debug, Default)]
pub(super) struct Session {
    /// There is a terminal.
    pub(super) has_pty: bool,
    /// A shell or command runs or ran.
    pub(super) is_started: bool,
    /// Variables of the environment so far.
    pub(super) variables: u32,
}

impl Channel {
    pub(super) fn new(id: ChannelId, opening: Opening) -> Self {
        Self {
            id,
            opening,
            send_window: opening.window,
            receive_window: RECEIVE_WINDOW,
            consumed: 0,
            ours: End::Open,
            theirs: End::Open,
            session: Session::default(),
        }
    }

    pub(super) fn id(&self) -> ChannelId {
        self.id
    }

    /// Whether both sides are through.
    pub(super) fn is_over(&self) -> bool {
        self.ours == End::Closed && self.theirs == End::Closed
    }

    /// Whether we are.
    pub(super) fn is_closed(&self) -> bool {
        self.ours == End::Closed
    }

    fn message(&self, number: u8) -> Payload {
        Payload::message(number).u32(self.opening.theirs)
    }

    fn broken(&self, reason: &'static str) -> SshError {
        SshError::Channel { channel: self.id.0, reason }
    }

    /// The answer to CHANNEL_OPEN.
    pub(super) fn confirm(&self, transport: &mut Transport) -> Result<(), SshError> {
        transport
            .send(self.message(message::CHANNEL_OPEN_CONFIRMATION).u32(self.id.0).u32(RECEIVE_WINDOW).u32(MAX_DATA))
    }

    /// The answer to a CHANNEL_REQUEST that wants one.
    pub(super) fn reply(&self, number: u8, transport: &mut Transport) -> Result<(), SshError> {
        if self.ours == End::Closed { Ok(()) } else { transport.send(self.message(number)) }
    }

    /// The client may send so many bytes fewer.
    pub(super) fn received(&mut self, count: usize) -> Result<(), SshError> {
        if self.theirs != End::Open {
            return Err(self.broken("expected no data after SSH_MSG_CHANNEL_EOF"));
        }
        let count = u32::try_from(count).ok().filter(|count| *count <= MAX_DATA);
        let count = count.ok_or_else(|| self.broken("more data in a packet than was agreed on"))?;
        let left = self.receive_window.checked_sub(count);
        self.receive_window = left.ok_or_else(|| self.broken("more data than the window has room for"))?;
        Ok(())
    }

    /// So much of what was received needs no room any more. The client is told of it in large steps.
    pub(super) fn consumed(&mut self, count: usize, transport: &mut Transport) -> Result<(), SshError> {
        let outstanding = RECEIVE_WINDOW - self.receive_window - self.consumed;
        self.consumed += u32::try_from(count).unwrap_or(u32::MAX).min(outstanding);
        if self.consumed < RECEIVE_WINDOW / 2 || self.theirs != End::Open || self.ours == End::Closed {
            return Ok(());
        }
        let step = std::mem::take(&mut self.consumed);
        self.receive_window += step;
        transport.send(self.message(message::CHANNEL_WINDOW_ADJUST).u32(step))
    }

    /// The client takes so many bytes more.
    pub(super) fn adjust(&mut self, count: u32) -> Result<(), SshError> {
        let window = self.send_window.checked_add(count);
        self.send_window = window.ok_or_else(|| self.broken("a window of more than 2^32 - 1 bytes"))?;
        Ok(())
    }

    /// How much [`Channel::write`] would take.
    pub(super) fn room(&self, transport: &Transport) -> usize {
        if self.ours != End::Open || self.opening.max_packet == 0 || !transport.may_send() {
            return 0;
        }
        let window = usize::try_from(self.send_window).unwrap_or(usize::MAX);
        window.min(MAX_OUTPUT.saturating_sub(transport.output().len()))
    }

    /// Sends as much of this as there is room for, and says how much that was.
    pub(super) fn write(&mut self, stream: Stream, bytes: &[u8], transport: &mut Transport) -> Result<usize, SshError> {
        let mut taken = 0;
        loop {
            let rest = bytes.get(taken..).unwrap_or_default();
            let longest = usize::try_from(self.opening.max_packet.min(MAX_DATA)).unwrap_or(usize::MAX);
            // Asked anew for each packet: one of them may have been the last before new keys.
            let size = rest.len().min(longest).min(self.room(transport));
            let Some(data) = rest.get(..size).filter(|data| !data.is_empty()) else { return Ok(taken) };
            let size = u32::try_from(size).map_err(|_| self.broken("more data than fits a packet"))?;
            let head = match stream {
                Stream::Out => self.message(message::CHANNEL_DATA),
                // 1 is SSH_EXTENDED_DATA_STDERR.
                Stream::Err => self.message(message::CHANNEL_EXTENDED_DATA).u32(1),
            };
            transport.send_data(&head.u32(size), data)?;
            self.send_window = self.send_window.saturating_sub(size);
            taken += data.len();
        }
    }

    /// The client sends no more data.
    pub(super) fn received_eof(&mut self) -> Result<(), SshError> {
        if self.theirs != End::Open {
            return Err(self.broken("expected one SSH_MSG_CHANNEL_EOF at most"));
        }
        self.theirs = End::Eof;
        Ok(())
    }

    /// The client is through; so are we then.
    pub(super) fn received_close(&mut self, transport: &mut Transport) -> Result<(), SshError> {
        if self.theirs == End::Closed {
            return Err(self.broken("expected one SSH_MSG_CHANNEL_CLOSE"));
        }
        self.theirs = End::Closed;
        if self.ours != End::Closed {
            self.ours = End::Closed;
            transport.send(self.message(message::CHANNEL_CLOSE))?;
        }
        Ok(())
    }

    /// Ends the channel from our side: how the command ended, if it did, then EOF, then CLOSE.
    pub(super) fn close(&mut self, outcome: Option<Payload>, transport: &mut Transport) -> Result<(), SshError> {
        if self.ours == End::Closed {
            return Ok(());
        }
        if let Some(outcome) = outcome {
            transport.send(self.message(message::CHANNEL_REQUEST).raw(outcome.as_bytes()))?;
        }
        self.ours = End::Closed;
        transport.send(self.message(message::CHANNEL_EOF))?;
        transport.send(self.message(message::CHANNEL_CLOSE))
    }
}

/// `exit-status` (RFC 4254, section 6.10).
pub(super) fn exit_status(status: u32) -> Payload {
    Payload::fields().string(b"exit-status").boolean(false).u32(status)
}

/// `exit-signal`: the signal's name is without `SIG`.
pub(super) fn exit_signal(name: &str) -> Payload {
    Payload::fields()
        .string(b"exit-signal")
        .boolean(false)
        .string(name.as_bytes())
        .boolean(false)
        .string(b"")
        .string(b"")
}
