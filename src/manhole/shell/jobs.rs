//! A command that runs: it waits for an answer, shows a picture again and again, or follows events or the log. Pure.

use std::fmt;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::render::indented;
use super::step::{Feed, Frame, Watch, Written};
use super::{Shell, Stream, status};
use crate::manhole::question::{Answer, Request};
use crate::terminal::one_line;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// For whom output is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// For people.
    People,
    /// One line of JSON.
    Json,
}

/// A command that runs.
pub(super) enum Job {
    /// It waits for one answer.
    Asking { deadline: Instant, written: Written, form: Form },
    /// It shows a picture again and again.
    Watching(Box<Watching>),
    /// It follows something.
    Following { feed: Feed, form: Form },
}

pub(super) struct Watching {
    watch: Watch,
    form: Form,
    /// The answers of this round so far, as they came.
    round: Vec<String>,
    /// The last whole round.
    last: Option<(Vec<Value>, Instant)>,
    next: Next,
}

/// What comes next.
#[derive(Clone, Copy)]
enum Next {
    /// An answer, at the latest then.
    Answer(Instant),
    /// A round, then.
    Round(Instant),
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Asking { .. } => "Asking",
            Self::Watching(_) => "Watching",
            Self::Following { .. } => "Following",
        })
    }
}

impl Job {
    pub fn ends_by_any_key(&self) -> bool {
        matches!(self, Self::Watching(_))
    }

    /// What it follows.
    pub fn follows(&self) -> Option<Feed> {
        match self {
            Self::Following { feed, .. } => Some(*feed),
            Self::Asking { .. } | Self::Watching(_) => None,
        }
    }

    pub fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Asking { deadline, .. } => Some(*deadline),
            Self::Watching(watching) => match watching.next {
                Next::Answer(at) | Next::Round(at) => Some(at),
            },
            Self::Following { .. } => None,
        }
    }
}

/// To the other screen of a terminal and back, so that what was there is there again.
const PICTURE_BEGINS: &str = "\x1b[?1049h\x1b[?25l";
const PICTURE_ENDS: &str = "\x1b[?25h\x1b[?1049l";

impl Shell {
    pub(super) fn ask(&mut self, request: Request, written: Written, form: Form, now: Instant) {
        self.requests.push_back(request);
        self.job = Some(Job::Asking { deadline: now + PATIENCE, written, form });
    }

    pub(super) fn watch(&mut self, watch: Watch, form: Form, now: Instant) {
        if self.draws_picture(form) {
            self.output.push(Stream::Out, PICTURE_BEGINS);
        }
        let next = Next::Answer(now + PATIENCE);
        self.job = Some(Job::Watching(Box::new(Watching { watch, form, round: Vec::new(), last: None, next })));
        self.ask_next(now);
    }

    /// Whether a picture is drawn over the one before. Without a terminal there is only one.
    fn draws_picture(&self, form: Form) -> bool {
        self.terminal.is_some() && form == Form::People
    }

    /// Asks the next question of a round.
    fn ask_next(&mut self, now: Instant) {
        let Some(Job::Watching(watching)) = &mut self.job else { return };
        if let Some((_, question)) = watching.watch.questions.get(watching.round.len()) {
            watching.next = Next::Answer(now + PATIENCE);
            self.requests.push_back(Request::Agent(question()));
        }
    }

    pub(super) fn answered(&mut self, answer: Answer, now: Instant) {
        let answer = match answer {
            Ok(json) => json,
            Err(refusal) => {
                // Nobody waits for the answer to a question of a command that was interrupted.
                if self.job.as_ref().is_some_and(|job| job.follows().is_none()) {
                    self.fail(&refusal.uri, &refusal.sentence);
                }
                return;
            }
        };
        match &mut self.job {
            Some(Job::Asking { written, form, .. }) => {
                let (written, form) = (*written, *form);
                let line = match (form, written) {
                    (Form::People, Written::By(written)) => match serde_json::from_str(&answer) {
                        Ok(value) => written(&value, &self.style()),
                        Err(error) => {
                            return self.fail("wampproc.error.malformed", &format!("expected JSON, got {error}"));
                        }
                    },
                    (Form::People, Written::Json) if self.terminal.is_some() => indented(&answer),
                    (Form::People, Written::Json) | (Form::Json, _) => one_line(&answer) + "\n",
                };
                self.say(line);
                self.end_job(status::DONE);
            }
            Some(Job::Watching(watching)) => {
                watching.round.push(answer);
                if watching.round.len() < watching.watch.questions.len() {
                    self.ask_next(now);
                } else {
                    self.end_round(now);
                }
            }
            Some(Job::Following { .. }) | None => {}
        }
    }

