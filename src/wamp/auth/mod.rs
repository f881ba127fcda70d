//! Logging in (*Authentication Methods*): what a client answers to a challenge, and what a router must know to check it. Pure:
//! randomness comes in as an argument, secrets are wiped when they go.
//!
//! `login` is what a client was given, `attempt` the way from HELLO to WELCOME with it. Each method has a file that both sides
//! use, and `limits` what a client lets a router ask for. Without the cargo feature `auth` there are `anonymous` and `ticket`.
//!
//! # Security decisions
//! - A client offers the one method that it was told to use: a router cannot choose one that shows more of the secret.
//! - Whatever a router asks for has a limit, so that none can keep a client computing or take its memory.
//! - By SCRAM the router proves that it knows the secret too; a WELCOME without that proof is refused.
//! - No binding to a channel is offered: WAMP has `tls-unique` alone, which TLS 1.3 does not have (RFC 9266) and rustls does not
//!   tell of TLS 1.2. A router that asks for one is refused; a client that asks for one is told null, and when its proof is
//!   wrong then, why that may be.

mod attempt;
#[cfg(feature = "auth")]
mod challenge;
#[cfg(feature = "auth")]
pub mod cryptosign;
#[cfg(feature = "auth")]
mod hex;
#[cfg(feature = "auth")]
mod keyfile;
pub mod limits;
mod login;
mod method;
#[cfg(feature = "auth")]
pub mod scram;
mod secret;
#[cfg(feature = "auth")]
pub mod wampcra;

pub use attempt::{Attempt, Expectation, Rejection};
#[cfg(feature = "auth")]
pub(crate) use login::is_saslname;
pub use login::{Credential, InvalidLogin, Login, NONCE_LENGTH};
pub use method::Method;
pub use secret::Secret;
#[cfg(feature = "auth")]
pub use wampcra::hmac;
