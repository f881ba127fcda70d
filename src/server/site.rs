//! What the port offers over HTTP: a table of paths, each with the function that answers. Pure: a request in, a response out.

use tungstenite::Error;
use tungstenite::error::ProtocolError;
use tungstenite::handshake::server::create_response_with_body;
use tungstenite::http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};

use super::http::{Body, sentence};
use super::origin::{Access, Purpose, Refusal};
use crate::wamp::codec::Serialization;

/// Where WAMP is.
pub(super) const WAMP_PATH: &str = "/ws";

/// A path, and what is there.
struct Place {
    path: &'static str,
    serve: fn(&Request<()>) -> Answer,
}

/// Every path there is.
const PLACES: &[Place] = &[Place { path: WAMP_PATH, serve: websocket }, Place { path: "/", serve: front }];

/// What becomes of a request.
#[derive(Debug)]
pub(super) enum Answer {
    /// A response, then the end of the connection.
    Close(Response<Body>),
    /// A response, then WAMP over WebSocket, so written.
    Upgrade(Response<Body>, Serialization),
}

/// Answers a request.
pub(super) fn answer(request: &Request<()>, access: &Access) -> Answer {
    let purpose = if asks_for_upgrade(request.headers()) { Purpose::WebSocket } else { Purpose::Page };
    if let Err(refusal) = access.check(request.headers(), purpose) {
        let status = match refusal {
            Refusal::NoHost => StatusCode::BAD_REQUEST,
            Refusal::Host(_) | Refusal::Origin(_) => StatusCode::FORBIDDEN,
        };
        return Answer::Close(sentence(status, refusal));
    }
    let method = request.method();
    if method != Method::GET && method != Method::HEAD {
        let mut response = sentence(StatusCode::METHOD_NOT_ALLOWED, format_args!("expected GET, got {method}"));
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return Answer::Close(response);
    }
    let place = PLACES.iter().find(|place| place.path == request.uri().path());
    let answer = place.map_or_else(hint, |place| (place.serve)(request));
    match answer {
        // The headers are those of GET, the body is not sent.
        Answer::Close(mut response) if method == Method::HEAD => {
            response.body_mut().clear();
            Answer::Close(response)
        }
        answer => answer,
    }
}

/// What a caller is told for whom there is no room.
pub(super) fn no_room() -> Response<Body> {
    sentence(StatusCode::SERVICE_UNAVAILABLE, "There are as many connections as may be. Try again later.")
}

fn asks_for_upgrade(headers: &HeaderMap) -> bool {
    headers.contains_key(header::UPGRADE)
}

fn front(request: &Request<()>) -> Answer {
    if asks_for_upgrade(request.headers()) { websocket(request) } else { hint() }
}

fn hint() -> Answer {
    let text =
        format!("This is wampproc, a WAMP router. Talk to it by WebSocket at {WAMP_PATH} as {}.", subprotocols());
    Answer::Close(sentence(StatusCode::NOT_FOUND, text))
}

/// Upgrades to WAMP.
fn websocket(request: &Request<()>) -> Answer {
    let offered = request.headers().get_all(header::SEC_WEBSOCKET_PROTOCOL);
    let mut response = match create_response_with_body(request, Body::new) {
        Ok(response) => response,
        Err(error) => return Answer::Close(refuse_upgrade(&error)),
    };
    let mut wanted = offered.iter().filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(','));
    // The client names what it would rather have first.
    let chosen = wanted.find_map(|wanted| {
        Serialization::ALL.iter().find(|serialization| serialization.subprotocol() == wanted.trim()).copied()
    });
    let Some(chosen) = chosen else {
        let (ours, got) = (subprotocols(), join(offered.iter()));
        let text = format!("expected {ours} in Sec-WebSocket-Protocol, got {got}");
        return Answer::Close(sentence(StatusCode::BAD_REQUEST, text));
    };
    let name = HeaderValue::from_static(chosen.subprotocol());
    response.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, name);
    Answer::Upgrade(response, chosen)
}

/// What a client can ask for: `wamp.2.json or …`.
fn subprotocols() -> String {
    Serialization::ALL.iter().map(|serialization| serialization.subprotocol()).collect::<Vec<_>>().join(" or ")
}

fn refuse_upgrade(error: &Error) -> Response<Body> {
    let upgrade_required = |text: String| {
        let mut response = sentence(StatusCode::UPGRADE_REQUIRED, text);
        let headers = response.headers_mut();
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade, close"));
        headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        response
    };
    match error {
        Error::Protocol(
            ProtocolError::MissingUpgradeWebSocketHeader | ProtocolError::MissingConnectionUpgradeHeader,
        ) => upgrade_required(format!("expected a WebSocket upgrade to {}, got a plain request", subprotocols())),
        Error::Protocol(ProtocolError::MissingSecWebSocketVersionHeader) => {
            upgrade_required("expected version 13 of WebSocket, got another".to_owned())
        }
        other => sentence(StatusCode::BAD_REQUEST, format_args!("expected a WebSocket upgrade, got an error: {other}")),
    }
}

