//! What a router may ask of a client that logs in. A challenge beyond one of these is not answered: the session is refused,
//! with a sentence that names the limit.

use std::ops::RangeInclusive;

/// Bytes of WAMP-CRA's challenge.
pub const MAX_CHALLENGE: u64 = 4096;

/// Bytes of a salt.
pub const MAX_SALT: u64 = 256;

/// Rounds of PBKDF2: half a second of a laptop, a few of a small ARM board.
pub const MAX_PBKDF2_ITERATIONS: u64 = 1_000_000;

/// The fewest rounds of PBKDF2 for SCRAM (RFC 7677 section 4): with fewer, who listens finds the secret too easily.
pub const MIN_SCRAM_PBKDF2_ITERATIONS: u64 = 4096;

/// Bytes of the key that WAMP-CRA derives; the hash has 32.
pub const MAX_KEYLEN: u64 = 64;

/// The least memory for Argon2, KiB (RFC 9106 section 3.1).
pub const MIN_ARGON2_MEMORY: u64 = 8;

/// Memory for Argon2, KiB.
pub const MAX_ARGON2_MEMORY: u64 = 64 * 1024;

/// The least that memory times passes of Argon2 come to, KiB: with less, who listens finds the secret too easily. It takes a
/// few ms, no less than the fewest rounds of PBKDF2.
const MIN_ARGON2_WORK: u64 = 4 << 10;

/// The most, KiB, but for [`SMALL_ARGON2_MEMORY`]: 4 passes over 64 MiB, less than half a second of a laptop and about a second
/// of a small ARM board. Nothing interrupts it.
const MAX_ARGON2_WORK: u64 = 256 << 10;

/// Memory of Argon2, KiB, that a processor's cache holds: autobahn-python's default, and with as little
/// [`MAX_SMALL_ARGON2_PASSES`], its default too, are not too many.
const SMALL_ARGON2_MEMORY: u64 = 512;

const MAX_SMALL_ARGON2_PASSES: u64 = 4096;

/// The passes of Argon2 over so much memory, in KiB, from the fewest that are worth something to the most.
#[must_use]
pub const fn argon2_iterations(memory: u64) -> RangeInclusive<u64> {
    let memory = if memory == 0 { 1 } else { memory };
    let most = if memory <= SMALL_ARGON2_MEMORY { MAX_SMALL_ARGON2_PASSES } else { MAX_ARGON2_WORK / memory };
    MIN_ARGON2_WORK.div_ceil(memory)..=most
}

/// Characters of a nonce.
pub const MAX_NONCE: u64 = 256;
