//! Registers the procedures in one session, and knows which of them a registration is. Pure: requests to make come out,
//! answers go in.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use crate::wamp::error::uri::PROCEDURE_ALREADY_EXISTS;
use crate::wamp::{RegistrationId, RequestId, Uri, WampError};

/// How long the router may take to answer a REGISTER.
const ANSWER_PATIENCE: Duration = Duration::from_secs(10);

/// Between two attempts at a name that is taken: the first delay, and the longest.
const RETRY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// How long the first session asks for names that are taken: a router needs that long to notice, by a ping, that a process
/// which was cut off (its host was, or the power) is gone. Whoever has them still is somebody else.
const FIRST_PATIENCE: Duration = Duration::from_secs(60);

/// Whether a name that is taken may be so only by a session that is dead already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// It does not matter: nothing is tried twice.
    Only,
    /// The first session: a router may hold the names for the process that was here before us; or somebody else has them.
    First,
    /// A later one: a router that has not noticed yet may hold our own names for us.
    Again,
}

/// What a failed REGISTER means.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It is tried again later.
    Later {
        /// The name.
        uri: Uri,
        /// For how long at most; `None` for as long as it takes.
        limit: Option<Duration>,
    },
    /// This one cannot be had, the others can.
    Without(Uri),
    /// Somebody else has the name.
    Taken(Uri),
    /// The answer was to no request of ours.
    Unknown,
}

/// The registrations of one session.
#[derive(Debug)]
pub struct Registrar {
    attempt: Attempt,
    /// What is to be asked for: a URI, and the procedure it stands for.
    wanted: VecDeque<(Uri, usize)>,
    asked: HashMap<RequestId, (Uri, usize)>,
    /// When the answers to those must be there.
    patience: Option<Instant>,
    registered: HashMap<RegistrationId, (Uri, usize)>,
    taken: VecDeque<(Uri, usize)>,
    /// When the first session does not ask for those any more.
    gives_up_at: Option<Instant>,
    retry_at: Option<Instant>,
    retry_delay: Duration,
}

impl Registrar {
    /// For procedures, each under its URIs.
    #[must_use]
    pub fn new(attempt: Attempt, wanted: impl Iterator<Item = (Uri, usize)>) -> Self {
        Self {
            attempt,
            wanted: wanted.collect(),
            asked: HashMap::new(),
            patience: None,
            registered: HashMap::new(),
            taken: VecDeque::new(),
            gives_up_at: None,
            retry_at: None,
            retry_delay: RETRY.0,
        }
    }

    /// The next name to ask for; [`Registrar::asked`] must follow.
    pub fn next_wanted(&mut self, now: Instant) -> Option<(Uri, usize)> {
        if self.retry_at.is_some_and(|at| now >= at) {
            self.retry_at = None;
            self.retry_delay = (self.retry_delay * 2).min(RETRY.1);
            self.wanted.append(&mut self.taken);
        }
        self.wanted.pop_front()
    }

    /// A name was asked for.
    pub fn asked(&mut self, request: RequestId, wanted: (Uri, usize), now: Instant) {
        self.asked.insert(request, wanted);
        self.patience = Some(now + ANSWER_PATIENCE);
    }

    /// A REGISTER succeeded. The name, when it was one of ours.
    pub fn registered(&mut self, request: RequestId, registration: RegistrationId) -> Option<Uri> {
        let (uri, procedure) = self.asked.remove(&request)?;
        self.registered.insert(registration, (uri.clone(), procedure));
        Some(uri)
    }

    /// A REGISTER failed.
    pub fn failed(&mut self, request: RequestId, error: &WampError, now: Instant) -> Verdict {
        let Some((uri, procedure)) = self.asked.remove(&request) else { return Verdict::Unknown };
        if error.uri.as_str() != PROCEDURE_ALREADY_EXISTS {
            return Verdict::Without(uri);
        }
        let limit = match self.attempt {
            Attempt::Only => return Verdict::Taken(uri),
            Attempt::First if now >= *self.gives_up_at.get_or_insert(now + FIRST_PATIENCE) => {
                return Verdict::Taken(uri);
            }
            Attempt::First => Some(FIRST_PATIENCE),
            Attempt::Again => None,
        };
        self.retry((uri.clone(), procedure), now);
        Verdict::Later { uri, limit }
    }

    /// The router took a registration away: it is asked for again, later.
    pub fn revoked(&mut self, registration: RegistrationId, now: Instant) {
        if let Some(lost) = self.registered.remove(&registration) {
            self.attempt = Attempt::Again;
            self.gives_up_at = None;
            self.retry(lost, now);
        }
    }

    fn retry(&mut self, taken: (Uri, usize), now: Instant) {
        self.taken.push_back(taken);
        let next = now + self.retry_delay;
        self.retry_at.get_or_insert(self.gives_up_at.map_or(next, |last| next.min(last)));
    }

