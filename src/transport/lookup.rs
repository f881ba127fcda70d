//! Looks names up on threads of their own, because `getaddrinfo(3)` waits as long as it likes. Such a thread cannot be told
//! to stop, so it is one that nobody joins: it ends when the resolver answers.
//!
//! There is one look-up for a name at a time, however often it is asked for, and [`MOST`] for all names. An answer that comes
//! when nobody waits any more is kept for who asks next: with a resolver that is slower than anybody's patience, the second
//! attempt has the answer to the first.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::sync::waker::Waker;

/// Names that may be looked up at a time in this process.
const MOST: usize = 8;

/// How a name is looked up.
type Resolver = fn(&str, u16) -> io::Result<Vec<SocketAddr>>;

/// What the resolver said; the error as its kind and sentence, for there may be several who wait.
type Answer = Result<Vec<SocketAddr>, (io::ErrorKind, String)>;

/// Of the whole process.
static LOOK_UPS: LookUps = LookUps::new(system);

/// The look-ups under way, and the answers that nobody has taken.
#[derive(Debug)]
struct LookUps {
    resolver: Resolver,
    names: Mutex<Vec<Arc<Name>>>,
}

/// A name that is looked up.
#[derive(Debug)]
struct Name {
    host: String,
    port: u16,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    answer: Option<Answer>,
    is_taken: bool,
    /// Rung when the answer is there.
    bells: Vec<Weak<Waker>>,
}

/// Somebody's wait for the addresses of a name.
#[derive(Debug)]
pub(super) struct LookUp(Arc<Name>);

/// Begins to look a name up, or joins the look-up under way. `bell` rings when there is an answer.
///
/// # Errors
/// When there are as many look-ups as may be, or the kernel refuses a thread.
pub(super) fn look_up(host: &str, port: u16, bell: &Arc<Waker>) -> io::Result<LookUp> {
    LOOK_UPS.begin(host, port, bell)
}

impl LookUp {
    /// The addresses, when they are known.
    ///
    /// # Errors
    /// What the resolver says.
    pub fn answer(&self) -> Option<io::Result<Vec<SocketAddr>>> {
        let mut state = lock(&self.0.state);
        let answer = state.answer.clone()?;
        state.is_taken = true;
        Some(answer.map_err(|(kind, sentence)| io::Error::new(kind, sentence)))
    }
}

impl LookUps {
    const fn new(resolver: Resolver) -> Self {
        Self { resolver, names: Mutex::new(Vec::new()) }
    }

    fn begin(&self, host: &str, port: u16, bell: &Arc<Waker>) -> io::Result<LookUp> {
        let mut names = lock(&self.names);
        names.retain(|name| !lock(&name.state).is_taken);
        if let Some(name) = names.iter().find(|name| name.host == host && name.port == port) {
            lock(&name.state).join(bell);
            return Ok(LookUp(Arc::clone(name)));
        }
        if names.len() >= MOST {
            names.retain(|name| lock(&name.state).answer.is_none());
        }
        if names.len() >= MOST {
            let sentence =
                format!("expected at most {MOST} names to be looked up at a time, as many have no answer yet");
            return Err(io::Error::other(sentence));
        }
        let bells = vec![Arc::downgrade(bell)];
        let state = Mutex::new(State { bells, ..State::default() });
        let name = Arc::new(Name { host: host.to_owned(), port, state });
        let (resolver, asked) = (self.resolver, Arc::clone(&name));
        std::thread::Builder::new().name("resolve".to_owned()).stack_size(256 * 1024).spawn(move || {
            let found = resolver(&asked.host, asked.port);
            lock(&asked.state).set(found.map_err(|error| (error.kind(), error.to_string())));
        })?;
        names.push(Arc::clone(&name));
        Ok(LookUp(name))
    }
}

impl State {
    fn join(&mut self, bell: &Arc<Waker>) {
        if self.answer.is_some() {
            bell.wake();
        }
        self.bells.retain(|bell| bell.strong_count() > 0);
        self.bells.push(Arc::downgrade(bell));
    }

