//! Both ends over real sockets, with time as the tests tell it.

use std::io::Write;
use std::net::{TcpListener, TcpStream};

use tungstenite::protocol::Role;

use super::*;
use crate::sync::wait::wait;
use crate::transport::websocket::Channel;
use crate::transport::{Incoming, MAX_HELLO, MAX_MESSAGE, Transport};
use crate::wamp::Message;
use crate::wamp::codec::Serialization;
use crate::wamp::error::uri;

const SECOND: Duration = Duration::from_secs(1);

/// A minute in which to read, long before anybody is given up.
const DRAIN: Duration = Duration::from_secs(60);

fn policy() -> KeepalivePolicy {
    KeepalivePolicy { interval: Some(10 * SECOND), patience: 5 * SECOND }
}

/// A channel on that end, and the socket at the other.
fn channel(end: End, now: Instant) -> (Channel, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let peer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    peer.set_read_timeout(Some(20 * SECOND)).unwrap();
    let (stream, _) = listener.accept().unwrap();
    stream.set_nonblocking(true).unwrap();
    let channel = match end {
        End::Server => {
            Channel::accepted(stream.into(), Vec::new(), Serialization::Json, policy(), now).draining_within(DRAIN)
        }
        End::Client => {
            let socket =
                WebSocket::from_raw_socket(Framed::accepted(stream.into(), &[]), Role::Client, Some(end.config()));
            Channel::dialled(socket, Serialization::Json, policy(), now)
        }
    };
    (channel, peer)
}

/// A frame to that end with this first byte. A mask of zeros changes nothing.
fn frame(to: End, first: u8, payload: &[u8]) -> Vec<u8> {
    let mask = if to == End::Server { 0x80 } else { 0 };
    let mut bytes = vec![first, mask | 127];
    bytes.extend((payload.len() as u64).to_be_bytes());
    bytes.extend([0; 4].iter().take(if to == End::Server { 4 } else { 0 }));
    bytes.extend(payload);
    bytes
}

fn text(to: End, text: &str) -> Vec<u8> {
    frame(to, 0x81, text.as_bytes())
}

/// What comes next, once something has come.
fn next(channel: &mut Channel, now: Instant) -> Incoming {
    loop {
        match channel.receive(now).unwrap() {
            Incoming::Nothing => {
                let [ready] = wait([(channel.fd(), Interest::READ)], Some(20 * SECOND)).unwrap();
                assert!(ready.readable, "nothing comes");
            }
            other => return other,
        }
    }
}

#[test]
fn a_long_message_on_a_slow_way_is_a_sign_of_life_byte_by_byte() {
    for end in [End::Server, End::Client] {
        let start = Instant::now();
        let (mut channel, mut peer) = channel(end, start);
        let message = text(end, &format!("[3,{{}},\"{}\"]", "x".repeat(500)));
        for (byte, seconds) in message.chunks(1).zip((0..).step_by(9)).take(20) {
            let now = start + seconds * SECOND;
            channel.expire(now).unwrap();
            peer.write_all(byte).unwrap();
            wait([(channel.fd(), Interest::READ)], Some(20 * SECOND)).unwrap();
            assert!(matches!(channel.receive(now), Ok(Incoming::Nothing)));
            assert_eq!(channel.deadline(), Some(now + 10 * SECOND), "{end:?}");
        }
    }
}

#[test]
fn who_answered_while_we_were_busy_is_not_given_up() {
    let start = Instant::now();
    let (mut channel, mut peer) = channel(End::Client, start);
    channel.expire(start + 10 * SECOND).unwrap();
    peer.write_all(&frame(End::Client, 0x8a, b"")).unwrap();
    wait([(channel.fd(), Interest::READ)], Some(20 * SECOND)).unwrap();
    let late = start + 100 * SECOND;
    channel.expire(late).unwrap();
    assert!(matches!(channel.receive(late), Ok(Incoming::Nothing)));
    channel.expire(late + 10 * SECOND).unwrap();
    assert!(matches!(channel.expire(late + 15 * SECOND), Err(TransportError::Silent(15))));
}

#[test]
fn a_client_takes_what_a_router_made_longer() {
    let now = Instant::now();
    let (mut channel, mut peer) = channel(End::Client, now);
    let longest = format!("[68,1,2,{{}},[\"{}\"]]", "x".repeat(MAX_MESSAGE));
    let bytes = text(End::Client, &longest);
    let writer = std::thread::spawn(move || peer.write_all(&bytes));
    assert!(matches!(next(&mut channel, now), Incoming::Message(Message::Invocation { .. })));
    writer.join().unwrap().unwrap();
}

