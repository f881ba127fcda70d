//! Sampling for a long time, and what that leaves behind.

use std::time::{Duration, Instant};

use wampproc::process::Target;

use super::held::{Held, Holding};

/// Turns until everything that is made once has been made.
const WARM_UP: u32 = 20;
/// Memory that may be more at the end, bytes: the allocator's own unrest.
const UNREST: u64 = 64 * 1024;

/// A sample and the descriptors of another process, so often and so long. Ends the program with status 1 when this process
/// has grown.
pub fn soak(length: Duration, interval: Duration) {
    let held = Held::new(Holding { files: 20, sockets: 20, threads: 8 });
    let mut target = Target::open(held.pid()).expect("open the target");
    let mut own = Target::own().expect("open ourselves");
    let mut turn = || {
        target.sample().expect("a sample");
        target.info().expect("its descriptors");
    };
    (0..WARM_UP).for_each(|_| turn());
    let mut size =
        || (own.sample().expect("our own sample").resident, own.count_descriptors().expect("our descriptors"));
    size();
    let (resident, descriptors) = size();
    println!("begin: RSS {resident} bytes, {descriptors} descriptors");
    let start = Instant::now();
    let mut due = start;
    let mut turns = 0_u64;
    while start.elapsed() < length {
        turn();
        turns += 1;
        due += interval;
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
    }
    let (resident_after, descriptors_after) = size();
    println!("end:   RSS {resident_after} bytes, {descriptors_after} descriptors, after {turns} turns");
    if descriptors_after != descriptors || resident_after > resident + UNREST {
        eprintln!("it has grown");
        std::process::exit(1);
    }
}
