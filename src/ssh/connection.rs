//! A connection from its first byte to its last: what its driver calls, and which layer each message is for.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use rand_core::CryptoRng;

use super::auth::Auth;
use super::channel::{exit_signal, exit_status};
use super::channels::Channels;
use super::config::Config;
use super::error::{SshError, printable};
use super::event::{ChannelId, Event, Stream, Verdict};
use super::limits::MAX_REPLIES;
use super::message;
use super::packet::Packet;
use super::transport::{Incoming, Transport};
use super::wire::Payload;

/// One client's connection, without its socket. See the module's page for how it is driven.
pub struct Connection {
    transport: Transport,
    auth: Auth,
    channels: Channels,
    events: VecDeque<Event>,
    is_over: bool,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("client", &self.client())
            .field("channels", &self.channels)
            .field("is_over", &self.is_over)
            .finish_non_exhaustive()
    }
}

impl Connection {
    /// A connection that was just accepted: our first words are in [`Connection::output`]. `rng` must be fit for keys, such
    /// as the kernel's.
    ///
    /// # Errors
    /// None that a peer can cause: it has not said anything yet.
    pub fn new(config: Arc<Config>, rng: impl CryptoRng + Send + 'static) -> Result<Self, SshError> {
        let auth = Auth::new(config.methods.clone(), config.max_auth_tries);
        Ok(Self {
            transport: Transport::new(config, Box::new(rng))?,
            auth,
            channels: Channels::default(),
            events: VecDeque::new(),
            is_over: false,
        })
    }

    /// Takes what arrived. Call it with whatever was read, while [`Connection::wants_input`]; then look for events.
    ///
    /// # Errors
    /// [`SshError`] when the client broke the protocol or a limit. The connection is over then; a DISCONNECT that says why is
    /// in the output, and events from before may wait.
    pub fn receive(&mut self, bytes: &[u8]) -> Result<(), SshError> {
        if self.is_over {
            return Ok(());
        }
        let result = self.transport.feed(bytes).and_then(|()| self.advance());
        self.settle(result)
    }

    /// Whether it makes sense to read from the socket: not while a login is being decided, not when the client leaves far too
    /// much of our output unread, not when it is over.
    #[must_use]
    pub fn wants_input(&self) -> bool {
        !self.is_over && !self.auth.is_deciding() && self.transport.output().len() <= MAX_REPLIES
    }

    /// The next thing that happened. Ask until there is none, after every call that can bring one: [`Connection::receive`] and
    /// [`Connection::answer_auth`].
    pub fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// What is to be sent, in bytes of a stream. Empty means that there is nothing.
    #[must_use]
    pub fn output(&self) -> &[u8] {
        self.transport.output()
    }

    /// So many bytes of [`Connection::output`] are sent.
    pub fn consume(&mut self, written: usize) {
        self.transport.consume(written);
    }

    /// The driver's answer to [`Event::Login`], at once or after a delay. What the client sent meanwhile is looked at only
    /// now, so there may be events again. Ignored when nothing was asked.
    ///
    /// # Errors
    /// As [`Connection::receive`]; [`SshError::TooManyAttempts`] when this refusal was one too many.
    pub fn answer_auth(&mut self, verdict: Verdict) -> Result<(), SshError> {
        if self.is_over || !self.auth.is_deciding() {
            return Ok(());
        }
        let result = self.decide(verdict);
        self.settle(result)
    }

    /// How many bytes [`Connection::write`] would take now: 0 while the client's window is closed, while it leaves our output
    /// unread, while keys are exchanged, and on a channel that is ended or gone. Look again after each [`Connection::receive`]
    /// and [`Connection::consume`].
    #[must_use]
    pub fn room(&self, channel: ChannelId) -> usize {
        if self.is_over {
            return 0;
        }
        self.channels.get(channel).map_or(0, |channel| channel.room(&self.transport))
    }

    /// Sends output, and says how many bytes of it were taken; the rest has to come again.
    pub fn write(&mut self, channel: ChannelId, stream: Stream, bytes: &[u8]) -> usize {
        if self.is_over {
            return 0;
        }
        let Some(channel) = self.channels.get_mut(channel) else { return 0 };
        let result = channel.write(stream, bytes, &mut self.transport);
        let taken = result.as_ref().copied().unwrap_or_default();
        self.end_on_error(result.map(|_| ()));
        taken
    }

