//! A connection's thread: it owns the socket and the SSH protocol on it, and sleeps in one `poll(2)` until the client, the
//! agent, the manhole or a deadline has something for it.
//!
//! What a client can make it keep is bounded: by the protocol's limits, by its channels' windows, and by one answer a channel.
//! A client that reads nothing, sends nothing, or goes without a word, has a deadline each.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::channel::Channel;
use super::credentials::Users;
use super::feeds::Feeds;
use super::letter::{Letter, Order};
use super::login::Login;
use super::question::{Answer, Refusal, Request};
use super::report::{Answered, Reply, Report};
use super::shell::Setting;
use super::{Timeouts, USERS_LOG, random};
use crate::ssh::{ChannelId, Config, Connection as Protocol, Event};
use crate::sync::mailbox::{Mailbox, Post, mailbox};
use crate::sync::ticket::Ticket;
use crate::sync::wait::{Interest, earlier, until, wait};
use crate::sync::waker::Waker;
use crate::terminal::printable;
use crate::transport::socket::Socket;

/// What all connections of a manhole share.
pub(super) struct Shared {
    pub users: Users,
    pub ssh: Arc<Config>,
    pub setting: Arc<Setting>,
    pub timeouts: Timeouts,
}

/// Questions of a connection that may wait for their answers.
const QUESTIONS: usize = 16;

/// Bytes that are read in a turn, before what they led to is sent and others are heard.
const TURN: usize = 64 * 1024;

/// How long a connection that is over may take to take our last words.
const LAST_WORDS: Duration = Duration::from_millis(500);

pub(super) struct Connection<R> {
    socket: Socket,
    protocol: Protocol,
    login: Login,
    channels: BTreeMap<ChannelId, Channel>,
    shared: Arc<Shared>,
    waker: Waker,
    /// In the manhole, for `who`.
    number: u32,
    orders: Mailbox<Order>,
    letters: Post<Letter>,
    reports: Post<R>,
    answers: (Post<Answered>, Mailbox<Answered>),
    feeds: Feeds,
    /// Questions without an answer.
    unanswered: usize,
    last_ticket: u64,
    /// When somebody last typed.
    active: Instant,
    /// When the client last took some of what waits for it; `None` while nothing does.
    stalled: Option<Instant>,
    closing: Option<Instant>,
}

/// What became of the socket.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Line {
    Open,
    Gone,
}

impl<R: From<Report>> Connection<R> {
    pub fn new(
        socket: Socket,
        waker: Waker,
        orders: Mailbox<Order>,
        (letters, reports): (Post<Letter>, Post<R>),
        shared: Arc<Shared>,
        (number, serial, address): (u32, u64, String),
    ) -> io::Result<Self> {
        let now = Instant::now();
        let protocol = Protocol::new(Arc::clone(&shared.ssh), random()).map_err(io::Error::other)?;
        let login = Login::new(address, now + shared.timeouts.login);
        Ok(Self {
            socket,
            protocol,
            login,
            channels: BTreeMap::new(),
            shared,
            answers: mailbox(QUESTIONS, waker.clone()),
            feeds: Feeds::new(serial, &waker),
            waker,
            number,
            orders,
            letters,
            reports,
            unanswered: 0,
            last_ticket: 0,
            active: now,
            stalled: None,
            closing: None,
        })
    }

    /// Runs until the connection is over.
    pub fn run(mut self) {
        let end = match self.serve() {
            Ok(()) => "closed".to_owned(),
            Err(error) => error.to_string(),
        };
        log::info!("{}: connection ended: {}", self.login.who(), printable(&end));
        self.feeds.end(&self.reports);
    }

