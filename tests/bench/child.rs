//! How long it takes until a program that is started through us does something, against tini in the same run.
//!
//! `cargo bench --bench child`; tini comes with most distributions (`apt install tini`).

// A bench prints, and stops at the first surprise.
#![allow(clippy::expect_used, clippy::print_stdout, clippy::panic, missing_docs)]

use std::io::Read;
use std::process::{Command, Stdio};
use std::time::Instant;

const ROUNDS: usize = 101;

/// The most ms that a start through us may take longer.
const GOAL: f64 = 3.0;

/// Of a program that writes at once and ends: ms until the first byte, and until all has ended.
fn time(words: &[&str]) -> (f64, f64) {
    let start = Instant::now();
    let mut process = Command::new(words[0])
        .args(&words[1..])
        .args(["printf", "up"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("start the program");
    let mut byte = [0];
    process.stdout.take().expect("stdout").read_exact(&mut byte).expect("the first byte");
    let first = start.elapsed();
    assert!(process.wait().expect("the end").success());
    (first.as_secs_f64() * 1e3, start.elapsed().as_secs_f64() * 1e3)
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

fn main() {
    let serve = env!("CARGO_BIN_EXE_wampproc");
    let ours = [serve, "serve", "--listen", "127.0.0.1:0", "--log-level", "off", "--"];
    let captured = [serve, "serve", "--listen", "127.0.0.1:0", "--log-level", "off", "--capture", "64K", "--"];
    let ways: [(&str, &[&str]); 4] = [
        ("no supervisor", &["env"]),
        ("tini", &["tini", "-s", "--"]),
        ("wampproc", &ours),
        ("wampproc --capture", &captured),
    ];
    let mut figures = [const { Vec::new() }; 4];
    // One after another in each round, so that the machine's moods are everybody's.
    for _ in 0..ROUNDS {
        for ((_, words), figures) in ways.iter().zip(&mut figures) {
            figures.push(time(words));
        }
    }
    println!("{:20} {:>14} {:>14}", "ms, median", "to first byte", "to the end");
    let medians: Vec<f64> = ways
        .iter()
        .zip(figures)
        .map(|((name, _), figures)| {
            let (first, end): (Vec<f64>, Vec<f64>) = figures.into_iter().unzip();
            let first = median(first);
            println!("{name:20} {first:>14.2} {:>14.2}", median(end));
            first
        })
        .collect();
    let longer = medians[2] - medians[1];
    println!("through wampproc {longer:.2} ms later than through tini; the goal is {GOAL} ms");
}
