//! Both ends back to back on loopback, on one thread, neither ever waiting but in the wait that the loop has too.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::*;
use crate::sync::wait::{Interest, wait};
use crate::transport::TransportError;
use crate::transport::stream::Stream;

macro_rules! pem {
    ($name:literal) => {
        include_bytes!(concat!("../../../tests/it/tls/certificates/", $name)).as_slice()
    };
}

fn identity(chain: &[u8], key: &[u8]) -> Identity {
    Identity { chain: chain.to_vec(), key: key.to_vec() }
}

fn router() -> TlsServer {
    TlsServer::new(&identity(pem!("server.pem"), pem!("server.key")), None).unwrap()
}

fn client() -> TlsClient {
    TlsClient::new(Trust::Authorities(pem!("authority.pem")), None).unwrap()
}

fn sockets() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let here = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (there, _) = listener.accept().unwrap();
    for socket in [&here, &there] {
        socket.set_nonblocking(true).unwrap();
        socket.set_nodelay(true).unwrap();
    }
    (here, there)
}

/// The client's stream and the router's, before the handshake.
fn streams(client: &TlsClient, router: &TlsServer, host: &str) -> (Stream, Stream) {
    let (here, there) = sockets();
    let (mut here, mut there) = (Stream::from(here), Stream::from(there));
    here.secure_as_client(client, host).unwrap();
    there.secure_as_server(router).unwrap();
    (here, there)
}

/// What becomes of a handshake at both ends: it ends when neither waits, or nothing comes any more.
fn shake(here: &mut Stream, there: &mut Stream) -> [Result<(), String>; 2] {
    let mut results = [None, None];
    while results.iter().any(Option::is_none) {
        for (stream, result) in [&mut *here, &mut *there].into_iter().zip(&mut results) {
            match stream.handshake() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => {
                    result.get_or_insert(Err(TransportError::from(error).to_string()));
                    // It has said why.
                    let _ = stream.finish();
                }
                Ok(()) => {
                    result.get_or_insert(Ok(()));
                }
            }
        }
        let both = [(here.as_fd(), here.interest()), (there.as_fd(), there.interest())];
        let ready = wait(both, Some(Duration::from_secs(20))).unwrap();
        assert!(ready.iter().any(|ready| ready.readable || ready.writable), "both wait for ever: {results:?}");
    }
    results.map(Option::unwrap)
}

/// Both ends of a connection that is secured.
fn connected() -> (Stream, Stream) {
    let (mut here, mut there) = streams(&client(), &router(), "localhost");
    assert_eq!(shake(&mut here, &mut there), [Ok(()), Ok(())]);
    (here, there)
}

