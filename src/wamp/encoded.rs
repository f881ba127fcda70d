//! A list or a dict as somebody wrote it. Clones share it.

use std::sync::Arc;
#[cfg(any(feature = "cbor", feature = "msgpack"))]
use std::sync::OnceLock;

use serde_json::value::RawValue;

#[cfg(any(feature = "cbor", feature = "msgpack"))]
use super::codec::binary::Binary;

/// In which serialization, and what was written.
#[derive(Clone)]
pub(super) enum Encoded {
    /// As JSON.
    Json(Arc<RawValue>),
    /// In another.
    #[cfg(any(feature = "cbor", feature = "msgpack"))]
    Binary(Arc<Value>),
}

/// A value that is no text, well formed.
#[cfg(any(feature = "cbor", feature = "msgpack"))]
pub(super) struct Value {
    binary: Binary,
    bytes: Box<[u8]>,
    /// The same in JSON, once somebody asked.
    json: OnceLock<Box<RawValue>>,
}

impl Encoded {
    /// Bytes that were found to be one value.
    #[cfg(any(feature = "cbor", feature = "msgpack"))]
    pub fn new(binary: Binary, bytes: &[u8]) -> Self {
        Self::Binary(Arc::new(Value { binary, bytes: bytes.into(), json: OnceLock::new() }))
    }

    /// As JSON.
    pub fn json(&self) -> &RawValue {
        match self {
            Self::Json(text) => text,
            #[cfg(any(feature = "cbor", feature = "msgpack"))]
            Self::Binary(value) => {
                let transcode = || value.binary.to_json(&value.bytes).unwrap_or_else(|| RawValue::NULL.to_owned());
                value.json.get_or_init(transcode)
            }
        }
    }

    /// Whether somebody asked for JSON of what was none.
    #[cfg(all(test, any(feature = "cbor", feature = "msgpack")))]
    pub fn was_transcoded(&self) -> bool {
        matches!(self, Self::Binary(value) if value.json.get().is_some())
    }

    /// The bytes, if they are of that serialization.
    #[cfg(any(feature = "cbor", feature = "msgpack"))]
    pub fn bytes_in(&self, binary: Binary) -> Option<&[u8]> {
        match self {
            Self::Binary(value) if value.binary == binary => Some(&value.bytes),
            _ => None,
        }
    }

    pub fn is_list(&self) -> bool {
        match self {
            Self::Json(text) => text.get().starts_with('['),
            #[cfg(any(feature = "cbor", feature = "msgpack"))]
            Self::Binary(value) => value.binary.is_list(&value.bytes),
        }
    }

    pub fn is_dict(&self) -> bool {
        match self {
            Self::Json(text) => text.get().starts_with('{'),
            #[cfg(any(feature = "cbor", feature = "msgpack"))]
            Self::Binary(value) => value.binary.is_dict(&value.bytes),
        }
    }

    /// How long it is, in bytes.
    pub fn size(&self) -> usize {
        match self {
            Self::Json(text) => text.get().len(),
            #[cfg(any(feature = "cbor", feature = "msgpack"))]
            Self::Binary(value) => value.bytes.len(),
        }
    }
}

impl From<&RawValue> for Encoded {
    fn from(text: &RawValue) -> Self {
        Self::Json(Arc::from(text.to_owned()))
    }
}
