//! The ways to log in, by their names.

/// A way to log in (*Authentication Methods*).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// Nothing is proved.
    Anonymous,
    /// The secret itself is sent.
    Ticket,
    /// WAMP-CRA: a challenge is signed with the secret, or with a key derived from it.
    WampCra,
    /// WAMP-SCRAM: both sides prove that they know the secret or what was derived from it.
    Scram,
    /// A challenge is signed with a private key.
    Cryptosign,
}

impl Method {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Anonymous, Self::Ticket, Self::WampCra, Self::Scram, Self::Cryptosign];

    /// Its name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::Ticket => "ticket",
            Self::WampCra => "wampcra",
            Self::Scram => "scram",
            Self::Cryptosign => "cryptosign",
        }
    }

    /// The method with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.name() == name)
    }

    /// Whether this build has it.
    #[must_use]
    pub const fn is_built(self) -> bool {
        matches!(self, Self::Anonymous | Self::Ticket) || cfg!(feature = "auth")
    }
}
