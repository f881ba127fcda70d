//! A connection inside the process: two bounded mailboxes, messages as they are, no serialization.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use super::traffic::Traffic;
use super::{Incoming, SharedMessage, Transport, TransportError};
use crate::sync::mailbox::{Closed, Mailbox, NotSent, Post, mailbox};
use crate::sync::wait::Interest;
use crate::sync::waker::Waker;
use crate::wamp::Message;

/// Messages that a mailbox holds. What is sent beyond them waits at the sender, where [`Transport::queued`] counts it. Their room
/// is resident from the start, 42 KB a direction.
pub const CAPACITY: usize = 256;

/// Bytes that a mailbox holds, about; at least one message, however long.
pub const CAPACITY_BYTES: usize = 4 << 20;

/// One end of a connection inside the process.
#[derive(Debug)]
pub struct Memory {
    incoming: Mailbox<Message>,
    outgoing: Option<Post<Message>>,
    /// Bytes in either mailbox; the sender adds, the receiver takes away.
    incoming_bytes: Arc<AtomicUsize>,
    outgoing_bytes: Arc<AtomicUsize>,
    overflow: VecDeque<Message>,
    /// Rings when something comes in, or when there is room again for what waits.
    bell: Waker,
    peer_bell: Waker,
    /// Set by the peer that found the mailbox full: ring it when there is room.
    peer_waits: Arc<AtomicBool>,
    waiting: Arc<AtomicBool>,
    opened: bool,
    traffic: Traffic,
}

/// Makes a connection; either end may go to another thread.
///
/// # Errors
/// When the kernel refuses a descriptor.
pub fn pair() -> io::Result<(Memory, Memory)> {
    let (left_bell, right_bell) = (Waker::new()?, Waker::new()?);
    let (to_left, left) = mailbox(CAPACITY, left_bell.clone());
    let (to_right, right) = mailbox(CAPACITY, right_bell.clone());
    let (left_waits, right_waits) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let (left_bytes, right_bytes) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    Ok((
        Memory {
            incoming: left,
            outgoing: Some(to_right),
            incoming_bytes: Arc::clone(&left_bytes),
            outgoing_bytes: Arc::clone(&right_bytes),
            overflow: VecDeque::new(),
            bell: left_bell.clone(),
            peer_bell: right_bell.clone(),
            peer_waits: Arc::clone(&right_waits),
            waiting: Arc::clone(&left_waits),
            opened: false,
            traffic: Traffic::default(),
        },
        Memory {
            incoming: right,
            outgoing: Some(to_left),
            incoming_bytes: right_bytes,
            outgoing_bytes: left_bytes,
            overflow: VecDeque::new(),
            bell: right_bell,
            peer_bell: left_bell,
            peer_waits: left_waits,
            waiting: right_waits,
            opened: false,
            traffic: Traffic::default(),
        },
    ))
}

impl Memory {
    fn next(&mut self) -> Result<Option<Message>, Closed> {
        if let Some(message) = self.incoming.try_recv()? {
            return Ok(Some(message));
        }
        // Silence the bell, then look once more: what came between rings again.
        self.bell.hush();
        self.incoming.try_recv()
    }

    /// Puts a message into the peer's mailbox; it comes back when there is no room for it.
    fn put(&self, message: Message) -> Option<Message> {
        let outgoing = self.outgoing.as_ref()?;
        let size = message.size();
        let waiting = self.outgoing_bytes.load(Ordering::SeqCst);
        if waiting > 0 && waiting.saturating_add(size) > CAPACITY_BYTES {
            return Some(message);
        }
        // Before it is sent: the receiver takes it away again as soon as it has it.
        self.outgoing_bytes.fetch_add(size, Ordering::SeqCst);
        match outgoing.try_send(message) {
            Ok(()) | Err(NotSent::Closed(_)) => None,
            Err(NotSent::Full(message)) => {
                self.outgoing_bytes.fetch_sub(size, Ordering::SeqCst);
                Some(message)
            }
        }
    }

    fn has_room(&self) -> bool {
        self.incoming.len() <= CAPACITY / 2 && self.incoming_bytes.load(Ordering::SeqCst) <= CAPACITY_BYTES / 2
    }
}

impl Transport for Memory {
    fn fd(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }

    fn interest(&self) -> Interest {
        Interest::READ
    }

    fn receive(&mut self, _now: Instant) -> Result<Incoming, TransportError> {
        if !self.opened {
            self.opened = true;
            return Ok(Incoming::Open);
        }
        let next = self.next();
        if let Ok(Some(message)) = &next {
            self.incoming_bytes.fetch_sub(message.size(), Ordering::SeqCst);
            self.traffic.received.count();
        }
        if self.peer_waits.load(Ordering::SeqCst) && self.has_room() {
            self.peer_waits.store(false, Ordering::SeqCst);
            self.peer_bell.wake();
        }
        Ok(match next {
            Ok(Some(message)) => Incoming::Message(message),
            Ok(None) => Incoming::Nothing,
            Err(Closed) => Incoming::Closed,
        })
    }

