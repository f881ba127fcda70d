//! One attempt to log in: what HELLO says, what a CHALLENGE is answered with, what WELCOME must prove.

use std::fmt;

use super::{Credential, Login, Method, NONCE_LENGTH, Secret};
#[cfg(feature = "auth")]
use super::{cryptosign, scram, wampcra};
use crate::wamp::excerpt;
use crate::wamp::message::Message;
use crate::wamp::options::{Dict, HelloDetails, WelcomeDetails};

/// An attempt that waits for the router's CHALLENGE, or for WELCOME when there is nothing to prove.
#[derive(Clone, Debug)]
pub struct Attempt {
    login: Login,
    #[cfg_attr(not(feature = "auth"), allow(dead_code))] // It is SCRAM's.
    nonce: [u8; NONCE_LENGTH],
}

/// What WELCOME must contain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expectation {
    /// Nothing beyond what it always does.
    Nothing,
    /// The router's own proof.
    #[cfg(feature = "auth")]
    Signature(scram::ServerSignature),
}

/// Why a challenge is not answered, or a WELCOME not believed. Both are sentences: expected and got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// The router broke the protocol.
    Violation(String),
    /// The router may ask that, but this client does not go along: a limit, or a proof that is none.
    Refusal(String),
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Violation(sentence) | Self::Refusal(sentence) => f.write_str(sentence),
        }
    }
}

impl std::error::Error for Rejection {}

impl Attempt {
    pub(super) fn new(login: &Login, nonce: [u8; NONCE_LENGTH]) -> Self {
        Self { login: login.clone(), nonce }
    }

    /// HELLO's part of it.
    #[must_use]
    pub fn hello(&self) -> HelloDetails {
        let Login { authid, authrole, authextra, credential } = &self.login;
        #[cfg_attr(not(feature = "auth"), allow(unused_mut))]
        let mut authextra = authextra.clone();
        match credential {
            #[cfg(feature = "auth")]
            Credential::Scram(_) => {
                authextra.insert("nonce".to_owned(), scram::base64(&self.nonce).into());
            }
            #[cfg(feature = "auth")]
            Credential::Cryptosign(key) => {
                authextra.insert("pubkey".to_owned(), key.public().to_string().into());
            }
            _ => {}
        }
        HelloDetails {
            authmethods: vec![credential.method().name().to_owned()],
            authid: authid.clone(),
            authrole: authrole.clone(),
            authextra: Some(authextra).filter(|extra| !extra.is_empty()),
            ..HelloDetails::default()
        }
    }

    /// Answers a CHALLENGE: AUTHENTICATE, and what to expect of WELCOME then. Deriving a key may take seconds, within
    /// [`super::limits`].
    ///
    /// # Errors
    /// [`Rejection`]; nothing is to be answered then.
    pub fn answer(&self, method: &str, extra: &Dict) -> Result<(Message, Expectation), Rejection> {
        let Login { credential, authid, .. } = &self.login;
        let offered = credential.method();
        if method != offered.name() || offered == Method::Anonymous {
            let (offered, got) = (offered.name(), excerpt(method));
            let sentence = format!("CHALLENGE: expected the method that was offered, {offered}, got {got:?}");
            return Err(Rejection::Violation(sentence));
        }
        #[cfg(not(feature = "auth"))]
        let _ = (extra, authid);
        let signature = match credential {
            Credential::Anonymous => Secret::default(),
            Credential::Ticket(ticket) => ticket.clone(),
            #[cfg(feature = "auth")]
            Credential::WampCra(secret) => Secret::new(wampcra::answer(secret, extra)?),
            #[cfg(feature = "auth")]
            Credential::Cryptosign(key) => Secret::new(cryptosign::answer(key, extra)?),
            #[cfg(feature = "auth")]
            Credential::Scram(secret) => {
                let authid = authid.as_deref().unwrap_or_default();
                let scram::Answer { proof, nonce, expected } = scram::answer(secret, authid, &self.nonce, extra)?;
                let mut extra = Dict::new();
                extra.insert("nonce".to_owned(), nonce.into());
                let message = Message::Authenticate { signature: Secret::new(proof), extra };
                return Ok((message, Expectation::Signature(expected)));
            }
        };
        Ok((Message::Authenticate { signature, extra: Dict::new() }, Expectation::Nothing))
    }

    /// What a WELCOME must contain that comes without a CHALLENGE.
    ///
    /// # Errors
    /// [`Rejection`] when the method does not go without one.
    pub fn unchallenged(&self) -> Result<Expectation, Rejection> {
        match self.login.method() {
            Method::Scram => {
                let sentence = "expected CHALLENGE, by which a router proves by scram who it is, got WELCOME";
                Err(Rejection::Refusal(sentence.to_owned()))
            }
            _ => Ok(Expectation::Nothing),
        }
    }
}

impl Expectation {
    /// Whether the router is who it should be.
    ///
    /// # Errors
    /// [`Rejection`] when it is not, or does not say.
    pub fn check(&self, welcome: &WelcomeDetails) -> Result<(), Rejection> {
        match self {
            Self::Nothing => {
                let _ = welcome;
                Ok(())
            }
            #[cfg(feature = "auth")]
            Self::Signature(signature) => signature.check(welcome.authextra.as_ref()),
        }
    }
}
