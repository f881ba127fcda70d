//! The exit codes: one table, which `--help` prints and the README repeats.

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It did what it was asked.
    Done,
    /// The answer was an ERROR, or the system refused something.
    Failed,
    /// The command line cannot be carried out as it stands.
    Usage,
    /// There is no connection to the router: refused, no way to it, no such name, or nothing there that speaks WAMP.
    Unreachable,
    /// The router does not let us in.
    Refused,
    /// An answer did not come in time, whichever: a script that gives a time sees this code when it has passed, from
    /// looking up the name to the last result.
    TimedOut,
    /// The connection was lost, or the router ended the session.
    Lost,
    /// A signal ended it before it was done.
    Interrupted,
    /// As the child of `serve` or `join` ended, or why it was not started.
    Child(u8),
}

impl Exit {
    /// All that are ours, by their codes.
    pub const ALL: &[Self] = &[
        Self::Done,
        Self::Failed,
        Self::Usage,
        Self::Unreachable,
        Self::Refused,
        Self::TimedOut,
        Self::Lost,
        Self::Interrupted,
    ];

    /// The process's exit code.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Unreachable => 3,
            Self::Refused => 4,
            Self::TimedOut => 5,
            Self::Lost => 6,
            // What a shell reports of a process that SIGINT ended.
            Self::Interrupted => 130,
            Self::Child(code) => code,
        }
    }

    /// What the code means, without a full stop.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Done => "done; also when a signal ends serve, join, or subscribe without --count",
            Self::Failed => "the WAMP error ERROR, or the system refuses (address in use, full disk)",
            Self::Usage => "usage: the command line asks for what cannot be done",
            Self::Unreachable => "cannot connect",
            Self::Refused => "refused by the router (realm, login)",
            Self::TimedOut => "timed out",
            Self::Lost => "connection lost, or the session ended by the router",
            Self::Interrupted => "interrupted by a signal before it was done",
            Self::Child(_) => "with a COMMAND: its own exit code",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_rise_and_so_are_unique() {
        assert!(Exit::ALL.windows(2).all(|pair| pair[0].code() < pair[1].code()));
    }
}
