//! The router, by messages and with fake time.

mod bench;
mod calls;
mod meta;
mod pattern;
mod pubsub;
mod random;
mod registrations;
mod sessions;
