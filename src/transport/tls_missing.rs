//! TLS in a build without it: types that nothing can be of, so that nothing else has to know.

use std::fmt;
use std::io::{self, IoSlice, Read, Write};

/// Private, so that the compiler does not take whatever stands behind a use of these types for a mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Never {}

/// What a client would need.
#[derive(Clone, Debug)]
pub struct TlsClient(Never);

/// What a router would need.
#[derive(Clone, Debug)]
pub struct TlsServer(Never);

/// What could go wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsError(Never);

/// What a peer could show.
#[derive(Clone, Copy, Debug)]
pub struct PeerCertificate<'a>(Never, std::marker::PhantomData<&'a ()>);

/// What a connection would have.
#[derive(Debug)]
pub(super) struct Layer(Never);

/// The first byte of a TLS connection: a record of the handshake (RFC 8446, 5.1).
pub const FIRST_BYTE: u8 = 0x16;

impl TlsClient {
    /// No URL leads here.
    pub(super) fn of_system() -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn layer(&self, _: &str) -> Result<Layer, TlsError> {
        match self.0 {}
    }
}

impl TlsServer {
    pub(super) fn layer(&self) -> Result<Layer, TlsError> {
        match self.0 {}
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {}
    }
}

impl std::error::Error for TlsError {}

impl From<TlsError> for io::Error {
    fn from(error: TlsError) -> Self {
        match error.0 {}
    }
}

impl<'a> PeerCertificate<'a> {
    /// The certificate in DER.
    #[must_use]
    pub fn der(&self) -> &'a [u8] {
        match self.0 {}
    }

    /// For which of these DNS names it is.
    #[must_use]
    pub fn names_among<'n>(&self, _: impl Iterator<Item = &'n str>) -> Vec<&'n str> {
        match self.0 {}
    }
}

impl Layer {
    pub fn peer_certificate(&self) -> Option<PeerCertificate<'_>> {
        match self.0 {}
    }

    pub fn handshake(&mut self, _: &mut (impl Read + Write)) -> io::Result<()> {
        match self.0 {}
    }

    pub fn read(&mut self, _: &mut (impl Read + Write), _: &mut [u8]) -> io::Result<usize> {
        match self.0 {}
    }

    pub fn write(&mut self, _: &mut impl Write, _: &[IoSlice<'_>]) -> io::Result<usize> {
        match self.0 {}
    }

    pub fn push(&mut self, _: &mut impl Write) -> io::Result<()> {
        match self.0 {}
    }

    pub fn owes(&self) -> bool {
        match self.0 {}
    }

    pub fn finish(&mut self, _: &mut impl Write) {
        match self.0 {}
    }
}
