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
        let settings = Settings { interval: Duration::from_millis(10), history, worker_type: "native".to_owned() };
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
        let settings = Settings { interval, history, worker_type: String::new() };
        let error = Sampler::spawn(Ok(Target::own().unwrap()), settings, post).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }
}
