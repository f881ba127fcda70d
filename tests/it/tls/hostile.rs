//! Connections to a port with TLS that come to nothing: they are cut in time, and nobody else notices.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use wampproc::server::{Server, ServerConfig, Timeouts};
use wampproc::transport::tls::{Identity, TlsServer};

use super::{call, file};
use crate::support::PATIENCE;

/// How long the router of these tests has patience.
const HEAD: Duration = Duration::from_millis(300);

fn server() -> Server {
    let read = |name| fs::read(file(name)).unwrap();
    let shown = Identity { chain: read("server.pem"), key: read("server.key") };
    let mut config = ServerConfig::new("127.0.0.1:0".parse().unwrap());
    config.tls = Some(TlsServer::new(&shown, None).unwrap());
    config.timeouts = Timeouts { head: HEAD, ..Timeouts::default() };
    Server::start(config, Vec::new()).unwrap()
}

/// Sends that, and reads until the router hangs up: what it said.
fn send(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.write_all(bytes).unwrap();
    let mut answer = Vec::new();
    if let Err(error) = socket.read_to_end(&mut answer) {
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "it does not hang up");
    }
    answer
}

fn is_served(server: &Server) {
    let end = call(&server.url(), &["--ca", &file("authority.pem")]);
    assert_eq!((end.code, end.text()), (Some(0), "1\n"), "{}", end.stderr);
}

#[test]
fn a_handshake_that_stalls_is_cut_in_its_time() {
    let server = server();
    // Nothing at all; the beginning of a record; a record's header and not the rest.
    for bytes in [&b""[..], b"\x16", b"\x16\x03\x01\x02\x00\x01"] {
        let start = Instant::now();
        assert_eq!(send(server.local_addrs()[0], bytes), b"");
        assert!(start.elapsed() >= HEAD, "it has that time");
    }
    // Many of them keep nobody from being served.
    let idle: Vec<_> = (0..200).map(|_| TcpStream::connect(server.local_addrs()[0]).unwrap()).collect();
    for mut socket in &idle {
        socket.write_all(b"\x16\x03\x01").unwrap();
    }
    is_served(&server);
    for mut socket in idle {
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        assert!(matches!(socket.read(&mut [0; 16]), Ok(0)), "it is not cut");
    }
    is_served(&server);
}

#[test]
fn what_is_no_handshake_is_refused_at_once() {
    let server = server();
    let answer = send(server.local_addrs()[0], b"GET /ws HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("expected TLS, got plain HTTP"), "{answer}");
    // A RawSocket, and bytes of nobody.
    assert_eq!(send(server.local_addrs()[0], b"\x7f\xf1\0\0"), b"");
    assert_eq!(send(server.local_addrs()[0], &[0xff; 2000]), b"");
    // A ClientHello of nonsense is answered with a fatal alert (RFC 8446, 6).
    let mut record = b"\x16\x03\x01\x01\x00\x01\x00\x00\xfc".to_vec();
    record.resize(5 + 256, 0x55);
    let answer = send(server.local_addrs()[0], &record);
    assert!(answer.first() == Some(&0x15) && answer.get(5) == Some(&2), "{answer:?}");
    is_served(&server);
}
