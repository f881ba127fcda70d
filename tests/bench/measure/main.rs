//! What measuring another process costs: one sample and `get_process_info`, beside the bare reads and beside psutil.
//!
//! Ratios of one run: each round measures all candidates in turn, and the median of the rounds' ratios is told. Times are CPU
//! time of the measuring thread, so that what else the machine does counts little.
//!
//! `cargo bench --bench measure [-- --python PYTHON]`: a Python with psutil (default `.venv/bin/python`, which
//! `scripts/interop.sh` makes; without one those rows are missing).
//! `cargo bench --bench measure -- --soak SECONDS [--interval SECONDS]`: takes samples that long, every second or so often,
//! and fails when memory or descriptors have grown.

// A bench prints, and stops at the first surprise.
#![allow(clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr, missing_docs)]

mod counting;
mod held;
mod psutil;
mod soak;

use std::fs::File;
use std::hint::black_box;
use std::os::unix::fs::FileExt;
use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::time::{ClockId, clock_gettime};
use wampproc::process::Target;
use wampproc::sampler::{Report, Sampler, Settings};
use wampproc::sync::mailbox::mailbox;
use wampproc::sync::waker::Waker;

use held::{Held, Holding};
use psutil::Psutil;

const ROUNDS: usize = 15;

fn main() {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).expect("the limit of descriptors");
    setrlimit(Resource::RLIMIT_NOFILE, most, most).expect("as many descriptors as we may");
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let seconds = |text: &str| Duration::from_secs_f64(text.parse().expect("a number of seconds"));
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["hold", holding] => held::hold(holding),
        ["--soak", length] => soak::soak(seconds(length), Duration::from_secs(1)),
        ["--soak", length, "--interval", interval] => soak::soak(seconds(length), seconds(interval)),
        ["--python", python] => compare(python),
        [] => compare(concat!(env!("CARGO_MANIFEST_DIR"), "/.venv/bin/python")),
        _ => {
            eprintln!("expected --python PYTHON, --soak SECONDS, --soak SECONDS --interval SECONDS, or nothing");
            std::process::exit(2);
        }
    }
}

fn compare(python: &str) {
    sample(python);
    allocations();
    info(python);
    sizes();
}

