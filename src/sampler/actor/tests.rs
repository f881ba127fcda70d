//! The body without its thread: ticks at given moments, the real process behind it.

use super::*;

use crate::sync::mailbox::{Mailbox, mailbox};
use crate::sync::ticket::Ticket;
use crate::sync::waker::Waker;
use crossbeam_channel::{Sender, bounded};

/// Longer than any test takes, so that a tick is due only when the test says so.
const HOUR: Duration = Duration::from_secs(3600);

struct Bench {
    actor: Actor<Report>,
    reports: Mailbox<Report>,
    _stop: Sender<Infallible>,
}

impl Bench {
    fn new(history: u32) -> Self {
        let (post, reports) = mailbox(64, Waker::new().unwrap());
        let (keep, stop) = bounded(0);
        let settings = Settings { interval: HOUR, history, worker_type: "native".to_owned() };
        Self { actor: Actor::new(Target::own().unwrap(), settings, post, stop), reports, _stop: keep }
    }

    fn ask(&mut self, question: Question) -> Answer {
        // As each turn does.
        self.actor.fresh = None;
        self.actor.answer(SamplerRequest { ticket: Ticket(7), question }).unwrap();
        match self.reports.try_recv() {
            Ok(Some(Report::Answered { ticket: Ticket(7), result })) => result.unwrap(),
            other => panic!("{other:?}"),
        }
    }

    fn monitor(&mut self) -> ProcessMonitor {
        match self.ask(Question::Monitor) {
            Answer::Monitor(monitor) => monitor,
            other => panic!("{other:?}"),
        }
    }

    fn tick(&mut self, now: Instant) -> Vec<StatsTick> {
        self.actor.fresh = None;
        self.actor.tick(now).unwrap();
        std::iter::from_fn(|| self.reports.try_recv().unwrap())
            .map(|report| match report {
                Report::Stats(stats) => stats,
                other => panic!("{other:?}"),
            })
            .collect()
    }
}

#[test]
fn without_history_and_monitoring_it_never_wakes_by_itself() {
    let mut bench = Bench::new(0);
    assert_eq!(bench.actor.next_tick(), None);
    bench.ask(Question::Stats);
    assert_eq!(bench.actor.next_tick(), None);
    bench.ask(Question::SetStatsMonitoring { interval: Some(HOUR) });
    assert!(bench.actor.next_tick().is_some());
    bench.ask(Question::SetStatsMonitoring { interval: None });
    assert_eq!(bench.actor.next_tick(), None);
}

#[test]
fn without_history_rates_come_with_the_second_poll() {
    let mut bench = Bench::new(0);
    // Other questions are no polls.
    bench.ask(Question::Stats);
    assert_eq!(bench.monitor().per_second, None);
    assert!(bench.monitor().per_second.is_some());
}

#[test]
fn with_history_rates_are_those_between_two_ticks_whoever_asks() {
    let mut bench = Bench::new(600);
    let start = bench.actor.next_tick().unwrap();
    bench.tick(start);
    bench.tick(start + HOUR);
    let (_, history) = bench.actor.sampling.as_ref().unwrap();
    let expected = history.rates().unwrap();
    assert_eq!(bench.monitor().per_second, Some(expected.per_second));
    assert_eq!(bench.monitor().per_second, Some(expected.per_second));
    match bench.ask(Question::Stats) {
        Answer::Stats(stats) => assert_eq!(stats.cpu_percent, expected.cpu_percent),
        other => panic!("{other:?}"),
    }
    assert_eq!(bench.actor.next_tick(), Some(start + 2 * HOUR));
}

#[test]
fn periodic_reports_begin_at_once_and_are_numbered_on() {
    let mut bench = Bench::new(0);
    let every = |ms| Question::SetStatsMonitoring { interval: Some(Duration::from_millis(ms)) };
    match bench.ask(every(500)) {
        Answer::StatsMonitoringSet { interval } => assert_eq!(interval, Some(Duration::from_millis(500))),
        other => panic!("{other:?}"),
    }
    let numbers = |ticks: Vec<StatsTick>| ticks.iter().map(|tick| tick.seq).collect::<Vec<_>>();
    let first = bench.actor.next_tick().unwrap();
    assert!(first <= Instant::now());
    assert_eq!(numbers(bench.tick(first)), [1]);
    assert_eq!(numbers(bench.tick(first + Duration::from_millis(499))), [0; 0]);
    assert_eq!(numbers(bench.tick(first + Duration::from_millis(500))), [2]);
    bench.ask(every(100));
    let first = bench.actor.next_tick().unwrap();
    assert_eq!(numbers(bench.tick(first)), [3]);
    bench.ask(Question::SetStatsMonitoring { interval: Some(Duration::ZERO) });
    assert_eq!(numbers(bench.tick(first + HOUR)), [0; 0]);
}

#[test]
fn history_and_monitoring_tick_apart() {
    let mut bench = Bench::new(2);
    let start = bench.actor.next_tick().unwrap();
    bench.tick(start);
    bench.ask(Question::SetStatsMonitoring { interval: Some(3 * HOUR) });
    let first = bench.actor.next_tick().unwrap();
    assert_eq!(bench.tick(first).len(), 1);
    assert_eq!(bench.actor.next_tick(), Some(start + HOUR));
    assert_eq!(bench.tick(start + HOUR).len(), 0);
    assert_eq!(bench.actor.next_tick(), Some(start + 2 * HOUR));
    assert_eq!(bench.tick(first + 3 * HOUR).len(), 1);
}

#[test]
fn requests_that_wait_together_are_answered_from_one_reading() {
    let bench = Bench::new(0);
    let Bench { mut actor, reports, _stop } = bench;
    let (requests, received) = bounded(8);
    let time = || match reports.try_recv() {
        Ok(Some(Report::Answered { result: Ok(Answer::Stats(stats)), .. })) => stats.time,
        other => panic!("{other:?}"),
    };
    for ticket in 0..3 {
        requests.send(SamplerRequest { ticket: Ticket(ticket), question: Question::Stats }).unwrap();
    }
    actor.turn(&received).unwrap();
    let first = time();
    assert_eq!((time(), time()), (first, first));
    requests.send(SamplerRequest { ticket: Ticket(3), question: Question::Stats }).unwrap();
    actor.turn(&received).unwrap();
    assert!(time() > first, "a later question gets a later reading");
}
