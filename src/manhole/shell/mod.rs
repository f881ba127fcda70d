//! A channel's dialogue: commands in, text out. Pure: bytes of the client, answers and the time come in; output, questions
//! and the exit status go out.
//!
//! There are three forms: on a terminal with the line editor, prompt and colours; lines from a script's standard input,
//! without echo, prompt or colours; and a single command. In each of them one command runs at a time, and nothing new begins
//! while the client leaves more than a little unread: so the output that waits is bounded by one answer.

mod complete;
mod follow;
mod jobs;
mod output;
pub mod render;
mod step;
pub mod table;
mod text;
mod top;
mod words;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use serde_json::Value;

use output::Output;
pub use output::Stream;

use super::editor::{Editor, Fed};
use super::line::MAX_LINE;
use super::log_feed::LogFeed;
use super::question::{Answer, Request};
use jobs::{Form, Job};
use render::{Colour, Style};
pub use step::Feed;
use step::{Step, Usage, Written};
use table::{COMMANDS, Custom};
use words::{Word, Words};

/// What all shells of a manhole know.
#[derive(Debug, Default)]
pub struct Setting {
    /// Stands in the prompt.
    pub name: String,
    /// The commands of the embedding program.
    pub custom: Vec<Custom>,
    /// The procedures of the API.
    pub procedures: Vec<Procedure>,
    /// The process's log, if it can be followed.
    pub log: Option<LogFeed>,
}

/// A procedure of the API, for completion.
#[derive(Clone, Debug)]
pub struct Procedure {
    /// Its name.
    pub name: String,
    /// The names of its parameters.
    pub params: Vec<String>,
}

/// A client's terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terminal {
    /// Characters in a line; 0 when the client does not know.
    pub columns: u32,
    /// Lines; 0 when the client does not know.
    pub rows: u32,
    /// Whether it shows colours.
    pub colour: Colour,
}

/// How a command ended.
pub mod status {
    /// It did what it was asked.
    pub const DONE: u8 = 0;
    /// It did not.
    pub const FAILED: u8 = 1;
    /// It was asked for what cannot be done.
    pub const USAGE: u8 = 2;
    /// There is no such command.
    pub const UNKNOWN: u8 = 127;
    /// It was interrupted.
    pub const INTERRUPTED: u8 = 130;
}

/// A dialogue.
#[derive(Debug)]
pub struct Shell {
    setting: Arc<Setting>,
    mode: Mode,
    terminal: Option<Terminal>,
    job: Option<Job>,
    /// What came and is not used yet. The client's window bounds it.
    input: VecDeque<u8>,
    /// Whether no more will come.
    input_ended: bool,
    /// Used, and not yet told to the connection.
    consumed: usize,
    output: Output,
    requests: VecDeque<Request>,
    /// What began to run, for the log.
    begun: VecDeque<String>,
    /// How the last command ended.
    status: u8,
    /// How the dialogue ended, once all output is taken.
    over: Option<u8>,
}

/// Where commands come from.
#[derive(Debug)]
enum Mode {
    /// The line editor.
    Edited(Box<Editor>),
    /// Lines as they come; `None` while the rest of one that is too long is dropped.
    Script(Option<Vec<u8>>),
    /// There is only the one that the dialogue began with.
    Once,
}

impl Shell {
    /// A dialogue on a terminal.
    #[must_use]
    pub fn on_terminal(setting: Arc<Setting>, terminal: Terminal) -> Self {
        let name = &setting.name;
        let mut shell = Self::new(Arc::clone(&setting), Mode::Once, Some(terminal));
        let prompt = format!("{}> ", shell.style().strong(name));
        let editor = Editor::new(prompt, crate::terminal::text_width(name) + 2, terminal.columns);
        shell.mode = Mode::Edited(Box::new(editor));
        shell.say(format!("wampproc {}. help lists the commands.\n", env!("CARGO_PKG_VERSION")));
        shell.prompt();
        shell
    }

    /// A dialogue with a script.
    #[must_use]
    pub fn of_script(setting: Arc<Setting>) -> Self {
        Self::new(setting, Mode::Script(Some(Vec::new())), None)
    }

