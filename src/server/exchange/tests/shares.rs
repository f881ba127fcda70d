//! That no peer has more than its share: of the memory for what is not whole, of the time of a turn.

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
