//! The URL of a router.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use tungstenite::http::Uri;

use super::unix::LONGEST_PATH;

/// Where a router is, as in `ws://host:8080/ws`, `rs://host:8080`, the same with TLS, `wss://` and `rss://`, or
/// `unix:///run/router`. An IPv6 address stands in brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    scheme: Scheme,
    security: Security,
    uri: Uri,
    host: String,
    port: u16,
    /// Of a Unix socket; it has none of the others.
    path: Option<PathBuf>,
}

/// How the router is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// WebSocket: `ws` or `wss`.
    WebSocket,
    /// RawSocket: `rs`, `rss` or `unix`.
    RawSocket,
}

/// What is under that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// TCP: whoever is on the way reads and changes what he likes.
    None,
    /// TLS: `wss` and `rss`.
    Tls,
}

/// A text that is no URL of a router. Its `Display` says what was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidUrl(String);

impl Url {
    /// The text of the default: where `wampproc serve` listens when nothing else is said.
    pub const DEFAULT: &str = "ws://127.0.0.1:8080/ws";

    /// How the router is spoken to.
    #[must_use]
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// What is under that.
    #[must_use]
    pub const fn security(&self) -> Security {
        self.security
    }

    /// The host's name or address, an IPv6 address without its brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port; 80 when the URL names none, 443 for `wss`.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The path of the Unix socket that the router is at.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// `host:port` as it stands in the `Host` header.
    #[must_use]
    pub fn authority(&self) -> String {
        self.uri.authority().map_or_else(String::new, ToString::to_string)
    }

    pub(super) const fn uri(&self) -> &Uri {
        &self.uri
    }
}

impl Default for Url {
    fn default() -> Self {
        let scheme = Scheme::WebSocket;
        let security = Security::None;
        let host = "127.0.0.1".to_owned();
        Self { scheme, security, uri: Uri::from_static(Self::DEFAULT), host, port: 8080, path: None }
    }
}

impl FromStr for Url {
    type Err = InvalidUrl;

    fn from_str(text: &str) -> Result<Self, InvalidUrl> {
        let wrong = |got: &str| {
            InvalidUrl(format!(
                "expected a URL like ws://HOST:PORT/ws, rs://HOST:PORT or unix:///PATH, got {text:?}{got}"
            ))
        };
        // Schemes have no case (RFC 3986, 3.1); what reads them further down does not know that.
        if let Some((_, path)) = text.split_once(':').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("unix")) {
            let (scheme, uri, path) = (Scheme::RawSocket, Uri::default(), Some(socket_path(path).map_err(wrong)?));
            return Ok(Self { scheme, security: Security::None, uri, host: String::new(), port: 0, path });
        }
        let lower = text.split_once("://").map(|(scheme, rest)| format!("{}://{rest}", scheme.to_ascii_lowercase()));
        let uri: Uri = lower.as_deref().unwrap_or(text).parse().map_err(|error| wrong(&format!(" ({error})")))?;
        let (scheme, security) = match uri.scheme_str() {
            Some("ws") => (Scheme::WebSocket, Security::None),
            Some("rs") => (Scheme::RawSocket, Security::None),
            Some("wss") => (Scheme::WebSocket, Security::Tls),
            Some("rss") => (Scheme::RawSocket, Security::Tls),
            _ => return Err(wrong("")),
        };
        if security == Security::Tls && !cfg!(feature = "tls") {
            return Err(wrong(" (this program was built without TLS: build it with the cargo feature \"tls\")"));
        }
        if scheme == Scheme::RawSocket && uri.path_and_query().is_some_and(|path| path.as_str().len() > 1) {
            return Err(wrong(" (a RawSocket has no path)"));
        }
        if uri.authority().is_none_or(|authority| authority.as_str().contains('@')) {
            return Err(wrong(" (a user has no place there)"));
        }
        let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() {
            return Err(wrong(" (no host)"));
        }
        let port = match port_text(uri.authority().map_or("", |authority| authority.as_str())) {
            None if scheme == Scheme::RawSocket => return Err(wrong(" (a RawSocket needs its port)")),
            None if security == Security::Tls => 443,
            None => 80,
            Some(text) => match text.parse() {
                Ok(port) if port > 0 => port,
                _ => return Err(wrong(" (the port must be from 1 to 65535)")),
            },
        };
        Ok(Self { scheme, security, uri, host, port, path: None })
    }
}

