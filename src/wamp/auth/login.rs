//! What a client was given to log in with. It outlives sessions.

use std::fmt;

use super::attempt::Attempt;
use super::{Method, Secret};
use crate::wamp::excerpt;
use crate::wamp::options::Dict;

/// Random bytes of a client's nonce. A multiple of three, so that its base64 is the beginning of the base64 of whatever begins
/// with it: routers that join texts and routers that join bytes then come to the same.
pub const NONCE_LENGTH: usize = 24;

/// Who to be, and how to prove it.
#[derive(Clone, Debug, Default)]
pub struct Login {
    pub(super) authid: Option<String>,
    pub(super) authrole: Option<String>,
    pub(super) authextra: Dict,
    pub(super) credential: Credential,
}

/// What proves it.
#[derive(Clone, Debug, Default)]
pub enum Credential {
    /// Nothing.
    #[default]
    Anonymous,
    /// A text that is sent as it is.
    Ticket(Secret),
    /// A secret for WAMP-CRA.
    #[cfg(feature = "auth")]
    WampCra(Secret),
    /// A secret for WAMP-SCRAM.
    #[cfg(feature = "auth")]
    Scram(Secret),
    /// A private key.
    #[cfg(feature = "auth")]
    Cryptosign(super::cryptosign::PrivateKey),
}

impl Credential {
    /// Which method it is for.
    #[must_use]
    pub const fn method(&self) -> Method {
        match self {
            Self::Anonymous => Method::Anonymous,
            Self::Ticket(_) => Method::Ticket,
            #[cfg(feature = "auth")]
            Self::WampCra(_) => Method::WampCra,
            #[cfg(feature = "auth")]
            Self::Scram(_) => Method::Scram,
            #[cfg(feature = "auth")]
            Self::Cryptosign(_) => Method::Cryptosign,
        }
    }
}

/// Why a login cannot be tried. Its `Display` is a sentence for the user, without the secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvalidLogin {
    /// The method does not go without an authid.
    NoAuthid(Method),
    /// SCRAM signs the authid, and what other characters than these become (SASLprep) is not built in.
    Authid(String),
}

impl fmt::Display for InvalidLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAuthid(method) => write!(f, "expected an authid for a login by {}, got none", method.name()),
            Self::Authid(authid) => {
                let got = excerpt(authid);
                write!(f, "expected an authid of printable ASCII without ',' and '=' for a login by scram, got {got:?}")
            }
        }
    }
}

impl std::error::Error for InvalidLogin {}

impl Login {
    /// A login by this credential, as `authid`.
    ///
    /// # Errors
    /// [`InvalidLogin`] when the method needs an authid, or another one.
    pub fn new(credential: Credential, authid: Option<String>) -> Result<Self, InvalidLogin> {
        let method = credential.method();
        match (method, &authid) {
            (Method::Ticket | Method::WampCra | Method::Scram, None) => return Err(InvalidLogin::NoAuthid(method)),
            (Method::Scram, Some(authid)) if !is_saslname(authid) => {
                return Err(InvalidLogin::Authid(authid.clone()));
            }
            _ => {}
        }
        Ok(Self { authid, credential, ..Self::default() })
    }

    /// Asks for a role.
    #[must_use]
    pub fn authrole(mut self, authrole: Option<String>) -> Self {
        self.authrole = authrole;
        self
    }

    /// Says more about itself in HELLO. The method's own entries replace those of the same name.
    #[must_use]
    pub fn authextra(mut self, authextra: Dict) -> Self {
        self.authextra = authextra;
        self
    }

    /// Which method it is by.
    #[must_use]
    pub const fn method(&self) -> Method {
        self.credential.method()
    }

    /// Whether the secret could be a private key for cryptosign, though the login is by another method.
    #[must_use]
    pub fn has_key_as_secret(&self) -> bool {
        match &self.credential {
            #[cfg(feature = "auth")]
            Credential::WampCra(secret) | Credential::Scram(secret) | Credential::Ticket(secret) => {
                super::hex::decode::<32>(secret.expose()).is_some()
            }
            _ => false,
        }
    }

    /// Begins to log in. `nonce` must be random for SCRAM, and is not used by the others.
    #[must_use]
    pub fn attempt(&self, nonce: [u8; NONCE_LENGTH]) -> Attempt {
        Attempt::new(self, nonce)
    }
}

/// Whether SASLprep (RFC 4013) leaves the text as it is, and it cannot be taken for another part of what SCRAM signs.
pub(crate) fn is_saslname(authid: &str) -> bool {
    authid.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b',' && byte != b'=')
}
