//! The life of a call between INVOCATION and its final answer. It belongs to two sessions, the caller's and the callee's,
//! and is always in both or in neither: so its steps are methods of [`Sessions`].
//!
//! A call ends by the callee's final YIELD or ERROR, by CANCEL, by its timeout, or when either side leaves; its caller, if
//! still there, gets exactly one RESULT or ERROR. Ended by anything but the callee, the callee may still answer: an answer
//! to a request that it once had is late and dropped, an answer to one that it never had is a violation of the protocol.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::session::{Session, Sessions};
use super::timers::{Timer, Timers};
use super::turn::{Turn, Violation};
use super::{PeerId, Undelivered};
use crate::wamp::error::uri;
use crate::wamp::message::Kind;
use crate::wamp::options::{CallOptions, CancelMode, CancelOptions, ResultDetails};
use crate::wamp::uri::{Form, Rules};
use crate::wamp::{Message, Payload, RequestId, WampError};

/// A call without a final answer, in its caller's session: where it is answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    callee: PeerId,
    invocation: RequestId,
}

/// A call without a final answer, in its callee's session: who waits for it.
#[derive(Debug)]
pub(super) struct Invocation {
    caller: PeerId,
    call: RequestId,
    /// Whether the caller takes results before the last.
    progress: bool,
    /// Whether the callee was told that the call was taken back.
    interrupted: bool,
    timeout: Option<Timeout>,
}

/// How long the caller waits for the first result, and between results (*Progressive Call Results*).
#[derive(Clone, Copy, Debug)]
struct Timeout {
    length: Duration,
    ends: Instant,
}

impl Timeout {
    /// From CALL.Options.timeout, in ms; 0, and what no clock will ever show, is never.
    fn starting(now: Instant, ms: Option<u64>) -> Option<Self> {
        let length = Duration::from_millis(ms.filter(|ms| *ms > 0)?);
        Some(Self { length, ends: now.checked_add(length)? })
    }

    fn restart(&mut self, now: Instant) {
        self.ends = now.checked_add(self.length).unwrap_or(self.ends);
    }
}

impl Invocation {
    pub fn new(caller: PeerId, call: RequestId, options: &CallOptions, now: Instant) -> Self {
        let timeout = Timeout::starting(now, options.timeout);
        Self { caller, call, progress: options.receive_progress, interrupted: false, timeout }
    }

    const fn timer(&self) -> Timer {
        Timer::Call { caller: self.caller, request: self.call }
    }

    fn stop_timer(&self, timers: &mut Timers) {
        if let Some(timeout) = self.timeout {
            timers.cancel(timeout.ends, self.timer());
        }
    }
}

impl Sessions {
    /// Enters a call into both sessions. The request id for its INVOCATION; `None` when either session is gone.
    pub fn begin_call(&mut self, callee: PeerId, pending: Invocation, turn: &mut Turn<'_>) -> Option<RequestId> {
        let invocation = self.get_mut(callee)?.invocation_ids.draw();
        self.get_mut(pending.caller)?.calls.insert(pending.call, Call { callee, invocation });
        if let Some(timeout) = pending.timeout {
            turn.timers.set(timeout.ends, pending.timer());
        }
        self.get_mut(callee)?.invocations.insert(invocation, pending);
        self.open_calls += 1;
        Some(invocation)
    }

    /// A callee's YIELD.
    pub fn yielded(
        &mut self,
        callee: PeerId,
        request: RequestId,
        details: ResultDetails,
        payload: Payload,
        turn: &mut Turn<'_>,
    ) -> Result<(), Violation> {
        let Some(session) = self.get_mut(callee) else { return Ok(()) };
        let Some(pending) = session.invocations.get_mut(&request) else {
            return check_late(session, Kind::Yield, request, turn);
        };
        let (caller, call, timer) = (pending.caller, pending.call, pending.timer());
        if !details.progress {
            self.take_invocation(callee, request, turn);
        } else if pending.progress {
            if let Some(timeout) = &mut pending.timeout {
                turn.timers.cancel(timeout.ends, timer);
                timeout.restart(turn.now.mono);
                turn.timers.set(timeout.ends, timer);
            }
        } else {
            turn.counters.answers_dropped += 1;
            return Ok(());
        }
        turn.send(caller, Message::Result { request: call, details, payload });
        Ok(())
    }

