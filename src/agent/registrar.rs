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

/// Whether a name that is taken may be so only by the session that we just lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// The first session: somebody else has the name.
    First,
    /// A later one: a router that has not noticed yet may hold our own names for us.
    Again,
}

/// What a failed REGISTER means.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It is tried again later.
    Later(Uri),
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
        match self.attempt {
            Attempt::First => Verdict::Taken(uri),
            Attempt::Again => {
                self.retry((uri.clone(), procedure), now);
                Verdict::Later(uri)
            }
        }
    }

    /// The router took a registration away: it is asked for again, later.
    pub fn revoked(&mut self, registration: RegistrationId, now: Instant) {
        if let Some(lost) = self.registered.remove(&registration) {
            self.attempt = Attempt::Again;
            self.retry(lost, now);
        }
    }

    fn retry(&mut self, taken: (Uri, usize), now: Instant) {
        self.taken.push_back(taken);
        self.retry_at.get_or_insert(now + self.retry_delay);
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

    #[test]
    fn a_taken_name_is_final_at_first_and_tried_again_after_a_reconnect() {
        let (mut first, now) = registrar(Attempt::First);
        assert_eq!(first.failed(request(1), &taken(), now), Verdict::Taken(Uri::from("a.x")));

        let (mut again, now) = registrar(Attempt::Again);
        again.registered(request(2), RegistrationId::new(9).unwrap());
        let mut at = now;
        for id in 3..10 {
            let previous = request(if id == 3 { 1 } else { id - 1 });
            assert_eq!(again.failed(previous, &taken(), at), Verdict::Later(Uri::from("a.x")));
            assert_eq!(again.next_wanted(at), None, "not at once");
            assert!(!again.is_complete());
            at = again.deadline().unwrap();
            let wanted = again.next_wanted(at).unwrap();
            again.asked(request(id), wanted, at);
        }
        assert!(at - now < Duration::from_secs(15), "{:?}", at - now);
    }

    #[test]
    fn a_router_that_does_not_answer_is_overdue() {
        let (registrar, now) = registrar(Attempt::First);
        assert!(!registrar.is_overdue(now));
        assert!(registrar.is_overdue(registrar.deadline().unwrap()));
    }
}
