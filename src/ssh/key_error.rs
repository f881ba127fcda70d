//! What is wrong with a key that somebody gave.

use std::fmt;

/// Why a text or a blob is no key that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyError {
    /// Not a key in the format that is expected.
    Format {
        /// Which format that is.
        expected: &'static str,
        /// What is wrong.
        got: String,
    },
    /// A key that needs a passphrase.
    Encrypted,
    /// A key of another kind.
    Algorithm {
        /// Which kinds may be.
        expected: &'static str,
        /// Which it is.
        got: String,
    },
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Format { expected, got } => write!(f, "expected {expected}, got something else: {got}"),
            Self::Encrypted => f.write_str("expected a key without a passphrase, got an encrypted one"),
            Self::Algorithm { expected, got } => write!(f, "expected a key of the kind {expected}, got {got}"),
        }
    }
}

impl std::error::Error for KeyError {}
