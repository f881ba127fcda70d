//! Why a command did not do what it was asked: the sentence for the user, and the exit code.

use std::fmt;
use std::io;

use super::exit::Exit;
use super::form::error_in_words;
use crate::agent::AgentError;
use crate::link::LinkError;
use crate::server::ServerError;
use crate::supervisor::OWN_FAILURE;
use crate::transport::TransportError;
use crate::wamp::WampError;
use crate::wamp::session::NotNow;

/// A command's failure. Its `Display` is what stands behind `wampproc: ` on stderr.
#[derive(Debug)]
pub enum Failure {
    /// The command line says what cannot be done.
    Usage(String),
    /// A file that was named cannot be read.
    Input {
        /// The file's name.
        name: String,
        /// What the system says.
        error: io::Error,
    },
    /// The standard output does not take what is written.
    Output(io::Error),
    /// The answer is an ERROR.
    Wamp(WampError),
    /// No connection, or no longer.
    Link(LinkError),
    /// The session takes no request.
    Session(NotNow),
    /// The agent could not be made, or came to an end of its own.
    Agent(AgentError),
    /// The router could not be started.
    Server(ServerError),
    /// What was asked for did not come in time.
    TimedOut(String),
    /// A signal came first.
    Interrupted,
    /// A child ended so, or was not started; that was logged.
    Child(u8),
    /// What went wrong before a child was started.
    BeforeChild(Box<Failure>),
    /// What went wrong, and what the user could try.
    Advised(Box<Failure>, &'static str),
    /// The system refused.
    System {
        /// What, as in "cannot …".
        what: String,
        /// What the system says.
        error: io::Error,
    },
}

impl Failure {
    /// Something went wrong before a child was started.
    #[must_use]
    pub fn before_child(failure: Self) -> Self {
        Self::BeforeChild(Box::new(failure))
    }

    /// Something went wrong with what that flag names: of a file that cannot be read only its name would be told.
    #[must_use]
    pub fn of_flag(self, flag: &str) -> Self {
        match self {
            Self::Input { name, error } => Self::Input { name: format!("{name} ({flag})"), error },
            other => other,
        }
    }

    /// With what the user could try, if there is something.
    #[must_use]
    pub fn advised(self, advice: Option<&'static str>) -> Self {
        match advice {
            Some(advice) => Self::Advised(Box::new(self), advice),
            None => self,
        }
    }

    /// How the process ends.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            // Whoever read our output has enough of it.
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Done,
            Self::Usage(_) | Self::Input { .. } => Exit::Usage,
            Self::Output(_) | Self::Wamp(_) | Self::Server(_) | Self::System { .. } => Exit::Failed,
            Self::Link(error) => exit_of(error),
            Self::Session(_) => Exit::Lost,
            Self::TimedOut(_) => Exit::TimedOut,
            Self::Interrupted => Exit::Interrupted,
            Self::Child(code) => Exit::Child(*code),
            Self::BeforeChild(failure) => match failure.exit() {
                Exit::Usage => Exit::Usage,
                _ => Exit::Child(OWN_FAILURE),
            },
            Self::Advised(failure, _) => failure.exit(),
            Self::Agent(error) => match error {
                AgentError::Link(error) => exit_of(error),
                AgentError::Name(_) => Exit::Usage,
                AgentError::DuplicateProcedure(_)
                | AgentError::Target(_)
                | AgentError::Os(_)
                | AgentError::Taken(_)
                | AgentError::NothingRegistered(_) => Exit::Failed,
            },
        }
    }

    /// Whether there is nobody who would want to read about it.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        matches!((self, self.exit()), (Self::Interrupted | Self::Child(_), _) | (_, Exit::Done))
    }
}

const fn exit_of(error: &LinkError) -> Exit {
    match error {
        LinkError::Unanswered(_) | LinkError::Unreachable(TransportError::NoAnswer(_) | TransportError::TooSlow(_)) => {
            Exit::TimedOut
        }
        LinkError::Unreachable(_) => Exit::Unreachable,
        LinkError::Refused(_) => Exit::Refused,
        LinkError::Randomness(_) => Exit::Failed,
        LinkError::Lost(_) | LinkError::Ended(_) | LinkError::Violation(_) => Exit::Lost,
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(sentence) | Self::TimedOut(sentence) => f.write_str(sentence),
            Self::Input { name, error } => write!(f, "cannot read {name}: {error}"),
            Self::Output(error) => write!(f, "cannot write to the standard output: {error}"),
            Self::Wamp(error) => f.write_str(&error_in_words(error)),
            Self::Link(error) => error.fmt(f),
            Self::Session(error) => error.fmt(f),
            Self::Agent(error) => error.fmt(f),
            Self::Server(error) => error.fmt(f),
            Self::Interrupted => f.write_str("interrupted"),
            Self::Child(code) => write!(f, "the child ended with exit code {code}"),
            Self::BeforeChild(failure) => failure.fmt(f),
            Self::Advised(failure, advice) => write!(f, "{failure} ({advice})"),
            Self::System { what, error } => write!(f, "cannot {what}: {error}"),
        }
    }
}

impl std::error::Error for Failure {}

impl From<LinkError> for Failure {
    fn from(error: LinkError) -> Self {
        Self::Link(error)
    }
}

impl From<NotNow> for Failure {
    fn from(error: NotNow) -> Self {
        Self::Session(error)
    }
}

impl From<AgentError> for Failure {
    fn from(error: AgentError) -> Self {
        Self::Agent(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wamp::Uri;
    use crate::wamp::event::Closing;

    #[test]
    fn every_end_has_its_exit_code() {
        let closing = || Closing { reason: Uri::from("wamp.error.no_such_realm"), message: None };
        let lost = || LinkError::Lost(TransportError::HungUp);
        for (failure, code) in [
            (Failure::Output(io::ErrorKind::BrokenPipe.into()), 0),
            (Failure::Output(io::ErrorKind::StorageFull.into()), 1),
            (Failure::Wamp(WampError::new("a.b", "no")), 1),
            (Failure::Agent(AgentError::Taken(Uri::from("a.b"))), 1),
            (Failure::Agent(AgentError::Os(io::ErrorKind::Other.into())), 1),
            (Failure::Usage(String::new()), 2),
            (Failure::Agent(AgentError::Name("x".to_owned().into())), 2),
            (Failure::Link(LinkError::Unreachable(TransportError::HungUp)), 3),
            (Failure::Agent(AgentError::Link(LinkError::Refused(closing()))), 4),
            (Failure::Link(LinkError::Unreachable(TransportError::TooSlow(""))), 5),
            (Failure::Link(LinkError::Unanswered("HELLO")), 5),
            (Failure::TimedOut(String::new()), 5),
            (Failure::Link(lost()), 6),
            (Failure::Link(LinkError::Ended(closing())), 6),
            (Failure::Interrupted, 130),
            (Failure::Child(143), 143),
            (Failure::before_child(Failure::Interrupted), 125),
            (Failure::before_child(Failure::Usage(String::new())), 2),
        ] {
            assert_eq!(failure.exit().code(), code, "{failure:?}");
        }
    }
}