    fn serve(&mut self) -> io::Result<()> {
        loop {
            self.waker.hush();
            let now = Instant::now();
            self.hear(now);
            let mut line = self.read(now)?;
            self.expire(now);
            let shells = self.channels.values().filter_map(|channel| channel.shell.as_ref());
            self.feeds.adjust(shells, self.shared.setting.log.as_ref(), &self.reports);
            // What is sent makes room for what waits.
            while self.deliver(now) {
                if self.write(now)? == Line::Gone {
                    line = Line::Gone;
                    break;
                }
            }
            if line == Line::Gone || (self.protocol.is_over() && self.protocol.output().is_empty()) {
                return self.linger();
            }
            if self.closing.is_some_and(|end| now >= end) {
                return Err(io::Error::other("the client did not take the last words"));
            }
            let interest = Interest { read: self.protocol.wants_input(), write: !self.protocol.output().is_empty() };
            let fds = [(self.socket.as_fd(), interest), (self.waker.as_fd(), Interest::READ)];
            wait(fds, until(self.deadline(), Instant::now()))?;
        }
    }

    fn deadline(&self) -> Option<Instant> {
        let shells = self.channels.values().filter_map(|channel| channel.shell.as_ref()?.deadline());
        let ours = [self.login.deadline(), self.closing, self.idle_end(), self.stall_end()];
        ours.into_iter().flatten().chain(shells).fold(None, |earliest, at| earlier(earliest, Some(at)))
    }

    /// When nobody will have typed for too long; never while there is something to look at.
    fn idle_end(&self) -> Option<Instant> {
        let watched = self.channels.values().any(Channel::is_watched);
        (!watched && self.closing.is_none()).then(|| self.active + self.shared.timeouts.idle)
    }

    fn stall_end(&self) -> Option<Instant> {
        self.stalled.map(|since| since + self.shared.timeouts.stall)
    }

    fn expire(&mut self, now: Instant) {
        if let Some(verdict) = self.login.due(now) {
            let result = self.protocol.answer_auth(verdict);
            self.end_on_error(result);
            self.take_events(now);
        }
        for channel in self.channels.values_mut() {
            if let Some(shell) = &mut channel.shell {
                shell.expire(now);
            }
        }
        if self.closing.is_some() {
            return;
        }
        if self.login.is_overdue(now) {
            self.close("the login took too long", now);
        } else if self.idle_end().is_some_and(|end| now >= end) {
            self.close("nothing was typed for too long", now);
        } else if self.stall_end().is_some_and(|end| now >= end) {
            self.close("the client does not read", now);
        }
    }

    /// Ends the connection with a sentence for the user.
    fn close(&mut self, sentence: &str, now: Instant) {
        if self.closing.is_none() {
            log::info!("{}: {sentence}", self.login.who());
            for (id, channel) in &self.channels {
                channel.say_goodbye(*id, &mut self.protocol, sentence);
            }
            self.protocol.disconnect(sentence);
            self.closing = Some(now + LAST_WORDS);
        }
    }

    /// What other threads have to say.
    fn hear(&mut self, now: Instant) {
        match self.orders.try_recv() {
            Ok(None) => {}
            Ok(Some(Order::End(sentence))) => self.close(&sentence, now),
            Err(_) => self.close("the manhole has ended", now),
        }
        while let Ok(Some(Answered { ticket, answer })) = self.answers.1.try_recv() {
            self.unanswered = self.unanswered.saturating_sub(1);
            let asked = self.channels.iter().find(|(_, channel)| channel.waiting == Some(ticket));
            if let Some(id) = asked.map(|(id, _)| *id) {
                self.answer(id, answer, now);
            }
        }
        self.feeds.pass_on(self.channels.values_mut().filter_map(|channel| channel.shell.as_mut()), now);
    }

