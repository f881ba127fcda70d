//! A child's life, again and again: started, watched, ended with all that descends from it, started anew.
//!
//! A generation is a child and its descendants. The next one begins when nothing is left of the last: what stays behind when
//! the child has ended is asked to end too, and killed when it takes too long.

mod orders;

use std::collections::VecDeque;
use std::io;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::unistd::{Pid, getpgrp};

use super::command::{ChildCommand, Outlets};
use super::foreground::Foreground;
use super::generation::{Ended, Generation, code_of, killed_by};
use super::memory::MemoryWatch;
use super::notify::Notifications;
use super::order::{Refusal, Request};
use super::outbox::Outbox;
use super::reaper::{Change, Look, look};
use super::report::{End, Report, Started};
use super::restart::{Ending, RestartLimit, Restarts, Verdict};
use super::signals::Inherited;
use super::spawn::{Surroundings, spawn};
use super::streams::Streams;
use crate::process::{Signal, is_own_group_orphaned, signal_descendants};
use crate::sync::wait::earlier;

/// Time between two rounds of killing what does not go at once.
const AGAIN: Duration = Duration::from_millis(100);

/// Time until the next look at children when another thread is about to wait for one.
const RELOOK: Duration = Duration::from_millis(5);

/// How long our own stdout may take to take the last of a child's output.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Where it stands.
#[derive(Debug)]
enum Phase {
    /// Nobody is there yet who would hear of a child.
    Early,
    /// Nothing runs, and nothing will before somebody asks.
    Resting,
    /// The child runs.
    Running(Box<Generation>),
    /// The child has ended. Whether it left anything behind is not known yet.
    Ended,
    /// What it left behind is asked to end.
    Clearing,
    /// Nothing is left of the generation; the last of its output is passed on until this time.
    Draining(Instant),
    /// The next start is at this time.
    Waiting(Instant),
    /// Nothing will follow.
    Over,
}

/// What follows when nothing is left of a generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// What the policy says.
    Policy,
    /// Nothing before somebody asks.
    Rest,
    /// Another start.
    Start,
    /// The end of it all.
    End,
}

/// Something is to end.
#[derive(Clone, Copy, Debug)]
struct Stopping {
    /// When it is killed, or killed again.
    deadline: Instant,
    killed: bool,
}

/// Everything about the child but the signals to this process.
pub(super) struct Life {
    command: ChildCommand,
    inherited: Inherited,
    foreground: Foreground,
    pub notifications: Option<Notifications>,
    pub streams: Streams,
    restarts: Restarts,
    pub outbox: Box<dyn Outbox>,
    phase: Phase,
    next: Next,
    stopping: Option<Stopping>,
    /// Who waits for the end of the generation, and what was asked.
    waiting: VecDeque<Request>,
    last: Option<Ended>,
    /// Our exit code if it ended now.
    code: u8,
    /// Children so far.
    count: u64,
    /// When to look at children though no signal says so.
    relook: Option<Instant>,
}

impl Life {
    pub fn new(
        command: ChildCommand,
        outlets: Outlets,
        inherited: Inherited,
        outbox: Box<dyn Outbox>,
    ) -> io::Result<Self> {
        Ok(Self {
            notifications: Notifications::open()?,
            streams: Streams::new(&command, outlets),
            restarts: Restarts::new(command.restart),
            foreground: Foreground::open(),
            command,
            inherited,
            outbox,
            phase: Phase::Early,
            next: Next::Policy,
            stopping: None,
            waiting: VecDeque::new(),
            last: None,
            code: 0,
            count: 0,
            relook: None,
        })
    }

    /// Somebody hears the reports: the first start of all, unless a signal came first. If it fails there is nothing to restart.
    pub fn begin(&mut self, outbox: Box<dyn Outbox>, now: Instant) {
        if !matches!(self.phase, Phase::Early) {
            return;
        }
        self.outbox = outbox;
        if self.next == Next::End {
            self.over();
        } else if let Err(error) = self.start(now) {
            log::error!("{}", self.cannot_start(&error));
            self.over();
        }
    }

    /// Our exit code, once nothing will follow.
    pub fn code(&self) -> Option<u8> {
        matches!(self.phase, Phase::Over).then_some(self.code)
    }

