//! What a router may ask of a client that logs in. A challenge beyond one of these is not answered: the session is refused,
//! with a sentence that names the limit.

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

/// Memory for Argon2, KiB.
pub const MAX_ARGON2_MEMORY: u64 = 64 * 1024;

/// Memory times passes of Argon2, KiB: twice what autobahn-python's defaults (4096 passes over 512 KiB) come to, about 3 s of a
/// laptop.
pub const MAX_ARGON2_WORK: u64 = 4 << 20;

/// Characters of a nonce.
pub const MAX_NONCE: u64 = 256;
