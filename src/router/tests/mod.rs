//! The router, by messages and with fake time.

mod bench;
mod pattern;
mod registrations;
mod sessions;
