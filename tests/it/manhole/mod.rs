//! The manhole from outside: by WAMP, by OpenSSH's client, and by clients that mean no good.
//!
//! These tests need `ssh` and `ssh-keygen` (Debian: openssh-client).

mod api;
mod board;
mod commands;
mod trouble;
