//! What a connection tells its driver, and what the driver answers.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::publickey::PublicKey;

/// A channel of one connection, by the number that we gave it. Never used for a second one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelId(pub(super) u32);

impl fmt::Display for ChannelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// What happened on a connection. Text in it is the client's: whoever prints it escapes it.
#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    /// Somebody wants in. [`super::Connection::answer_auth`] says whether; nothing else of the client is looked at before.
    Login {
        /// As whom, at most [`super::limits::MAX_USER`] bytes.
        user: String,
        /// With what.
        credential: Credential,
    },
    /// A login failed without the driver being asked: the signature is wrong, or what came cannot be checked at all.
    LoginRefused {
        /// As whom.
        user: String,
        /// Why.
        reason: &'static str,
    },
    /// The login holds. There is at most one a connection.
    LoggedIn {
        /// As whom.
        user: String,
        /// How.
        method: Method,
    },
    /// The client opened a session channel.
    Opened(ChannelId),
    /// The channel is to have a terminal.
    Pty {
        /// Which channel.
        channel: ChannelId,
        /// The terminal's kind, as in `TERM`, at most [`super::limits::MAX_TERM`] bytes.
        term: String,
        /// Its size.
        size: Size,
        /// Its modes, opcode and value (RFC 4254, section 8).
        modes: Vec<(u8, u32)>,
    },
    /// The client offers a variable of its environment.
    Env {
        /// Which channel.
        channel: ChannelId,
        /// Its name.
        name: String,
        /// Its value.
        value: String,
    },
    /// A shell is to run. The client knows already that it will.
    Shell(ChannelId),
    /// A command is to run. The client knows already that it will; one that cannot run says so on stderr and exits.
    Exec {
        /// Which channel.
        channel: ChannelId,
        /// The command line.
        command: Vec<u8>,
    },
    /// The client's window has another size.
    Resized {
        /// Which channel.
        channel: ChannelId,
        /// The new size.
        size: Size,
    },
    /// The client sends a signal.
    Signal {
        /// Which channel.
        channel: ChannelId,
        /// Which, without `SIG`.
        name: String,
    },
    /// Input; it may come before the shell or command that it is for. Whoever has used or dropped it says so to [`super::Connection::consumed`], or the client may not send more.
    Data {
        /// Which channel.
        channel: ChannelId,
        /// At least one byte.
        bytes: Vec<u8>,
    },
    /// No more input on this channel. Output goes on.
    Eof(ChannelId),
    /// The channel is gone, and so is its number.
    Closed(ChannelId),
    /// The client said good-bye: the connection is over.
    Disconnected {
        /// RFC 4253, section 11.1; 11 is the usual one.
        reason: u32,
        /// The client's words, shortened and printable.
        message: String,
    },
}

/// What somebody wants to log in with.
#[derive(Debug, PartialEq, Eq)]
pub enum Credential {
    /// A password.
    Password(Password),
    /// A public key. Asked for once when the client only wants to know whether it would do, and again when it has signed:
    /// the signature is good then. The question is the same, whether this user may log in with this key.
    Key(PublicKey),
}

/// How somebody logged in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// By a password.
    Password,
    /// By a key.
    PublicKey,
}

impl Method {
    /// Its name in the protocol.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::PublicKey => "publickey",
        }
    }
}

/// A password that somebody typed: never shown, wiped when dropped, compared in constant time.
pub struct Password(Zeroizing<String>);

impl Password {
    pub(super) fn new(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }

    /// The password, to be hashed or compared in constant time.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl PartialEq for Password {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for Password {}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(not shown)")
    }
}

/// The driver's answer to [`Event::Login`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// This user may log in with this credential.
    Accept,
    /// Not so: unknown user and wrong credential alike.
    Refuse,
}

/// A terminal's size in characters. 0 means that the client does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Characters in a line.
    pub columns: u32,
    /// Lines.
    pub rows: u32,
}

/// Where output goes at the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_shown() {
        let event =
            Event::Login { user: "me".into(), credential: Credential::Password(Password::new("correct horse")) };
        assert!(!format!("{event:?}").contains("horse"));
    }
}
