//! The steps of a dial, one by one.

use super::*;
use std::io::Write;
use std::net::TcpListener;

fn dial(step: Step, url: &str) -> Dial {
    let bell = Arc::new(Waker::new().unwrap());
    Dial {
        url: url.parse().unwrap(),
        policy: KeepalivePolicy::default(),
        serialization: Serialization::Json,
        tls: None,
        limit: Limit::EachStep,
        step,
        bell,
    }
}

fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

#[test]
fn every_address_has_its_share_of_the_time() {
    let now = Instant::now();
    let ((_first, one), (second, two), (_third, three)) = (listener(), listener(), listener());
    let seconds = |count| now + Duration::from_secs(count);
    let mut dial = dial(connect_to([one, two, three].into(), Some(seconds(9)), now).unwrap(), "ws://host.example/");
    assert_eq!(dial.deadline(), Some(seconds(3)));
    dial.expire(seconds(2)).unwrap();
    // Whatever came from the first one is not looked at: as if nothing had.
    dial.expire(seconds(3)).unwrap();
    assert_eq!(dial.deadline(), Some(seconds(6)));
    let (mut peer, _) = second.accept().unwrap();
    crate::sync::wait::wait([(dial.fd(), dial.interest())], Some(Duration::from_secs(10))).unwrap();
    assert!(matches!(dial.receive(seconds(3)), Ok(Incoming::Nothing)), "the request is out");
    assert_eq!(dial.interest(), Interest::READ);
    let mut request = [0; 4];
    io::Read::read_exact(&mut peer, &mut request).unwrap();
    assert_eq!(&request, b"GET ");
}

#[test]
fn the_last_address_is_given_up_at_the_deadline() {
    let now = Instant::now();
    let (_listener, address) = listener();
    let deadline = now + CONNECT_PATIENCE;
    let mut dial = dial(connect_to([address].into(), Some(deadline), now).unwrap(), "ws://host.example/");
    assert_eq!(dial.deadline(), Some(deadline));
    assert!(matches!(dial.expire(deadline), Err(TransportError::NoAnswer(_))));
    assert_eq!((dial.interest(), dial.deadline()), (Interest::NONE, None));
    assert!(matches!(dial.receive(deadline), Err(TransportError::HungUp)));
}

#[test]
fn a_request_that_is_not_out_whole_waits_for_room() {
    let (listener, address) = listener();
    let stream = TcpStream::connect(address).unwrap();
    let (_peer, _) = listener.accept().unwrap();
    stream.set_nonblocking(true).unwrap();
    // Full is what stays full: the kernel moves on what was written while it finds room at the other end, and calls a
    // socket writable only when there is a good deal of room again.
    let fill = || while (&stream).write(&[0; 65536]).is_ok() {};
    let room = || wait([(stream.as_fd(), Interest::WRITE)], Some(Duration::from_millis(200))).unwrap()[0].writable;
    fill();
    while room() || (&stream).write(&[0]).is_ok() {
        fill();
    }
    let mut dial = dial(Step::Failed, "ws://host.example/");
    let (now, handshake) = (Instant::now(), dial.upgrade(stream.into()).unwrap());
    assert!(matches!(dial.take_handshake(handshake, Some(now), now), Ok(Incoming::Nothing)));
    assert_eq!(dial.interest(), Interest { read: true, write: true });
}
