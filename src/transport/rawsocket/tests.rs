//! Both ends over real sockets, with time as the tests tell it.

use std::net::{TcpListener, TcpStream};

use super::*;
use crate::sync::wait::wait;
use crate::wamp::error::uri;
use crate::wamp::{Payload, Uri};

const SECOND: Duration = Duration::from_secs(1);

fn policy() -> KeepalivePolicy {
    KeepalivePolicy { interval: Some(10 * SECOND), patience: 5 * SECOND }
}

fn connection() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let peer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    peer.set_read_timeout(Some(20 * SECOND)).unwrap();
    let (stream, _) = listener.accept().unwrap();
    stream.set_nonblocking(true).unwrap();
    (stream, peer)
}

/// A router's end, and the socket at the other.
fn router() -> (RawSocket, TcpStream) {
    let (stream, peer) = connection();
    (RawSocket::accepted(stream.into(), Vec::new(), policy()).draining_within(60 * SECOND), peer)
}

/// What comes next, once something has come.
fn next(socket: &mut RawSocket, now: Instant) -> Result<Incoming, TransportError> {
    loop {
        match socket.receive(now)? {
            Incoming::Nothing => {
                socket.flush(now)?;
                let [ready] = wait([(socket.fd(), socket.interest())], Some(20 * SECOND)).unwrap();
                assert!(ready.readable || ready.writable, "nothing comes");
            }
            other => return Ok(other),
        }
    }
}

/// Reads until a ping has come.
fn wait_for_ping(socket: &mut RawSocket, now: Instant) {
    while socket.keepalive.is_none() {
        assert!(matches!(socket.receive(now).unwrap(), Incoming::Nothing));
        if socket.keepalive.is_none() {
            let [ready] = wait([(socket.fd(), Interest::READ)], Some(20 * SECOND)).unwrap();
            assert!(ready.readable, "nothing comes");
        }
    }
}

fn read(peer: &mut TcpStream, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    peer.read_exact(&mut bytes).unwrap();
    bytes
}

fn message(text: &str) -> Vec<u8> {
    [&u32::try_from(text.len()).unwrap().to_be_bytes()[..], text.as_bytes()].concat()
}

fn event(length: usize) -> Message {
    let payload = Payload::of(&"x".repeat(length));
    let (request, topic) = (crate::wamp::RequestId::new(1).unwrap(), Uri::from("a.b"));
    Message::Publish { request, options: crate::wamp::options::PublishOptions::default(), topic, payload }
}

fn goodbye() -> Message {
    Message::goodbye(uri::CLOSE_NORMAL)
}

#[test]
fn a_greeting_then_messages_in_whatever_pieces_they_come() {
    let text = r#"[6,{},"wamp.close.normal"]"#;
    let all = [&[0x7f, 0xf1, 0, 0][..], &message(text), &message(text), &[1, 0, 0, 2, b'h', b'i']].concat();
    for step in [1, 3, 7, all.len()] {
        let (mut socket, mut peer) = router();
        let now = Instant::now();
        let mut got = Vec::new();
        for piece in all.chunks(step) {
            peer.write_all(piece).unwrap();
            loop {
                match socket.receive(now).unwrap() {
                    Incoming::Nothing => break,
                    Incoming::Message(message) => got.push(message),
                    Incoming::Progress => socket.flush(now).unwrap(),
                    other => panic!("{other:?}"),
                }
            }
        }
        while got.len() < 2 {
            match next(&mut socket, now).unwrap() {
                Incoming::Message(message) => got.push(message),
                Incoming::Progress => {}
                other => panic!("{other:?}"),
            }
        }
        assert!(got.iter().all(|message| *message == goodbye()));
        wait_for_ping(&mut socket, now);
        socket.send(goodbye());
        socket.flush(now).unwrap();
        // 1 MiB is what a router takes.
        assert_eq!(read(&mut peer, 10), [0x7f, 0xb1, 0, 0, 2, 0, 0, 2, b'h', b'i']);
        assert_eq!(read(&mut peer, message(text).len()), message(text));
        assert_eq!((socket.queued(), socket.unfinished()), (0, 0));
    }
}

