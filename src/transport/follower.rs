//! Follows the frames in what comes in (RFC 6455, section 5.2), beside the WebSocket layer, which does not tell how much it
//! holds of a message that is not whole. Pure. It judges nothing: what is no frame, the layer finds.

/// The longest header: two bytes, a length of eight, a mask of four.
const LONGEST_HEADER: usize = 14;

/// Where in the stream the last byte stood.
#[derive(Clone, Debug)]
pub(super) struct Follower {
    place: Place,
    /// Bytes of the message that has not ended.
    unfinished: u64,
    /// Whether that message goes on in another frame.
    goes_on: bool,
    /// The longest frame since [`Follower::forget_longest`].
    longest: u64,
}

#[derive(Clone, Debug)]
enum Place {
    /// In the head of the answer to an upgrade; so many bytes of the end of a head were the last.
    Head(usize),
    /// In a header, or before one.
    Header { bytes: [u8; LONGEST_HEADER], count: usize },
    /// In a payload of which so much is still to come.
    Payload { kind: Kind, left: u64 },
}

/// What a frame is to the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Part,
    Last,
    /// A ping, a pong, a close: it may stand between the parts.
    Control,
}

impl Place {
    const BETWEEN: Self = Self::Header { bytes: [0; LONGEST_HEADER], count: 0 };
}

impl Follower {
    /// Of a stream of frames.
    pub const fn new() -> Self {
        Self { place: Place::BETWEEN, unfinished: 0, goes_on: false, longest: 0 }
    }

    /// Of a stream that begins with the head of an HTTP response.
    pub const fn behind_head() -> Self {
        Self { place: Place::Head(0), ..Self::new() }
    }

    /// Bytes of a message that is not whole.
    pub const fn unfinished(&self) -> u64 {
        self.unfinished
    }

    /// Whether all that came is whole messages.
    pub const fn is_between_messages(&self) -> bool {
        matches!(self.place, Place::Header { count: 0, .. }) && !self.goes_on
    }

    /// The longest frame there was, in bytes.
    pub const fn longest(&self) -> u64 {
        self.longest
    }

    pub const fn forget_longest(&mut self) {
        self.longest = 0;
    }

    /// More has come.
    pub fn follow(&mut self, mut bytes: &[u8]) {
        while let Some((&first, rest)) = bytes.split_first() {
            match &mut self.place {
                Place::Head(seen) => {
                    *seen = match (*seen, first) {
                        (0 | 2, b'\r') | (1 | 3, b'\n') => *seen + 1,
                        (_, b'\r') => 1,
                        _ => 0,
                    };
                    if *seen == 4 {
                        self.place = Place::BETWEEN;
                    }
                    bytes = rest;
                }
                Place::Header { bytes: header, count } => {
                    if let Some(byte) = header.get_mut(*count) {
                        *byte = first;
                    }
                    *count += 1;
                    if let Some((kind, length)) = parse(header, *count) {
                        self.longest = self.longest.max(length);
                        self.place = Place::Payload { kind, left: length };
                        self.end_frame();
                    }
                    bytes = rest;
                }
                Place::Payload { kind, left } => {
                    let count = (*left).min(bytes.len() as u64);
                    *left -= count;
                    if *kind != Kind::Control {
                        self.unfinished = self.unfinished.saturating_add(count);
                    }
                    bytes = usize::try_from(count).ok().and_then(|count| bytes.get(count..)).unwrap_or_default();
                    self.end_frame();
                }
            }
        }
    }

    /// Goes to the next frame, if this one is whole.
    fn end_frame(&mut self) {
        let Place::Payload { kind, left: 0 } = self.place else { return };
        self.place = Place::BETWEEN;
        match kind {
            Kind::Control => {}
            Kind::Part => self.goes_on = true,
            Kind::Last => (self.goes_on, self.unfinished) = (false, 0),
        }
    }
}

/// What a header says, when it is whole: the kind of its frame, and how long the payload is.
fn parse(header: &[u8; LONGEST_HEADER], count: usize) -> Option<(Kind, u64)> {
    const FINAL: u8 = 0x80;
    const CONTROL: u8 = 0x08;
    const MASKED: u8 = 0x80;
    let [first, second, length @ ..] = header;
    let (length, extended) = match second & !MASKED {
        126 => (u64::from(u16::from_be_bytes(*length.first_chunk()?)), 2),
        127 => (u64::from_be_bytes(*length.first_chunk()?), 8),
        short => (u64::from(short), 0),
    };
    let mask = if second & MASKED == 0 { 0 } else { 4 };
    let kind = match (first & CONTROL, first & FINAL) {
        (CONTROL, _) => Kind::Control,
        (_, FINAL) => Kind::Last,
        _ => Kind::Part,
    };
    (count >= 2 && count == 2 + extended + mask).then_some((kind, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(first: u8, length: usize, mask: &[u8]) -> Vec<u8> {
        let masked = if mask.is_empty() { 0 } else { 0x80 };
        let mut bytes = vec![first];
        match length {
            ..126 => bytes.push(masked | length as u8),
            126..65536 => {
                bytes.push(masked | 126);
                bytes.extend((length as u16).to_be_bytes());
            }
            _ => {
                bytes.push(masked | 127);
                bytes.extend((length as u64).to_be_bytes());
            }
        }
        bytes.extend(mask);
        bytes.extend(vec![b'x'; length]);
        bytes
    }

    /// A message of every length of header, a message in parts with pings between them, and what is held after each byte.
    #[test]
    fn at_every_byte_it_knows_what_is_not_whole() {
        for mask in [&[][..], &[1, 2, 3, 4]] {
            for pieces in [1, 7, 100_000] {
                let mut follower = Follower::new();
                let mut follow = |bytes: &[u8]| {
                    bytes.chunks(pieces).for_each(|piece| follower.follow(piece));
                    (follower.unfinished(), follower.is_between_messages())
                };
                for length in [0, 1, 125, 126, 65535, 65536] {
                    let bytes = frame(0x81, length, mask);
                    let (all_but_one, last) = bytes.split_at(bytes.len() - 1);
                    assert_eq!(follow(all_but_one), (length.saturating_sub(1) as u64, false), "{length}");
                    assert_eq!(follow(last), (0, true), "{length}");
                }
                assert_eq!(follow(&frame(0x01, 300, mask)), (300, false));
                assert_eq!(follow(&frame(0x89, 100, mask)), (300, false));
                assert_eq!(follow(&frame(0x00, 200, mask)), (500, false));
                assert_eq!(follow(&frame(0x80, 0, mask)), (0, true));
                assert_eq!(follower.longest(), 65536);
            }
        }
    }

    #[test]
    fn the_head_of_the_answer_is_no_frame() {
        let mut follower = Follower::behind_head();
        follower.follow(b"HTTP/1.1 101 \r\nA: b\r\r\n\r");
        assert!(!follower.is_between_messages());
        follower.follow(&[b"\n", &frame(0x81, 5, &[])[..6]].concat());
        assert_eq!((follower.unfinished(), follower.is_between_messages()), (4, false));
        follower.follow(b"x");
        assert!(follower.is_between_messages());
    }
}
