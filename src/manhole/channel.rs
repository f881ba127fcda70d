//! A session channel of a connection: what the client asked for before its shell, then the shell.

use std::sync::Arc;
use std::time::Instant;

use super::shell::render::Colour;
use super::shell::{Setting, Shell, Stream as Where, Terminal};
use crate::ssh::{ChannelId, Connection as Protocol, Size, Stream};
use crate::sync::ticket::Ticket;

/// A channel.
#[derive(Debug)]
pub(super) struct Channel {
    terminal: Option<Terminal>,
    /// The client said that it wants no colours (no-color.org).
    colourless: bool,
    pub shell: Option<Shell>,
    /// The question whose answer the shell waits for.
    pub waiting: Option<Ticket>,
}

impl Channel {
    pub const fn new() -> Self {
        Self { terminal: None, colourless: false, shell: None, waiting: None }
    }

    pub fn set_terminal(&mut self, kind: &str, size: Size) {
        let colour = if kind.is_empty() || kind == "dumb" { Colour::Plain } else { Colour::Ansi };
        self.terminal = Some(Terminal { columns: size.columns, rows: size.rows, colour });
    }

    pub fn set_variable(&mut self, name: &str, value: &str) {
        self.colourless |= name == "NO_COLOR" && !value.is_empty();
    }

    fn wanted_terminal(&self) -> Option<Terminal> {
        self.terminal
            .map(|terminal| if self.colourless { Terminal { colour: Colour::Plain, ..terminal } } else { terminal })
    }

    /// Begins a dialogue; a second one on a channel is none.
    pub fn begin(&mut self, setting: &Arc<Setting>) {
        if self.shell.is_none() {
            self.shell = Some(match self.wanted_terminal() {
                Some(terminal) => Shell::on_terminal(Arc::clone(setting), terminal),
                None => Shell::of_script(Arc::clone(setting)),
            });
        }
    }

    /// Runs a command.
    pub fn execute(&mut self, setting: &Arc<Setting>, command: &[u8], now: Instant) {
        if self.shell.is_none() {
            self.shell = Some(Shell::of_command(Arc::clone(setting), command, self.wanted_terminal(), now));
        }
    }

    pub fn resize(&mut self, size: Size, now: Instant) {
        if let Some(terminal) = &mut self.terminal {
            (terminal.columns, terminal.rows) = (size.columns, size.rows);
        }
        if let Some(shell) = &mut self.shell {
            shell.resize(size.columns, size.rows, now);
        }
    }

    /// Whether what runs is something to look at, for which nothing need be typed.
    pub fn is_watched(&self) -> bool {
        self.shell.as_ref().is_some_and(|shell| shell.follows().is_some() || shell.deadline().is_some())
    }

    /// Hands over to the protocol what the shell used and what it says, as far as there is room, and its end.
    pub fn deliver(&mut self, id: ChannelId, protocol: &mut Protocol, now: Instant) {
        let Some(shell) = &mut self.shell else { return };
        while let Some((stream, bytes)) = shell.output() {
            let stream = match stream {
                Where::Out => Stream::Out,
                Where::Err => Stream::Err,
            };
            let taken = protocol.write(id, stream, bytes);
            if taken == 0 {
                break;
            }
            shell.take_output(taken, now);
        }
        let used = shell.take_consumed();
        if used > 0 {
            protocol.consumed(id, used);
        }
        if let Some(status) = shell.exit() {
            protocol.exit(id, status.into());
            self.shell = None;
        }
    }

    /// Tells a terminal why it is being closed.
    pub fn say_goodbye(&self, id: ChannelId, protocol: &mut Protocol, sentence: &str) {
        if self.shell.is_some() && self.terminal.is_some() {
            // As far as there is room: nobody waits for a client that does not read.
            protocol.write(id, Stream::Out, format!("\r\n{sentence}\r\n").as_bytes());
        }
    }
}