/// The path of a Unix socket, from what stands behind `unix:`: `/PATH` or `///PATH`.
///
/// # Errors
/// What is wrong with it, to stand behind the text.
pub fn socket_path(text: &str) -> Result<PathBuf, &'static str> {
    let path = text.strip_prefix("//").unwrap_or(text);
    if !path.starts_with('/') {
        return Err(" (the path must begin with /)");
    }
    if path.len() > LONGEST_PATH {
        return Err(" (the path must have at most 107 bytes)");
    }
    Ok(PathBuf::from(path))
}

/// What stands behind the host's colon. (`http::Uri` passes over a port that it cannot read.)
fn port_text(authority: &str) -> Option<&str> {
    let behind_brackets = authority.rfind(']').map_or(authority, |end| authority.get(end..).unwrap_or_default());
    behind_brackets.rsplit_once(':').map(|(_, port)| port)
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.path {
            Some(path) => write!(f, "unix://{}", path.display()),
            // A path, if only `/`, is WebSocket's.
            None if self.scheme == Scheme::RawSocket => {
                write!(f, "{}://{}", self.uri.scheme_str().unwrap_or_default(), self.authority())
            }
            None => self.uri.fmt(f),
        }
    }
}

impl fmt::Display for InvalidUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvalidUrl {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_port_and_path() {
        for (text, host, port) in [
            ("ws://127.0.0.1:8080/ws", "127.0.0.1", 8080),
            ("ws://example.com", "example.com", 80),
            ("WS://example.com", "example.com", 80),
            ("ws://[::1]:9000/", "::1", 9000),
            ("rs://[::1]:9000", "::1", 9000),
            ("ws://board-7:65535/a?b=c", "board-7", 65535),
        ] {
            let url: Url = text.parse().unwrap();
            assert_eq!((url.host(), url.port()), (host, port), "{text}");
        }
    }

    #[test]
    fn tls_has_a_port_of_its_own_and_wants_its_feature() {
        if !cfg!(feature = "tls") {
            let error = "wss://example.com/ws".parse::<Url>().unwrap_err().to_string();
            assert!(error.contains("cargo feature \"tls\""), "{error}");
            return;
        }
        for (text, scheme, port) in [
            ("wss://example.com/ws", Scheme::WebSocket, 443),
            ("wss://example.com:8080/ws", Scheme::WebSocket, 8080),
            ("rss://example.com:8080", Scheme::RawSocket, 8080),
        ] {
            let url: Url = text.parse().unwrap();
            assert_eq!((url.scheme(), url.security(), url.port()), (scheme, Security::Tls, port), "{text}");
        }
    }

    #[test]
    fn a_scheme_has_no_case() {
        let url: Url = "Ws://Example.com/A".parse().unwrap();
        assert_eq!(url.to_string(), "ws://Example.com/A");
    }

    #[test]
    fn a_rawsocket_is_shown_without_the_path_that_it_cannot_have() {
        for text in ["rs://127.0.0.1:8080", "RS://127.0.0.1:8080/"] {
            assert_eq!(text.parse::<Url>().unwrap().to_string(), "rs://127.0.0.1:8080");
        }
        assert_eq!("ws://127.0.0.1:8080".parse::<Url>().unwrap().to_string(), "ws://127.0.0.1:8080/");
    }

    #[test]
    fn a_unix_socket_has_a_path_and_nothing_else() {
        let url: Url = "Unix:///run/a b%20".parse().unwrap();
        assert_eq!((url.path(), url.scheme()), (Some(Path::new("/run/a b%20")), Scheme::RawSocket));
        assert_eq!(url.to_string(), "unix:///run/a b%20");
        assert_eq!((url.host(), url.port(), url.authority().as_str()), ("", 0, ""));
        assert_eq!("unix:/run/a b%20".parse(), Ok(url));
    }

    #[test]
    fn the_default_is_what_its_text_says() {
        assert_eq!(Url::DEFAULT.parse(), Ok(Url::default()));
    }

    #[test]
    fn what_is_no_url_is_told_what_was_expected() {
        for text in [
            "",
            "ws://",
            "127.0.0.1:8080",
            "http://a/",
            "rss://a/",
            "https://a/",
            "ws://a:0/",
            "ws://a:99999/",
            "ws://:80/",
            "ws://u@h/",
            "ws://a:/",
            "unix://",
            "unix://run/router",
            "unix:run/router",
        ] {
            let error = text.parse::<Url>().expect_err(text).to_string();
            assert!(error.starts_with("expected a URL like ws://HOST:PORT/ws"), "{text}: {error}");
        }
    }
}
