//! Integration tests: what can only be seen from outside.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod agent;
mod child;
mod cli;
mod directory;
mod fake_router;
mod link;
#[cfg(feature = "manhole")]
mod manhole;
mod raw;
mod restarts;
mod server;
mod support;
mod target;
mod tidy;
#[cfg(feature = "tls")]
mod tls;
#[cfg(feature = "auth")]
mod users;
mod watch;