#[test]
fn a_slow_reader_gets_all_that_was_queued_before_the_end() {
    let start = Instant::now();
    let (mut channel, peer) = channel(End::Server, start);
    // More than any socket buffers hold.
    const COUNT: usize = 32;
    for _ in 0..COUNT {
        channel.send(Message::abort(uri::PROTOCOL_VIOLATION, "x".repeat(500_000)));
    }
    channel.close(start);
    channel.flush(start).unwrap();
    assert!(channel.queued() > 0);
    let late = start + DRAIN - SECOND;
    channel.expire(late).unwrap();
    let reader = std::thread::spawn(move || {
        let mut socket = WebSocket::from_raw_socket(peer, Role::Client, None);
        let mut count = 0;
        loop {
            match socket.read().unwrap() {
                Frame::Close(frame) => return (count, frame.unwrap().code, socket),
                _ => count += 1,
            }
        }
    });
    while channel.queued() > 0 || channel.interest().write {
        wait([(channel.fd(), Interest::WRITE)], Some(20 * SECOND)).unwrap();
        channel.flush(late).unwrap();
    }
    let (count, code, _socket) = reader.join().unwrap();
    assert_eq!((count, code), (COUNT, CloseCode::Normal));
    // Only now the answer to the Close frame is waited for.
    assert_eq!(channel.deadline(), Some(late + CLOSE_PATIENCE));
    channel.expire(late + CLOSE_PATIENCE / 2).unwrap();
    assert!(matches!(channel.expire(late + CLOSE_PATIENCE), Err(TransportError::TooSlow(_))));
}

#[test]
fn what_does_not_drain_is_cut_off() {
    for (end, patience) in [(End::Server, DRAIN), (End::Client, CLOSE_PATIENCE)] {
        let start = Instant::now();
        let (mut channel, _peer) = channel(end, start);
        for _ in 0..32 {
            channel.send(Message::abort(uri::PROTOCOL_VIOLATION, "x".repeat(500_000)));
        }
        channel.close(start);
        channel.flush(start).unwrap();
        assert_eq!(channel.deadline(), Some(start + patience));
        assert!(matches!(channel.expire(start + patience), Err(TransportError::TooSlow(_))));
    }
}

#[test]
fn before_its_welcome_a_peer_is_taken_short_messages_from() {
    let now = Instant::now();
    let hello = |length: usize| format!("[3,{{}},\"{}\"]", "x".repeat(length - "[3,{},\"\"]".len()));
    let (mut fits, mut peer) = channel(End::Server, now);
    peer.write_all(&text(End::Server, &hello(MAX_HELLO))).unwrap();
    assert!(matches!(next(&mut fits, now), Incoming::Message(_)));
    // The header is enough.
    peer.write_all(&text(End::Server, &hello(MAX_HELLO + 1))[..20]).unwrap();
    assert!(matches!(next(&mut fits, now), Incoming::Malformed(sentence) if sentence.contains("16384")));
    let (mut joined, mut peer) = channel(End::Server, now);
    joined.welcome();
    let bytes = text(End::Server, &hello(MAX_MESSAGE));
    let writer = std::thread::spawn(move || peer.write_all(&bytes));
    assert!(matches!(next(&mut joined, now), Incoming::Message(_)));
    writer.join().unwrap().unwrap();
}

/// A message in two parts with a ping between them, over and over, with what is sent in answer: none is lost or broken where
/// one layer takes the other's place.
#[test]
fn memory_is_given_back_between_messages_and_nothing_else() {
    for end in [End::Server, End::Client] {
        let now = Instant::now();
        let (mut channel, peer) = channel(end, now);
        channel.welcome();
        let message = format!("[3,{{}},\"{}\"]", "x".repeat(100_000));
        let (first, second) = message.as_bytes().split_at(50_000);
        let bytes = [frame(end, 0x01, first), frame(end, 0x89, b"?"), frame(end, 0x80, second)].concat();
        let mut sender = peer.try_clone().unwrap();
        let writer = std::thread::spawn(move || (0..50).try_for_each(|_| sender.write_all(&bytes)));
        let other = if end == End::Server { Role::Client } else { Role::Server };
        let reader = std::thread::spawn(move || {
            let mut socket = WebSocket::from_raw_socket(peer, other, None);
            let (mut pongs, mut texts) = (0, 0);
            while texts < 50 {
                match socket.read().unwrap() {
                    Frame::Pong(data) => pongs += usize::from(&data[..] == b"?"),
                    _ => texts += 1,
                }
            }
            (pongs, socket)
        });
        for _ in 0..50 {
            assert!(matches!(next(&mut channel, now), Incoming::Message(_)));
            channel.send(Message::goodbye(uri::CLOSE_NORMAL));
            channel.flush(now).unwrap();
        }
        writer.join().unwrap().unwrap();
        let (pongs, _socket) = reader.join().unwrap();
        assert_eq!(pongs, 50);
        assert!(matches!(channel.receive(now), Ok(Incoming::Nothing)));
        assert_eq!((channel.unfinished(), channel.frames.socket.get_ref().follower().longest()), (0, 0), "{end:?}");
    }
}

#[test]
fn what_is_not_whole_is_counted() {
    let now = Instant::now();
    let (mut channel, mut peer) = channel(End::Server, now);
    peer.write_all(&text(End::Server, &"x".repeat(1000))[..14 + 600]).unwrap();
    wait([(channel.fd(), Interest::READ)], Some(20 * SECOND)).unwrap();
    assert!(matches!(channel.receive(now), Ok(Incoming::Nothing)));
    assert_eq!(channel.unfinished(), 600);
}
