//! The table of procedures, and what happens to a call of one of them.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use serde_json::Value;

use super::arguments::{Arguments, Kind, Param, excerpt};
use super::failure::Failure;
use super::host::Host;
use super::outcome::Outcome;
use crate::sampler::Question;
use crate::sync::clock::Timestamp;
use crate::wamp::Payload;

/// A procedure.
pub struct Procedure {
    name: Cow<'static, str>,
    params: Vec<Param>,
    result: Cow<'static, str>,
    doc: Cow<'static, str>,
    handler: Handler,
}

/// Who answers.
enum Handler {
    /// The loop itself, at once.
    Inline(fn(&Host, &Arguments) -> Result<Outcome, Failure>),
    /// The sampler, this question.
    Sampler(fn(&Host, &Arguments) -> Result<Question, Failure>),
    /// An embedding program, on the loop's thread.
    Custom(Box<CustomHandler>),
}

/// A procedure of an embedding program. It runs on the thread of the loop, so it must not wait.
pub type CustomHandler = dyn Fn(&Arguments) -> Result<Value, Failure> + Send;

/// What a call leads to.
#[derive(Debug)]
pub enum Step {
    /// It is done.
    Done(Outcome),
    /// The sampler must be asked; [`Outcome::of_answer`] makes its answer this call's outcome.
    Ask(Question, Arguments),
}

/// The built-in procedures, in the order of the documentation.
fn builtin() -> Vec<Procedure> {
    vec![
        Procedure {
            name: Cow::Borrowed("get_cpu_count"),
            params: vec![Param::optional("logical", Kind::Bool, Value::Bool(true))],
            result: Cow::Borrowed("int or null"),
            doc: Cow::Borrowed(
                "Number of CPUs of the host, or of its cores with logical=false; null when the kernel does not say.",
            ),
            handler: Handler::Inline(|host, arguments| {
                Ok(Outcome::of(&if arguments.flag(0) { host.logical_cpus() } else { host.physical_cpus() }))
            }),
        },
        Procedure {
            name: Cow::Borrowed("get_cpus"),
            params: Vec::new(),
            result: Cow::Borrowed("[int]"),
            doc: Cow::Borrowed("The CPUs that the process was allowed at first: the base of relative CPU ids."),
            handler: Handler::Inline(|host, _| Ok(Outcome::of(&host.identity().cpus()))),
        },
        Procedure {
            name: Cow::Borrowed("get_cpu_affinity"),
            params: Vec::new(),
            result: Cow::Borrowed("[int]"),
            doc: Cow::Borrowed("The CPUs that the process may run on now."),
            handler: Handler::Sampler(|_, _| Ok(Question::CpuAffinity)),
        },
        Procedure {
            name: Cow::Borrowed("set_cpu_affinity"),
            params: vec![
                Param::required("cpus", Kind::List),
                Param::optional("relative", Kind::Bool, Value::Bool(true)),
            ],
            result: Cow::Borrowed("[int]"),
            doc: Cow::Borrowed(
                "Binds all threads of the process to CPUs: positions in get_cpus, or ids with relative=false.",
            ),
            handler: Handler::Sampler(|host, arguments| {
                let cpus = cpus(host.identity().cpus(), arguments.list(0), arguments.flag(1))?;
                Ok(Question::SetCpuAffinity { cpus })
            }),
        },
        Procedure {
            name: Cow::Borrowed("get_process_info"),
            params: Vec::new(),
            result: Cow::Borrowed("dict"),
            doc: Cow::Borrowed("Open descriptors, threads, regular files and sockets of the process."),
            handler: Handler::Sampler(|_, _| Ok(Question::Info)),
        },
        Procedure {
            name: Cow::Borrowed("get_process_stats"),
            params: Vec::new(),
            result: Cow::Borrowed("dict"),
            doc: Cow::Borrowed("State, CPU time, memory, I/O and context switches of the process."),
            handler: Handler::Sampler(|_, _| Ok(Question::Stats)),
        },
        Procedure {
            name: Cow::Borrowed("get_process_monitor"),
            params: Vec::new(),
            result: Cow::Borrowed("dict"),
            doc: Cow::Borrowed("Cumulative counters of the process, with rates per second from the second poll on."),
            handler: Handler::Sampler(|_, _| Ok(Question::Monitor)),
        },
        Procedure {
            name: Cow::Borrowed("set_process_stats_monitoring"),
            params: vec![Param::required("interval", Kind::Number)],
            result: Cow::Borrowed("null"),
            doc: Cow::Borrowed("Publishes on_process_stats every interval seconds (0.01 to 86400); 0 ends it."),
            handler: Handler::Sampler(|_, arguments| {
                Ok(Question::SetStatsMonitoring { interval: interval(arguments.value(0))? })
            }),
        },
        Procedure {
            name: Cow::Borrowed("trigger_gc"),
            params: Vec::new(),
            result: Cow::Borrowed("int"),
            doc: Cow::Borrowed(
                "Gives memory that the process does not need back to the system; how long that took, in ms.",
            ),
            handler: Handler::Sampler(|_, _| Ok(Question::CollectGarbage)),
        },
        Procedure {
            name: Cow::Borrowed("started"),
            params: Vec::new(),
            result: Cow::Borrowed("str"),
            doc: Cow::Borrowed("When the process started, ISO 8601 UTC."),
            handler: Handler::Inline(|host, _| Ok(Outcome::of(&host.identity().started()))),
        },
        Procedure {
            name: Cow::Borrowed("uptime"),
            params: Vec::new(),
            result: Cow::Borrowed("float"),
            doc: Cow::Borrowed("Seconds since the process started."),
            handler: Handler::Inline(|host, _| Ok(Outcome::of(&host.identity().uptime().as_secs_f64()))),
        },
        Procedure {
            name: Cow::Borrowed("utcnow"),
            params: Vec::new(),
            result: Cow::Borrowed("str"),
            doc: Cow::Borrowed("The present time, ISO 8601 UTC."),
            handler: Handler::Inline(|_, _| Ok(Outcome::of(&Timestamp::now()))),
        },
    ]
}