    /// When [`Life::tick`] has something to do.
    pub fn deadline(&self, now: Instant) -> Option<Instant> {
        let phase = match &self.phase {
            Phase::Early | Phase::Resting | Phase::Ended | Phase::Clearing | Phase::Over => None,
            Phase::Running(child) => child.memory.as_ref().map(MemoryWatch::next),
            Phase::Draining(until) => Some(if self.streams.is_drained() { now } else { *until }),
            Phase::Waiting(until) => Some(*until),
        };
        let stopping = self.stopping.as_ref().map(|stopping| stopping.deadline);
        earlier(earlier(phase, stopping), self.relook)
    }

    /// Does what is due.
    pub fn tick(&mut self, now: Instant) {
        if self.relook.take_if(|at| now >= *at).is_some() {
            self.reap(now);
        }
        if self.stopping.is_some_and(|stopping| now >= stopping.deadline) {
            self.kill(now);
        }
        match &mut self.phase {
            Phase::Running(child) => {
                let watch = child.memory.as_mut();
                let over = watch.and_then(|memory| memory.look(now).map(|resident| (resident, memory.limit())));
                if let Some((resident, limit)) = over.filter(|_| !child.is_over_limit) {
                    child.is_over_limit = true;
                    log::warn!(
                        "process {} has {resident} bytes resident, --memory-limit allows {limit}: it gets {}",
                        child.pid,
                        self.command.stop_signal
                    );
                    self.stop(self.command.stop_signal, self.command.stop_timeout, now);
                }
            }
            Phase::Draining(until) if self.streams.is_drained() || now >= *until => self.drained(now),
            Phase::Waiting(until) if now >= *until => self.start_again(now),
            _ => {}
        }
        if self.outbox.flush() {
            for output in self.streams.take(now) {
                self.outbox.push(Report::Output(output));
            }
        }
    }

    /// Takes what is new about children.
    pub fn reap(&mut self, now: Instant) {
        loop {
            match look() {
                Ok(Look::Change(Change::Ended { pid, status, usage })) => match &self.phase {
                    Phase::Running(child) if child.pid == pid => {
                        let ended = child.end(status, usage, now);
                        self.child_ended(ended);
                    }
                    _ => log::debug!("process {pid}, which descends from the child, has ended"),
                },
                Ok(Look::Change(Change::Stopped { pid, signal })) => self.child_stopped(pid, signal),
                Ok(Look::Nothing) => break,
                Ok(Look::Claimed) => {
                    self.relook = Some(now + RELOOK);
                    break;
                }
                Ok(Look::Childless) => {
                    if matches!(self.phase, Phase::Ended | Phase::Clearing) {
                        self.cleared(now);
                    }
                    break;
                }
                Err(errno) => {
                    log::error!("children cannot be waited for: {errno}");
                    break;
                }
            }
        }
        if matches!(self.phase, Phase::Ended) {
            self.clear(now);
        }
    }

    /// Passes a signal on to the child's process group.
    pub fn forward(&mut self, signal: Signal) {
        match &mut self.phase {
            Phase::Running(child) => {
                if signal == Signal::CONT {
                    child.is_stopped = false;
                    self.foreground.give(child.pid);
                }
                send_to_group(child.pid, signal);
            }
            _ => log::debug!("there is no child that {signal} could be passed on to"),
        }
    }

    /// Nothing is to follow: the child gets the signal and ends, or is killed.
    pub fn end(&mut self, signal: Signal, now: Instant) {
        if self.next != Next::End {
            self.next = Next::End;
            if let Some(notifications) = &self.notifications {
                notifications.say(b"STOPPING=1");
            }
        }
        match self.phase {
            Phase::Running(ref child) => {
                log::info!("process {} gets {signal}, and is not started again", child.pid);
                self.stop(signal, self.command.stop_timeout, now);
            }
            // Kept for whoever is to hear of it. The signal would have ended the child too.
            Phase::Early => self.code = killed_by(signal.number()),
            Phase::Ended | Phase::Clearing | Phase::Draining(_) | Phase::Over => {}
            Phase::Resting | Phase::Waiting(_) => self.over(),
        }
    }

    /// As [`Life::end`], with the child's own signal for that.
    pub fn end_as_agreed(&mut self, now: Instant) {
        self.end(self.command.stop_signal, now);
    }

