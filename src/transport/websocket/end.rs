//! The two ends of a WebSocket, and what differs between them.

use tungstenite::protocol::{Role, WebSocketConfig};

use crate::transport::{MAX_FORWARDED, MAX_HELLO};
use crate::wamp::codec::Sender;

/// Which end of the connection this is, with the size of its buffers: a client has one connection, a router many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The end that connected.
    Client,
    /// The end that accepted.
    Server,
}

impl End {
    /// Who sends what comes in.
    pub(super) const fn other(self) -> Sender {
        match self {
            Self::Client => Sender::Router,
            Self::Server => Sender::Client,
        }
    }

    pub(super) const fn role(self) -> Role {
        match self {
            Self::Client => Role::Client,
            Self::Server => Role::Server,
        }
    }

    /// Bytes handed to the WebSocket layer before it must write them. What waits beyond that stays in the queue, where it
    /// is counted.
    pub(super) const fn write_unit(self) -> usize {
        match self {
            Self::Client => 16 * 1024,
            Self::Server => 8 * 1024,
        }
    }

    /// The limits of a WebSocket on this end, before there is a session.
    #[must_use]
    pub fn config(self) -> WebSocketConfig {
        let (read_buffer, longest) = match self {
            Self::Client => (16 * 1024, MAX_FORWARDED),
            Self::Server => (4 * 1024, MAX_HELLO),
        };
        WebSocketConfig::default()
            .read_buffer_size(read_buffer)
            .write_buffer_size(self.write_unit())
            .max_message_size(Some(longest))
            .max_frame_size(Some(longest))
    }
}