/// The numbers of CPUs that a caller asks for, sorted. Relative ids are positions in `base`.
fn cpus(base: &[u32], asked: &[Value], relative: bool) -> Result<Vec<u32>, Failure> {
    let expected = if relative {
        format!("positions in get_cpus, from 0 to {}", base.len().saturating_sub(1))
    } else {
        format!("CPUs that get_cpus names, {base:?}")
    };
    let wrong = |got: &str| Failure::InvalidArgument(format!("cpus: expected {expected}, got {got}"));
    if asked.is_empty() {
        return Err(wrong("an empty list"));
    }
    let mut cpus = Vec::new();
    for id in asked {
        let known = id.as_u64().and_then(|id| {
            if relative {
                base.get(usize::try_from(id).ok()?).copied()
            } else {
                base.iter().find(|cpu| u64::from(**cpu) == id).copied()
            }
        });
        cpus.push(known.ok_or_else(|| wrong(&excerpt(id)))?);
    }
    cpus.sort_unstable();
    cpus.dedup();
    Ok(cpus)
}

/// The shortest and the longest interval of `on_process_stats`, s.
const INTERVALS: std::ops::RangeInclusive<f64> = 0.01..=86_400.0;

/// The interval that a caller asks for; `None` is off.
fn interval(asked: &Value) -> Result<Option<Duration>, Failure> {
    match asked.as_f64() {
        Some(0.0) => Ok(None),
        Some(seconds) if INTERVALS.contains(&seconds) => Ok(Some(Duration::from_secs_f64(seconds))),
        _ => {
            let (least, most, got) = (INTERVALS.start(), INTERVALS.end(), excerpt(asked));
            let sentence = format!("interval: expected 0 (off) or {least} to {most} seconds, got {got}");
            Err(Failure::InvalidArgument(sentence))
        }
    }
}

impl Procedure {
    /// A procedure of an embedding program. `handler` runs on the thread of the loop, so it must not wait.
    #[must_use]
    pub fn custom(
        name: impl Into<Cow<'static, str>>,
        params: Vec<Param>,
        doc: impl Into<Cow<'static, str>>,
        handler: Box<CustomHandler>,
    ) -> Self {
        let handler = Handler::Custom(handler);
        Self { name: name.into(), params, result: Cow::Borrowed("any"), doc: doc.into(), handler }
    }

