//! What a dialogue follows: events that are published, records that are logged. Pure.

use std::time::Instant;

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::jobs::{Form, Job};
use super::render::Style;
use super::step::Feed;
use super::{Shell, Stream, status, text};
use crate::manhole::log_feed::Logged;
use crate::manhole::question::Heard;
use crate::terminal::one_line;

impl Shell {
    pub(super) fn follow(&mut self, feed: Feed, form: Form) {
        self.job = Some(Job::Following { feed, form });
        if matches!(feed, Feed::Log(_)) && self.setting.log.is_none() {
            let sentence = "this program's log cannot be followed: it has no LogFeed";
            self.fail("crossbar.error.feature_unavailable", sentence);
        }
    }

    /// What it follows.
    #[must_use]
    pub fn follows(&self) -> Option<Feed> {
        self.job.as_ref()?.follows()
    }

    /// Takes an event, if this dialogue follows events.
    pub fn hear(&mut self, heard: &Heard, now: Instant) {
        if let Some(Feed::Events(_)) = self.follows() {
            self.show_next(heard.missed, "events", |form, style| event(heard, form, style));
        }
        self.go_on(now);
    }

    /// Takes a record of the log, if this dialogue follows what is as grave as that.
    pub fn read_log(&mut self, logged: &Logged, now: Instant) {
        if matches!(self.follows(), Some(Feed::Log(level)) if logged.level <= level) {
            self.show_next(logged.missed, "records", |form, style| record(logged, form, style));
        }
        self.go_on(now);
    }

    fn show_next(&mut self, missed: u64, things: &str, line: impl FnOnce(Form, &Style) -> String) {
        let style = self.style();
        let backed_up = self.output.is_backed_up();
        let Some(Job::Following { feed, form }) = &mut self.job else { return };
        if backed_up {
            // The client does not read; what is told is worth no more than the room for it.
            return;
        }
        let is_last = match feed {
            Feed::Events(Some(left)) => {
                *left = left.saturating_sub(1);
                *left == 0
            }
            Feed::Events(None) | Feed::Log(_) => false,
        };
        let line = line(*form, &style);
        if missed > 0 {
            let sentence = style.alarm(&format!("{missed} {things} were missed")) + "\n";
            self.write(Stream::Err, sentence.into());
        }
        self.say(line);
        if is_last {
            self.end_job(status::DONE);
        }
    }
}

fn event(heard: &Heard, form: Form, style: &Style) -> String {
    let Heard { topic, payload, .. } = heard;
    match form {
        Form::People => text::event(topic, payload, style),
        Form::Json => {
            let part =
                |raw: Option<&RawValue>, none: &str| raw.map_or_else(|| none.to_owned(), |raw| one_line(raw.get()));
            let (args, kwargs) = (part(payload.raw_args(), "[]"), part(payload.raw_kwargs(), "{}"));
            format!("{{\"topic\":{},\"args\":{args},\"kwargs\":{kwargs}}}\n", Value::from(topic.as_str()))
        }
    }
}

fn record(logged: &Logged, form: Form, style: &Style) -> String {
    let Logged { at, level, target, message, .. } = logged;
    match form {
        Form::People => text::record(*at, *level, target, message, style),
        Form::Json => {
            let level = level.as_str().to_ascii_lowercase();
            // In the order in which it reads.
            let (target, message) = (json!(target).to_string(), one_line(&json!(message).to_string()));
            format!("{{\"ts\":\"{at}\",\"level\":\"{level}\",\"target\":{target},\"message\":{message}}}\n")
        }
    }
}
