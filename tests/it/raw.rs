//! A RawSocket by hand, for either end: what a test says and hears on it, byte for byte.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

pub struct Raw(pub TcpStream);

impl Raw {
    pub fn send(&mut self, message: &[u8]) {
        self.0.write_all(&[&u32::try_from(message.len()).unwrap().to_be_bytes()[..], message].concat()).unwrap();
    }

    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.0.read_exact(&mut bytes).unwrap();
        bytes
    }

    pub fn receive(&mut self) -> Value {
        let length = u32::from_be_bytes(self.bytes(4).try_into().unwrap());
        serde_json::from_slice(&self.bytes(length as usize)).unwrap()
    }

    /// The end of the connection, with nothing before it.
    pub fn expect_end(&mut self) {
        let mut rest = Vec::new();
        self.0.read_to_end(&mut rest).unwrap();
        assert_eq!(rest, b"");
    }
}

/// What who sent no message is told.
pub fn abort(sentence: &str) -> Value {
    json!([3, { "message": sentence }, "wamp.error.protocol_violation"])
}

/// Why something is none.
pub fn no_message(got: &str) -> String {
    format!("expected a list that begins with a message's number, got {got}")
}