    /// A single command, with a terminal if the client wants one.
    #[must_use]
    pub fn of_command(setting: Arc<Setting>, command: &[u8], terminal: Option<Terminal>, now: Instant) -> Self {
        let mut shell = Self::new(setting, Mode::Once, terminal);
        shell.run_bytes(command, now);
        shell.go_on(now);
        shell
    }

    fn new(setting: Arc<Setting>, mode: Mode, terminal: Option<Terminal>) -> Self {
        Self {
            setting,
            mode,
            terminal,
            job: None,
            input: VecDeque::new(),
            input_ended: false,
            consumed: 0,
            output: Output::default(),
            requests: VecDeque::new(),
            begun: VecDeque::new(),
            status: status::DONE,
            over: None,
        }
    }

    /// Takes what the client typed or sent.
    pub fn receive(&mut self, bytes: &[u8], now: Instant) {
        self.input.extend(bytes);
        self.go_on(now);
    }

    /// Gives keys to the command that runs, on a terminal: any key ends a picture, Ctrl-C anything, and with it goes what was
    /// typed before. Whether the command has ended.
    fn end_by_key(&mut self) -> bool {
        let (Some(_), Some(job)) = (&self.terminal, &self.job) else { return false };
        let (end, status) = if job.ends_by_any_key() {
            (self.behind_key(), status::DONE)
        } else {
            (self.behind_interrupt(), status::INTERRUPTED)
        };
        let Some(end) = end else { return false };
        self.input.drain(..end);
        self.consumed += end;
        self.end_job(status);
        true
    }

    /// Where the first key ends.
    fn behind_key(&self) -> Option<usize> {
        const ESCAPE: u8 = 0x1b;
        let is_continued = |byte: &u8| byte & 0xc0 == 0x80;
        match self.input.front()? {
            // How long a sequence is only the editor knows; nobody types on within one.
            &ESCAPE => Some(self.input.len()),
            _ => Some(1 + self.input.iter().skip(1).take_while(|byte| is_continued(byte)).count()),
        }
    }

    fn behind_interrupt(&self) -> Option<usize> {
        const CTRL_C: u8 = 3;
        self.input.iter().rposition(|byte| *byte == CTRL_C).map(|at| at + 1)
    }

    /// Nothing more will come.
    pub fn end_input(&mut self, now: Instant) {
        self.input_ended = true;
        self.go_on(now);
    }

    /// The client asks by a signal that the command be ended.
    pub fn interrupt(&mut self, now: Instant) {
        if self.job.is_some() {
            self.end_job(status::INTERRUPTED);
        }
        self.go_on(now);
    }

    /// The terminal has another size.
    pub fn resize(&mut self, columns: u32, rows: u32, now: Instant) {
        let Some(terminal) = &mut self.terminal else { return };
        (terminal.columns, terminal.rows) = (columns, rows);
        if let Mode::Edited(editor) = &mut self.mode {
            editor.resize(columns);
            let drawn = editor.take_drawn();
            // While a command runs there is no line to draw.
            if self.job.is_none() {
                self.output.push(Stream::Out, drawn);
            }
        }
        self.redraw(now);
    }

    /// Takes the answer to a request that was answered at once.
    pub fn show(&mut self, value: &Value, now: Instant) {
        self.shown(value);
        self.go_on(now);
    }

    /// Takes the answer to the last request.
    pub fn answer(&mut self, answer: Answer, now: Instant) {
        self.answered(answer, now);
        self.go_on(now);
    }