    /// Reads what there is, up to a budget.
    fn read(&mut self, now: Instant) -> io::Result<Line> {
        let mut buffer = [0; 8 * 1024];
        let mut left = TURN;
        while left > 0 && self.protocol.wants_input() {
            let count = match (&self.socket).read(&mut buffer) {
                Ok(0) => return Ok(Line::Gone),
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            left = left.saturating_sub(count);
            if !self.login.is_done() {
                if let Socket::Tcp(stream) = &self.socket {
                    super::quick_ack::acknowledge(stream);
                }
            }
            let result = self.protocol.receive(buffer.get(..count).unwrap_or_default());
            self.take_events(now);
            self.end_on_error(result);
        }
        Ok(Line::Open)
    }

    fn end_on_error(&mut self, result: Result<(), crate::ssh::SshError>) {
        if let Err(error) = result {
            log::warn!("{}: {}", self.login.who(), printable(&error.to_string()));
            self.closing = Some(Instant::now() + LAST_WORDS);
        }
    }

    /// Sends what there is; whether the socket is still there.
    fn write(&mut self, now: Instant) -> io::Result<Line> {
        while !self.protocol.output().is_empty() {
            match (&self.socket).write(self.protocol.output()) {
                Ok(0) => return Ok(Line::Gone),
                Ok(count) => {
                    self.protocol.consume(count);
                    self.stalled = Some(now);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.stalled.get_or_insert(now);
                    return Ok(Line::Open);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.stalled = None;
        Ok(Line::Open)
    }

    /// Lets shells ask and say what they have; whether there is something to send that was not tried yet.
    fn deliver(&mut self, now: Instant) -> bool {
        let before = self.protocol.output().len();
        let ids: Vec<ChannelId> = self.channels.keys().copied().collect();
        for id in ids {
            self.ask(id, now);
            if let Some(channel) = self.channels.get_mut(&id) {
                channel.deliver(id, &mut self.protocol, now);
            }
            // What was said may have made room for the next command.
            self.ask(id, now);
        }
        self.protocol.output().len() > before || (before > 0 && self.stalled.is_none())
    }

    /// Passes on what a shell asks.
    fn ask(&mut self, id: ChannelId, now: Instant) {
        while let Some(name) = self.channels.get_mut(&id).and_then(|channel| channel.shell.as_mut()?.next_begun()) {
            log::info!(target: USERS_LOG, "{} runs {name}", self.login.who());
        }
        while let Some(request) = self.channels.get_mut(&id).and_then(|channel| channel.shell.as_mut()?.next_request())
        {
            let answer = match request {
                Request::Agent(question) => self.ask_elsewhere(id, |ticket, post, this| {
                    let reply = Reply { ticket, post };
                    this.reports.try_send(Report::Asked { question, reply }.into()).is_ok()
                }),
                Request::Manhole(inquiry) => self.ask_elsewhere(id, |ticket, post, this| {
                    let letter = Letter::Asked { number: this.number, inquiry, reply: Reply { ticket, post } };
                    this.letters.try_send(letter).is_ok()
                }),
                Request::LogLevel(level) => {
                    if let Some(level) = level {
                        log::warn!("{} sets the log's level to {level}", self.login.who());
                        log::set_max_level(level);
                    }
                    Some(Ok(format!("\"{}\"", log::max_level().as_str().to_ascii_lowercase())))
                }
                Request::Custom { number, arguments } => match self.run_custom(number, &arguments) {
                    Ok(value) => {
                        self.on_shell(id, |shell| shell.show(&value, now));
                        None
                    }
                    Err(refusal) => Some(Err(refusal)),
                },
            };
            if let Some(answer) = answer {
                self.answer(id, answer, now);
            }
        }
    }

    /// Asks another thread; the answer comes later, unless it does not take the question.
    fn ask_elsewhere(
        &mut self,
        id: ChannelId,
        ask: impl FnOnce(Ticket, Post<Answered>, &Self) -> bool,
    ) -> Option<Answer> {
        self.last_ticket += 1;
        let ticket = Ticket(self.last_ticket);
        // Each question has its place for the answer.
        if self.unanswered >= QUESTIONS || !ask(ticket, self.answers.0.clone(), self) {
            return Some(Err(Refusal::busy()));
        }
        self.unanswered += 1;
        if let Some(channel) = self.channels.get_mut(&id) {
            channel.waiting = Some(ticket);
        }
        None
    }

    fn run_custom(&self, number: usize, arguments: &[String]) -> Result<Value, Refusal> {
        let Some(custom) = self.shared.setting.custom.get(number) else {
            return Err(Refusal::new("wampproc.error.no_such_command", "the command is gone"));
        };
        (custom.run)(arguments).map_err(|sentence| Refusal::new("wampproc.error.command_failed", sentence))
    }

    fn answer(&mut self, id: ChannelId, answer: Answer, now: Instant) {
        if let Some(channel) = self.channels.get_mut(&id) {
            channel.waiting = None;
            if let Some(shell) = &mut channel.shell {
                shell.answer(answer, now);
            }
        }
    }

    fn take_events(&mut self, now: Instant) {
        while let Some(event) = self.protocol.next_event() {
            self.take(event, now);
        }
    }

    fn take(&mut self, event: Event, now: Instant) {
        let setting = Arc::clone(&self.shared.setting);
        match event {
            Event::Login { user, credential } => {
                let user = printable(&user).into_owned();
                if let Some(verdict) = self.login.decide(&self.shared.users, &user, &credential, now) {
                    let result = self.protocol.answer_auth(verdict);
                    self.end_on_error(result);
                }
            }
            Event::LoginRefused { user, reason } => {
                log::warn!("{} wants to be {}: {reason}", self.login.who(), printable(&user));
            }
            Event::LoggedIn { user, method } => {
                let (user, client) = (printable(&user).into_owned(), self.protocol.client());
                self.login.succeeded(&user, method, &client);
                self.active = now;
                // Full only when the manhole hears nothing any more.
                let _ = self.letters.try_send(Letter::LoggedIn { number: self.number, user, method, client });
            }
            Event::Opened(id) => {
                self.channels.insert(id, Channel::new());
            }
            Event::Pty { channel, term, size, .. } => self.on(channel, |channel| channel.set_terminal(&term, size)),
            Event::Env { channel, name, value } => self.on(channel, |channel| channel.set_variable(&name, &value)),
            Event::Shell(channel) => {
                log::info!(target: USERS_LOG, "{} opens a shell", self.login.who());
                self.on(channel, |channel| channel.begin(&setting));
            }
            Event::Exec { channel, command } => {
                self.on(channel, |channel| channel.execute(&setting, &command, now));
            }
            Event::Resized { channel, size } => self.on(channel, |channel| channel.resize(size, now)),
            Event::Signal { channel, name } => {
                if matches!(name.as_str(), "INT" | "TERM" | "HUP" | "QUIT" | "KILL") {
                    self.on_shell(channel, |shell| shell.interrupt(now));
                }
            }
            Event::Data { channel, bytes } => {
                self.active = now;
                match self.channels.get_mut(&channel).and_then(|channel| channel.shell.as_mut()) {
                    Some(shell) => shell.receive(&bytes, now),
                    // Before its shell or after its end: for nobody.
                    None => self.protocol.consumed(channel, bytes.len()),
                }
            }
            Event::Eof(channel) => self.on_shell(channel, |shell| shell.end_input(now)),
            Event::Closed(channel) => {
                self.channels.remove(&channel);
            }
            Event::Disconnected { message, .. } => {
                log::debug!("{} says: {}", self.login.who(), printable(&message));
            }
        }
    }

    fn on(&mut self, id: ChannelId, act: impl FnOnce(&mut Channel)) {
        if let Some(channel) = self.channels.get_mut(&id) {
            act(channel);
        }
    }

    fn on_shell(&mut self, id: ChannelId, act: impl FnOnce(&mut super::shell::Shell)) {
        self.on(id, |channel| {
            if let Some(shell) = &mut channel.shell {
                act(shell);
            }
        });
    }

    /// Everything is said. Reads on for a moment and forgets what comes: to close a socket with unread input resets it, and our
    /// last words would be lost.
    fn linger(&mut self) -> io::Result<()> {
        // It may be gone already.
        let _ = self.socket.shutdown(Shutdown::Write);
        let end = Instant::now() + LAST_WORDS;
        let mut buffer = [0; 1024];
        // So many bytes, and no more: a client that goes on sending has not listened.
        for _ in 0..256 {
            match (&self.socket).read(&mut buffer) {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    let now = Instant::now();
                    if now >= end {
                        break;
                    }
                    wait([(self.socket.as_fd(), Interest::READ)], until(Some(end), now))?;
                }
                // The other end is gone: as good as closed.
                Err(_) => break,
            }
        }
        Ok(())
    }
}