    /// Nobody asks any more, nor will.
    pub fn abandon(&mut self, now: Instant) {
        match self.phase {
            Phase::Early => self.over(),
            // Told once: a child may take a second signal for impatience.
            _ if self.next != Next::End => self.end_as_agreed(now),
            _ => {}
        }
    }

    /// By the policy.
    fn start_again(&mut self, now: Instant) {
        if let Err(error) = self.start(now) {
            log::error!("{}", self.cannot_start(&error));
            self.follow_policy(Ending::Failure, Duration::ZERO, now);
        }
    }

    fn start(&mut self, now: Instant) -> io::Result<Pid> {
        let outputs = if self.command.is_captured() { Some(self.streams.open()?) } else { None };
        let surroundings = Surroundings {
            inherited: self.inherited,
            terminal: self.foreground.ours(),
            notify: self.notifications.as_ref().map(Notifications::address),
            outputs,
        };
        let has_terminal = surroundings.terminal.is_some();
        let pid = spawn(&self.command, surroundings).inspect_err(|_| {
            // It may have had the foreground already, and leave it to a group without a process.
            if has_terminal {
                self.foreground.take();
            }
        })?;
        let child = Generation::new(pid, self.count, self.command.memory_limit, now);
        self.count += 1;
        self.next = Next::Policy;
        self.stopping = None;
        self.phase = Phase::Running(Box::new(child));
        self.outbox.push(Report::Started(Box::new(Started::child(pid.as_raw(), &self.command, self.count - 1))));
        Ok(pid)
    }

    fn cannot_start(&mut self, error: &io::Error) -> String {
        self.code = code_of(error);
        let reason =
            error.raw_os_error().map_or_else(|| error.to_string(), |errno| Errno::from_raw(errno).desc().to_owned());
        format!("cannot run {}: {reason}", self.command.program.to_string_lossy())
    }

    /// Begins to end the child, or makes what has begun quicker.
    fn stop(&mut self, signal: Signal, grace: Duration, now: Instant) {
        let Phase::Running(child) = &mut self.phase else { return };
        send_to_group(child.pid, signal);
        if std::mem::take(&mut child.is_stopped) {
            // It could not hear.
            send_to_group(child.pid, Signal::CONT);
        }
        let deadline = now + grace;
        match &mut self.stopping {
            Some(stopping) => stopping.deadline = stopping.deadline.min(deadline),
            None => self.stopping = Some(Stopping { deadline, killed: false }),
        }
    }

    /// The time to end is over.
    fn kill(&mut self, now: Instant) {
        if let Phase::Running(child) = &self.phase {
            send_to_group(child.pid, Signal::KILL);
        }
        let count = self.signal_rest(Signal::KILL);
        if self.stopping.is_some_and(|stopping| !stopping.killed) {
            log::warn!("the child did not end in time: {count} processes are killed");
        }
        // Until nothing is left: a process may have been started while we looked for them.
        self.stopping = Some(Stopping { deadline: now + AGAIN, killed: true });
    }

    /// Signals all that descends from us.
    fn signal_rest(&self, signal: Signal) -> u64 {
        signal_descendants(signal).unwrap_or_else(|error| {
            log::error!("what the child started cannot be found: {error}");
            0
        })
    }

    fn child_stopped(&mut self, pid: Pid, signal: i32) {
        let Phase::Running(child) = &mut self.phase else { return };
        if child.pid != pid {
            return;
        }
        child.is_stopped = true;
        if self.stopping.is_some() {
            // What it was told it cannot hear like that.
            return self.forward(Signal::CONT);
        }
        // Ctrl-Z, or a terminal that is not its own: the job that a shell sees is us, so we stop with it.
        if self.foreground.exists() && [libc::SIGTSTP, libc::SIGTTIN, libc::SIGTTOU].contains(&signal) {
            if is_own_group_orphaned() {
                // No shell waits for us, so nobody would let us go on. The kernel ignores Ctrl-Z for such a program, but not
                // for the child, whose parent we are.
                if signal == libc::SIGTSTP {
                    self.forward(Signal::CONT);
                }
                return;
            }
            self.foreground.take_back(pid);
            // With those who share our group, a script that runs us for one: the shell waits for all of them to stop. It comes
            // back to us as a signal like any other.
            if let Some(signal) = Signal::from_number(signal) {
                send_to_group(getpgrp(), signal);
            }
        }
    }