    /// When [`Shell::expire`] wants to be called.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.job.as_ref()?.deadline()
    }

    /// Does what is due.
    pub fn expire(&mut self, now: Instant) {
        self.expired(now);
        self.go_on(now);
    }

    /// The next request. At most one waits for its answer; a further one means that nobody waits for the one before.
    pub fn next_request(&mut self) -> Option<Request> {
        self.requests.pop_front()
    }

    /// The next command that began to run, for the log: its name, of a call the procedure's too, and nothing else that was typed,
    /// for that may be a secret.
    pub fn next_begun(&mut self) -> Option<String> {
        self.begun.pop_front()
    }

    /// The first bytes of output, all for one stream.
    #[must_use]
    pub fn output(&self) -> Option<(Stream, &[u8])> {
        self.output.first()
    }

    /// So many bytes of the output are taken.
    pub fn take_output(&mut self, count: usize, now: Instant) {
        self.output.take(count);
        self.go_on(now);
    }

    /// How many bytes of input were used since this was asked last.
    pub fn take_consumed(&mut self) -> usize {
        std::mem::take(&mut self.consumed)
    }

    /// The exit status, once the dialogue is over and its output is taken.
    #[must_use]
    pub fn exit(&self) -> Option<u8> {
        self.over.filter(|_| self.output.is_empty())
    }

    /// Uses input until a command runs, enough output waits, or there is none.
    fn go_on(&mut self, now: Instant) {
        while self.over.is_none() && (self.job.is_none() || self.end_by_key()) && !self.output.is_backed_up() {
            if matches!(self.mode, Mode::Once) {
                self.over = Some(self.status);
                break;
            }
            let Some(byte) = self.input.pop_front() else {
                if self.input_ended {
                    self.last_line(now);
                }
                break;
            };
            self.consumed += 1;
            match &mut self.mode {
                Mode::Edited(_) => self.type_in(byte, now),
                Mode::Script(line) => match (line, byte) {
                    (line, b'\n') => {
                        let line = line.replace(Vec::new());
                        self.run_line(line, now);
                    }
                    (Some(line), byte) if line.len() < MAX_LINE => line.push(byte),
                    (line, _) => *line = None,
                },
                Mode::Once => {}
            }
        }
        if matches!(self.mode, Mode::Once) || self.over.is_some() {
            // A single command reads nothing; what comes after the end is for nobody.
            self.consumed += self.input.len();
            self.input.clear();
        }
    }

    fn type_in(&mut self, byte: u8, now: Instant) {
        let Mode::Edited(editor) = &mut self.mode else { return };
        let setting = &self.setting;
        let fed = editor.feed(byte, &|before| complete::complete(setting, before));
        let drawn = editor.take_drawn();
        self.output.push(Stream::Out, drawn);
        match fed {
            Fed::Nothing => {}
            Fed::Line(line) => {
                self.run_bytes(line.as_bytes(), now);
                self.prompt();
            }
            Fed::Interrupt => self.prompt(),
            Fed::EndOfInput => self.over = Some(status::DONE),
        }
    }

    /// Draws the prompt, where there is one and no command runs.
    fn prompt(&mut self) {
        if self.job.is_some() || self.over.is_some() {
            return;
        }
        if let Mode::Edited(editor) = &mut self.mode {
            editor.prompt();
            let drawn = editor.take_drawn();
            self.output.push(Stream::Out, drawn);
        }
    }

    /// The input has ended: what is left of it is a line, too.
    fn last_line(&mut self, now: Instant) {
        let rest = match &mut self.mode {
            Mode::Script(line) => line.replace(Vec::new()).filter(|line| !line.is_empty()),
            Mode::Edited(_) | Mode::Once => None,
        };
        match rest {
            Some(line) => {
                self.run_line(Some(line), now);
                self.go_on(now);
            }
            None => self.over = Some(if self.terminal.is_some() { status::DONE } else { self.status }),
        }
    }

    fn run_line(&mut self, line: Option<Vec<u8>>, now: Instant) {
        match line {
            Some(line) => self.run_bytes(&line, now),
            None => self.complain(status::USAGE, &format!("a line: expected at most {MAX_LINE} bytes, got more")),
        }
    }

    fn run_bytes(&mut self, line: &[u8], now: Instant) {
        let words = match std::str::from_utf8(line) {
            Ok(line) => Words::split(line),
            Err(_) => Err("expected text in UTF-8, got something else".to_owned()),
        };
        match words {
            Ok(Words(words)) => {
                if let Some((command, arguments)) = words.split_first() {
                    self.run(&command.text, arguments, now);
                }
            }
            Err(sentence) => self.complain(status::USAGE, &sentence),
        }
    }

    fn run(&mut self, name: &str, arguments: &[Word], now: Instant) {
        let form = if arguments.iter().any(|word| word.text == "--json") { Form::Json } else { Form::People };
        let arguments: Vec<Word> = arguments.iter().filter(|word| word.text != "--json").cloned().collect();
        self.status = status::DONE;
        let called = arguments.first().filter(|_| name == "call").map(|procedure| format!(" {}", procedure.text));
        self.begun.push_back(crate::terminal::printable(&format!("{name}{}", called.unwrap_or_default())).into_owned());
        if arguments.iter().any(|word| word.text == "--help") {
            return self.help(Some(name), form);
        }
        let step = match COMMANDS.iter().find(|command| command.name == name) {
            Some(command) => (command.run)(&arguments),
            None => match self.setting.custom.iter().position(|custom| custom.name == name) {
                Some(number) => {
                    let arguments = arguments.into_iter().map(|word| word.text).collect();
                    Ok(Step::Ask(Request::Custom { number, arguments }, Written::By(render::any)))
                }
                None => {
                    let name = crate::terminal::printable(name).into_owned();
                    return self.complain(status::UNKNOWN, &format!("{name}: no such command; help lists them"));
                }
            },
        };
        match step {
            Ok(Step::Help(about)) => self.help(about.as_deref(), form),
            Ok(Step::Ask(request, written)) => self.ask(request, written, form, now),
            Ok(Step::Watch(watch)) => self.watch(watch, form, now),
            Ok(Step::Follow(feed)) => self.follow(feed, form),
            Ok(Step::Exit) => {
                if form == Form::Json {
                    self.output.push(Stream::Out, "null\n");
                }
                self.over = Some(if self.terminal.is_some() { status::DONE } else { self.status });
            }
            Err(Usage(sentence)) => self.complain(status::USAGE, &format!("{name}: {sentence}")),
        }
    }

    fn help(&mut self, about: Option<&str>, form: Form) {
        let builtin = COMMANDS.iter().map(|command| (command.name, command.arguments, command.help));
        let custom = self.setting.custom.iter().map(|custom| (custom.name.as_str(), "[ARG...]", custom.help.as_str()));
        let entries: Vec<_> =
            builtin.chain(custom).filter(|(name, _, _)| about.is_none_or(|about| about == *name)).collect();
        if let (Some(about), true) = (about, entries.is_empty()) {
            let about = crate::terminal::printable(about);
            return self.complain(status::USAGE, &format!("help: expected the name of a command, got {about:?}"));
        }
        let text = match form {
            Form::Json => {
                let entry = |(name, arguments, help): &(&str, &str, &str)| serde_json::json!({"name": name, "arguments": arguments, "help": help});
                format!("{}\n", Value::from_iter(entries.iter().map(entry)))
            }
            Form::People => {
                // How one is used stands where only that is asked for: in the list it would take all of the width.
                let usage = |name: &str, arguments: &str| match about {
                    Some(_) => format!("{name} {arguments}"),
                    None => name.to_owned(),
                };
                let lines: Vec<_> =
                    entries.iter().map(|(name, arguments, help)| (usage(name, arguments), *help)).collect();
                let lines: Vec<_> = lines.iter().map(|(usage, help)| (usage.trim_end(), (*help).to_owned())).collect();
                render::pairs(&lines, &self.style())
            }
        };
        self.say(text);
    }

    /// Writes to the standard output. With a terminal lines end as terminals want it.
    fn say<'t>(&mut self, text: impl Into<Cow<'t, str>>) {
        self.write(Stream::Out, text.into());
    }

    fn complain(&mut self, status: u8, sentence: &str) {
        self.status = status;
        let line = self.style().alarm(sentence) + "\n";
        self.write(Stream::Err, line.into());
    }

    fn write(&mut self, stream: Stream, text: Cow<'_, str>) {
        match self.terminal {
            // A terminal has one stream, and lines end there by returning first.
            Some(_) => self.output.push(Stream::Out, text.replace('\n', "\r\n")),
            None => self.output.push(stream, text),
        }
    }

    fn style(&self) -> Style {
        let Some(terminal) = self.terminal else { return Style::PLAIN };
        let size = |count: u32| usize::try_from(count).ok().filter(|count| *count > 0);
        Style { columns: size(terminal.columns), rows: size(terminal.rows), colour: terminal.colour }
    }
}