/// A round of reading, into a buffer of that size.
fn round(stream: &mut Stream, size: usize, all: &mut Vec<u8>) -> io::Result<()> {
    let mut buffer = vec![0; size];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => all.extend(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

fn wait_for(stream: &Stream, interest: Interest) {
    let [ready] = wait([(stream.as_fd(), interest)], Some(Duration::from_secs(20))).unwrap();
    assert!(ready.readable || ready.writable, "nothing comes");
}

#[test]
fn a_round_leaves_no_plain_bytes_behind() {
    let (mut here, mut there) = connected();
    // A thousand records, in few pieces on the way.
    for number in 0..1000_u32 {
        here.write_all(&number.to_be_bytes()).unwrap();
    }
    here.flush().unwrap();
    let mut all = Vec::new();
    while all.len() < 4000 {
        // Were plain bytes left inside when it says `WouldBlock`, this wait would be for nothing.
        wait_for(&there, Interest::READ);
        round(&mut there, 3, &mut all).unwrap();
    }
    let expected: Vec<u8> = (0..1000_u32).flat_map(u32::to_be_bytes).collect();
    assert_eq!(all, expected);
}

#[test]
fn long_writes_arrive_whole_both_ways_at_once_and_rounds_end() {
    const LENGTH: usize = 3 << 20;
    let (mut here, mut there) = connected();
    let bytes: Vec<u8> = (0..LENGTH).map(|index| (index % 251) as u8).collect();
    let (mut sent, mut got) = ([0, 0], [Vec::new(), Vec::new()]);
    while got.iter().any(|got| got.len() < LENGTH) || here.owes() || there.owes() {
        for (end, stream) in [&mut here, &mut there].into_iter().enumerate() {
            while sent[end] < LENGTH {
                match stream.write(&bytes[sent[end]..]) {
                    Ok(count) => sent[end] += count,
                    Err(error) => {
                        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
                        assert!(stream.owes() && stream.interest().write);
                        break;
                    }
                }
            }
            let _ = stream.flush();
            let before = got[end].len();
            round(stream, 10_000, &mut got[end]).unwrap();
            assert!(got[end].len() - before <= 128 * 1024, "a round does not end");
        }
    }
    assert!(got[0] == bytes && got[1] == bytes);
}

#[test]
fn a_write_that_waits_does_not_keep_from_reading() {
    let (mut here, mut there) = connected();
    // Full is what stays full: the kernel moves on what was written while it finds room at the other end.
    let room = |stream: &Stream| {
        wait([(stream.as_fd(), Interest::WRITE)], Some(Duration::from_millis(200))).unwrap()[0].writable
    };
    while here.write(&[7; 65536]).is_ok() || room(&here) || here.write(&[7]).is_ok() {}
    assert!(here.owes());
    // No more is taken, however often one asks: what waits here is one record.
    assert!((0..100).all(|_| here.write(&[7]).is_err()));
    there.write_all(b"answer").unwrap();
    there.flush().unwrap();
    let mut all = Vec::new();
    while all.len() < 6 {
        wait_for(&here, Interest::READ);
        round(&mut here, 100, &mut all).unwrap();
    }
    assert_eq!(all, b"answer");
    let mut drained = Vec::new();
    while here.owes() {
        let _ = here.flush();
        round(&mut there, 65536, &mut drained).unwrap();
    }
}

#[test]
fn an_end_is_told_from_a_cut() {
    let end = |leave: fn(Stream)| {
        let (mut here, mut there) = connected();
        there.write_all(b"last words").unwrap();
        there.flush().unwrap();
        leave(there);
        let mut all: Vec<u8> = Vec::new();
        loop {
            wait_for(&here, Interest::READ);
            let mut buffer = [0; 64];
            match here.read(&mut buffer) {
                Ok(0) => return (all, None),
                Ok(count) => all.extend(&buffer[..count]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return (all, Some(TransportError::from(error))),
            }
        }
    };
    let (all, error) = end(drop);
    assert!(all == b"last words" && error.is_none(), "{error:?}");
    let (all, error) = end(|mut stream| stream.finish().unwrap());
    assert!(all == b"last words" && error.is_none(), "{error:?}");
    let (all, error) = end(|stream| stream.socket().shutdown(Shutdown::Both).unwrap());
    assert!(all == b"last words" && matches!(error, Some(TransportError::Tls(TlsError::Truncated))), "{error:?}");
}

#[test]
fn a_certificate_that_does_not_do_is_told_what_was_expected() {
    let expired = TlsServer::new(&identity(pem!("expired.pem"), pem!("expired.key")), None).unwrap();
    let foreign = TlsServer::new(&identity(pem!("foreign.pem"), pem!("foreign.key")), None).unwrap();
    for (router, host, told) in [
        (&expired, "localhost", "that is still valid, got one that expired on 2020-06-01T00:00:00Z (it is 2"),
        (&foreign, "localhost", "by an authority that is trusted here, got one by another"),
        (&router(), "board-7.example", "a certificate of board-7.example, got one of localhost, 127.0.0.1"),
        (&router(), "127.0.0.2", "a certificate of 127.0.0.2, got one of localhost"),
    ] {
        let (mut here, mut there) = streams(&client(), router, host);
        let [own, others] = shake(&mut here, &mut there);
        let own = own.unwrap_err();
        assert!(own.contains(told), "{own}");
        assert!(others.unwrap_err().starts_with("the peer refuses TLS with us: "));
        // Who believes anybody does not mind.
        let anybody = TlsClient::new(Trust::Anybody, None).unwrap();
        let (mut here, mut there) = streams(&anybody, router, host);
        assert_eq!(shake(&mut here, &mut there), [Ok(()), Ok(())]);
    }
    let authority = TlsServer::new(&identity(pem!("selfsigned.pem"), pem!("selfsigned.key")), None).unwrap();
    let trusting = TlsClient::new(Trust::Authorities(pem!("selfsigned.pem")), None).unwrap();
    let (mut here, mut there) = streams(&trusting, &authority, "localhost");
    let error = shake(&mut here, &mut there)[0].clone().unwrap_err();
    assert_eq!(
        error,
        "expected a certificate of an end, got one of an authority (make it with basicConstraints=CA:FALSE)"
    );
    for host in ["localhost", "127.0.0.1", "::1"] {
        let (mut here, mut there) = streams(&client(), &router(), host);
        assert_eq!(shake(&mut here, &mut there), [Ok(()), Ok(())], "{host}");
    }
    assert!(matches!(client().layer("no host"), Err(TlsError::NoName(_))));
}

#[test]
fn clients_are_asked_for_certificates() {
    let shown = identity(pem!("server.pem"), pem!("server.key"));
    let router = TlsServer::new(&shown, Some(pem!("authority.pem"))).unwrap();
    let trust = Trust::Authorities(pem!("authority.pem"));
    let known = identity(pem!("client.pem"), pem!("client.key"));
    let unknown = identity(pem!("unknown.pem"), pem!("unknown.key"));
    for (shown, by_router, told) in [
        (Some(&known), Ok(()), None),
        (None, Err("expected a certificate of the peer, got none"), Some("expects a certificate of ours")),
        (Some(&unknown), Err("by an authority that is trusted here"), Some("does not trust the authority")),
    ] {
        let client = TlsClient::new(trust, shown).unwrap();
        let (mut here, mut there) = streams(&client, &router, "localhost");
        // In TLS 1.3 the client is done before the router has looked at its certificate.
        let [own, others] = shake(&mut here, &mut there);
        assert_eq!(own, Ok(()));
        match (others, by_router) {
            (Ok(()), Ok(())) => {}
            (Err(sentence), Err(expected)) => assert!(sentence.contains(expected), "{sentence}"),
            other => panic!("{other:?}"),
        }
        if let Some(told) = told {
            let error = loop {
                wait_for(&here, Interest::READ);
                if let Err(error) = round(&mut here, 1, &mut Vec::new()) {
                    break TransportError::from(error).to_string();
                }
            };
            assert!(error.contains(told), "{error}");
        }
    }
}

#[test]
fn what_is_not_tls_is_told_by_how_it_begins() {
    for (bytes, told) in [
        (&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], "expected TLS, got HTTP"),
        (b"\x7f\x10\0\0", "expected TLS, got RawSocket"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "expected TLS, got something else"),
        (b"", "expected a TLS handshake, got the end of the connection"),
    ] {
        let (here, mut there) = sockets();
        let mut here = Stream::from(here);
        here.secure_as_client(&client(), "localhost").unwrap();
        there.write_all(bytes).unwrap();
        there.shutdown(Shutdown::Write).unwrap();
        let error = loop {
            match here.handshake() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => wait_for(&here, Interest::READ),
                other => break TransportError::from(other.unwrap_err()).to_string(),
            }
        };
        assert!(error.starts_with(told), "{error}");
    }
}

#[test]
fn a_handshake_without_an_end_is_cut() {
    let (mut here, there) = sockets();
    let mut there = Stream::from(there);
    there.secure_as_server(&router()).unwrap();
    // A ClientHello that says to be 16 MiB long, in records that are as they should be.
    let mut record = vec![FIRST_BYTE, 3, 1, 0x40, 0, 1, 0xff, 0xff, 0xff];
    record.resize(5 + 0x4000, 0);
    let mut sent = 0;
    let error = loop {
        match there.handshake() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                sent += here.write(&record).unwrap();
                assert!(sent <= 256 * 1024, "it takes whatever comes");
                wait_for(&there, Interest::READ);
            }
            other => break TransportError::from(other.unwrap_err()),
        }
    };
    assert!(matches!(error, TransportError::Tls(_)), "{error}");
}

