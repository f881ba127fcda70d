//! Finding `key:` lines in a text of the kernel's without looking at each byte: a tick's three files hold 2 KB, of which a
//! dozen numbers are wanted. Pure.

/// What a line begins with, made ready for searching by Horspool's method: how far the end of the key may move on, by the byte
/// that it is at. (By all of its length, for most bytes.)
pub(super) struct Key {
    /// With the end of the line before: no first line is searched for.
    text: &'static [u8],
    skip: [u8; 256],
}

impl Key {
    /// `text` is the end of a line, the key, and its colon: `\nThreads:`; it is shorter than 256 bytes.
    pub(super) const fn new(text: &'static [u8]) -> Self {
        assert!(text.len() < 256 && !text.is_empty());
        let mut skip = [text.len() as u8; 256];
        let mut place = 0;
        while place + 1 < text.len() {
            skip[text[place] as usize] = (text.len() - 1 - place) as u8;
            place += 1;
        }
        Self { text, skip }
    }

    /// Where the first such key ends that begins at `from` or later.
    fn find(&self, text: &[u8], from: usize) -> Option<usize> {
        let (key_end, before) = self.text.split_last()?;
        let mut end = from.checked_add(before.len())?;
        loop {
            let byte = *text.get(end)?;
            if byte == *key_end && text.get(..end)?.ends_with(before) {
                return Some(end + 1);
            }
            end += usize::from(self.skip[usize::from(byte)]);
        }
    }
}

/// A text that is searched for one key after the other.
pub(super) struct Lines<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Lines<'a> {
    pub(super) const fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0 }
    }

    /// Does not look at the next so many bytes at first, among which the key that comes next is not to be expected.
    pub(super) const fn skip(&mut self, bytes: usize) {
        self.at = self.at.saturating_add(bytes);
    }

    /// Does not look at what comes before the last so many bytes at first.
    pub(super) const fn skip_to_last(&mut self, bytes: usize) {
        self.at = self.text.len().saturating_sub(bytes);
    }

    /// What comes behind the key, blanks aside. Fastest for the keys in the order of the text; any other is found too.
    pub(super) fn value(&mut self, key: &Key) -> Option<&'a [u8]> {
        let end = key.find(self.text, self.at).or_else(|| key.find(self.text, 0))?;
        self.at = end;
        Some(self.text.get(end..)?.trim_ascii_start())
    }

    /// The number behind the key, which ends its line.
    pub(super) fn number(&mut self, key: &Key) -> Option<u64> {
        let (number, rest) = leading_number(self.value(key)?)?;
        rest.first().is_none_or(|byte| *byte == b'\n').then_some(number)
    }

    /// `1756 kB` behind the key, in bytes.
    pub(super) fn kibibytes(&mut self, key: &Key) -> Option<Option<u64>> {
        let Some(value) = self.value(key) else { return Some(None) };
        let (number, rest) = leading_number(value)?;
        let rest = rest.strip_prefix(b" kB")?;
        rest.first().is_none_or(|byte| *byte == b'\n').then_some(())?;
        Some(Some(number.checked_mul(1024)?))
    }
}

/// The number that a text begins with, and the rest; `None` when it begins with no digit, or with too many.
pub(super) fn leading_number(text: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0_u64;
    let mut length = 0;
    for byte in text {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        number = number.checked_mul(10)?.checked_add(u64::from(digit))?;
        length += 1;
    }
    if length == 0 { None } else { Some((number, text.get(length..)?)) }
}
