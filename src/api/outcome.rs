//! What came of a procedure: its result, and the event that it causes.

use serde::Serialize;
use serde_json::Value;

use super::arguments::Arguments;
use super::topics::Topic;
use crate::process::Garbage;
use crate::sampler::Answer;
use crate::wamp::Payload;
use crate::wamp::options::Caller;

/// What a procedure that succeeded has to say, and to whom. The event goes out before the result.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The result: one positional value.
    pub result: Payload,
    /// The event, if it causes one.
    pub event: Option<(Topic, Payload)>,
}

impl Outcome {
    /// A result without an event.
    #[must_use]
    pub fn of(value: &impl Serialize) -> Self {
        Self { result: Payload::of(value), event: None }
    }

    fn with_event(mut self, topic: Topic, value: &impl Serialize) -> Self {
        self.event = Some((topic, Payload::of(value)));
        self
    }

    /// What the sampler's answer means for the call that asked for it.
    #[must_use]
    pub fn of_answer(answer: &Answer, arguments: &Arguments, caller: &Caller) -> Self {
        match answer {
            Answer::Stats(stats) => Self::of(stats),
            Answer::Monitor(monitor) => Self::of(monitor),
            Answer::Info(info) => Self::of(info),
            Answer::CpuAffinity(cpus) => Self::of(cpus),
            Answer::CpuAffinitySet { affinity } => Self::of(affinity).with_event(
                Topic::CpuAffinitySet,
                &CpuAffinitySet {
                    cpus: arguments.list(0),
                    relative: arguments.flag(1),
                    affinity,
                    who: caller.session.map(|session| session.get()),
                },
            ),
            Answer::Garbage(garbage) => Self::of(&garbage.duration).with_event(
                Topic::GcFinished,
                &GcFinished {
                    requester: Requester {
                        session_id: caller.session.map(|session| session.get()),
                        auth_id: caller.authid.as_deref(),
                        auth_role: caller.authrole.as_deref(),
                    },
                    garbage,
                },
            ),
            Answer::StatsMonitoringSet { .. } => {
                Self::of(&Value::Null).with_event(Topic::ProcessStatsMonitoringSet, arguments.value(0))
            }
        }
    }
}

#[derive(Serialize)]
struct CpuAffinitySet<'a> {
    cpus: &'a [Value],
    relative: bool,
    affinity: &'a [u32],
    who: Option<u64>,
}

#[derive(Serialize)]
struct GcFinished<'a> {
    requester: Requester<'a>,
    #[serde(flatten)]
    garbage: &'a Garbage,
}

#[derive(Serialize)]
struct Requester<'a> {
    session_id: Option<u64>,
    auth_id: Option<&'a str>,
    auth_role: Option<&'a str>,
}
