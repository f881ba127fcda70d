//! That no peer has more than its share: of the memory for what is not whole and for what waits, of the time of a turn.

use super::*;

#[test]
fn unfinished_messages_that_take_all_the_room_go_the_oldest_first() {
    let mut bench = Bench::new(usize::MAX);
    let small: Vec<_> = (0..20).map(|_| bench.remote()).collect();
    let large: Vec<_> = (0..5).map(|_| bench.remote()).collect();
    let holds = |bench: &mut Bench, (id, fake): &(PeerId, Fake), bytes| {
        bench.now.mono += Duration::from_millis(1);
        fake.line().unfinished = bytes;
        bench.hears(*id);
        bench.settle();
        bench.exchange.unfinished
    };
    for peer in &small {
        holds(&mut bench, peer, 1);
    }
    for peer in &large {
        holds(&mut bench, peer, 190);
    }
    assert_eq!(bench.exchange.unfinished, 970);
    // The first large one has become whole, and is followed by another.
    holds(&mut bench, &large[0], 0);
    assert_eq!(holds(&mut bench, &large[0], 150), 930);
    let (new, new_line) = bench.remote();
    assert_eq!(holds(&mut bench, &(new, new_line.clone()), 200), 940, "one of 190 bytes had to go");
    assert!(bench.interest(large[1].0).is_none());
    assert_eq!(holds(&mut bench, &(new, new_line), 0), 740);
    let here = |ids: &[(PeerId, Fake)]| ids.iter().filter(|(id, _)| bench.interest(*id).is_some()).count();
    assert_eq!((here(&small), here(&large)), (20, 4), "who has little stays, however long it takes");
    assert_eq!(bench.exchange.counters.unfinished_closed.get(), 1);
}

#[test]
fn messages_that_take_long_wait_for_those_of_others() {
    let mut bench = Bench::new(usize::MAX);
    // Every message takes longer than this.
    bench.exchange.settings.round = Duration::ZERO;
    let ((one, one_line), (two, two_line)) = (bench.remote(), bench.remote());
    for number in 1..=10 {
        for line in [&one_line, &two_line] {
            line.says(&format!(r#"[32,{number},{{}},"a.b"]"#));
        }
    }
    bench.hears(one);
    bench.hears(two);
    for turn in 1..=10 {
        bench.turn();
        assert_eq!((one_line.unread(), two_line.unread()), (10 - turn, 10 - turn));
        assert!(bench.exchange.has_work());
    }
    bench.settle();
    assert_eq!((one_line.taken().len(), two_line.taken().len()), (10, 10));
}

/// So many subscribers that do not read, and more waits for them than may.
fn hogs(bench: &mut Bench, count: usize) -> Vec<(PeerId, Fake)> {
    let (publisher, line) = bench.remote();
    let hogs: Vec<_> = (0..count).map(|_| bench.remote()).collect();
    for (id, line) in &hogs {
        line.says(r#"[32,1,{},"a.b"]"#);
        bench.hears(*id);
        bench.settle();
        line.line().stuck = true;
    }
    for number in 0..100 {
        line.says(&format!(r#"[16,{},{{}},"a.b"]"#, number + 1));
    }
    bench.hears(publisher);
    bench.settle();
    assert!(bench.exchange.waiting > bench.exchange.settings.queued_bytes);
    hogs
}

#[test]
fn room_for_answers_is_made_by_who_has_kept_most_waiting_for_longest() {
    let mut bench = Bench::new(40 * COST);
    let hogs = hogs(&mut bench, 10);
    bench.now.mono += Duration::from_secs(1);
    let ((caller, caller_line), (callee, callee_line)) = (bench.remote(), bench.remote());
    caller_line.line().stuck = true;
    results(&mut bench, (caller, &caller_line), (callee, &callee_line), 30);
    let counters = &bench.exchange.counters;
    assert_eq!((counters.overrun_closed.get(), counters.stalled_closed.get()), (0, 0));
    let closed = counters.slow_closed.get();
    assert!((7..10).contains(&closed), "{closed}: as many as there is room needed for");
    assert_eq!(hogs.iter().filter(|(id, _)| bench.interest(*id).is_none()).count() as u64, closed);
    caller_line.line().stuck = false;
    bench.may_write(caller);
    bench.settle();
    assert_eq!(caller_line.taken().len(), 30);
}

#[test]
fn who_takes_a_little_now_and_then_does_not_keep_the_room_for_ever() {
    let mut bench = Bench::new(40 * COST);
    let hogs = hogs(&mut bench, 10);
    bench.pass(DRAIN - Duration::from_secs(1));
    for (id, _) in &hogs {
        bench.may_write(*id);
    }
    bench.settle();
    bench.pass(Duration::from_secs(2));
    let counters = &bench.exchange.counters;
    assert_eq!((counters.stalled_closed.get(), counters.overrun_closed.get()), (0, 0));
    assert!((1..10).contains(&counters.slow_closed.get()), "{counters}");
    assert!(bench.exchange.waiting <= bench.exchange.settings.queued_bytes);
}