    /// The procedure that a registration stands for.
    #[must_use]
    pub fn procedure(&self, registration: RegistrationId) -> Option<usize> {
        self.registered.get(&registration).map(|(_, procedure)| *procedure)
    }

    /// How many registrations stand.
    #[must_use]
    pub fn count(&self) -> usize {
        self.registered.len()
    }

    /// Whether every name was asked for and answered.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.wanted.is_empty() && self.asked.is_empty() && self.taken.is_empty()
    }

    /// Whether the router owes us an answer for too long.
    #[must_use]
    pub fn is_overdue(&self, now: Instant) -> bool {
        self.answer_by().is_some_and(|deadline| now >= deadline)
    }

    /// When something is due: another attempt, or the end of our patience.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        crate::sync::wait::earlier(self.retry_at, self.answer_by())
    }

    fn answer_by(&self) -> Option<Instant> {
        self.patience.filter(|_| !self.asked.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(id: u64) -> RequestId {
        RequestId::new(id).unwrap()
    }

    fn registrar(attempt: Attempt) -> (Registrar, Instant) {
        let now = Instant::now();
        let mut registrar =
            Registrar::new(attempt, [("a.x", 0), ("b.x", 0)].map(|(uri, n)| (Uri::from(uri), n)).into_iter());
        for id in 1..=2 {
            let wanted = registrar.next_wanted(now).unwrap();
            registrar.asked(request(id), wanted, now);
        }
        (registrar, now)
    }

    fn taken() -> WampError {
        WampError::new(PROCEDURE_ALREADY_EXISTS, "taken")
    }

    #[test]
    fn complete_when_everything_is_answered() {
        let (mut registrar, now) = registrar(Attempt::First);
        let registration = RegistrationId::new(9).unwrap();
        assert!(!registrar.is_complete());
        assert_eq!(registrar.registered(request(1), registration), Some(Uri::from("a.x")));
        assert_eq!(registrar.failed(request(2), &WampError::new("x.y", "no"), now), Verdict::Without(Uri::from("b.x")));
        assert!(registrar.is_complete());
        assert_eq!(registrar.procedure(registration), Some(0));
        assert_eq!(registrar.deadline(), None);
        registrar.revoked(registration, now);
        assert_eq!(registrar.procedure(registration), None);
        let again = registrar.deadline().unwrap();
        assert_eq!(registrar.next_wanted(again), Some((Uri::from("a.x"), 0)));
    }

    /// Asks for the first name again and again, and is told each time that it is taken; when, as the last verdict says.
    fn insist(registrar: &mut Registrar, now: Instant, attempts: u64) -> (Verdict, Duration) {
        let mut at = now;
        for id in 3..3 + attempts {
            let previous = request(if id == 3 { 1 } else { id - 1 });
            let verdict = registrar.failed(previous, &taken(), at);
            if !matches!(verdict, Verdict::Later { .. }) {
                return (verdict, at - now);
            }
            assert_eq!(registrar.next_wanted(at), None, "not at once");
            assert!(!registrar.is_complete());
            at = registrar.deadline().unwrap();
            let wanted = registrar.next_wanted(at).unwrap();
            registrar.asked(request(id), wanted, at);
        }
        (registrar.failed(request(2 + attempts), &taken(), at), at - now)
    }

    #[test]
    fn a_taken_name_is_tried_again_after_a_reconnect_for_as_long_as_it_takes() {
        let (mut again, now) = registrar(Attempt::Again);
        again.registered(request(2), RegistrationId::new(9).unwrap());
        let later = Verdict::Later { uri: Uri::from("a.x"), limit: None };
        let (verdict, passed) = insist(&mut again, now, 7);
        assert!(verdict == later && passed < Duration::from_secs(15), "{verdict:?} {passed:?}");

        let (mut again, now) = registrar(Attempt::Again);
        again.registered(request(2), RegistrationId::new(9).unwrap());
        let (verdict, passed) = insist(&mut again, now, 1000);
        assert!(verdict == later && passed > Duration::from_secs(3600), "{verdict:?} {passed:?}");
    }

    #[test]
    fn a_taken_name_is_tried_again_for_a_minute_at_first_and_not_at_all_by_the_impatient() {
        let (mut first, now) = registrar(Attempt::First);
        first.registered(request(2), RegistrationId::new(9).unwrap());
        assert_eq!(insist(&mut first, now, 1000), (Verdict::Taken(Uri::from("a.x")), FIRST_PATIENCE));

        let (mut only, now) = registrar(Attempt::Only);
        assert_eq!(only.failed(request(1), &taken(), now), Verdict::Taken(Uri::from("a.x")));
    }

    #[test]
    fn a_router_that_does_not_answer_is_overdue() {
        let (registrar, now) = registrar(Attempt::First);
        assert!(!registrar.is_overdue(now));
        assert!(registrar.is_overdue(registrar.deadline().unwrap()));
    }
}