/// CPU time of this thread, µs for each of `count` calls.
fn cost(count: u32, mut call: impl FnMut()) -> f64 {
    let now = || Duration::from(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("the thread's clock"));
    let start = now();
    (0..count).for_each(|_| call());
    (now() - start).as_secs_f64() * 1e6 / f64::from(count)
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// The first column of figures, and the others as ratios to it, round by round.
struct Rounds(Vec<Vec<f64>>);

impl Rounds {
    fn of(mut round: impl FnMut() -> Vec<f64>) -> Self {
        round(); // Warms up.
        Self((0..ROUNDS).map(|_| round()).collect())
    }

    fn figure(&self, index: usize) -> f64 {
        median(self.0.iter().map(|round| round[index]).collect())
    }

    fn ratio(&self, of: usize, to: usize) -> f64 {
        median(self.0.iter().map(|round| round[of] / round[to]).collect())
    }
}

fn row(what: &str, figure: f64, note: &str) {
    println!("{what:<58}{figure:>12.2} µs  {note}");
}

fn sample(python: &str) {
    let held = Held::new(Holding { files: 3, sockets: 4, threads: 0 });
    let mut target = Target::open(held.pid()).expect("open the target");
    let files = ["stat", "status", "io"].map(|name| File::open(format!("/proc/{}/{name}", held.pid())).expect(name));
    let mut buffer = vec![0; 4096];
    let mut bare = move || {
        for file in &files {
            black_box(file.read_at(&mut buffer, 0).expect("read"));
        }
    };
    let mut psutil = Psutil::start(python, held.pid());
    let rounds = Rounds::of(|| {
        let mut figures = vec![
            cost(2000, &mut bare),
            cost(2000, || {
                black_box(target.sample().expect("a sample"));
            }),
        ];
        figures.extend(psutil.as_mut().map(|psutil| psutil.stats(200)));
        figures
    });
    println!("one sample of another process");
    row("  bare preads of its stat, status and io", rounds.figure(0), "");
    row("  Target::sample", rounds.figure(1), &format!("{:.3}× the preads (goal 1.15)", rounds.ratio(1, 0)));
    match psutil {
        Some(_) => row("  psutil", rounds.figure(2), &format!("we: 1/{:.1} (goal 1/6)", rounds.ratio(2, 1))),
        None => println!("  psutil: {python} is missing or has none (scripts/interop.sh makes one)"),
    }
}

fn allocations() {
    let held = Held::new(Holding { files: 3, sockets: 4, threads: 4 });
    let mut target = Target::open(held.pid()).expect("open the target");
    target.sample().expect("a sample");
    let before = counting::count();
    for _ in 0..1000 {
        black_box(target.sample().expect("a sample"));
        black_box(target.count_descriptors());
    }
    println!("allocations in 1,000 samples with descriptors counted: {} (goal 0)", counting::count() - before);

    let (post, _reports) = mailbox::<Report<()>>(64, Waker::new().expect("a waker"));
    let settings = Settings {
        interval: Duration::from_millis(10),
        history: 50,
        worker_type: "native".to_owned(),
        watches: Vec::new(),
    };
    let _sampler = Sampler::<()>::spawn(Ok(target), settings, post).expect("the sampler");
    std::thread::sleep(Duration::from_millis(200));
    let before = counting::count();
    std::thread::sleep(Duration::from_secs(1));
    println!("allocations in 1 s of the sampler at 100 Hz: {} (goal 0)", counting::count() - before);
}

fn info(python: &str) {
    println!("get_process_info of a process with 10 descriptors, 4 of them sockets");
    let held = Held::new(Holding { files: 3, sockets: 4, threads: 0 });
    let mut target = Target::open(held.pid()).expect("open the target");
    let mut psutil = Psutil::start(python, held.pid());
    let mut measure = |is_crowded: bool| {
        let sockets = if is_crowded { 10_000 } else { 0 };
        let _others = Held::new(Holding { files: 0, sockets, threads: 0 });
        let ours = cost(300, || {
            black_box(target.info().expect("its descriptors"));
        });
        let theirs = psutil.as_mut().map(|psutil| psutil.info(if is_crowded { 3 } else { 20 }));
        (ours, theirs.unwrap_or(f64::NAN))
    };
    // The host is filled and emptied in turn, so that a machine that drifts drifts for both.
    let rounds = Rounds::of(|| {
        let ((alone, their_alone), (crowded, their_crowded)) = (measure(false), measure(true));
        vec![alone, crowded, their_alone, their_crowded]
    });
    row("  Target::info", rounds.figure(0), "");
    let same = format!("{:.2}× (goal 0.8 to 1.2)", rounds.ratio(1, 0));
    row("  Target::info, 10,000 sockets elsewhere on the host", rounds.figure(1), &same);
    row("  psutil", rounds.figure(2), &format!("we: 1/{:.0} (goal 1/50)", rounds.ratio(2, 0)));
    row("  psutil, 10,000 sockets elsewhere", rounds.figure(3), &format!("we: 1/{:.0}", rounds.ratio(3, 1)));
}

fn sizes() {
    println!("cost against size          µs a sample   µs to count descriptors   µs an info   of it a descriptor");
    let size = |files, sockets, threads| Holding { files, sockets, threads };
    let sizes = [
        size(7, 0, 0),
        size(97, 100, 0),
        size(97, 100, 63),
        size(997, 0, 0),
        size(9_997, 0, 0),
        size(0, 997, 0),
        size(0, 9_997, 0),
    ];
    for holding in sizes {
        let held = Held::new(holding);
        let mut target = Target::open(held.pid()).expect("open the target");
        let descriptors = target.count_descriptors().expect("its descriptors");
        let few = u32::try_from(20_000 / descriptors).expect("few");
        let rounds = Rounds::of(|| {
            vec![
                cost(1000, || {
                    black_box(target.sample().expect("a sample"));
                }),
                cost(1000, || {
                    black_box(target.count_descriptors());
                }),
                cost(few.clamp(1, 500), || {
                    black_box(target.info().expect("its descriptors"));
                }),
            ]
        });
        println!(
            "{descriptors:>6} fds ({:>5} sockets), {:>2} threads {:>8.1} {:>16.2} {:>19.0} {:>14.2}",
            holding.sockets,
            holding.threads + 1,
            rounds.figure(0),
            rounds.figure(1),
            rounds.figure(2),
            rounds.figure(2) / descriptors as f64
        );
    }
    many();
}

/// 200 processes in turn, each with its kept files: nothing of one is warm when its turn comes.
fn many() {
    let held: Vec<Held> = (0..200).map(|_| Held::new(Holding { files: 7, sockets: 0, threads: 0 })).collect();
    let mut targets: Vec<Target> = held.iter().map(|held| Target::open(held.pid()).expect("open a target")).collect();
    let rounds = Rounds::of(|| {
        vec![cost(10, || {
            for target in &mut targets {
                black_box(target.sample().expect("a sample"));
            }
        })]
    });
    row("200 processes, a sample of each: one of them", rounds.figure(0) / 200.0, "");
}
