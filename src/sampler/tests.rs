//! The thread, with the real process.

use super::*;

use std::os::fd::AsFd;
use std::time::Instant;

use crate::process::ProcessError;
use crate::sync::mailbox::{Mailbox, mailbox};
use crate::sync::ticket::Ticket;
use crate::sync::wait::{Interest, until, wait};
use crate::sync::waker::Waker;

/// What the jobs here answer: whether all was as it should be.
type Answer = Result<(), ProcessError>;

/// The owner of the mailbox, as the agent's loop is.
struct Owner {
    sampler: Sampler<Answer>,
    reports: Mailbox<Report<Answer>>,
    waker: Waker,
}

impl Owner {
    fn new(history: u32, room: usize) -> Self {
        let waker = Waker::new().unwrap();
        let (post, reports) = mailbox(room, waker.clone());
        let settings = Settings {
            interval: Duration::from_millis(10),
            history,
            worker_type: "native".to_owned(),
            watches: Vec::new(),
        };
        let sampler = Sampler::spawn(Ok(Target::own().unwrap()), settings, post).unwrap();
        Self { sampler, reports, waker }
    }

    fn ask(&self, ticket: u64, job: Job<Answer>) -> Result<(), Busy> {
        self.sampler.ask(SamplerRequest { ticket: Ticket(ticket), job })
    }

