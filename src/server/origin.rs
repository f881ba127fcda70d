//! Who may use the port: which addresses it may be bound to, and which web pages may talk to it. Pure.
//!
//! A page on any site can open a WebSocket to any port of the visitor's machine; its browser says whose page it is in
//! `Origin`. A page can also have its site's name resolve to 127.0.0.1 (DNS rebinding), so that `Origin` and `Host` agree;
//! then `Host` names the site. So both are checked:
//!
//! - `Origin` may be missing (no browser), be the port's own (`http://`, with TLS `https://`, and the `Host` of the request), or be allowed.
//! - `Host` must be an IP address, `localhost`, or of an allowed origin. On a port that is bound to loopback the address must
//!   be a loopback one. On any other, a WebSocket without `Origin` may use whatever name it found the host by: browsers
//!   always send one.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use tungstenite::http::header::{HOST, ORIGIN};
use tungstenite::http::uri::Authority;
use tungstenite::http::{HeaderMap, HeaderName, Uri};

/// Whether somebody other than this machine's users can reach a port bound to that address.
#[must_use]
pub fn needs_permission(address: SocketAddr) -> bool {
    !address.ip().to_canonical().is_loopback()
}

/// Who may reach the port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Exposure {
    /// This machine's users: a loopback address.
    #[default]
    Local,
    /// Anybody who can reach the address, without a login.
    RemoteAnonymous,
}

/// A web page's origin that may use the port, like `http://board-7:8080`, or `*` for any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedOrigin {
    /// Missing: any.
    origin: Option<Origin>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Origin {
    /// In lower case, as browsers write it.
    text: String,
    /// Without the port.
    host: String,
}

/// A text that is no origin. Its `Display` says what was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidOrigin(String);

impl FromStr for AllowedOrigin {
    type Err = InvalidOrigin;

    fn from_str(text: &str) -> Result<Self, InvalidOrigin> {
        if text == "*" {
            return Ok(Self { origin: None });
        }
        let uri: Uri = text.parse().map_err(|_| InvalidOrigin(text.to_owned()))?;
        let text = text.to_lowercase();
        match (uri.scheme_str(), uri.authority()) {
            // A path of its own, as in http://a/, is no part of an origin.
            (Some(scheme), Some(authority)) if text == format!("{scheme}://{authority}").to_lowercase() => {
                Ok(Self { origin: Some(Origin { host: authority.host().to_lowercase(), text }) })
            }
            _ => Err(InvalidOrigin(text)),
        }
    }
}

impl fmt::Display for InvalidOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected an origin like http://board-7:8080, or *, got {:?}", self.0)
    }
}

impl std::error::Error for InvalidOrigin {}

/// Who may use the port.
#[derive(Clone, Debug)]
pub(super) struct Access {
    bound: IpAddr,
    allowed: Vec<AllowedOrigin>,
    /// Of the port's own pages.
    scheme: &'static str,
}

/// What a request is for, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A page, which the sender may show.
    Page,
    /// A WebSocket.
    WebSocket,
}

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Not one `Host` that is a host and a port.
    NoHost,
    /// The name of somebody else.
    Host(String),
    /// A page of somebody else.
    Origin(String),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoHost => f.write_str("expected one Host header, got none or more"),
            Self::Host(got) => {
                write!(
                    f,
                    "expected this machine's address in Host, got {got:?}; --allow-origin http://{got} adds that name"
                )
            }
            Self::Origin(got) => {
                write!(f, "expected a page of this port's own, got one of {got:?}; --allow-origin ORIGIN adds a site")
            }
        }
    }
}

impl Access {
    pub const fn new(bound: IpAddr, allowed: Vec<AllowedOrigin>) -> Self {
        Self { bound, allowed, scheme: "http://" }
    }

    /// The port speaks TLS.
    pub fn over_tls(self) -> Self {
        Self { scheme: "https://", ..self }
    }

    /// Whether a request with these headers may be served.
    pub fn check(&self, headers: &HeaderMap, purpose: Purpose) -> Result<(), Refusal> {
        let host = only(headers, &HOST).ok_or(Refusal::NoHost)?;
        let authority: Authority = host.parse().map_err(|_| Refusal::NoHost)?;
        let origin = headers.contains_key(ORIGIN).then(|| only(headers, &ORIGIN).unwrap_or_default());
        let named_as_it_likes = !self.is_local() && purpose == Purpose::WebSocket && origin.is_none();
        if !named_as_it_likes && !self.is_ours(authority.host()) {
            return Err(Refusal::Host(host.to_owned()));
        }
        match origin {
            Some(origin) if !self.is_allowed(origin, host) => Err(Refusal::Origin(origin.to_owned())),
            _ => Ok(()),
        }
    }

    fn is_local(&self) -> bool {
        self.bound.to_canonical().is_loopback()
    }

    fn is_ours(&self, host: &str) -> bool {
        let by_address = match address(host) {
            Some(address) => !self.is_local() || address.to_canonical().is_loopback(),
            None => host.eq_ignore_ascii_case("localhost"),
        };
        by_address
            || self.allowed.iter().any(|allowed| match &allowed.origin {
                None => true,
                Some(origin) => origin.host.eq_ignore_ascii_case(host),
            })
    }