fn join<'a>(lines: impl Iterator<Item = &'a HeaderValue>) -> String {
    let lines: Vec<_> = lines.map(|line| String::from_utf8_lossy(line.as_bytes())).collect();
    if lines.is_empty() { "none".to_owned() } else { format!("{:?}", lines.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(head: &str) -> (u16, Response<Body>) {
        let access = Access::new([127, 0, 0, 1].into(), Vec::new());
        let (request, _) = super::super::http::parse(head.replace('\n', "\r\n").as_bytes()).unwrap().unwrap();
        match answer(&request, &access) {
            Answer::Upgrade(response, _) => {
                assert_eq!(response.status(), 101);
                (101, response)
            }
            Answer::Close(response) => {
                assert_eq!(response.headers()["connection"].to_str().unwrap().split(", ").last(), Some("close"));
                (response.status().as_u16(), response)
            }
        }
    }

    fn upgrade(path: &str, change: impl Fn(&str) -> String) -> (u16, Response<Body>) {
        let head = "Host: localhost\nConnection: keep-alive, Upgrade\nUpgrade: websocket\nSec-WebSocket-Version: 13\n\
                    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\nSec-WebSocket-Protocol: wamp.2.json\n\n";
        ask(&format!("GET {path} HTTP/1.1\n{}", change(head)))
    }

    #[test]
    fn wamp_is_at_two_paths() {
        for path in ["/ws", "/", "/ws?token=1"] {
            let (status, response) = upgrade(path, str::to_owned);
            assert_eq!(status, 101, "{path}");
            assert_eq!(response.headers()["sec-websocket-protocol"], "wamp.2.json");
            assert_eq!(response.headers()["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        }
        assert_eq!(upgrade("/elsewhere", str::to_owned).0, 404);
    }

    #[test]
    fn the_subprotocol_may_stand_anywhere_but_must() {
        let with =
            |protocols: &str| upgrade("/ws", |head| head.replace("Sec-WebSocket-Protocol: wamp.2.json", protocols));
        for protocols in [
            "Sec-WebSocket-Protocol: wamp.2.ubjson, wamp.2.json",
            "Sec-WebSocket-Protocol: wamp.2.ubjson\nSec-WebSocket-Protocol: wamp.2.flatbuffers,wamp.2.json",
        ] {
            assert_eq!(with(protocols).0, 101, "{protocols}");
        }
        // Of several that are known, the client's first.
        for serialization in Serialization::ALL {
            let name = serialization.subprotocol();
            let (_, response) = with(&format!("Sec-WebSocket-Protocol: {name}, wamp.2.json, wamp.2.cbor"));
            assert_eq!(response.headers()["sec-websocket-protocol"], name);
        }
        for (protocols, got) in [("Sec-WebSocket-Protocol: wamp.2.ubjson", "\"wamp.2.ubjson\""), ("X: y", "none")] {
            let (status, response) = with(protocols);
            assert_eq!(status, 400);
            let text = String::from_utf8(response.into_body()).unwrap();
            assert!(text.contains("wamp.2.json") && text.contains(got), "{text}");
        }
    }

    #[test]
    fn what_is_no_upgrade_is_told_what_is_expected() {
        for (from, to, status) in [
            ("Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 8", 426),
            ("Upgrade: websocket", "Upgrade: h2c", 426),
            ("dGhlIHNhbXBsZSBub25jZQ==", "short", 400),
            ("Host: localhost", "Host: evil.example", 403),
            ("Host: localhost", "Host: localhost\nOrigin: http://evil.example", 403),
            ("Host: localhost\n", "", 400),
            ("HTTP/1.1", "HTTP/1.1", 101),
        ] {
            assert_eq!(upgrade("/ws", |head| head.replace(from, to)).0, status, "{to}");
        }
    }

    #[test]
    fn plain_http_gets_a_hint() {
        for path in ["/", "/favicon.ico", "/ws/"] {
            let (status, response) = ask(&format!("GET {path} HTTP/1.1\nHost: localhost\n\n"));
            assert_eq!(status, 404, "{path}");
            assert!(String::from_utf8_lossy(response.body()).contains("/ws"));
        }
        assert_eq!(ask("GET /ws HTTP/1.1\nHost: localhost\n\n").0, 426);
        assert_eq!(ask("GET / HTTP/1.0\nHost: localhost\n\n").0, 404);
        assert_eq!(ask("POST / HTTP/1.1\nHost: localhost\n\n").0, 405);
        let (status, response) = ask("HEAD / HTTP/1.1\nHost: localhost\n\n");
        assert_eq!((status, response.body().len()), (404, 0));
        assert_ne!(response.headers()["content-length"], "0");
    }
}
