//! TLS between a socket and what is spoken over it: rustls, with ring's cryptography. Versions 1.2 and 1.3.
//!
//! [`TlsClient`] and [`TlsServer`] are what an end needs to know, made of texts in PEM; each connection gets a `Layer` of one of
//! them, which [`super::stream`] reads and writes through. Nothing here waits, and nothing here reads a file but for the
//! system's authorities.
//!
//! What a connection may cost: 16 KiB of records that were made and not taken by the kernel, as much that came and was not
//! read, and in the handshake the 64 KiB that rustls allows for a message.

mod certificate;
mod client;
mod config;
mod error;
mod layer;
mod server;
#[cfg(test)]
mod tests;

pub use certificate::PeerCertificate;
pub use client::{TlsClient, Trust};
pub use config::{Identity, TlsConfigError};
pub use error::TlsError;
pub(super) use layer::Layer;
pub use server::TlsServer;

/// The first byte of a TLS connection: a record of the handshake (RFC 8446, 5.1).
pub const FIRST_BYTE: u8 = 0x16;