#[test]
fn a_router_is_given_another_certificate_while_it_runs() {
    let router = router();
    let (mut here, mut there) = streams(&client(), &router, "localhost");
    assert_eq!(shake(&mut here, &mut there), [Ok(()), Ok(())]);
    let mismatch = identity(pem!("foreign.pem"), pem!("server.key"));
    assert_eq!(router.replace(&mismatch, None), Err(TlsConfigError::Mismatch));
    let (mut again, mut accepted) = streams(&client(), &router, "localhost");
    assert_eq!(shake(&mut again, &mut accepted), [Ok(()), Ok(())], "the old one holds on");
    router.clone().replace(&identity(pem!("foreign.pem"), pem!("foreign.key")), None).unwrap();
    let (mut late, mut accepted) = streams(&client(), &router, "localhost");
    assert!(shake(&mut late, &mut accepted)[0].is_err());
    // Who was there has noticed nothing.
    here.write_all(b"hello").unwrap();
    here.flush().unwrap();
    let mut all = Vec::new();
    while all.len() < 5 {
        wait_for(&there, Interest::READ);
        round(&mut there, 100, &mut all).unwrap();
    }
    assert_eq!(all, b"hello");
}

#[test]
fn texts_that_are_no_certificates_are_told_what_was_expected() {
    let good = (pem!("server.pem"), pem!("server.key"));
    for (chain, key, clients, told) in [
        (&b"hello"[..], good.1, None, "expected a certificate in PEM, got none"),
        (good.1, good.1, None, "expected a certificate in PEM, got none"),
        (good.0, good.0, None, "expected an unencrypted private key in PEM, got none"),
        (good.0, b"-----BEGIN PRIVATE KEY-----\nabc", None, "got a beginning without an end"),
        (good.0, pem!("foreign.key"), None, "expected the certificate's private key, got another one"),
        (good.0, good.1, Some(&b""[..]), "expected certificates of authorities in PEM, got none"),
    ] {
        let error = TlsServer::new(&identity(chain, key), clients).unwrap_err().to_string();
        assert!(error.contains(told), "{error}");
    }
    assert!(TlsClient::new(Trust::Authorities(b""), None).is_err());
    assert!(!format!("{:?}", identity(good.0, good.1)).contains("KEY"));
}

