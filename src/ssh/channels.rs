//! The connection protocol (RFC 4254): the channels of one connection, what arrives for each, and the requests that concern
//! none. There are session channels only.

use std::collections::VecDeque;

use super::channel::{Channel, Opening};
use super::error::SshError;
use super::event::{ChannelId, Event};
use super::limits::MAX_CHANNELS;
use super::message;
use super::request;
use super::transport::Transport;
use super::wire::{Payload, Reader};

/// Why a channel is not opened (RFC 4254, section 5.1).
#[derive(Clone, Copy, Debug)]
enum Refusal {
    Prohibited = 1,
    UnknownType = 3,
    ResourceShortage = 4,
}

/// The channels of a connection.
#[derive(Debug, Default)]
pub(super) struct Channels {
    open: Vec<Channel>,
    next: u32,
    /// The client said that it will open no more.
    is_complete: bool,
}

impl Channels {
    pub(super) fn get(&self, id: ChannelId) -> Option<&Channel> {
        self.open.iter().find(|channel| channel.id() == id)
    }

    pub(super) fn get_mut(&mut self, id: ChannelId) -> Option<&mut Channel> {
        self.open.iter_mut().find(|channel| channel.id() == id)
    }

    /// Takes a message of the connection protocol; false when it is none that is known.
    pub(super) fn receive(
        &mut self,
        payload: &[u8],
        transport: &mut Transport,
        events: &mut VecDeque<Event>,
    ) -> Result<bool, SshError> {
        let number = payload.first().copied().unwrap_or_default();
        let fields = Reader::new(message::name(number), payload.get(1..).unwrap_or_default());
        match number {
            message::GLOBAL_REQUEST => self.global_request(fields, transport)?,
            message::CHANNEL_OPEN => self.opening(fields, transport, events)?,
            message::CHANNEL_WINDOW_ADJUST..=message::CHANNEL_REQUEST => {
                self.of_channel(number, fields, transport, events)?;
            }
            // We open no channels and ask for nothing, so nothing answers.
            message::REQUEST_SUCCESS
            | message::REQUEST_FAILURE
            | message::CHANNEL_OPEN_CONFIRMATION
            | message::CHANNEL_OPEN_FAILURE
            | message::CHANNEL_SUCCESS
            | message::CHANNEL_FAILURE => {
                return Err(SshError::Unexpected { expected: "no answer to what was not asked", got: number });
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Keep-alives, forwardings and whatever else concerns no channel: answered, never done.
    fn global_request(&mut self, mut fields: Reader<'_>, transport: &mut Transport) -> Result<(), SshError> {
        let name = fields.string("request name")?;
        let wants_reply = fields.boolean("want reply")?;
        if name == b"no-more-sessions@openssh.com" {
            self.is_complete = true;
        }
        if wants_reply { transport.send(Payload::message(message::REQUEST_FAILURE)) } else { Ok(()) }
    }

    fn opening(
        &mut self,
        mut fields: Reader<'_>,
        transport: &mut Transport,
        events: &mut VecDeque<Event>,
    ) -> Result<(), SshError> {
        let kind = fields.string("channel type")?;
        let opening = Opening {
            theirs: fields.u32("sender channel")?,
            window: fields.u32("initial window size")?,
            max_packet: fields.u32("maximum packet size")?,
        };
        let refusal = match kind {
            b"session" if self.is_complete => Some((Refusal::Prohibited, "the client ruled out more sessions")),
            // Numbers do not come again; nobody opens 2^32 channels on a connection for anything good.
            b"session" if self.open.len() >= MAX_CHANNELS || self.next == u32::MAX => {
                Some((Refusal::ResourceShortage, "too many channels"))
            }
            b"session" => None,
            b"direct-tcpip" | b"direct-streamlocal@openssh.com" | b"tun@openssh.com" => {
                Some((Refusal::Prohibited, "nothing is forwarded here"))
            }
            _ => Some((Refusal::UnknownType, "only session channels can be opened")),
        };
        if let Some((reason, sentence)) = refusal {
            return transport.send(
                Payload::message(message::CHANNEL_OPEN_FAILURE)
                    .u32(opening.theirs)
                    .u32(reason as u32)
                    .string(sentence.as_bytes())
                    .string(b""),
            );
        }
        fields.end()?;
        let channel = Channel::new(ChannelId(self.next), opening);
        self.next += 1;
        channel.confirm(transport)?;
        events.push_back(Event::Opened(channel.id()));
        self.open.push(channel);
        Ok(())
    }

    fn of_channel(
        &mut self,
        number: u8,
        mut fields: Reader<'_>,
        transport: &mut Transport,
        events: &mut VecDeque<Event>,
    ) -> Result<(), SshError> {
        let id = ChannelId(fields.u32("recipient channel")?);
        let channel =
            self.get_mut(id).ok_or(SshError::Channel { channel: id.0, reason: "expected one that is open" })?;
        match number {
            message::CHANNEL_WINDOW_ADJUST => {
                channel.adjust(fields.u32("bytes to add")?)?;
                fields.end()?;
            }
            message::CHANNEL_DATA | message::CHANNEL_EXTENDED_DATA => {
                let is_extended = number == message::CHANNEL_EXTENDED_DATA;
                if is_extended {
                    fields.u32("data type code")?;
                }
                let data = fields.string("data")?;
                fields.end()?;
                channel.received(data.len())?;
                // Nobody takes extended data from a client, nor any on a channel that we are through with.
                if is_extended || channel.is_closed() {
                    channel.consumed(data.len(), transport)?;
                } else if !data.is_empty() {
                    events.push_back(Event::Data { channel: id, bytes: data.to_vec() });
                }
            }
            message::CHANNEL_EOF => {
                fields.end()?;
                channel.received_eof()?;
                events.push_back(Event::Eof(id));
            }
            message::CHANNEL_CLOSE => {
                fields.end()?;
                channel.received_close(transport)?;
                events.push_back(Event::Closed(id));
                self.open.retain(|channel| !channel.is_over());
            }
            _ => request_on(channel, fields, transport, events)?,
        }
        Ok(())
    }
}

fn request_on(
    channel: &mut Channel,
    mut fields: Reader<'_>,
    transport: &mut Transport,
    events: &mut VecDeque<Event>,
) -> Result<(), SshError> {
    let kind = fields.string("request type")?;
    let wants_reply = fields.boolean("want reply")?;
    let event = request::take(kind, fields, channel.id(), &mut channel.session)?;
    if wants_reply {
        let number = if event.is_some() { message::CHANNEL_SUCCESS } else { message::CHANNEL_FAILURE };
        channel.reply(number, transport)?;
    }
    if !channel.is_closed() {
        events.extend(event);
    }
    Ok(())
}
