//! A server and a client back to back, without sockets: what each state allows, and what it refuses.

mod client;
mod flow;
mod login;
mod random;
mod rekey;
pub(super) mod rng;
mod sessions;
mod transport;

/// Bytes from hexadecimal digits.
pub(super) fn hex(digits: &str) -> Vec<u8> {
    let digits: Vec<u32> = digits.chars().filter_map(|digit| digit.to_digit(16)).collect();
    digits.chunks(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap()).collect()
}