    /// A callee's ERROR.
    pub fn failed(
        &mut self,
        callee: PeerId,
        request: RequestId,
        error: WampError,
        turn: &mut Turn<'_>,
    ) -> Result<(), Violation> {
        let Some(pending) = self.take_invocation(callee, request, turn) else {
            return self.get(callee).map_or(Ok(()), |session| check_late(session, Kind::Error, request, turn));
        };
        // A caller must not suffer for a callee's bad URI, and a strict one would.
        let error = match error.uri.check(Rules::Loose, Form::Exact) {
            Ok(()) => error,
            Err(invalid) => WampError::new(uri::INVALID_URI, &format!("the callee's error: {invalid}")),
        };
        turn.refuse(pending.caller, Kind::Call, pending.call, error);
        Ok(())
    }

    /// A caller's CANCEL. Nothing when there is no such call: its answer may be on its way. A callee that does not
    /// understand INTERRUPT is left alone, and its caller answered at once.
    pub fn cancel(&mut self, caller: PeerId, request: RequestId, mode: CancelMode, turn: &mut Turn<'_>) {
        let canceled = || WampError::new(uri::CANCELED, "the call was canceled by its caller");
        match mode {
            CancelMode::Kill if self.interrupt(caller, request, mode, turn) => {}
            CancelMode::Kill | CancelMode::Skip => self.end_call(caller, request, canceled(), turn),
            CancelMode::KillNoWait => self.abandon_call(caller, request, canceled(), turn),
        }
    }

    /// A call took longer than its caller would wait.
    pub fn call_timed_out(&mut self, caller: PeerId, request: RequestId, turn: &mut Turn<'_>) {
        turn.counters.calls_timed_out += 1;
        let error = WampError::new(uri::TIMEOUT, "the callee did not answer within the timeout of the call");
        self.abandon_call(caller, request, error, turn);
    }

    /// An INVOCATION did not reach its callee.
    pub fn invocation_lost(&mut self, callee: PeerId, request: RequestId, why: Undelivered, turn: &mut Turn<'_>) {
        if let Some(pending) = self.take_invocation(callee, request, turn) {
            turn.counters.calls_lost += 1;
            let error = match why {
                Undelivered::QueueFull => {
                    WampError::new(uri::UNAVAILABLE, "the callee does not keep up, its queue is full")
                }
                Undelivered::TooLong => too_long("the call is longer than its callee takes"),
            };
            turn.refuse(pending.caller, Kind::Call, pending.call, error);
        }
    }

    /// A progressive RESULT did not reach its caller.
    pub fn progress_lost(&mut self, caller: PeerId, request: RequestId, why: Undelivered, turn: &mut Turn<'_>) {
        if self.get(caller).is_some_and(|session| session.calls.contains_key(&request)) {
            turn.counters.calls_lost += 1;
            self.abandon_call(caller, request, lost_result(why), turn);
        }
    }

    /// Ends the calls that a session had to answer, which was removed (*Callee Leaving*).
    pub fn end_invocations(&mut self, invocations: BTreeMap<RequestId, Invocation>, turn: &mut Turn<'_>) {
        self.open_calls -= invocations.len();
        for pending in invocations.into_values() {
            pending.stop_timer(turn.timers);
            if let Some(caller) = self.get_mut(pending.caller) {
                caller.calls.remove(&pending.call);
                let error = WampError::new(uri::CANCELED, "the callee left before it answered");
                turn.refuse(pending.caller, Kind::Call, pending.call, error);
            }
        }
    }

