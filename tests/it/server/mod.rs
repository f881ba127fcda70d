//! The embedded router from outside: real sockets, real clients, and peers that mean no good.

mod attacks;
mod burst;
pub mod client;
mod crowd;
mod descriptors;
mod http;
mod inside;
mod kill;
mod program;
mod rawsocket;
mod sessions;
mod slow;
mod unix;
mod wrong_bytes;