    fn set(&mut self, answer: Answer) {
        self.answer = Some(answer);
        for bell in std::mem::take(&mut self.bells) {
            if let Some(bell) = bell.upgrade() {
                bell.wake();
            }
        }
    }
}

/// Nothing that is done under these locks can panic half-way.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn system(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    (host, port).to_socket_addrs().map(Iterator::collect)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::wait::{Interest, wait};
    use std::os::fd::AsFd;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    fn bell() -> Arc<Waker> {
        Arc::new(Waker::new().unwrap())
    }

    fn address() -> SocketAddr {
        ([192, 0, 2, 1], 80).into()
    }

    /// The answer, once the bell has rung.
    fn heard(look_up: &LookUp, bell: &Waker) -> io::Result<Vec<SocketAddr>> {
        let ready = wait([(bell.as_fd(), Interest::READ)], Some(Duration::from_secs(10))).unwrap();
        assert!(ready[0].readable, "the bell does not ring");
        look_up.answer().expect("it rang for an answer")
    }

    /// Looks up as slowly as a test wants: until it lets the lock go. Counts.
    static SLOW: Mutex<()> = Mutex::new(());
    static ASKED: AtomicU32 = AtomicU32::new(0);

    fn slow(_: &str, _: u16) -> io::Result<Vec<SocketAddr>> {
        ASKED.fetch_add(1, Ordering::SeqCst);
        drop(lock(&SLOW));
        Ok(vec![address()])
    }

    #[test]
    fn a_slow_resolver_is_asked_once_and_its_answer_serves_a_later_attempt() {
        let look_ups = LookUps::new(slow);
        let hold = lock(&SLOW);
        let (first, second) = (bell(), bell());
        for _ in 0..3 {
            let given_up = look_ups.begin("slow.example", 80, &first).unwrap();
            assert!(given_up.answer().is_none());
        }
        assert_eq!(lock(&lock(&look_ups.names)[0].state).bells.len(), 3);
        drop(first);
        let waits = look_ups.begin("slow.example", 80, &second).unwrap();
        assert_eq!(lock(&lock(&look_ups.names)[0].state).bells.len(), 1, "the bells of those that gave up are gone");
        drop(waits);
        drop(hold);
        // Whether the answer is there already or comes now: the bell rings, and nobody asks a second time.
        let third = bell();
        let waits = look_ups.begin("slow.example", 80, &third).unwrap();
        assert_eq!(heard(&waits, &third).unwrap(), [address()]);
        assert_eq!(ASKED.load(Ordering::SeqCst), 1);
        // An answer that was taken is not used again.
        let fourth = bell();
        let waits = look_ups.begin("slow.example", 80, &fourth).unwrap();
        assert_eq!(heard(&waits, &fourth).unwrap(), [address()]);
        assert_eq!(ASKED.load(Ordering::SeqCst), 2);
    }

    /// Answers when the test is over.
    static NEVER: Mutex<()> = Mutex::new(());

    fn never(_: &str, _: u16) -> io::Result<Vec<SocketAddr>> {
        drop(lock(&NEVER));
        Err(io::Error::other("no"))
    }

    #[test]
    fn there_are_so_many_threads_and_no_more() {
        let look_ups = LookUps::new(never);
        let hold = lock(&NEVER);
        let bells: Vec<_> = (0..MOST).map(|_| bell()).collect();
        let waits: Vec<_> =
            bells.iter().zip(1..).map(|(bell, port)| look_ups.begin("a.example", port, bell).unwrap()).collect();
        let error = look_ups.begin("b.example", 80, &bell()).unwrap_err();
        assert!(error.to_string().starts_with("expected at most 8 names"), "{error}");
        drop(hold);
        for (look_up, bell) in waits.iter().zip(&bells) {
            assert_eq!(heard(look_up, bell).unwrap_err().to_string(), "no");
        }
        assert!(look_ups.begin("b.example", 80, &bell()).is_ok(), "there is room again");
    }

    #[test]
    fn the_system_knows_this_machine() {
        let bell = bell();
        let look_up = look_up("localhost", 80, &bell).unwrap();
        assert!(heard(&look_up, &bell).unwrap().iter().all(|address| address.ip().is_loopback()));
    }
}
