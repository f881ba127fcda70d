//! The embedded router from outside: real sockets, real clients, and peers that mean no good.

mod client;
mod http;
mod sessions;