    /// The last component of its URI.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its parameters as in a signature: `cpus, relative=true`.
    #[must_use]
    pub fn signature(&self) -> String {
        let params: Vec<String> = self.params.iter().map(ToString::to_string).collect();
        params.join(", ")
    }

    /// The type of its result.
    #[must_use]
    pub fn result(&self) -> &str {
        &self.result
    }

    /// One sentence.
    #[must_use]
    pub fn doc(&self) -> &str {
        &self.doc
    }

    /// Takes the first step of a call.
    ///
    /// # Errors
    /// [`Failure`]; nothing was changed.
    pub fn call(&self, host: &Host, payload: &Payload) -> Result<Step, Failure> {
        let arguments = Arguments::parse(&self.params, payload)?;
        match &self.handler {
            Handler::Inline(answer) => answer(host, &arguments).map(Step::Done),
            Handler::Sampler(question) => Ok(Step::Ask(question(host, &arguments)?, arguments)),
            Handler::Custom(handler) => handler(&arguments).map(|value| Step::Done(Outcome::of(&value))),
        }
    }
}

impl fmt::Debug for Procedure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({}) -> {}", self.name, self.signature(), self.result)
    }
}

/// The procedures of one agent: the built-in ones, then those of the embedding program.
#[derive(Debug)]
pub struct Api {
    procedures: Vec<Procedure>,
}

impl Default for Api {
    fn default() -> Self {
        Self { procedures: builtin() }
    }
}

impl Api {
    /// Adds a procedure; false when one of that name is there already.
    pub fn add(&mut self, procedure: Procedure) -> bool {
        let is_new = self.procedures.iter().all(|known| known.name != procedure.name);
        if is_new {
            self.procedures.push(procedure);
        }
        is_new
    }

    /// All procedures, in the order of the documentation.
    #[must_use]
    pub fn procedures(&self) -> &[Procedure] {
        &self.procedures
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn relative_cpus_are_positions_and_absolute_ones_ids() {
        let base = [2, 3, 6];
        assert_eq!(cpus(&base, &[json!(2), json!(0), json!(0)], true), Ok(vec![2, 6]));
        assert_eq!(cpus(&base, &[json!(6)], false), Ok(vec![6]));
        for (asked, relative) in [
            (json!([]), true),
            (json!([3]), true),
            (json!([0]), false),
            (json!([-1]), true),
            (json!([1.0]), true),
            (json!([true]), true),
            (json!(["0"]), true),
            (json!([18_446_744_073_709_551_615_u64]), true),
        ] {
            let failure = cpus(&base, asked.as_array().unwrap(), relative).unwrap_err();
            assert!(failure.to_string().starts_with("cpus: expected "), "{failure}");
        }
    }

    #[test]
    fn intervals_from_10_ms_to_a_day_and_zero_for_off() {
        assert_eq!(interval(&json!(0)), Ok(None));
        assert_eq!(interval(&json!(0.0)), Ok(None));
        assert_eq!(interval(&json!(0.01)), Ok(Some(Duration::from_millis(10))));
        assert_eq!(interval(&json!(86_400)), Ok(Some(Duration::from_secs(86_400))));
        for wrong in [json!(-1), json!(0.009), json!(86_400.1), json!(1e308), json!(u64::MAX)] {
            let failure = interval(&wrong).unwrap_err().to_string();
            assert!(failure.starts_with("interval: expected 0 (off) or 0.01 to 86400 seconds, got "), "{failure}");
        }
    }

    #[test]
    fn names_are_unique_and_one_line_documented() {
        let api = Api::default();
        let names: std::collections::HashSet<_> = api.procedures().iter().map(Procedure::name).collect();
        assert_eq!(names.len(), api.procedures().len());
        assert!(api.procedures().iter().all(|procedure| !procedure.doc().contains('\n')));
    }

    #[test]
    fn a_second_procedure_of_a_name_is_refused() {
        let mut api = Api::default();
        let custom = |name: &'static str| Procedure::custom(name, Vec::new(), "", Box::new(|_| Ok(Value::Null)));
        assert!(!api.add(custom("utcnow")));
        assert!(api.add(custom("add2")));
        assert!(!api.add(custom("add2")));
    }
}