#[test]
fn the_router_knows_the_clients_certificate_and_what_it_is_for() {
    let shown = identity(pem!("client.pem"), pem!("client.key"));
    let client = TlsClient::new(Trust::Authorities(pem!("authority.pem")), Some(&shown)).unwrap();
    let server = identity(pem!("server.pem"), pem!("server.key"));
    let router = TlsServer::new(&server, Some(pem!("authority.pem"))).unwrap();
    // The client keeps what resumes a session, and then need not show it again.
    for time in 0..3 {
        let (mut here, mut there) = streams(&client, &router, "localhost");
        assert!(there.peer_certificate().is_none(), "before the handshake");
        assert_eq!(shake(&mut here, &mut there), [Ok(()), Ok(())], "{time}");
        let certificate = there.peer_certificate().unwrap();
        assert_eq!(certificate.der(), CertificateDer::from_pem_slice(pem!("client.pem")).unwrap().as_ref(), "{time}");
        let names = ["board-7.example", "BOARD-7.EXAMPLE", "board-8.example", "example", "board 7", "localhost", ""];
        assert_eq!(certificate.names_among(names.into_iter()), ["board-7.example", "BOARD-7.EXAMPLE"], "{time}");
        let server = here.peer_certificate().unwrap();
        assert_eq!(server.names_among(["localhost", "127.0.0.1", "x"].into_iter()), ["localhost", "127.0.0.1"]);
        // The ticket comes before it.
        there.write_all(b"x").unwrap();
        let mut all = Vec::new();
        while all.is_empty() {
            wait_for(&here, Interest::READ);
            round(&mut here, 16, &mut all).unwrap();
        }
    }
    let (_here, there) = connected();
    assert!(there.peer_certificate().is_none(), "nobody asked for one");
}

/// rustls tells a client of TLS 1.1 that a part of its greeting is missing.
#[test]
fn an_older_version_is_called_so() {
    use rustls::PeerIncompatible::{SignatureAlgorithmsExtensionRequired, Tls12NotOfferedOrEnabled};
    for what in [Tls12NotOfferedOrEnabled, SignatureAlgorithmsExtensionRequired] {
        let error = TlsError::from(rustls::Error::PeerIncompatible(what)).to_string();
        assert_eq!(error, "no TLS that both ends can speak: expected TLS 1.2 or 1.3, got an older version");
    }
}
