//! HTTP as bytes: the head of a request in, the bytes of a response out. Pure. What is asked for and what is answered is
//! `site`'s business.

use std::fmt;
use std::fmt::Write as _;

use tungstenite::handshake::machine::TryParse;
use tungstenite::http::{HeaderMap, Method, Request, Response, StatusCode, Uri, Version, header};

/// Bytes that the head of a request may have. Far more than any browser sends.
pub(super) const MAX_HEAD: usize = 8 * 1024;

/// What a response carries.
pub(super) type Body = Vec<u8>;

/// Why a head is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum BadHead {
    /// Not HTTP; what was expected.
    Malformed(&'static str),
    /// Another version than 1.0 or 1.1.
    Version,
    /// More than [`MAX_HEAD`].
    TooLong,
}

impl BadHead {
    /// The status that says so.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::Version => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            Self::TooLong => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        }
    }
}

impl fmt::Display for BadHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(expected) => write!(f, "expected {expected}, got something else"),
            Self::Version => f.write_str("expected HTTP/1.1, got another version"),
            Self::TooLong => write!(f, "expected a request line and headers of at most {MAX_HEAD} bytes, got more"),
        }
    }
}

/// The head of the request at the start of `bytes`, with its length; `None` while it is not complete.
///
/// # Errors
/// [`BadHead`], as soon as it is clear that more bytes will not help.
pub(super) fn parse(bytes: &[u8]) -> Result<Option<(Request<()>, usize)>, BadHead> {
    let parsed = parse_head(bytes)?;
    match parsed {
        None if bytes.len() >= MAX_HEAD => Err(BadHead::TooLong),
        Some((_, length)) if length > MAX_HEAD => Err(BadHead::TooLong),
        parsed => Ok(parsed),
    }
}

fn parse_head(bytes: &[u8]) -> Result<Option<(Request<()>, usize)>, BadHead> {
    let Some(end) = bytes.iter().position(|&byte| byte == b'\n') else {
        // A method's name tells HTTP from TLS and whatever else may knock, before there is a whole line.
        let method = bytes.split(|&byte| byte == b' ').next().unwrap_or_default();
        let is_method = method.iter().all(|byte| byte.is_ascii_alphabetic() || *byte == b'-');
        return if is_method { Ok(None) } else { Err(BadHead::Malformed("an HTTP request")) };
    };
    let (line, headers) = bytes.split_at(end + 1);
    let mut request = request_line(line)?;
    let parsed = HeaderMap::try_parse(headers).map_err(|_| BadHead::Malformed("header lines"))?;
    let Some((length, headers)) = parsed else { return Ok(None) };
    *request.headers_mut() = headers;
    Ok(Some((request, line.len() + length)))
}

/// `GET /path HTTP/1.1`, with its line end.
fn request_line(line: &[u8]) -> Result<Request<()>, BadHead> {
    const EXPECTED: BadHead = BadHead::Malformed("a request line like GET /ws HTTP/1.1");
    let line = std::str::from_utf8(line).map_err(|_| EXPECTED)?;
    let mut words = line.trim_end_matches(['\r', '\n']).split(' ');
    let (Some(method), Some(target), Some(version), None) = (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(EXPECTED);
    };
    let mut request = Request::new(());
    *request.method_mut() = Method::from_bytes(method.as_bytes()).map_err(|_| EXPECTED)?;
    *request.uri_mut() = target.parse::<Uri>().map_err(|_| EXPECTED)?;
    *request.version_mut() = match version {
        "HTTP/1.1" => Version::HTTP_11,
        "HTTP/1.0" => Version::HTTP_10,
        other if other.starts_with("HTTP/") => return Err(BadHead::Version),
        _ => return Err(EXPECTED),
    };
    Ok(request)
}

/// A response that says one sentence, after which the connection is closed.
pub(super) fn sentence(status: StatusCode, sentence: impl fmt::Display) -> Response<Body> {
    page(status, "text/plain; charset=utf-8", format!("{sentence}\n").into_bytes())
}

/// A response with a body, after which the connection is closed.
pub(super) fn page(status: StatusCode, content_type: &'static str, body: Body) -> Response<Body> {
    use header::HeaderValue;
    let length = HeaderValue::from(body.len());
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CONTENT_LENGTH, length);
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// The bytes of a response.
pub(super) fn encode(response: &Response<Body>) -> Vec<u8> {
    let mut head = String::with_capacity(256);
    // Writing to a string cannot fail.
    let _ = write!(head, "HTTP/1.1 {}\r\n", response.status());
    let mut bytes = head.into_bytes();
    for (name, value) in response.headers() {
        bytes.extend_from_slice(name.as_str().as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(response.body());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_complete_with_its_empty_line() {
        let text = b"GET /ws?x=1 HTTP/1.1\r\nHost: a:1\r\nX: y\r\n\r\nearly";
        for length in 0..text.len() - 5 {
            assert!(matches!(parse(&text[..length]), Ok(None)), "{length}");
        }
        let (request, length) = parse(text).unwrap().unwrap();
        assert_eq!(&text[length..], b"early");
        assert_eq!((request.method(), request.uri().path()), (&Method::GET, "/ws"));
        assert_eq!(request.headers()["host"], "a:1");
    }

    #[test]
    fn what_is_no_request_is_refused_as_soon_as_that_is_clear() {
        let refused = |bytes: &[u8]| parse(bytes).expect_err(&String::from_utf8_lossy(bytes)).status().as_u16();
        for bytes in [
            &b"\x7f\xf1\0\0"[..],
            b"\x16\x03\x01\x02\0\x01",
            b"GET\n",
            b"GET / HTTP/1.1 x\r\n",
            b"GET  / HTTP/1.1\r\n",
            b"G\xc3\xa4T / HTTP/1.1\r\n",
            b"GET / HTTP/1.1\r\nno header\r\n\r\n",
            b"GET / HTTP/1.1\r\nA\0: b\r\n\r\n",
            b"GET / SPDY/3\r\n\r\n",
            b"\r\n\r\n",
        ] {
            assert_eq!(refused(bytes), 400);
        }
        assert_eq!(refused(b"GET / HTTP/2.0\r\n\r\n"), 505);
    }

    #[test]
    fn a_head_has_its_limit_complete_or_not() {
        let head = |length: usize| {
            let mut bytes = b"GET / HTTP/1.1\r\nX: ".to_vec();
            bytes.resize(length - 4, b'x');
            bytes.extend_from_slice(b"\r\n\r\n");
            bytes
        };
        assert!(parse(&head(MAX_HEAD)).unwrap().is_some());
        assert_eq!(parse(&head(MAX_HEAD + 1)).unwrap_err(), BadHead::TooLong);
        assert_eq!(parse(&head(2 * MAX_HEAD)[..MAX_HEAD]).unwrap_err(), BadHead::TooLong);
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(1000));
        assert!(parse(many.as_bytes()).is_err());
    }

    #[test]
    fn a_response_is_whole() {
        let text = String::from_utf8(encode(&sentence(StatusCode::NOT_FOUND, "Nothing."))).unwrap();
        assert!(text.starts_with("HTTP/1.1 404 Not Found\r\n"), "{text}");
        assert!(text.contains("\r\ncontent-length: 9\r\n") && text.ends_with("\r\n\r\nNothing.\n"), "{text}");
    }
}
