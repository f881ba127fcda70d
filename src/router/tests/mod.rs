//! The router, by messages and with fake time.

mod bench;
mod calls;
mod kill;
#[cfg(feature = "auth")]
mod logins;
mod meta;
mod pattern;
mod pubsub;
mod random;
mod registrations;
#[cfg(feature = "auth")]
mod replacement;
mod retention;
mod revocation;
mod sessions;
mod shared;
mod shares;
#[cfg(feature = "auth")]
mod strangers;
mod testaments;
#[cfg(feature = "auth")]
mod unproved;