    fn next(&self) -> Report<Answer> {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            self.waker.hush();
            if let Some(report) = self.reports.try_recv().unwrap() {
                return report;
            }
            assert!(Instant::now() < deadline, "no report");
            wait([(self.waker.as_fd(), Interest::READ)], until(Some(deadline), Instant::now())).unwrap();
        }
    }

    fn answer(&self, job: Job<Answer>) -> Answer {
        self.ask(9, job).unwrap();
        match self.next() {
            Report::Answered { ticket: Ticket(9), answer } => answer,
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn every_job_gets_its_answer() {
    let owner = Owner::new(0, 4);
    let everything = |probe: &mut Probe| {
        let stats = probe.stats()?;
        assert_eq!(stats.pid, i32::try_from(std::process::id()).unwrap());
        assert!(stats.cpu_percent.is_finite() && stats.mem_percent > 0.0 && stats.user + stats.system > 0.0);
        let monitor = probe.monitor()?;
        assert!(monitor.num_fds.unwrap() > 3 && monitor.num_threads > 1);
        let info = probe.info()?;
        assert!(info.descriptors.unwrap() > 3 && info.threads > 1);
        let garbage = probe.collect_garbage()?;
        assert_eq!(garbage.supported, cfg!(target_env = "gnu"));
        assert!(garbage.resident_after > 0);
        assert!(!probe.target()?.affinity()?.is_empty());
        Ok(())
    };
    assert_eq!(owner.answer(Box::new(everything)), Ok(()));
    let nothing = owner.answer(Box::new(|probe| probe.target()?.set_affinity(&[]).map(|_| ()))).unwrap_err();
    assert!(nothing.to_string().ends_with("Invalid argument"), "{nothing}");
}

#[test]
fn the_first_periodic_report_follows_the_answer() {
    let owner = Owner::new(0, 4);
    let interval = Some(Duration::from_millis(10));
    let begin = Instant::now();
    let set = move |probe: &mut Probe| {
        probe.report_every(interval);
        Ok(())
    };
    assert_eq!(owner.answer(Box::new(set)), Ok(()));
    for expected in 1..=5 {
        let Report::Stats(tick) = owner.next() else { panic!() };
        assert_eq!(tick.seq, expected);
    }
    // The fifth is due four intervals after the first.
    assert!(begin.elapsed() >= Duration::from_millis(40), "{:?}", begin.elapsed());
}

#[test]
fn a_watch_is_told_after_the_answer_and_no_more_when_it_is_gone() {
    for history in [0, 600] {
        let owner = Owner::new(history, 4);
        let rule = Rule::new("threads", Threshold::Above(0.0)).unwrap();
        let set = move |probe: &mut Probe| {
            assert_eq!(probe.watches().set("w", rule), Ok(None));
            Ok(())
        };
        assert_eq!(owner.answer(Box::new(set)), Ok(()));
        let Report::Watch(raised) = owner.next() else { panic!() };
        assert_eq!((raised.name.as_str(), raised.clearing), ("w", None));
        let repeat = |probe: &mut Probe| {
            probe.watches().repeat();
            Ok(())
        };
        let remove = move |probe: &mut Probe| {
            assert!(probe.next_tick().is_some());
            assert_eq!(probe.watches().remove("w").unwrap().unwrap().since, raised.since);
            assert_eq!(probe.next_tick().is_none(), history == 0, "no watch, no tick but those of the history");
            Ok(())
        };
        owner.ask(1, Box::new(repeat)).unwrap();
        owner.ask(2, Box::new(remove)).unwrap();
        assert!(matches!(owner.next(), Report::Answered { ticket: Ticket(1), answer: Ok(()) }));
        let Report::Watch(again) = owner.next() else { panic!("that it is raised is told before it is removed") };
        assert!(again.again && again.clearing.is_none());
        assert!(matches!(owner.next(), Report::Answered { ticket: Ticket(2), answer: Ok(()) }));
    }
}

#[test]
fn watches_of_the_settings_must_differ_in_their_names() {
    let (post, _reports) = mailbox::<Report<Answer>>(1, Waker::new().unwrap());
    let rule = Rule::new("threads", Threshold::Above(0.0)).unwrap();
    let watches = vec![("w".to_owned(), rule); 2];
    let settings = Settings { interval: Duration::from_secs(1), history: 0, worker_type: String::new(), watches };
    let error = Sampler::spawn(Ok(Target::own().unwrap()), settings, post).unwrap_err();
    assert_eq!(error.to_string(), "name: expected watches of different names, got \"w\" twice");
}

#[test]
fn a_full_queue_is_told_at_once_and_a_full_mailbox_does_not_hold_up_the_end() {
    let owner = Owner::new(600, 1);
    // The thread holds one that it cannot get rid of, and one more is in the mailbox.
    let taken = (0..).take_while(|ticket| owner.ask(*ticket, Box::new(|_| Ok(()))).is_ok()).count();
    assert!((REQUESTS..=REQUESTS + 2).contains(&taken), "{taken}");
    let Owner { sampler, reports, .. } = owner;
    drop(sampler);
    assert!(reports.try_recv().unwrap().is_some());
    assert!(reports.try_recv().is_err());
}

#[test]
fn another_target_is_heard_of_also_when_the_queue_is_full() {
    let owner = Owner::new(0, 1);
    let look = || Box::new(|probe: &mut Probe| probe.target().map(|_| ()));
    // The thread holds an answer that it cannot get rid of, so none of these that wait was looked at yet.
    let taken = (0..).take_while(|ticket| owner.ask(*ticket, look()).is_ok()).count();
    for pid in 1..=3 {
        owner.sampler.detach(ProcessError::Gone { pid });
    }
    let answers: Vec<Answer> = (0..taken)
        .map(|_| match owner.next() {
            Report::Answered { answer, .. } => answer,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(answers.last(), Some(&Err(ProcessError::Gone { pid: 3 })));
    assert!(answers.iter().filter(|answer| answer.is_ok()).count() < 4);
    owner.sampler.attach(Target::own().unwrap());
    assert_eq!(owner.answer(look()), Ok(()));
}

#[test]
fn with_another_target_everything_begins_anew_and_without_one_nothing_ticks() {
    let owner = Owner::new(600, 64);
    let ticks = || {
        let count = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
        let counted = std::sync::Arc::clone(&count);
        let job = move |probe: &mut Probe| {
            let (window, resolution) = (Duration::from_secs(60), Duration::from_secs(60));
            let samples =
                probe.history(window, resolution).unwrap().buckets.iter().map(|bucket| bucket.samples).sum::<u64>();
            counted.store(samples, std::sync::atomic::Ordering::SeqCst);
            Ok(())
        };
        assert_eq!(owner.answer(Box::new(job)), Ok(()));
        count.load(std::sync::atomic::Ordering::SeqCst)
    };
    let deadline = Instant::now() + Duration::from_secs(10);
    let until_there_are = |least| {
        while ticks() < least {
            assert!(Instant::now() < deadline, "no ticks");
        }
    };
    until_there_are(3);
    let poll = |rates: bool| {
        let poll =
            move |probe: &mut Probe| probe.monitor().map(|monitor| assert_eq!(monitor.per_second.is_some(), rates));
        assert_eq!(owner.answer(Box::new(poll)), Ok(()));
    };
    poll(false);
    poll(true);
    owner.sampler.detach(ProcessError::Gone { pid: 1 });
    let left = ticks();
    // What is asked wakes the thread, and each time it looks for what is due.
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_millis(30) {
        assert_eq!(ticks(), left, "there is nothing to measure");
    }
    owner.sampler.attach(Target::own().unwrap());
    assert!(ticks() < left);
    poll(false);
    until_there_are(2);
}

#[test]
fn it_ends_when_nobody_reads_the_reports() {
    let Owner { sampler, reports, .. } = Owner::new(0, 1);
    drop(reports);
    let deadline = Instant::now() + Duration::from_secs(10);
    // The queue of a thread that has ended takes nothing.
    while sampler.ask(SamplerRequest { ticket: Ticket(1), job: Box::new(|_| Ok(())) }).is_ok() {
        assert!(Instant::now() < deadline);
    }
    drop(sampler);
}

#[test]
fn settings_out_of_range_are_refused() {
    for (interval, history) in [(Duration::ZERO, 600), (Duration::from_secs(1), LONGEST_HISTORY + 1)] {
        let (post, _reports) = mailbox::<Report<Answer>>(1, Waker::new().unwrap());
        let settings = Settings { interval, history, worker_type: String::new(), watches: Vec::new() };
        let error = Sampler::spawn(Ok(Target::own().unwrap()), settings, post).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }
}

#[test]
fn the_end_of_the_target_clears_a_watch_and_the_next_target_raises_it_again() {
    for history in [0, 600] {
        let owner = Owner::new(history, 4);
        let rule = Rule::new("threads", Threshold::Above(0.0)).unwrap();
        let set = move |probe: &mut Probe| {
            assert_eq!(probe.watches().set("w", rule), Ok(None));
            Ok(())
        };
        assert_eq!(owner.answer(Box::new(set)), Ok(()));
        let Report::Watch(raised) = owner.next() else { panic!() };
        owner.sampler.detach(ProcessError::Gone { pid: 17 });
        let Report::Watch(cleared) = owner.next() else { panic!() };
        assert_eq!(cleared.clearing.map(|clearing| clearing.reason), Some(Reason::Exited));
        assert_eq!(cleared.since, raised.since);
        let idle = |probe: &mut Probe| {
            assert_eq!(probe.next_tick(), None, "nothing to measure");
            assert_eq!(probe.watches().reports().len(), 1, "and still a watch");
            Ok(())
        };
        assert_eq!(owner.answer(Box::new(idle)), Ok(()));
        owner.sampler.attach(Target::own().unwrap());
        let Report::Watch(again) = owner.next() else { panic!() };
        assert_eq!((again.name.as_str(), again.again, again.clearing), ("w", false, None));
    }
}
