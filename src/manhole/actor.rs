//! The thread "manhole": accepts callers, gives each a thread, knows who they are, and ends them.

use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::connection::{Connection, Shared};
use super::letter::{Letter, Order};
use super::listener::Listener;
use super::question::{Inquiry, Refusal};
use super::report::Report;
use super::{MAX_CONNECTIONS, MAX_STRANGERS, Stop, USERS_LOG};
use crate::ssh::Method;
use crate::sync::clock::Timestamp;
use crate::sync::mailbox::{Mailbox, Post, mailbox};
use crate::sync::thread::Thread;
use crate::sync::wait::{Interest, until, wait};
use crate::sync::waker::Waker;
use crate::transport::socket::Socket;

/// Names of the connections' threads; the number is that of `who`.
const NAMES: [&str; MAX_CONNECTIONS] = [
    "ssh-1", "ssh-2", "ssh-3", "ssh-4", "ssh-5", "ssh-6", "ssh-7", "ssh-8", "ssh-9", "ssh-10", "ssh-11", "ssh-12",
    "ssh-13", "ssh-14", "ssh-15", "ssh-16",
];

/// Letters of connections that may wait: what they send in their lives, and a question of each.
const LETTERS: usize = 4 * MAX_CONNECTIONS;

/// How long the listener rests when the kernel cannot give it a connection.
const REST: Duration = Duration::from_millis(500);

struct Slot {
    // Before the thread, so that it ends when this is dropped.
    orders: Post<Order>,
    thread: Thread,
    address: String,
    since: Timestamp,
    login: Option<Login>,
}

struct Login {
    user: String,
    method: Method,
    client: String,
}

pub(super) struct Actor<R> {
    pub listener: Listener,
    pub shared: Arc<Shared>,
    pub reports: Post<R>,
    pub waker: Waker,
    pub stop: Mailbox<Stop>,
    // Before the slots: dropping those waits for their threads, whose last letter must not wait for room.
    letters: (Post<Letter>, Mailbox<Letter>),
    slots: [Option<Slot>; MAX_CONNECTIONS],
    /// Of all connections so far.
    accepted: u64,
    resting: Option<Instant>,
    /// Whether the present trouble has been logged.
    complained: bool,
}