    fn child_ended(&mut self, ended: Ended) {
        let pid = Pid::from_raw(ended.exit.pid);
        self.foreground.take_back(pid);
        self.code = ended.code;
        // Here, and not where it is published: what follows is logged by this thread too, in this order.
        let level = match (self.next, ended.ending) {
            (Next::Policy, Ending::Failure | Ending::OverLimit) => log::Level::Warn,
            _ => log::Level::Info,
        };
        log::log!(level, "{}", ended.exit);
        self.outbox.push(Report::Exited(ended.exit.clone()));
        self.last = Some(ended);
        self.phase = Phase::Ended;
    }

    /// The child left something behind. It has what is left of the child's time to end, or as much as that would get.
    fn clear(&mut self, now: Instant) {
        self.phase = Phase::Clearing;
        let fresh = Stopping { deadline: now + self.command.stop_timeout, killed: false };
        let stopping = self.stopping.get_or_insert(fresh);
        let signal = if stopping.killed { Signal::KILL } else { Signal::TERM };
        let count = self.signal_rest(signal);
        log::info!("{count} processes that the child left behind get {signal}");
        // What is stopped, a shell's jobs for one, could not hear that.
        self.signal_rest(Signal::CONT);
    }

    /// Nothing is left of the generation but maybe its output.
    fn cleared(&mut self, now: Instant) {
        self.stopping = None;
        self.streams.turn();
        self.phase = Phase::Draining(now + LAST_WORDS);
        if self.streams.is_drained() {
            self.drained(now);
        }
    }

    fn drained(&mut self, now: Instant) {
        match self.streams.unwritten() {
            0 => {}
            bytes => log::warn!("nobody reads: the last {bytes} bytes of the child's output are lost"),
        }
        self.streams.close();
        self.phase = Phase::Resting;
        match self.next {
            Next::Policy => match self.last.clone() {
                Some(last) => self.follow_policy(last.ending, last.lifetime, now),
                None => self.over(),
            },
            // Where somebody asked for a stop and then another for a restart, or the other way round, the last one counts.
            Next::Rest => self.answer_waiting(Err(Refusal::Stopped)),
            Next::Start => {
                let answer = self.start_as_asked(now);
                if answer.is_err() {
                    // What ran is gone, so it is as after any other start that failed; but somebody may ask again.
                    if let Verdict::RestartAt(at) = self.restarts.ended(Ending::Failure, Duration::ZERO, now) {
                        self.phase = Phase::Waiting(at);
                    }
                }
                self.answer_waiting(answer);
            }
            Next::End => self.over(),
        }
    }

    fn follow_policy(&mut self, ending: Ending, lifetime: Duration, now: Instant) {
        match self.restarts.ended(ending, lifetime, now) {
            Verdict::RestartAt(at) => {
                log::warn!("the child is started again in {:.1} s", at.saturating_duration_since(now).as_secs_f64());
                self.phase = Phase::Waiting(at);
            }
            Verdict::Rest => self.over(),
            Verdict::GiveUp(RestartLimit { restarts, window }) => {
                log::error!(
                    "the child is not started again: it would be more often than --restart-max {restarts}/{}s allows",
                    window.as_secs_f64()
                );
                self.over();
            }
        }
    }

    /// Nothing will follow.
    fn over(&mut self) {
        self.phase = Phase::Over;
        self.next = Next::End;
        self.answer_waiting(Err(Refusal::Over));
        self.outbox.push(Report::Over(End::Ended));
    }
}

/// The group exists as long as the child is not reaped, but for a child that has not come to have its own, or left it.
fn send_to_group(child: Pid, signal: Signal) {
    if signal.send(-child.as_raw()).is_err() {
        if let Err(errno) = signal.send(child.as_raw()) {
            log::debug!("{signal} cannot be sent to process {child}: {errno}");
        }
    }
}

/// Stops this process until somebody sends it `SIGCONT`. (As process 1 it goes on.)
pub(super) fn suspend() {
    if let Err(errno) = Signal::STOP.send(Pid::this().as_raw()) {
        log::debug!("this process cannot be stopped: {errno}");
    }
}
