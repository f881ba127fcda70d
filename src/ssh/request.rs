//! What a client asks for on a session channel (RFC 4254, section 6): a terminal, variables, a shell or a command, and what
//! happens to them. Everything else is refused.

use super::channel::Session;
use super::error::SshError;
use super::event::{ChannelId, Event, Size};
use super::limits::{MAX_ENV, MAX_ENV_BYTES, MAX_MODES, MAX_TERM};
use super::wire::Reader;

/// Takes a request of this kind, whose own fields `reader` has. `None` refuses it.
pub(super) fn take(
    kind: &[u8],
    mut reader: Reader<'_>,
    channel: ChannelId,
    session: &mut Session,
) -> Result<Option<Event>, SshError> {
    let event = match kind {
        b"pty-req" => pty(&mut reader, channel)?.filter(|_| !session.has_pty && !session.is_started),
        b"env" => variable(&mut reader, channel)?.filter(|_| session.variables < MAX_ENV && !session.is_started),
        b"shell" => Some(Event::Shell(channel)).filter(|_| !session.is_started),
        b"exec" => {
            let command = reader.string("command")?.to_vec();
            Some(Event::Exec { channel, command }).filter(|_| !session.is_started)
        }
        b"window-change" => {
            let size = size(&mut reader)?;
            Some(Event::Resized { channel, size }).filter(|_| session.has_pty)
        }
        b"signal" => {
            let name = reader.text("signal name")?;
            let is_name = name.len() <= 32 && name.bytes().all(|byte| byte.is_ascii_graphic());
            Some(Event::Signal { channel, name: name.to_owned() }).filter(|_| is_name)
        }
        // Subsystems, X11, the agent's forwarding, break: nothing of that is here, so its fields do not matter.
        _ => return Ok(None),
    };
    reader.end()?;
    match &event {
        Some(Event::Pty { .. }) => session.has_pty = true,
        Some(Event::Env { .. }) => session.variables += 1,
        Some(Event::Shell(_) | Event::Exec { .. }) => session.is_started = true,
        _ => {}
    }
    Ok(event)
}

fn pty(reader: &mut Reader<'_>, channel: ChannelId) -> Result<Option<Event>, SshError> {
    let term = reader.string("TERM")?;
    let size = size(reader)?;
    let modes = modes(Reader::new("terminal modes", reader.string("terminal modes")?));
    let term = std::str::from_utf8(term).ok().filter(|term| term.len() <= MAX_TERM);
    Ok(term.map(|term| Event::Pty { channel, term: term.to_owned(), size, modes }))
}

/// Columns and rows; the size in pixels is of no use here.
fn size(reader: &mut Reader<'_>) -> Result<Size, SshError> {
    let (columns, rows) = (reader.u32("columns")?, reader.u32("rows")?);
    reader.u32("width in pixels")?;
    reader.u32("height in pixels")?;
    Ok(Size { columns, rows })
}

/// RFC 4254, section 8: opcodes of one byte with a number each, to the first 0 or the first that is none of these.
fn modes(mut reader: Reader<'_>) -> Vec<(u8, u32)> {
    std::iter::from_fn(|| {
        let opcode = reader.byte("opcode").ok().filter(|opcode| (1..160).contains(opcode))?;
        Some((opcode, reader.u32("argument").ok()?))
    })
    .take(MAX_MODES)
    .collect()
}

fn variable(reader: &mut Reader<'_>, channel: ChannelId) -> Result<Option<Event>, SshError> {
    let (name, value) = (reader.string("variable name")?, reader.string("variable value")?);
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
    let is_small = name.len() + value.len() <= MAX_ENV_BYTES;
    Ok(text(name).zip(text(value)).filter(|_| is_small).map(|(name, value)| Event::Env { channel, name, value }))
}