impl<R: From<Report> + Send + 'static> Actor<R> {
    pub fn new(listener: Listener, shared: Arc<Shared>, reports: Post<R>, waker: Waker, stop: Mailbox<Stop>) -> Self {
        let letters = mailbox(LETTERS, waker.clone());
        let slots = [const { None }; MAX_CONNECTIONS];
        Self { listener, shared, reports, waker, stop, letters, slots, accepted: 0, resting: None, complained: false }
    }

    /// Runs until it is told to stop; then everything is closed and every thread joined.
    pub fn run(mut self) -> io::Result<()> {
        loop {
            self.waker.hush();
            let now = Instant::now();
            while let Ok(Some(letter)) = self.letters.1.try_recv() {
                self.read(letter);
            }
            // Told to stop, or the handle is gone.
            if !matches!(self.stop.try_recv(), Ok(None)) {
                break;
            }
            if self.resting.is_some_and(|end| now >= end) {
                self.resting = None;
            }
            if self.resting.is_none() {
                self.accept(now);
            }
            let interest = if self.resting.is_some() { Interest::NONE } else { Interest::READ };
            let fds = [(self.listener.as_fd(), interest), (self.waker.as_fd(), Interest::READ)];
            wait(fds, until(self.resting, Instant::now()))?;
        }
        for slot in self.slots.iter().flatten() {
            let _ = slot.orders.try_send(Order::End("the manhole is being closed".to_owned()));
        }
        // Dropping a slot joins its thread, which gives its client a moment to hear the reason.
        Ok(())
    }

    fn accept(&mut self, now: Instant) {
        // As many as can be served at all, so that letters and the order to stop are heard in between.
        for _ in 0..MAX_CONNECTIONS {
            match self.listener.accept() {
                Ok(Some((socket, address))) => self.admit(socket, address),
                Ok(None) => return,
                Err(error) if is_callers_trouble(&error) => {}
                Err(error) => {
                    self.complain(&format!("connections cannot be accepted: {error}"));
                    self.resting = Some(now + REST);
                    return;
                }
            }
        }
    }

    fn admit(&mut self, socket: Socket, address: String) {
        let strangers = self.slots.iter().flatten().filter(|slot| slot.login.is_none()).count();
        let free = self.slots.iter().position(Option::is_none);
        let Some((place, name)) = free.filter(|_| strangers < MAX_STRANGERS).and_then(|at| Some((at, *NAMES.get(at)?)))
        else {
            return self.complain(&format!("{address} is turned away: there are too many connections"));
        };
        self.complained = false;
        self.accepted += 1;
        match self.spawn(socket, place, name, &address) {
            Ok((orders, thread)) => {
                log::debug!("{name}: a connection from {address}");
                let slot = Slot { orders, thread, address, since: Timestamp::now(), login: None };
                if let Some(free) = self.slots.get_mut(place) {
                    *free = Some(slot);
                }
            }
            Err(error) => self.complain(&format!("{address} is turned away: {error}")),
        }
    }

    fn spawn(
        &self,
        socket: Socket,
        place: usize,
        name: &'static str,
        address: &str,
    ) -> io::Result<(Post<Order>, Thread)> {
        let waker = Waker::new()?;
        let (post, orders) = mailbox(1, waker.clone());
        let number = u32::try_from(place + 1).unwrap_or_default();
        let (letters, reports, shared) = (self.letters.0.clone(), self.reports.clone(), Arc::clone(&self.shared));
        let (address, serial) = (address.to_owned(), self.accepted);
        let thread = Thread::spawn(name, move || {
            let ending = Ending { letters: letters.clone(), number };
            match Connection::new(socket, waker, orders, (letters, reports), shared, (number, serial, address)) {
                Ok(connection) => connection.run(),
                Err(error) => log::warn!("{name}: {error}"),
            }
            drop(ending);
        })?;
        Ok((post, thread))
    }

    /// Once for each time that it begins: whoever calls often must not fill the log.
    fn complain(&mut self, sentence: &str) {
        if !std::mem::replace(&mut self.complained, true) {
            log::warn!("{sentence}");
        }
    }

    fn slot(&mut self, number: u32) -> Option<&mut Option<Slot>> {
        self.slots.get_mut(usize::try_from(number).ok()?.checked_sub(1)?)
    }

    fn read(&mut self, letter: Letter) {
        match letter {
            Letter::LoggedIn { number, user, method, client } => {
                if let Some(Some(slot)) = self.slot(number) {
                    slot.login = Some(Login { user, method, client });
                }
            }
            Letter::Ended { number } => {
                // The thread has nothing left to do: joining it does not wait.
                if let Some(ended) = self.slot(number).and_then(Option::take) {
                    drop(ended.thread);
                }
            }
            Letter::Asked { number, inquiry: Inquiry::Who, reply } => reply.send(Ok(self.who(number))),
            Letter::Asked { number, inquiry: Inquiry::Kick { number: kicked }, reply } => {
                reply.send(self.kick(number, kicked));
            }
        }
    }

    fn who(&self, asking: u32) -> String {
        let peers: Vec<Peer<'_>> = self
            .slots
            .iter()
            .zip(1..)
            .filter_map(|(slot, number)| {
                let Slot { address, since, login, .. } = slot.as_ref()?;
                let login = login.as_ref();
                Some(Peer {
                    number,
                    user: login.map(|login| login.user.as_str()),
                    method: login.map(|login| login.method.name()),
                    address,
                    since: *since,
                    client: login.map(|login| login.client.as_str()),
                    asking: number == asking,
                })
            })
            .collect();
        serde_json::to_string(&peers).unwrap_or_default()
    }

    fn kick(&mut self, by: u32, number: u32) -> Result<String, Refusal> {
        let user = |slot: &Option<Slot>| Some(slot.as_ref()?.login.as_ref()?.user.clone());
        let by = self.slot(by).and_then(|slot| user(slot)).unwrap_or_default();
        let Some(Some(slot)) = self.slot(number) else {
            let sentence = format!("there is no connection number {number}: who lists them");
            return Err(Refusal::new("wamp.error.invalid_argument", sentence));
        };
        log::info!(target: USERS_LOG, "{by} ends the connection of {}", slot.address);
        // Full: it has been told already.
        let _ = slot.orders.try_send(Order::End(format!("{by} ended this connection")));
        Ok("null".to_owned())
    }
}

/// A connection, as `who` tells it.
#[derive(Serialize)]
struct Peer<'a> {
    number: u32,
    user: Option<&'a str>,
    method: Option<&'static str>,
    address: &'a str,
    since: Timestamp,
    client: Option<&'a str>,
    /// Whether it is the one that asks.
    asking: bool,
}

/// Tells of a thread's end, also when it panics.
struct Ending {
    letters: Post<Letter>,
    number: u32,
}

impl Drop for Ending {
    fn drop(&mut self) {
        // Waits for room: this must arrive. The manhole reads until it stops, and then there is no mailbox any more.
        let _ = self.letters.send(Letter::Ended { number: self.number });
    }
}

/// Errors of accept(2) that say something about one caller.
fn is_callers_trouble(error: &io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted, NotConnected};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted | NotConnected)
}
