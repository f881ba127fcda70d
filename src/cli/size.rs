//! From the text of a size to its bytes: one set of units for every flag. Pure. Every error is a sentence: what was expected,
//! what was got.

use crate::supervisor::LARGEST_CAPTURE;

/// Less than any program needs: whoever limits its memory to that means another unit.
const SMALLEST_MEMORY_LIMIT: u64 = 1 << 20;

/// Units, and how many bytes they are.
const UNITS: [(&str, u64); 14] = [
    ("", 1),
    ("K", 1 << 10),
    ("KiB", 1 << 10),
    ("kB", 1_000),
    ("KB", 1_000),
    ("M", 1 << 20),
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("G", 1 << 30),
    ("GiB", 1 << 30),
    ("GB", 1_000_000_000),
    ("T", 1 << 40),
    ("TiB", 1 << 40),
    ("TB", 1_000_000_000_000),
];

/// A number before its unit, and how many bytes that is; `None` when there is no such unit.
pub fn split(text: &str) -> Option<(&str, u64)> {
    let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = text.strip_prefix(number)?;
    UNITS.iter().find(|(name, _)| *name == unit).map(|(_, bytes)| (number, *bytes))
}

/// A number of bytes: `4096`, `64K`, `200M`, `1G`, each 1024 times the last, as with `iB`; of `KB`, `MB`, `GB` it is 1000.
pub fn size(text: &str) -> Result<u64, String> {
    let bytes = split(text).and_then(|(number, unit)| {
        let is_plain = number.bytes().all(|digit| digit.is_ascii_digit());
        number.parse::<u64>().ok().filter(|_| is_plain)?.checked_mul(unit)
    });
    bytes
        .filter(|bytes| *bytes > 0)
        .ok_or_else(|| format!("expected a number of bytes from 1, like 4096, 64K, 200M or 1G, got {text:?}"))
}

/// How much output is kept.
pub fn capture(text: &str) -> Result<u64, String> {
    match size(text)? {
        bytes if bytes <= LARGEST_CAPTURE => Ok(bytes),
        _ => Err(format!("expected at most {}M, got {text:?}", LARGEST_CAPTURE >> 20)),
    }
}

/// How much memory a process may have.
pub fn memory_limit(text: &str) -> Result<u64, String> {
    match size(text)? {
        bytes if bytes >= SMALLEST_MEMORY_LIMIT => Ok(bytes),
        bytes => Err(format!("expected at least 1M, like 200M, got {text:?}, which is {bytes} bytes")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_set_of_units() {
        for (text, bytes) in [
            ("1", 1),
            ("64K", 65_536),
            ("64kB", 64_000),
            ("200M", 200 << 20),
            ("200MiB", 200 << 20),
            ("200MB", 200_000_000),
            ("1G", 1 << 30),
            ("1T", 1 << 40),
        ] {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for text in ["", "0", "-1", "+1", "1.5M", "M", "1m", "1P", "99999999999999999999", "99999999999G", " 1", "1 M"]
        {
            let sentence = size(text).expect_err(text);
            assert!(sentence.starts_with("expected a number of bytes from 1, like 4096"), "{sentence}");
        }
    }

    #[test]
    fn limits_are_told() {
        assert_eq!(capture("64M"), Ok(LARGEST_CAPTURE));
        assert_eq!(capture("65M"), Err("expected at most 64M, got \"65M\"".to_owned()));
        assert_eq!(memory_limit("1M"), Ok(SMALLEST_MEMORY_LIMIT));
        let sentence = "expected at least 1M, like 200M, got \"200\", which is 200 bytes";
        assert_eq!(memory_limit("200"), Err(sentence.to_owned()));
    }
}