    /// Ends the calls that a session made, which was removed (*Caller Leaving*).
    pub fn end_calls(&mut self, calls: BTreeMap<RequestId, Call>, turn: &mut Turn<'_>) {
        for Call { callee, invocation } in calls.into_values() {
            let Some(session) = self.get_mut(callee) else { continue };
            let Some(pending) = session.invocations.remove(&invocation) else { continue };
            pending.stop_timer(turn.timers);
            if session.abilities.interruptible && !pending.interrupted {
                send_interrupt(callee, invocation, CancelMode::KillNoWait, turn);
            }
            self.open_calls -= 1;
        }
    }

    /// Answers the caller with an error, after telling the callee, if it can be told, that its answer is not wanted.
    fn abandon_call(&mut self, caller: PeerId, request: RequestId, error: WampError, turn: &mut Turn<'_>) {
        self.interrupt(caller, request, CancelMode::KillNoWait, turn);
        self.end_call(caller, request, error, turn);
    }

    /// Answers the caller with an error.
    fn end_call(&mut self, caller: PeerId, request: RequestId, error: WampError, turn: &mut Turn<'_>) {
        let Some(Call { callee, invocation }) = self.pending_call(caller, request) else { return };
        self.take_invocation(callee, invocation, turn);
        turn.refuse(caller, Kind::Call, request, error);
    }

    /// Sends the callee of a call INTERRUPT, once. Whether it has one now.
    fn interrupt(&mut self, caller: PeerId, request: RequestId, mode: CancelMode, turn: &mut Turn<'_>) -> bool {
        let Some(Call { callee, invocation }) = self.pending_call(caller, request) else { return false };
        let Some(session) = self.get_mut(callee).filter(|session| session.abilities.interruptible) else {
            return false;
        };
        let Some(pending) = session.invocations.get_mut(&invocation) else { return false };
        if !std::mem::replace(&mut pending.interrupted, true) {
            send_interrupt(callee, invocation, mode, turn);
        }
        true
    }

    fn pending_call(&self, caller: PeerId, request: RequestId) -> Option<Call> {
        self.get(caller)?.calls.get(&request).copied()
    }

    /// Takes a call out of both sessions.
    fn take_invocation(&mut self, callee: PeerId, invocation: RequestId, turn: &mut Turn<'_>) -> Option<Invocation> {
        let pending = self.get_mut(callee)?.invocations.remove(&invocation)?;
        self.open_calls -= 1;
        pending.stop_timer(turn.timers);
        if let Some(caller) = self.get_mut(pending.caller) {
            caller.calls.remove(&pending.call);
        }
        Some(pending)
    }
}

/// What a caller gets for a result, or an error, that it could not be given.
pub(super) fn lost_result(why: Undelivered) -> WampError {
    match why {
        Undelivered::QueueFull => {
            WampError::new(uri::UNAVAILABLE, "the caller does not keep up, a progressive result was lost")
        }
        Undelivered::TooLong => too_long("the answer is longer than its caller takes"),
    }
}

fn too_long(sentence: &str) -> WampError {
    WampError::new(uri::PAYLOAD_SIZE_EXCEEDED, sentence)
}

fn send_interrupt(callee: PeerId, request: RequestId, mode: CancelMode, turn: &mut Turn<'_>) {
    turn.send(callee, Message::Interrupt { request, options: CancelOptions { mode: Some(mode) } });
}

/// An answer that no pending invocation wants: late, or never asked for?
fn check_late(session: &Session, kind: Kind, request: RequestId, turn: &mut Turn<'_>) -> Result<(), Violation> {
    if (1..=session.invocation_ids.last()).contains(&request.get()) {
        turn.counters.answers_dropped += 1;
        return Ok(());
    }
    let name = kind.name();
    Err(Violation(format!("{name}: expected the request id of an INVOCATION, got {request}, which was never sent")))
}
