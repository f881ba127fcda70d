//! Wakes a thread that sleeps in `poll(2)` or `epoll_wait(2)`: an `eventfd(2)` and a flag that saves most of the writes.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::sys::eventfd::{EfdFlags, EventFd};

/// A bell that any thread may ring and one thread waits for. Clones ring the same bell.
#[derive(Clone, Debug)]
pub struct Waker {
    bell: Arc<Bell>,
}

#[derive(Debug)]
struct Bell {
    fd: EventFd,
    /// Whether the bell rings already: a second ring before the owner heard the first needs no system call.
    rung: AtomicBool,
}

impl Waker {
    /// Makes a bell.
    ///
    /// # Errors
    /// When the kernel refuses a descriptor (`EMFILE`, `ENFILE`, `ENOMEM`).
    pub fn new() -> io::Result<Self> {
        let fd = EventFd::from_value_and_flags(0, EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?;
        Ok(Self { bell: Arc::new(Bell { fd, rung: AtomicBool::new(false) }) })
    }

    /// Rings the bell. Never blocks, and may be called from any thread.
    pub fn wake(&self) {
        if !self.bell.rung.swap(true, Ordering::SeqCst) {
            // The only failure of this write is a full counter, and then the descriptor is readable as it should be.
            let _ = self.bell.fd.write(1);
        }
    }

    /// Silences the bell. The owner calls this *before* it looks for work, so that work which arrives meanwhile rings
    /// again.
    pub fn hush(&self) {
        // Read first: a ring between the two would otherwise be taken from the descriptor but stay in the flag, and no later
        // ring would be heard. When there is nothing to read yet, a ringer stands between its flag and its write: the flag
        // must stay as it is, or the write that comes would never be taken back.
        if self.bell.rung.load(Ordering::SeqCst) && self.bell.fd.read().is_ok() {
            self.bell.rung.store(false, Ordering::SeqCst);
        }
    }
}

impl AsFd for Waker {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.bell.fd.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::wait::{Interest, wait};
    use std::time::Duration;

    fn rings(waker: &Waker) -> bool {
        wait([(waker.as_fd(), Interest::READ)], Some(Duration::ZERO)).unwrap()[0].readable
    }

    #[test]
    fn rings_until_hushed_and_again_after() {
        let waker = Waker::new().unwrap();
        assert!(!rings(&waker));
        waker.wake();
        waker.clone().wake();
        assert!(rings(&waker));
        waker.hush();
        assert!(!rings(&waker));
        waker.wake();
        assert!(rings(&waker));
    }

    #[test]
    fn a_hushed_bell_is_silent_however_the_ringer_raced() {
        for _ in 0..300 {
            let waker = Waker::new().unwrap();
            let (ringer, done) = (waker.clone(), Arc::new(AtomicBool::new(false)));
            let is_done = Arc::clone(&done);
            let thread = std::thread::spawn(move || {
                (0..200).for_each(|_| ringer.wake());
                done.store(true, Ordering::SeqCst);
            });
            while !is_done.load(Ordering::SeqCst) {
                waker.hush();
            }
            thread.join().unwrap();
            waker.hush();
            assert!(!rings(&waker), "it stays readable for ever");
        }
    }

    #[test]
    fn no_ring_is_lost_between_two_threads() {
        let waker = Waker::new().unwrap();
        let count = Arc::new(std::sync::atomic::AtomicU32::new(0));
        let ringer = {
            let (waker, count) = (waker.clone(), count.clone());
            std::thread::spawn(move || {
                for _ in 0..20_000 {
                    count.fetch_add(1, Ordering::SeqCst);
                    waker.wake();
                }
            })
        };
        while count.load(Ordering::SeqCst) < 20_000 {
            let ready = wait([(waker.as_fd(), Interest::READ)], Some(Duration::from_secs(10))).unwrap();
            assert!(ready[0].readable, "a ring was lost at {}", count.load(Ordering::SeqCst));
            waker.hush();
        }
        ringer.join().unwrap();
    }
}
