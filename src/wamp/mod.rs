//! The WAMP v2 protocol without I/O, threads, locks or clocks: its messages, how they are written, and a client's session.
//!
//! Section names in these docs are those of *The Web Application Messaging Protocol* (wamp-proto.org).

pub mod auth;
pub mod binary;
pub mod codec;
mod encoded;
pub mod error;
pub mod event;
mod excerpt;
pub mod id;
pub mod message;
pub mod options;
pub mod payload;
pub mod pending;
pub mod session;
pub mod typed;
pub mod uri;

pub use error::WampError;
pub use event::Event;
pub use excerpt::excerpt;
pub use id::{PublicationId, RegistrationId, RequestId, SessionId, SubscriptionId};
pub use message::{Kind, Message};
pub use payload::Payload;
pub use uri::Uri;