#[test]
fn both_ends_speak_every_serialization() {
    for &serialization in Serialization::ALL {
        let (stream, other) = connection();
        other.set_nonblocking(true).unwrap();
        let now = Instant::now();
        let mut client = RawSocket::dialled(other.into(), serialization, policy(), Some(now + SECOND));
        let mut router = RawSocket::accepted(stream.into(), Vec::new(), policy());
        client.flush(now).unwrap();
        assert!(matches!(next(&mut router, now).unwrap(), Incoming::Progress));
        router.flush(now).unwrap();
        assert!(matches!(next(&mut client, now).unwrap(), Incoming::Open));
        assert_eq!((client.deadline(), client.longest_out), (None, MAX_MESSAGE));
        // Before a session there are short messages only.
        client.send(event(MAX_HELLO / 2));
        client.flush(now).unwrap();
        assert!(matches!(next(&mut router, now).unwrap(), Incoming::Message(_)));
        router.welcome();
        for length in [0, 70_000, 1_000_000] {
            client.send(event(length));
            let sent = loop {
                client.flush(now).unwrap();
                match router.receive(now).unwrap() {
                    Incoming::Message(message) => break message,
                    Incoming::Nothing => assert!(router.unfinished() <= length + 100),
                    other => panic!("{other:?}"),
                }
            };
            assert_eq!(sent, event(length));
        }
        assert!(router.input.capacity() > IDLE_BYTES);
        assert!(matches!(router.receive(now).unwrap(), Incoming::Nothing));
        assert!(router.input.capacity() <= IDLE_BYTES, "a long message leaves no memory behind");
        client.close(now);
        client.flush(now).unwrap();
        assert!(matches!(next(&mut router, now).unwrap(), Incoming::Closed));
    }
}

#[test]
fn what_is_no_greeting_is_refused_with_the_number_for_it() {
    for (bytes, number) in [([0x7f, 0xf0, 0, 0], 0x10), ([0x7f, 0xf1, 0, 1], 0x30), ([0x7f, 0x0c, 0, 0], 0x10)] {
        let (mut socket, mut peer) = router();
        let now = Instant::now();
        peer.write_all(&bytes).unwrap();
        assert!(matches!(next(&mut socket, now).unwrap(), Incoming::Malformed(_)));
        socket.close(now);
        socket.flush(now).unwrap();
        assert_eq!(read(&mut peer, 4), [0x7f, number, 0, 0]);
        assert_eq!(peer.read(&mut [0]).unwrap(), 0, "nothing follows");
    }
}

#[test]
fn a_router_that_refuses_or_says_nothing_is_told_of() {
    let now = Instant::now();
    for (answer, told) in [
        (&[0x7f, 0x10, 0, 0][..], "the serialization is not spoken"),
        (b"HTTP/1.1 400", "bytes that are no RawSocket handshake"),
        (&[0x7f, 0xf9, 0, 0], "bytes that are no RawSocket handshake"),
    ] {
        let (stream, mut peer) = connection();
        let mut client = RawSocket::dialled(stream.into(), Serialization::Json, policy(), Some(now + SECOND));
        peer.write_all(answer).unwrap();
        let error = next(&mut client, now).unwrap_err().to_string();
        assert!(error.contains(told), "{error}");
    }
    let (stream, _peer) = connection();
    let mut client = RawSocket::dialled(stream.into(), Serialization::Json, policy(), Some(now + SECOND));
    assert!(client.expire(now).is_ok());
    assert!(matches!(client.expire(now + SECOND), Err(TransportError::TooSlow(ANSWER))));
    let (stream, peer) = connection();
    let mut client = RawSocket::dialled(stream.into(), Serialization::Json, policy(), Some(now + SECOND));
    drop(peer);
    let error = next(&mut client, now).unwrap_err().to_string();
    assert!(error.ends_with("got the end of the connection: does it know json (--serializer)?"), "{error}");
}

