//! From the bytes that a terminal sends to the keys that were pressed: UTF-8, control characters, the escape sequences of
//! xterm and its kin. Pure, and bounded: a sequence that does not end is forgotten.

use crate::terminal::is_active;

/// A key, named for what it does to a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// A character to insert.
    Char(char),
    /// Return.
    Enter,
    /// Tab.
    Complete,
    /// Backspace, Ctrl-H.
    Backspace,
    /// Delete.
    Delete,
    /// Left, Ctrl-B.
    Left,
    /// Right, Ctrl-F.
    Right,
    /// Ctrl-Left, Alt-B.
    WordLeft,
    /// Ctrl-Right, Alt-F.
    WordRight,
    /// Up, Ctrl-P.
    Previous,
    /// Down, Ctrl-N.
    Next,
    /// Home, Ctrl-A.
    Home,
    /// End, Ctrl-E.
    End,
    /// Ctrl-U: everything left of the cursor goes.
    KillToStart,
    /// Ctrl-K: everything right of it.
    KillToEnd,
    /// Ctrl-W: the word left of it.
    KillWord,
    /// Ctrl-L.
    ClearScreen,
    /// Ctrl-C.
    Interrupt,
    /// Ctrl-D: Delete, or the end of input on an empty line.
    EndOfInput,
}

/// What was read of a key that takes several bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Ground,
    /// After a carriage return, whose line feed is not a second one.
    Returned,
    /// After ESC.
    Escape,
    /// After ESC `[`: the numbers so far, of which the first two count, and how many bytes.
    Control { numbers: [u16; 2], at: u8, length: u8 },
    /// After ESC `O`.
    Shifted,
    /// In a terminal's report (OSC, DCS, SOS, PM, APC), which ends with BEL or ST.
    Report { length: u16, escaped: bool },
    /// In a character of several bytes.
    Text { bytes: [u8; 4], have: u8, wanted: u8 },
}

/// The longest control sequence and the longest report that are waited for, in bytes.
const LONGEST_SEQUENCE: u8 = 32;
const LONGEST_REPORT: u16 = 1024;

/// Reads keys.
#[derive(Debug, Default)]
pub struct Keys {
    state: State,
}

impl Keys {
    /// Takes a byte; the key that it completes, if it completes one.
    pub fn feed(&mut self, byte: u8) -> Option<Key> {
        match std::mem::take(&mut self.state) {
            State::Ground => self.ground(byte),
            State::Returned if byte == b'\n' => None,
            State::Returned => self.ground(byte),
            State::Escape => self.escape(byte),
            State::Control { numbers, at, length } => self.control(byte, numbers, at, length),
            State::Shifted => final_key(byte, [0, 0]),
            State::Report { length, escaped } => {
                let ended = byte == 0x07 || (escaped && byte == b'\\') || length >= LONGEST_REPORT;
                if !ended {
                    self.state = State::Report { length: length + 1, escaped: byte == 0x1b };
                }
                None
            }
            State::Text { bytes, have, wanted } => self.text(byte, bytes, have, wanted),
        }
    }

    fn ground(&mut self, byte: u8) -> Option<Key> {
        Some(match byte {
            b'\r' => {
                self.state = State::Returned;
                Key::Enter
            }
            b'\n' => Key::Enter,
            b'\t' => Key::Complete,
            0x01 => Key::Home,
            0x02 => Key::Left,
            0x03 => Key::Interrupt,
            0x04 => Key::EndOfInput,
            0x05 => Key::End,
            0x06 => Key::Right,
            0x08 | 0x7f => Key::Backspace,
            0x0b => Key::KillToEnd,
            0x0c => Key::ClearScreen,
            0x0e => Key::Next,
            0x10 => Key::Previous,
            0x15 => Key::KillToStart,
            0x17 => Key::KillWord,
            0x1b => {
                self.state = State::Escape;
                return None;
            }
            0x20..=0x7e => Key::Char(char::from(byte)),
            0xc2..=0xdf => return self.begin(byte, 2),
            0xe0..=0xef => return self.begin(byte, 3),
            0xf0..=0xf4 => return self.begin(byte, 4),
            // The other control characters, and bytes that begin nothing.
            _ => return None,
        })
    }

    fn begin(&mut self, byte: u8, wanted: u8) -> Option<Key> {
        self.state = State::Text { bytes: [byte, 0, 0, 0], have: 1, wanted };
        None
    }

    fn text(&mut self, byte: u8, mut bytes: [u8; 4], have: u8, wanted: u8) -> Option<Key> {
        if byte & 0xc0 != 0x80 {
            // The character was cut off; this byte begins something new.
            return self.ground(byte);
        }
        *bytes.get_mut(usize::from(have))? = byte;
        let have = have + 1;
        if have < wanted {
            self.state = State::Text { bytes, have, wanted };
            return None;
        }
        let text = std::str::from_utf8(bytes.get(..usize::from(have))?).ok()?;
        text.chars().next().filter(|c| !is_active(*c)).map(Key::Char)
    }

