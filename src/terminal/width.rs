//! How many columns a character takes on a terminal. Pure.
//!
//! The ranges are those of Unicode's East Asian Width (W and F) and of its combining marks, joined where what lies between is
//! not assigned: enough to keep a cursor where the eye expects it. A terminal that knows a newer Unicode may differ by a
//! column; the next redraw mends that.

/// Characters that take no column: combining marks, joiners, variation selectors.
const ZERO: [(u32, u32); 12] = [
    (0x0300, 0x036f),
    (0x0483, 0x0489),
    (0x0591, 0x05bd),
    (0x064b, 0x065f),
    (0x0e34, 0x0e3a),
    (0x1ab0, 0x1aff),
    (0x1dc0, 0x1dff),
    (0x200b, 0x200f),
    (0x20d0, 0x20ff),
    (0xfe00, 0xfe0f),
    (0xfe20, 0xfe2f),
    (0xe0100, 0xe01ef),
];

/// Characters that take two columns.
const WIDE: [(u32, u32); 13] = [
    (0x1100, 0x115f),
    (0x2e80, 0x303e),
    (0x3041, 0x33ff),
    (0x3400, 0x4dbf),
    (0x4e00, 0x9fff),
    (0xa000, 0xa4cf),
    (0xac00, 0xd7a3),
    (0xf900, 0xfaff),
    (0xfe30, 0xfe6f),
    (0xff00, 0xff60),
    (0xffe0, 0xffe6),
    (0x1f300, 0x1faff),
    (0x20000, 0x3fffd),
];

/// The columns that a character takes: 0, 1 or 2. Control characters take none.
#[must_use]
pub fn char_width(c: char) -> usize {
    let number = u32::from(c);
    let within = |ranges: &[(u32, u32)]| ranges.iter().any(|(first, last)| (*first..=*last).contains(&number));
    if number < 0x300 {
        return usize::from(!c.is_control());
    }
    if within(&ZERO) {
        0
    } else if within(&WIDE) {
        2
    } else {
        1
    }
}

/// The columns that a text takes in one line.
#[must_use]
pub fn text_width(text: &str) -> usize {
    text.chars().map(char_width).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_take_one_ideographs_two_and_accents_none() {
        for (text, width) in
            [("abc", 3), ("Größe", 5), ("e\u{301}", 1), ("日本", 4), ("✔", 1), ("🦀", 2), ("\x1b", 0), ("", 0)]
        {
            assert_eq!(text_width(text), width, "{text:?}");
        }
    }
}
