//! How a RawSocket begins (*RawSocket Transport*, Handshake): four bytes from the client, four back. Pure.

use std::fmt;

use crate::wamp::codec::Serialization;

/// The first byte of either greeting. No HTTP request and no TLS record begins with it.
pub const MAGIC: u8 = 0x7f;

/// Bytes of a greeting.
pub const LENGTH: usize = 4;

/// The longest message that can be agreed on, as an exponent of 2 above 9: 16 MiB.
const LARGEST: u8 = 15;

/// What one end says of itself: how it writes, and the longest message that it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Greeting {
    /// How both write.
    pub serialization: Serialization,
    /// The longest message that the sender of the greeting takes, in bytes.
    pub longest: usize,
}

/// Why a greeting is none, or what a router refuses with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It does not begin with [`MAGIC`], or its reserved bytes are not zero.
    NoGreeting,
    /// A serialization that is not spoken here.
    Serialization,
    /// The longest message that it takes is too short.
    Length,
    /// There are as many connections as may be.
    Connections,
    /// A number that the specification does not have.
    Unknown(u8),
}

impl Refusal {
    /// The four bytes in which a router says so.
    #[must_use]
    pub const fn bytes(self) -> [u8; LENGTH] {
        let number = match self {
            Self::NoGreeting => 3,
            Self::Serialization => 1,
            Self::Length => 2,
            Self::Connections => 4,
            Self::Unknown(number) => number,
        };
        [MAGIC, number << 4, 0, 0]
    }

    const fn from_number(number: u8) -> Self {
        match number {
            1 => Self::Serialization,
            2 => Self::Length,
            3 => Self::NoGreeting,
            4 => Self::Connections,
            other => Self::Unknown(other),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoGreeting => f.write_str("bytes that are no RawSocket handshake"),
            Self::Serialization => f.write_str("the word that the serialization is not spoken"),
            Self::Length => f.write_str("the word that the longest message is too short"),
            Self::Connections => f.write_str("the word that there are as many connections as may be"),
            Self::Unknown(number) => write!(f, "refusal number {number}"),
        }
    }
}

impl Greeting {
    /// Its four bytes. The length is told as the largest power of two that is not above it.
    #[must_use]
    pub fn bytes(self) -> [u8; LENGTH] {
        let exponent = u8::try_from(self.longest.max(512).ilog2() - 9).unwrap_or(LARGEST).min(LARGEST);
        [MAGIC, exponent << 4 | number(self.serialization), 0, 0]
    }

    /// The greeting of a client.
    ///
    /// # Errors
    /// [`Refusal`], which the router answers.
    pub fn of_client(bytes: [u8; LENGTH]) -> Result<Self, Refusal> {
        let [MAGIC, choice, 0, 0] = bytes else { return Err(Refusal::NoGreeting) };
        let spoken = Serialization::ALL.iter().find(|serialization| number(**serialization) == choice & 0x0f);
        let serialization = *spoken.ok_or(Refusal::Serialization)?;
        Ok(Self { serialization, longest: 1 << (9 + (choice >> 4)) })
    }

    /// The answer of a router to a client that writes so.
    ///
    /// # Errors
    /// [`Refusal`]: what the router says, or that it is none.
    pub fn of_router(bytes: [u8; LENGTH], serialization: Serialization) -> Result<Self, Refusal> {
        match bytes {
            [MAGIC, choice, 0, 0] if choice & 0x0f == 0 => Err(Refusal::from_number(choice >> 4)),
            [MAGIC, choice, 0, 0] if choice & 0x0f == number(serialization) => {
                Ok(Self { serialization, longest: 1 << (9 + (choice >> 4)) })
            }
            _ => Err(Refusal::NoGreeting),
        }
    }
}

/// The serializer's number in a greeting.
const fn number(serialization: Serialization) -> u8 {
    serialization.rawsocket()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greetings_come_back_and_lengths_are_powers_of_two() {
        for &serialization in Serialization::ALL {
            for (longest, told) in [(0, 512), (512, 512), (1023, 512), (1 << 20, 1 << 20), (usize::MAX, 1 << 24)] {
                let greeting = Greeting { serialization, longest };
                let back = Greeting { serialization, longest: told };
                assert_eq!(Greeting::of_client(greeting.bytes()), Ok(back));
                assert_eq!(Greeting::of_router(greeting.bytes(), serialization), Ok(back));
            }
        }
    }

    #[test]
    fn the_examples_of_the_specification() {
        assert_eq!(Greeting { serialization: Serialization::Json, longest: 1 << 24 }.bytes(), [0x7f, 0xf1, 0, 0]);
        for number in 0..=5 {
            let refused = Greeting::of_router([0x7f, number << 4, 0, 0], Serialization::Json).unwrap_err();
            assert_eq!(refused.bytes(), [0x7f, number << 4, 0, 0]);
        }
    }

    #[test]
    fn what_is_no_greeting_is_refused() {
        for (bytes, refusal) in [
            ([0x47, 0xf1, 0, 0], Refusal::NoGreeting),
            ([0x7f, 0xf1, 1, 0], Refusal::NoGreeting),
            ([0x7f, 0xf1, 0, 1], Refusal::NoGreeting),
            ([0x7f, 0xf0, 0, 0], Refusal::Serialization),
            ([0x7f, 0xff, 0, 0], Refusal::Serialization),
        ] {
            assert_eq!(Greeting::of_client(bytes), Err(refusal));
        }
        assert_eq!(Greeting::of_router([0x7f, 0xf5, 0, 0], Serialization::Json), Err(Refusal::NoGreeting));
    }
}