    fn escape(&mut self, byte: u8) -> Option<Key> {
        match byte {
            b'[' => self.state = State::Control { numbers: [0, 0], at: 0, length: 0 },
            b'O' => self.state = State::Shifted,
            b']' | b'P' | b'X' | b'^' | b'_' => self.state = State::Report { length: 0, escaped: false },
            0x1b => self.state = State::Escape,
            b'b' => return Some(Key::WordLeft),
            b'f' => return Some(Key::WordRight),
            0x7f => return Some(Key::KillWord),
            // Alt with a key that has no meaning. A control character keeps the one that it has without.
            byte if byte < 0x20 => return self.ground(byte),
            _ => {}
        }
        None
    }

    fn control(&mut self, byte: u8, mut numbers: [u16; 2], mut at: u8, length: u8) -> Option<Key> {
        match byte {
            b'0'..=b'9' => {
                if let Some(number) = numbers.get_mut(usize::from(at)) {
                    *number = number.saturating_mul(10).saturating_add(u16::from(byte - b'0'));
                }
            }
            b';' => at = at.saturating_add(1),
            0x20..=0x3f => {}
            0x40..=0x7e => return final_key(byte, numbers),
            _ => return self.ground(byte),
        }
        if length < LONGEST_SEQUENCE {
            self.state = State::Control { numbers, at, length: length + 1 };
        }
        None
    }
}

/// The key of a sequence by its last byte and its numbers, of which the second is 5 with Ctrl and 3 with Alt.
fn final_key(byte: u8, [number, modifier]: [u16; 2]) -> Option<Key> {
    let by_word = matches!(modifier, 3 | 5);
    Some(match (byte, number) {
        (b'A', _) => Key::Previous,
        (b'B', _) => Key::Next,
        (b'C', _) if by_word => Key::WordRight,
        (b'D', _) if by_word => Key::WordLeft,
        (b'C', _) => Key::Right,
        (b'D', _) => Key::Left,
        (b'H', _) | (b'~', 1 | 7) => Key::Home,
        (b'F', _) | (b'~', 4 | 8) => Key::End,
        (b'~', 3) => Key::Delete,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(bytes: &[u8]) -> Vec<Key> {
        let mut keys = Keys::default();
        bytes.iter().filter_map(|byte| keys.feed(*byte)).collect()
    }

    #[test]
    fn text_in_utf_8_whatever_is_cut_off_or_forged() {
        assert_eq!(keys("aü日🦀".as_bytes()), ['a', 'ü', '日', '🦀'].map(Key::Char));
        assert_eq!(keys(b"\xc3a\xff\x80\xe6\x97b"), ['a', 'b'].map(Key::Char));
        assert_eq!(keys(b"\xc0\xaf\xed\xa0\x80\xf4\x90\x80\x80x"), [Key::Char('x')]);
        assert_eq!(
            keys("\u{9b}1m\u{202e}".as_bytes()),
            ['1', 'm'].map(Key::Char),
            "what a terminal acts on is dropped"
        );
    }

    #[test]
    fn return_is_one_however_it_is_sent() {
        assert_eq!(keys(b"\r\n\n\r\r"), [Key::Enter; 4]);
    }

    #[test]
    fn the_sequences_of_xterm_putty_and_rxvt() {
        for (bytes, key) in [
            (&b"\x1b[A"[..], Key::Previous),
            (b"\x1bOB", Key::Next),
            (b"\x1b[C", Key::Right),
            (b"\x1bOD", Key::Left),
            (b"\x1b[1;5C", Key::WordRight),
            (b"\x1b[1;3D", Key::WordLeft),
            (b"\x1bb", Key::WordLeft),
            (b"\x1b[H", Key::Home),
            (b"\x1b[1~", Key::Home),
            (b"\x1b[7~", Key::Home),
            (b"\x1bOF", Key::End),
            (b"\x1b[4~", Key::End),
            (b"\x1b[3~", Key::Delete),
            (b"\x7f", Key::Backspace),
            (b"\x08", Key::Backspace),
        ] {
            assert_eq!(keys(bytes), [key], "{bytes:?}");
        }
    }

    #[test]
    fn reports_of_a_terminal_are_no_input_and_nothing_is_waited_for_without_end() {
        assert_eq!(
            keys(b"\x1b[12;40R\x1b]11;rgb:0/0/0\x1b\\\x1bP>|xterm\x1b\\\x1b[?62;c\x1b]0;x\x07a"),
            [Key::Char('a')]
        );
        assert_eq!(keys(b"\x1b[15~\x1b[200~b\x1b[201~"), [Key::Char('b')]);
        let endless = [b"\x1b[".as_slice(), &[b'1'; 100]].concat();
        assert!(!keys(&endless).is_empty());
        let endless = [b"\x1b]".as_slice(), &[b'x'; 2000]].concat();
        assert!(!keys(&endless).is_empty());
        assert_eq!(keys(b"\x1b[\x03"), [Key::Interrupt], "Ctrl-C is heard in the middle of a sequence");
        for byte in 0..=255 {
            for next in 0..=255 {
                keys(&[0x1b, byte, next, b'[', 0xff]);
            }
        }
    }
}
