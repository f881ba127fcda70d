//! The identification lines (RFC 4253, section 4.2): ours, and the client's, which must be its first.

use super::error::{SshError, printable};
use super::limits::MAX_IDENT;

/// The client's line without its end, and how many bytes it took; `None` while the line is not whole.
///
/// A client may send nothing before it, and only version 2.0 will do.
pub(super) fn take(bytes: &[u8]) -> Result<Option<(Vec<u8>, usize)>, SshError> {
    const PREFIX: &[u8] = b"SSH-2.0-";
    let window = bytes.get(..MAX_IDENT).unwrap_or(bytes);
    let refused = || Err(SshError::Ident { got: printable(window) });
    // What cannot become the line is not waited for.
    if !window.iter().zip(PREFIX).all(|(got, expected)| got == expected) {
        return refused();
    }
    let Some(end) = window.iter().position(|byte| *byte == b'\n') else {
        return if window.len() < MAX_IDENT { Ok(None) } else { refused() };
    };
    let line = window.get(..end).unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let is_plain = line.len() > PREFIX.len() && line.iter().all(|byte| (0x20..=0x7e).contains(byte));
    if is_plain { Ok(Some((line.to_vec(), end + 1))) } else { refused() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_taken_whole() {
        let line = b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\nrest";
        for cut in 0..32 {
            assert_eq!(take(&line[..cut]), Ok(None), "{cut}");
        }
        assert_eq!(take(line), Ok(Some((b"SSH-2.0-OpenSSH_9.2p1 Debian-2".to_vec(), 32))));
        assert_eq!(take(b"SSH-2.0-x\n"), Ok(Some((b"SSH-2.0-x".to_vec(), 10))));
    }

    #[test]
    fn other_lines_are_refused_as_soon_as_can_be() {
        for line in [&b"G"[..], b"GET / HTTP/1.1\r\n", b"SSH-1.5-x\r\n", b"SSH-1.99-x", b"\r\n", b"SSH-2.0-\r\n"] {
            assert!(matches!(take(line), Err(SshError::Ident { .. })), "{line:?}");
        }
        assert!(take(b"SSH-2.0-a\0b\r\n").is_err());
        assert!(take(b"SSH-2.0-\xc3\xa4\r\n").is_err());
    }

    #[test]
    fn a_line_has_at_most_255_bytes() {
        let line = |length: usize| [b"SSH-2.0-".to_vec(), vec![b'a'; length - 10], b"\r\n".to_vec()].concat();
        assert!(take(&line(255)).unwrap().is_some());
        assert!(take(&line(256)).is_err());
        let endless = [b"SSH-2.0-".to_vec(), vec![b'a'; 1 << 20]].concat();
        assert_eq!(take(&endless[..254]), Ok(None));
        assert!(take(&endless).is_err());
    }
}
