//! What reaches a connection unasked, while one of its dialogues follows it: events from the agent, records of the log.

use std::time::Instant;

use log::LevelFilter;

use super::log_feed::{Following, LogFeed, Logged};
use super::question::Heard;
use super::report::Report;
use super::shell::{Feed, Shell};
use crate::sync::mailbox::{Mailbox, Post, mailbox};
use crate::sync::waker::Waker;

/// Events that may wait for a connection, and so may records.
const WAITING: usize = 64;

/// A connection's feeds.
#[derive(Debug)]
pub(super) struct Feeds {
    /// The connection, among all of this manhole.
    connection: u64,
    events: (Post<Heard>, Mailbox<Heard>),
    /// Whether the agent was told that somebody follows events.
    follows: bool,
    log: (Post<Logged>, Mailbox<Logged>),
    following: Option<(LevelFilter, Following)>,
}

impl Feeds {
    /// Of a connection that `waker` wakes.
    pub fn new(connection: u64, waker: &Waker) -> Self {
        let (events, log) = (mailbox(WAITING, waker.clone()), mailbox(WAITING, waker.clone()));
        Self { connection, events, follows: false, log, following: None }
    }

    /// Begins and ends to follow, as the dialogues want it.
    pub fn adjust<'s, R: From<Report>>(
        &mut self,
        shells: impl Iterator<Item = &'s Shell>,
        log: Option<&LogFeed>,
        agent: &Post<R>,
    ) {
        let (mut wants_events, mut level) = (false, None);
        for feed in shells.filter_map(Shell::follows) {
            match feed {
                Feed::Events(_) => wants_events = true,
                Feed::Log(wanted) => level = level.max(Some(wanted)),
            }
        }
        if wants_events != self.follows {
            let connection = self.connection;
            let report = if wants_events {
                Report::Follow { connection, post: self.events.0.clone() }
            } else {
                Report::Unfollow { connection }
            };
            // An agent that is busy is told at the next turn.
            if agent.try_send(report.into()).is_ok() {
                self.follows = wants_events;
            }
        }
        if level != self.following.as_ref().map(|(level, _)| *level) {
            let follow = |(level, log): (LevelFilter, &LogFeed)| (level, log.follow(level, self.log.0.clone()));
            self.following = level.zip(log).map(follow);
        }
    }

    /// Gives the dialogues what came.
    pub fn pass_on<'s>(&self, shells: impl Iterator<Item = &'s mut Shell>, now: Instant) {
        let mut shells: Vec<&mut Shell> = shells.filter(|shell| shell.follows().is_some()).collect();
        while let Ok(Some(heard)) = self.events.1.try_recv() {
            shells.iter_mut().for_each(|shell| shell.hear(&heard, now));
        }
        // As many as can wait, so that what is logged meanwhile does not hold up the rest.
        for _ in 0..WAITING {
            let Ok(Some(logged)) = self.log.1.try_recv() else { break };
            shells.iter_mut().for_each(|shell| shell.read_log(&logged, now));
        }
    }

    /// The connection is over.
    pub fn end<R: From<Report>>(&self, agent: &Post<R>) {
        if self.follows {
            // If this is lost, the next event finds that nobody is there.
            let _ = agent.try_send(Report::Unfollow { connection: self.connection }.into());
        }
    }
}