    /// So many bytes of an [`Event::Data`] are used or dropped: the client may send as many again.
    pub fn consumed(&mut self, channel: ChannelId, bytes: usize) {
        self.on_channel(channel, |channel, transport| channel.consumed(bytes, transport));
    }

    /// The command on this channel ended with this status, after all of its output was taken: exit-status, EOF and CLOSE go
    /// out. [`Event::Closed`] follows when the client has closed it too.
    pub fn exit(&mut self, channel: ChannelId, status: u32) {
        self.on_channel(channel, |channel, transport| channel.close(Some(exit_status(status)), transport));
    }

    /// As [`Connection::exit`], by a signal; its name is without `SIG`.
    pub fn exit_by_signal(&mut self, channel: ChannelId, signal: &str) {
        self.on_channel(channel, |channel, transport| channel.close(Some(exit_signal(signal)), transport));
    }

    /// As [`Connection::exit`], without a word about how.
    pub fn close(&mut self, channel: ChannelId) {
        self.on_channel(channel, |channel, transport| channel.close(None, transport));
    }

    /// Ends the connection with a sentence for the client's user. What is in the output is still to be sent.
    pub fn disconnect(&mut self, sentence: &str) {
        if !self.is_over {
            self.is_over = true;
            // Fails only where nothing can be said any more.
            let _ = self.transport.goodbye(message::reason::BY_APPLICATION, sentence);
        }
    }

    /// Whether it is over: once the output is sent, the socket can be closed.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.is_over
    }

    /// What the client says it is, printable; empty until it did.
    #[must_use]
    pub fn client(&self) -> String {
        printable(self.transport.client_ident())
    }

    fn advance(&mut self) -> Result<(), SshError> {
        while !self.is_over && !self.auth.is_deciding() {
            match self.transport.next()? {
                Some(Incoming::Message(packet)) => self.message(&packet)?,
                Some(Incoming::Goodbye { reason, message }) => {
                    self.is_over = true;
                    self.events.push_back(Event::Disconnected { reason, message });
                }
                None => break,
            }
        }
        Ok(())
    }

    fn message(&mut self, packet: &Packet) -> Result<(), SshError> {
        let number = packet.payload.first().copied().unwrap_or_default();
        match number {
            message::SERVICE_REQUEST => {
                let answer = self.auth.service(&packet.payload)?;
                return self.transport.send(answer);
            }
            message::USERAUTH_REQUEST => {
                // There are keys, or this would not be a message for us.
                let session = self.transport.session().unwrap_or_default();
                let answer = self.auth.request(&packet.payload, &session, &mut self.events)?;
                return answer.map_or(Ok(()), |answer| self.transport.send(answer));
            }
            number if message::CONNECTION.contains(&number) && self.auth.is_done() => {
                let is_known = self.channels.receive(&packet.payload, &mut self.transport, &mut self.events)?;
                if is_known {
                    return Ok(());
                }
            }
            number if message::is_known(number) => {
                return Err(SshError::Unexpected { expected: self.auth.expected(), got: number });
            }
            _ => {}
        }
        self.transport.send(Payload::message(message::UNIMPLEMENTED).u32(packet.sequence))
    }

    fn decide(&mut self, verdict: Verdict) -> Result<(), SshError> {
        if let Some(answer) = self.auth.decide(verdict, &mut self.events)? {
            self.transport.send(answer)?;
        }
        if self.auth.is_done() {
            self.transport.logged_in();
        }
        self.advance()
    }

    fn on_channel(
        &mut self,
        channel: ChannelId,
        act: impl FnOnce(&mut super::channel::Channel, &mut Transport) -> Result<(), SshError>,
    ) {
        if self.is_over {
            return;
        }
        let Some(channel) = self.channels.get_mut(channel) else { return };
        let result = act(channel, &mut self.transport);
        self.end_on_error(result);
    }

    /// For calls that have nobody to tell: the connection is over, and the client is told why.
    fn end_on_error(&mut self, result: Result<(), SshError>) {
        let _ = self.settle(result);
    }

    fn settle(&mut self, result: Result<(), SshError>) -> Result<(), SshError> {
        if let Err(error) = &result {
            self.is_over = true;
            let _ = self.transport.goodbye(error.reason(), &error.to_string());
        }
        result
    }
}