    pub(super) fn fail(&mut self, uri: &str, sentence: &str) {
        self.end_job(status::FAILED);
        self.complain(status::FAILED, &format!("{uri}: {}", crate::terminal::printable(sentence)));
        self.prompt();
    }

    pub(super) fn shown(&mut self, value: &Value) {
        let Some(Job::Asking { written, form, .. }) = &self.job else { return };
        let text = match (form, written) {
            (Form::People, Written::By(written)) => written(value, &self.style()),
            (Form::People, Written::Json) | (Form::Json, _) => one_line(&value.to_string()) + "\n",
        };
        self.say(text);
        self.end_job(status::DONE);
    }

    fn end_round(&mut self, now: Instant) {
        let style = self.style();
        let Some(Job::Watching(watching)) = &mut self.job else { return };
        let round = std::mem::take(&mut watching.round);
        let values: Result<Vec<Value>, _> = round.iter().map(|json| serde_json::from_str(json)).collect();
        let Ok(values) = values else {
            return self.fail("wampproc.error.malformed", "expected JSON, got something else");
        };
        if watching.form == Form::Json {
            let names = watching.watch.questions.iter().map(|(name, _)| *name);
            let members: Vec<_> =
                names.zip(&round).map(|(name, json)| format!("\"{name}\":{}", one_line(json))).collect();
            let line = format!("{{{}}}\n", members.join(","));
            self.say(line);
            return self.end_job(status::DONE);
        }
        let before = watching.last.as_ref();
        let before = before.map(|(values, at)| (values.as_slice(), now.saturating_duration_since(*at).as_secs_f64()));
        let is_first = before.is_none();
        let picture = (watching.watch.draw)(&Frame { now: &values, before }, &style);
        watching.last = Some((values, now));
        watching.next = Next::Round(now + watching.watch.every);
        if self.terminal.is_some() {
            // Line by line over the one before, each to its end: a screen that is cleared first flickers.
            let lines = picture.replace('\n', "\x1b[K\r\n");
            if !self.output.is_backed_up() {
                self.output.push(Stream::Out, format!("\x1b[H{lines}\x1b[J"));
            }
        } else if !is_first {
            // What is used needs two readings; nobody is there to press a key, so one picture is all.
            self.say(picture);
            self.end_job(status::DONE);
        }
    }

    /// Another picture for a terminal that has another size.
    pub(super) fn redraw(&mut self, now: Instant) {
        if let Some(Job::Watching(watching)) = &mut self.job {
            if matches!(watching.next, Next::Round(_)) {
                watching.next = Next::Round(now);
            }
        }
    }

    pub(super) fn expired(&mut self, now: Instant) {
        if self.deadline().is_none_or(|deadline| now < deadline) {
            return;
        }
        match &self.job {
            Some(Job::Watching(watching)) if matches!(watching.next, Next::Round(_)) => self.ask_next(now),
            Some(_) => self.fail("wampproc.error.timeout", &format!("no answer within {} s", PATIENCE.as_secs())),
            None => {}
        }
    }

    /// The command that runs has ended so; the next one may begin.
    pub(super) fn end_job(&mut self, status: u8) {
        self.status = status;
        self.requests.clear();
        match self.job.take() {
            Some(Job::Watching(watching)) if self.draws_picture(watching.form) => {
                self.output.push(Stream::Out, PICTURE_ENDS);
            }
            Some(_) if status == status::INTERRUPTED && self.terminal.is_some() => self.say("^C\n"),
            _ => {}
        }
        if status != status::FAILED {
            self.prompt();
        }
    }
}
