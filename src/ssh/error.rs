//! Why a connection had to be ended: one enum, whose text is what the log and the client's DISCONNECT say.

use std::fmt;

use super::message;

/// The peer broke the protocol or a limit, and the connection is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SshError {
    /// The first line was no identification of an SSH-2 client (RFC 4253, section 4.2).
    Ident {
        /// The beginning of what came instead, printable.
        got: String,
    },
    /// A message ended early, had something after its end, or a field that is none.
    Malformed {
        /// Which message.
        message: &'static str,
        /// Which field, or what was wrong.
        field: &'static str,
    },
    /// Something is larger or more than may be.
    Limit {
        /// What, with its unit.
        what: &'static str,
        /// The most.
        limit: u64,
        /// What came.
        got: u64,
    },
    /// A message that may not come now.
    Unexpected {
        /// What may.
        expected: &'static str,
        /// The number of what came.
        got: u8,
    },
    /// Nothing in common in one of the lists of KEXINIT.
    NoCommonAlgorithm {
        /// Which list.
        list: &'static str,
        /// What the client offered, shortened.
        offered: String,
    },
    /// The client's share of a key exchange gives no secret.
    KeyExchange {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A packet was altered on its way, or encrypted with another key.
    Integrity,
    /// A service other than the one that can be had now.
    Service {
        /// Which one can.
        expected: &'static str,
        /// Which was asked for, shortened and printable.
        got: String,
    },
    /// As many logins failed as may.
    TooManyAttempts {
        /// How many.
        limit: u32,
    },
    /// A message for a channel that is not open, or that may not come on it any more.
    Channel {
        /// The number that the client gave for ours.
        channel: u32,
        /// What is wrong.
        reason: &'static str,
    },
}

impl SshError {
    /// The reason code that DISCONNECT gives (RFC 4253, section 11.1).
    #[must_use]
    pub(super) fn reason(&self) -> u32 {
        match self {
            Self::Ident { .. } => message::reason::PROTOCOL_VERSION_NOT_SUPPORTED,
            Self::NoCommonAlgorithm { .. } | Self::KeyExchange { .. } => message::reason::KEY_EXCHANGE_FAILED,
            Self::Integrity => message::reason::MAC_ERROR,
            Self::Service { .. } => message::reason::SERVICE_NOT_AVAILABLE,
            Self::TooManyAttempts { .. } => message::reason::NO_MORE_AUTH_METHODS_AVAILABLE,
            Self::Malformed { .. } | Self::Limit { .. } | Self::Unexpected { .. } | Self::Channel { .. } => {
                message::reason::PROTOCOL_ERROR
            }
        }
    }
}

impl fmt::Display for SshError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ident { got } => write!(f, "expected a line \"SSH-2.0-...\" first, got \"{got}\""),
            Self::Malformed { message, field } => write!(f, "malformed {message}: {field}"),
            Self::Limit { what, limit, got } => write!(f, "{what}: expected at most {limit}, got {got}"),
            Self::Unexpected { expected, got } => {
                write!(f, "expected {expected}, got {} ({got})", message::name(*got))
            }
            Self::NoCommonAlgorithm { list, offered } => write!(f, "no common {list}, got \"{offered}\""),
            Self::KeyExchange { reason } => write!(f, "key exchange failed: {reason}"),
            Self::Integrity => f.write_str("a packet's authentication code is wrong"),
            Self::Service { expected, got } => write!(f, "expected the service {expected}, got \"{got}\""),
            Self::TooManyAttempts { limit } => write!(f, "too many failed logins, at most {limit} a connection"),
            Self::Channel { channel, reason } => write!(f, "channel {channel}: {reason}"),
        }
    }
}

impl std::error::Error for SshError {}

/// A few words of a peer for a message to people: printable, and not many.
pub(super) fn printable(bytes: &[u8]) -> String {
    const LONGEST: usize = 128;
    String::from_utf8_lossy(bytes)
        .chars()
        .take(LONGEST)
        .map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_says_what_was_expected_and_got() {
        let error = SshError::Unexpected { expected: "SSH_MSG_SERVICE_REQUEST", got: 50 };
        assert_eq!(error.to_string(), "expected SSH_MSG_SERVICE_REQUEST, got SSH_MSG_USERAUTH_REQUEST (50)");
        assert_eq!(error.reason(), 2);
    }

    #[test]
    fn a_peers_words_are_shortened_and_made_printable() {
        assert_eq!(printable(b"GET / HTTP/1.1\r\n"), "GET / HTTP/1.1\u{fffd}\u{fffd}");
        assert_eq!(printable(&[b'a'; 1000]).len(), 128);
        assert_eq!(printable(b"\x1b[2J\xff"), "\u{fffd}[2J\u{fffd}");
    }
}
