//! A bounded channel whose receiver sleeps in `poll(2)`: sending rings the receiver's bell.

use std::convert::Infallible;

use crossbeam_channel::{Receiver, Sender, TryRecvError, TrySendError, bounded, select};

use super::waker::Waker;

/// The sending end. Clones send to the same mailbox.
#[derive(Debug)]
pub struct Post<T> {
    // Before `bell`: fields drop in order, and the bell must ring when the channel is closed already.
    sender: Sender<T>,
    bell: Bell,
}

/// Rings once more when it goes: that the last sender is gone is news to a receiver that sleeps.
#[derive(Clone, Debug)]
struct Bell(Waker);

impl Drop for Bell {
    fn drop(&mut self) {
        self.0.wake();
    }
}

/// The receiving end, owned by the thread that waits for `waker`.
#[derive(Debug)]
pub struct Mailbox<T> {
    receiver: Receiver<T>,
}

/// Why a letter was not taken; it comes back.
#[derive(Debug, PartialEq, Eq)]
pub enum NotSent<T> {
    /// The mailbox holds as many letters as it may.
    Full(T),
    /// The receiver is gone.
    Closed(T),
}

/// Makes a mailbox that holds at most `capacity` letters and rings `waker` for each.
#[must_use]
pub fn mailbox<T>(capacity: usize, waker: Waker) -> (Post<T>, Mailbox<T>) {
    let (sender, receiver) = bounded(capacity);
    (Post { sender, bell: Bell(waker) }, Mailbox { receiver })
}

impl<T> Post<T> {
    /// Sends without waiting.
    ///
    /// # Errors
    /// [`NotSent`] with the letter, when the mailbox is full or its owner gone.
    pub fn try_send(&self, letter: T) -> Result<(), NotSent<T>> {
        match self.sender.try_send(letter) {
            Ok(()) => {
                self.bell.0.wake();
                Ok(())
            }
            Err(TrySendError::Full(letter)) => Err(NotSent::Full(letter)),
            Err(TrySendError::Disconnected(letter)) => Err(NotSent::Closed(letter)),
        }
    }

    /// Sends, waiting while the mailbox is full. For worker threads only: the loop itself never waits for a channel.
    ///
    /// # Errors
    /// The letter, when the receiver is gone.
    pub fn send(&self, letter: T) -> Result<(), T> {
        self.sender.send(letter).map_err(|refused| refused.0)?;
        self.bell.0.wake();
        Ok(())
    }

    /// Puts a letter in without ringing, so that several can be heard at once: [`Post::ring`] must follow. Waits while the
    /// mailbox is full (and rings then), but gives up when the sending end of `stop` is dropped: so a thread that waits for
    /// room can be ended by the one that owns the mailbox and has stopped reading it.
    ///
    /// # Errors
    /// [`Closed`] when the receiver is gone or `stop` is closed before there was room; the letter is lost.
    pub fn put_unless_stopped(&self, letter: T, stop: &Receiver<Infallible>) -> Result<(), Closed> {
        let letter = match self.sender.try_send(letter) {
            Ok(()) => return Ok(()),
            Err(TrySendError::Disconnected(_)) => return Err(Closed),
            Err(TrySendError::Full(letter)) => letter,
        };
        self.ring();
        select! {
            send(self.sender, letter) -> sent => sent.map_err(|_| Closed),
            recv(stop) -> _ => Err(Closed),
        }
    }

    /// Rings for what [`Post::put_unless_stopped`] put in.
    pub fn ring(&self) {
        self.bell.0.wake();
    }

    /// How many letters wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sender.len()
    }

    /// Whether no letter waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sender.is_empty()
    }

    /// Whether a further letter would be refused now.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.sender.is_full()
    }
}

impl<T> Clone for Post<T> {
    fn clone(&self) -> Self {
        Self { sender: self.sender.clone(), bell: self.bell.clone() }
    }
}

impl<T> Mailbox<T> {
    /// The next letter, `Ok(None)` when none waits.
    ///
    /// # Errors
    /// [`Closed`] when none waits and every sender is gone.
    pub fn try_recv(&self) -> Result<Option<T>, Closed> {
        match self.receiver.try_recv() {
            Ok(letter) => Ok(Some(letter)),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => Err(Closed),
        }
    }

    /// How many letters wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.receiver.len()
    }

    /// Whether no letter waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.receiver.is_empty()
    }
}

/// The other end of a mailbox is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::wait::{Interest, wait};
    use std::os::fd::AsFd;
    use std::time::Duration;

    #[test]
    fn a_full_mailbox_gives_the_letter_back_and_a_letter_rings() {
        let waker = Waker::new().unwrap();
        let (post, mailbox) = mailbox(1, waker.clone());
        assert_eq!(post.try_send(1), Ok(()));
        assert_eq!(post.try_send(2), Err(NotSent::Full(2)));
        let ready = wait([(waker.as_fd(), Interest::READ)], Some(Duration::ZERO)).unwrap();
        assert!(ready[0].readable);
        assert_eq!(mailbox.try_recv(), Ok(Some(1)));
        assert_eq!(mailbox.try_recv(), Ok(None));
        waker.hush();
        drop(post);
        assert_eq!(mailbox.try_recv(), Err(Closed));
        let ready = wait([(waker.as_fd(), Interest::READ)], Some(Duration::ZERO)).unwrap();
        assert!(ready[0].readable, "the last sender's going must wake the receiver");
    }

    #[test]
    fn a_thread_that_waits_for_room_ends_when_it_is_told_to() {
        let (post, mailbox) = mailbox(1, Waker::new().unwrap());
        let (keep, stop) = bounded::<Infallible>(0);
        assert_eq!(post.put_unless_stopped(1, &stop), Ok(()));
        let waiting = std::thread::spawn(move || post.put_unless_stopped(2, &stop));
        drop(keep);
        assert_eq!(waiting.join().unwrap(), Err(Closed));
        assert_eq!(mailbox.try_recv(), Ok(Some(1)));
        assert_eq!(mailbox.try_recv(), Err(Closed));
    }

    #[test]
    fn a_thread_that_waits_for_room_goes_on_when_there_is_some() {
        let (post, mailbox) = mailbox(1, Waker::new().unwrap());
        let (_keep, stop) = bounded::<Infallible>(0);
        assert_eq!(post.put_unless_stopped(1, &stop), Ok(()));
        let waiting = std::thread::spawn(move || post.put_unless_stopped(2, &stop));
        assert_eq!(mailbox.receiver.recv(), Ok(1));
        assert_eq!(mailbox.receiver.recv(), Ok(2));
        assert_eq!(waiting.join().unwrap(), Ok(()));
    }
}