    fn send(&mut self, message: Message) {
        self.traffic.sent.count();
        let refused = if self.overflow.is_empty() { self.put(message) } else { Some(message) };
        self.overflow.extend(refused);
    }

    fn send_shared(&mut self, message: &SharedMessage) {
        self.send(message.message().clone());
    }

    fn flush(&mut self, _now: Instant) -> Result<(), TransportError> {
        while let Some(message) = self.overflow.pop_front() {
            let Some(message) = self.put(message) else { continue };
            self.overflow.push_front(message);
            if self.waiting.swap(true, Ordering::SeqCst) {
                break;
            }
            // The peer may have made room before it could see the flag: look once more.
        }
        Ok(())
    }

    fn queued(&self) -> usize {
        self.overflow.len()
    }

    fn traffic(&self) -> Traffic {
        self.traffic
    }

    fn deadline(&self) -> Option<Instant> {
        None
    }

    fn expire(&mut self, _now: Instant) -> Result<(), TransportError> {
        Ok(())
    }

    fn close(&mut self, _now: Instant) {
        self.outgoing = None;
    }

    fn discard(&mut self, _now: Instant) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::wait::wait;
    use crate::wamp::options::ResultDetails;
    use crate::wamp::{Payload, RequestId};
    use std::time::Duration;

    fn message(id: u64) -> Message {
        Message::Unsubscribed { request: RequestId::new(id).unwrap() }
    }

    #[test]
    fn the_room_of_a_message_is_small() {
        assert!(size_of::<Message>() <= 192, "{} bytes", size_of::<Message>());
    }

    #[test]
    fn messages_pass_in_order_and_an_end_that_closes_is_noticed() {
        let (mut left, mut right) = pair().unwrap();
        let now = Instant::now();
        assert!(matches!(right.receive(now), Ok(Incoming::Open)));
        left.send(message(1));
        left.send(message(2));
        left.close(now);
        left.send(message(3));
        for id in 1..=2 {
            let got = right.receive(now);
            assert!(matches!(&got, Ok(Incoming::Message(got)) if *got == message(id)), "{got:?}");
        }
        assert!(matches!(right.receive(now), Ok(Incoming::Closed)));
    }

    #[test]
    fn a_mailbox_is_full_of_bytes_too() {
        let (mut left, mut right) = pair().unwrap();
        let now = Instant::now();
        right.receive(now).unwrap();
        let request = RequestId::new(1).unwrap();
        let long =
            Message::Yield { request, options: ResultDetails::default(), payload: Payload::of(&"x".repeat(1 << 20)) };
        for _ in 0..10 {
            left.send(long.clone());
        }
        assert_eq!(left.queued(), 7, "each is a little more than a quarter of what the mailbox holds");
        left.flush(now).unwrap();
        for taken in 1..=10 {
            assert!(matches!(right.receive(now), Ok(Incoming::Message(_))));
            left.flush(now).unwrap();
            assert_eq!(left.queued(), 7_usize.saturating_sub(taken));
        }
        assert!(matches!(right.receive(now), Ok(Incoming::Nothing)));
        left.send(Message::Unsubscribed { request });
        assert_eq!(left.queued(), 0, "what was taken counts no more");
    }

    /// More than the mailbox holds, through two threads that sleep between: a lost ring would stop both for ever.
    #[test]
    fn a_full_mailbox_holds_the_sender_up_and_lets_it_go_on() {
        const COUNT: u64 = 20_000;
        let (mut left, mut right) = pair().unwrap();
        let sleep = |end: &Memory| {
            let ready = wait([(end.fd(), Interest::READ)], Some(Duration::from_secs(20))).unwrap();
            assert!(ready[0].readable, "nobody rang");
        };
        let sender = std::thread::spawn(move || {
            let now = Instant::now();
            assert!(matches!(left.receive(now), Ok(Incoming::Open)));
            let mut next = 1;
            while next <= COUNT || left.queued() > 0 {
                while next <= COUNT && left.queued() < 8 {
                    left.send(message(next));
                    next += 1;
                }
                left.flush(now).unwrap();
                if left.queued() > 0 {
                    sleep(&left);
                    assert!(matches!(left.receive(now), Ok(Incoming::Nothing)));
                }
            }
        });
        let now = Instant::now();
        assert!(matches!(right.receive(now), Ok(Incoming::Open)));
        let mut expected = 1;
        while expected <= COUNT {
            match right.receive(now).unwrap() {
                Incoming::Message(got) => {
                    assert_eq!(got, message(expected));
                    expected += 1;
                }
                Incoming::Nothing => sleep(&right),
                other => panic!("{other:?}"),
            }
        }
        sender.join().unwrap();
    }
}