#[test]
fn messages_have_their_limits_both_ways() {
    let now = Instant::now();
    let (mut socket, mut peer) = router();
    // The client takes 512 bytes.
    peer.write_all(&[0x7f, 0x01, 0, 0]).unwrap();
    assert!(matches!(next(&mut socket, now).unwrap(), Incoming::Progress));
    let long = Message::Event {
        subscription: crate::wamp::SubscriptionId::new(1).unwrap(),
        publication: crate::wamp::PublicationId::new(1).unwrap(),
        details: crate::wamp::options::EventDetails::default(),
        payload: Payload::of(&"x".repeat(600)),
    };
    socket.send(long.clone());
    assert_eq!(socket.take_back(), Some(long), "what others wrote comes back");
    assert_eq!(socket.take_back(), None);
    socket.send(goodbye());
    assert_eq!((socket.flush(now).is_ok(), socket.take_back(), socket.queued()), (true, None, 0));
    socket.send(event(600));
    let error = socket.flush(now).unwrap_err().to_string();
    assert!(error.contains("takes no more than 512"), "{error}");
    // And we take 16 KiB before there is a session; only the length need have come.
    peer.write_all(&[0, 0, 0x40, 1]).unwrap();
    let Incoming::Malformed(sentence) = next(&mut socket, now).unwrap() else { panic!() };
    assert_eq!(sentence, "expected at most 16384 bytes, got 16385");
    for bytes in [[3, 0, 0, 0], [0x10, 0, 0, 0], [8, 0, 0, 0]] {
        let (mut socket, mut peer) = router();
        peer.write_all(&[&[0x7f, 0xf1, 0, 0][..], &bytes].concat()).unwrap();
        assert!(matches!(next(&mut socket, now).unwrap(), Incoming::Progress));
        assert!(matches!(next(&mut socket, now).unwrap(), Incoming::Malformed(_)), "{bytes:?}");
    }
}

#[test]
fn only_who_has_pinged_is_pinged() {
    let now = Instant::now();
    let (mut socket, mut peer) = router();
    peer.write_all(&[0x7f, 0xf1, 0, 0]).unwrap();
    assert!(matches!(next(&mut socket, now).unwrap(), Incoming::Progress));
    assert_eq!(socket.deadline(), None);
    peer.write_all(&[1, 0, 0, 0]).unwrap();
    wait_for_ping(&mut socket, now);
    assert_eq!(socket.deadline(), Some(now + 10 * SECOND));
    socket.expire(now + 10 * SECOND).unwrap();
    socket.flush(now).unwrap();
    assert_eq!(read(&mut peer, 12), [0x7f, 0xb1, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0]);
    assert!(matches!(socket.expire(now + 15 * SECOND), Err(TransportError::Silent(15))));
}

#[test]
fn who_answered_while_we_were_busy_is_not_given_up() {
    let now = Instant::now();
    let (mut socket, mut peer) = router();
    peer.write_all(&[0x7f, 0xf1, 0, 0, 1, 0, 0, 0]).unwrap();
    assert!(matches!(next(&mut socket, now).unwrap(), Incoming::Progress));
    wait_for_ping(&mut socket, now);
    socket.expire(now + 10 * SECOND).unwrap();
    socket.flush(now).unwrap();
    // Its answer has come, and nobody has read it.
    peer.write_all(&[2, 0, 0, 0]).unwrap();
    let [ready] = wait([(socket.fd(), Interest::READ)], Some(20 * SECOND)).unwrap();
    assert!(ready.readable);
    let late = now + 15 * SECOND;
    socket.expire(late).unwrap();
    assert!(matches!(socket.receive(late).unwrap(), Incoming::Nothing));
    socket.expire(late + 10 * SECOND).unwrap();
    assert!(matches!(socket.expire(late + 15 * SECOND), Err(TransportError::Silent(15))));
}

#[test]
fn who_only_pings_is_given_up() {
    let now = Instant::now();
    let (mut socket, mut peer) = router();
    peer.write_all(&[0x7f, 0xf1, 0, 0]).unwrap();
    let ping = [&[1, 0, 0x20, 0][..], &[7; 0x2000]].concat();
    let writer = std::thread::spawn(move || while peer.write_all(&ping).is_ok() {});
    let error = loop {
        // It is never flushed: the peer does not read.
        match socket.receive(now) {
            Ok(Incoming::Nothing) => drop(wait([(socket.fd(), Interest::READ)], Some(20 * SECOND)).unwrap()),
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert!(matches!(error, TransportError::Framing(_)), "{error}");
    drop(socket);
    writer.join().unwrap();
}