    fn is_allowed(&self, origin: &str, host: &str) -> bool {
        let own = origin.strip_prefix(self.scheme).is_some_and(|authority| authority.eq_ignore_ascii_case(host));
        own || self.allowed.iter().any(|allowed| match &allowed.origin {
            None => true,
            Some(allowed) => allowed.text.eq_ignore_ascii_case(origin),
        })
    }
}

/// The value of a header that stands there once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

/// The address, of IPv6 in brackets.
fn address(host: &str) -> Option<IpAddr> {
    match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(inner) => inner.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        None => host.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tungstenite::http::HeaderValue;

    fn access(bound: &str, allowed: &[&str]) -> Access {
        Access::new(bound.parse().unwrap(), allowed.iter().map(|text| text.parse().unwrap()).collect())
    }

    fn check(access: &Access, purpose: Purpose, host: &str, origin: Option<&str>) -> Result<(), Refusal> {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_str(host).unwrap());
        if let Some(origin) = origin {
            headers.insert(ORIGIN, HeaderValue::from_str(origin).unwrap());
        }
        access.check(&headers, purpose)
    }

    #[test]
    fn on_loopback_only_names_of_loopback_and_the_own_page() {
        use Purpose::{Page, WebSocket};
        let access = access("127.0.0.1", &[]);
        for host in ["127.0.0.1:8080", "localhost:8080", "LOCALHOST", "[::1]:8080", "127.1.2.3", "[::ffff:127.0.0.1]"] {
            for purpose in [Page, WebSocket] {
                assert_eq!(check(&access, purpose, host, None), Ok(()), "{host}");
                assert_eq!(check(&access, purpose, host, Some(&format!("http://{host}"))), Ok(()), "{host}");
            }
        }
        for host in ["evil.example:8080", "192.168.1.7", "localhost.evil.example", "127.0.0.1.evil.example", "0.0.0.0"]
        {
            for origin in [None, Some(&*format!("http://{host}"))] {
                assert_eq!(check(&access, WebSocket, host, origin), Err(Refusal::Host(host.to_owned())));
            }
        }
        for origin in
            ["http://evil.example", "null", "", "https://localhost:1", "http://localhost:2", "http://localhost:1/"]
        {
            let refused = Err(Refusal::Origin(origin.to_owned()));
            assert_eq!(check(&access, WebSocket, "localhost:1", Some(origin)), refused);
        }
    }

    #[test]
    fn elsewhere_any_address_and_for_those_that_are_no_browser_any_name() {
        use Purpose::{Page, WebSocket};
        for bound in ["0.0.0.0", "192.168.1.7", "::"] {
            let access = access(bound, &[]);
            assert_eq!(check(&access, Page, "192.168.1.7:8080", None), Ok(()));
            assert_eq!(check(&access, WebSocket, "board-7:8080", None), Ok(()));
            assert!(check(&access, Page, "board-7:8080", None).is_err());
            assert!(check(&access, WebSocket, "board-7:8080", Some("http://board-7:8080")).is_err());
        }
    }

    #[test]
    fn an_allowed_origin_is_a_page_and_a_host() {
        let one = access("127.0.0.1", &["http://Board-7:8080", "https://x.example"]);
        for (host, origin) in [
            ("board-7:8080", None),
            ("board-7:8080", Some("http://board-7:8080")),
            ("x.example", Some("https://x.example")),
            ("localhost:1", Some("https://x.example")),
        ] {
            assert_eq!(check(&one, Purpose::Page, host, origin), Ok(()), "{host} {origin:?}");
        }
        assert!(check(&one, Purpose::Page, "localhost:1", Some("http://x.example")).is_err());
        let any = access("127.0.0.1", &["*"]);
        assert_eq!(check(&any, Purpose::Page, "evil.example", Some("null")), Ok(()));
        for text in ["", "x.example", "http://x.example/", "/a", "http://"] {
            assert!(text.parse::<AllowedOrigin>().is_err(), "{text}");
        }
    }

    #[test]
    fn host_stands_there_once() {
        let access = access("127.0.0.1", &[]);
        let mut headers = HeaderMap::new();
        assert_eq!(access.check(&headers, Purpose::Page), Err(Refusal::NoHost));
        headers.append(HOST, HeaderValue::from_static("localhost"));
        headers.append(HOST, HeaderValue::from_static("localhost"));
        assert_eq!(access.check(&headers, Purpose::Page), Err(Refusal::NoHost));
        let twice = headers.clone();
        headers.remove(HOST);
        headers.append(HOST, HeaderValue::from_static("localhost"));
        headers.append(ORIGIN, HeaderValue::from_static("http://localhost"));
        assert_eq!(access.check(&headers, Purpose::Page), Ok(()));
        headers.append(ORIGIN, HeaderValue::from_static("http://localhost"));
        assert_eq!(access.check(&headers, Purpose::Page), Err(Refusal::Origin(String::new())), "{twice:?}");
    }

    #[test]
    fn only_loopback_needs_no_permission() {
        for (address, needed) in [
            ("127.0.0.1:0", false),
            ("127.9.9.9:0", false),
            ("[::1]:0", false),
            ("[::ffff:127.0.0.1]:0", false),
            ("0.0.0.0:0", true),
            ("[::]:0", true),
            ("192.168.1.7:0", true),
        ] {
            assert_eq!(needs_permission(address.parse().unwrap()), needed, "{address}");
        }
    }
}
