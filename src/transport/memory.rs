//! A connection inside the process: two bounded mailboxes, messages as they are, no serialization.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::{Incoming, SharedMessage, Transport, TransportError};
use crate::sync::mailbox::{Closed, Mailbox, NotSent, Post, mailbox};
use crate::sync::wait::Interest;
use crate::sync::waker::Waker;
use crate::wamp::Message;

/// Messages that a mailbox holds. What is sent beyond them waits at the sender, where [`Transport::queued`] counts it.
pub const CAPACITY: usize = 512;

/// One end of a connection inside the process.
#[derive(Debug)]
pub struct Memory {
    incoming: Mailbox<Message>,
    outgoing: Option<Post<Message>>,
    overflow: VecDeque<Message>,
    /// Rings when something comes in, or when there is room again for what waits.
    bell: Waker,
    peer_bell: Waker,
    /// Set by the peer that found the mailbox full: ring it when there is room.
    peer_waits: Arc<AtomicBool>,
    waiting: Arc<AtomicBool>,
    opened: bool,
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
    let end = |incoming, outgoing, bell: &Waker, peer_bell: &Waker, waiting: &Arc<_>, peer_waits: &Arc<_>| Memory {
        incoming,
        outgoing: Some(outgoing),
        overflow: VecDeque::new(),
        bell: bell.clone(),
        peer_bell: peer_bell.clone(),
        peer_waits: Arc::clone(peer_waits),
        waiting: Arc::clone(waiting),
        opened: false,
    };
    Ok((
        end(left, to_right, &left_bell, &right_bell, &left_waits, &right_waits),
        end(right, to_left, &right_bell, &left_bell, &right_waits, &left_waits),
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
        if self.peer_waits.load(Ordering::SeqCst) && self.incoming.len() <= CAPACITY / 2 {
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
        let Some(outgoing) = &self.outgoing else { return };
        if !self.overflow.is_empty() {
            self.overflow.push_back(message);
            return;
        }
        match outgoing.try_send(message) {
            Ok(()) | Err(NotSent::Closed(_)) => {}
            Err(NotSent::Full(message)) => self.overflow.push_back(message),
        }
    }

    fn send_shared(&mut self, message: &SharedMessage) {
        self.send(message.message().clone());
    }

    fn flush(&mut self, _now: Instant) -> Result<(), TransportError> {
        let Some(outgoing) = &self.outgoing else { return Ok(()) };
        while let Some(message) = self.overflow.pop_front() {
            match outgoing.try_send(message) {
                Ok(()) => {}
                Err(NotSent::Closed(_)) => return Ok(()),
                Err(NotSent::Full(message)) => {
                    self.overflow.push_front(message);
                    if self.waiting.swap(true, Ordering::SeqCst) {
                        return Ok(());
                    }
                    // The peer may have made room before it could see the flag: look once more.
                }
            }
        }
        Ok(())
    }

    fn queued(&self) -> usize {
        self.overflow.len()
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
    use crate::wamp::RequestId;
    use std::time::Duration;

    fn message(id: u64) -> Message {
        Message::Unsubscribed { request: RequestId::new(id).unwrap() }
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
