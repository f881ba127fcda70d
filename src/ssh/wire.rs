//! SSH's data types (RFC 4251, section 5): read from bytes that a peer sent, written into a payload.

use super::error::SshError;

/// Reads the fields of a message one after another. Nothing that a peer sends can make it read past the end.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    message: &'static str,
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// `bytes` are the fields of `message`, which errors name.
    pub(super) fn new(message: &'static str, bytes: &'a [u8]) -> Self {
        Self { message, rest: bytes }
    }

    pub(super) fn bytes(&mut self, field: &'static str, count: usize) -> Result<&'a [u8], SshError> {
        let (bytes, rest) = self.rest.split_at_checked(count).ok_or_else(|| self.malformed(field))?;
        self.rest = rest;
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], SshError> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or_else(|| self.malformed(field))?;
        self.rest = rest;
        Ok(*bytes)
    }

    pub(super) fn byte(&mut self, field: &'static str) -> Result<u8, SshError> {
        Ok(u8::from_be_bytes(self.array(field)?))
    }

    /// Any value but 0 is true.
    pub(super) fn boolean(&mut self, field: &'static str) -> Result<bool, SshError> {
        Ok(self.byte(field)? != 0)
    }

    pub(super) fn u32(&mut self, field: &'static str) -> Result<u32, SshError> {
        Ok(u32::from_be_bytes(self.array(field)?))
    }

    pub(super) fn string(&mut self, field: &'static str) -> Result<&'a [u8], SshError> {
        let length = self.u32(field)?;
        let length = usize::try_from(length).map_err(|_| self.malformed(field))?;
        self.bytes(field, length)
    }

    /// A string that is UTF-8.
    pub(super) fn text(&mut self, field: &'static str) -> Result<&'a str, SshError> {
        let string = self.string(field)?;
        std::str::from_utf8(string).map_err(|_| self.malformed(field))
    }

    /// A number that is not negative, without leading zeros, big-endian.
    pub(super) fn mpint(&mut self, field: &'static str) -> Result<&'a [u8], SshError> {
        let number = self.string(field)?;
        if number.first().is_some_and(|byte| byte & 0x80 != 0) {
            return Err(self.malformed(field));
        }
        let start = number.iter().position(|byte| *byte != 0).unwrap_or(number.len());
        Ok(number.get(start..).unwrap_or_default())
    }

    /// That nothing is left.
    pub(super) fn end(&self) -> Result<(), SshError> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.malformed("expected its end, got more")) }
    }

    /// How many bytes are left.
    pub(super) fn remaining(&self) -> usize {
        self.rest.len()
    }

    pub(super) fn malformed(&self, field: &'static str) -> SshError {
        SshError::Malformed { message: self.message, field }
    }
}

/// A payload being written.
#[derive(Clone)]
pub(super) struct Payload(Vec<u8>);

impl Payload {
    /// The message of this number.
    pub(super) fn message(number: u8) -> Self {
        Self(vec![number])
    }

    /// Fields without a message around them.
    pub(super) fn fields() -> Self {
        Self(Vec::new())
    }

    /// Fields that are written without moving them, as they hold a secret.
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    pub(super) fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    pub(super) fn byte(self, value: u8) -> Self {
        self.raw(&[value])
    }

    pub(super) fn boolean(self, value: bool) -> Self {
        self.raw(&[u8::from(value)])
    }

    pub(super) fn u32(self, value: u32) -> Self {
        self.raw(&value.to_be_bytes())
    }

    /// Nothing that this server says is anywhere near 4 GiB.
    pub(super) fn string(self, bytes: &[u8]) -> Self {
        self.u32(u32::try_from(bytes.len()).unwrap_or(u32::MAX)).raw(bytes)
    }

    /// An unsigned big-endian number as an `mpint`: without leading zeros, but never negative.
    pub(super) fn mpint(self, number: &[u8]) -> Self {
        let start = number.iter().position(|byte| *byte != 0).unwrap_or(number.len());
        let number = number.get(start..).unwrap_or_default();
        if number.first().is_some_and(|byte| byte & 0x80 != 0) {
            let length = u32::try_from(number.len() + 1).unwrap_or(u32::MAX);
            return self.u32(length).byte(0).raw(number);
        }
        self.string(number)
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_in_rfc_4251() {
        let mpint = |number: &[u8]| Payload::fields().mpint(number).into_bytes();
        assert_eq!(mpint(&[]), [0, 0, 0, 0]);
        assert_eq!(mpint(&[0, 0]), [0, 0, 0, 0]);
        assert_eq!(
            mpint(&[0x09, 0xa3, 0x78, 0xf9, 0xb2, 0xe3, 0x32, 0xa7]),
            [0, 0, 0, 8, 0x09, 0xa3, 0x78, 0xf9, 0xb2, 0xe3, 0x32, 0xa7]
        );
        assert_eq!(mpint(&[0, 0x80]), [0, 0, 0, 2, 0, 0x80]);
        for number in [&[][..], &[1], &[0x80, 1]] {
            assert_eq!(Reader::new("a test", &mpint(number)).mpint("x"), Ok(number));
        }
        assert!(Reader::new("a test", &[0, 0, 0, 1, 0x80]).mpint("x").is_err());
    }

    #[test]
    fn fields_are_read_in_order_and_to_the_end() {
        let bytes = Payload::fields().byte(7).boolean(true).u32(9).string(b"abc").into_bytes();
        let mut reader = Reader::new("a test", &bytes);
        assert_eq!(reader.byte("a"), Ok(7));
        assert_eq!(reader.boolean("b"), Ok(true));
        assert_eq!(reader.u32("c"), Ok(9));
        assert!(reader.end().is_err());
        assert_eq!(reader.text("d"), Ok("abc"));
        assert_eq!(reader.end(), Ok(()));
        assert_eq!(reader.byte("e"), Err(SshError::Malformed { message: "a test", field: "e" }));
    }

    #[test]
    fn a_length_that_lies_is_an_error() {
        for bytes in [&[0xff, 0xff, 0xff, 0xff, 1][..], &[0, 0, 0, 2, 1], &[0, 0, 0]] {
            assert!(Reader::new("a test", bytes).string("x").is_err());
        }
        assert!(Reader::new("a test", &[0, 0, 0, 1, 0xff]).text("x").is_err());
    }
}
