//! What `trigger_gc` says when memory was given back: the result, and the event.

use serde::Serialize;

use super::outcome::Outcome;
use super::topics::Topic;
use crate::process::Garbage;
use crate::wamp::options::Caller;

/// The duration for the caller, all of it for everybody else.
#[must_use]
pub fn collected(garbage: &Garbage, caller: Option<&Caller>) -> Outcome {
    #[derive(Serialize)]
    struct Requester<'a> {
        session_id: Option<u64>,
        auth_id: Option<&'a str>,
        auth_role: Option<&'a str>,
    }
    #[derive(Serialize)]
    struct GcFinished<'a> {
        requester: Requester<'a>,
        #[serde(flatten)]
        garbage: &'a Garbage,
    }

    let requester = Requester {
        session_id: caller.and_then(|caller| caller.session).map(|session| session.get()),
        auth_id: caller.and_then(|caller| caller.authid.as_deref()),
        auth_role: caller.and_then(|caller| caller.authrole.as_deref()),
    };
    let event = GcFinished { requester, garbage };
    Outcome::of(&garbage.duration).with_event(Topic::GcFinished, &event)
}
