//! That a few clients do not take what a realm may have.

use serde_json::json;

use super::bench::{Bench, HELLO, error_of};
use crate::router::{LIMIT_EXCEEDED, Limits, PeerId, Share};

/// A session from there.
fn join_from(bench: &mut Bench, address: &str) -> PeerId {
    let peer = bench.open();
    bench.router.locate(peer, address.parse().unwrap());
    assert_eq!(bench.ask(peer, HELLO)[0][0], 2);
    peer
}

/// How many requests of a kind the sessions get through, one after the other, until one is refused.
fn takes(bench: &mut Bench, kind: u64, sessions: &[PeerId]) -> u64 {
    for number in 1..100 {
        for &peer in sessions {
            let uri = if kind == 48 { "callee.mute".to_owned() } else { format!("a.{}.{number}", peer.0) };
            bench.say(peer, &json!([kind, number, {}, uri]).to_string());
            let got = bench.got(peer);
            if got.first().is_some_and(|answer| answer[0] == 8) {
                assert_eq!(error_of(&got), LIMIT_EXCEEDED);
                let before = sessions.iter().position(|other| *other == peer).unwrap();
                return (number - 1) * sessions.len() as u64 + before as u64;
            }
        }
    }
    panic!("nothing is ever refused");
}

#[test]
fn an_address_takes_half_of_a_realm_alone_and_a_quarter_beside_others() {
    for kind in [64, 32, 48] {
        // The callee's own registration is one of them.
        let most = if kind == 64 { 17 } else { 16 };
        let realm = Share { registrations: most, subscriptions: 16, calls: 16, ..Limits::default().realm };
        let mut bench = Bench::with_limits(Limits { realm, ..Limits::default() });
        let (callee, _) = bench.join();
        bench.register(callee, "exact", "callee.mute");
        let many: Vec<PeerId> = (0..3).map(|_| join_from(&mut bench, "192.0.2.1")).collect();
        let other = join_from(&mut bench, "192.0.2.2");
        let here = ["127.0.0.1", "::1", "::1", "::ffff:127.0.0.1"].map(|address| join_from(&mut bench, address));
        let first = takes(&mut bench, kind, &many);
        assert!((7..=8).contains(&first), "{kind}: {first}");
        assert_eq!(takes(&mut bench, kind, &[other]), 4, "{kind}");
        if kind != 48 {
            // What it has already costs nothing.
            let again = json!([kind, 200, {"force_reregister": true}, format!("a.{}.1", other.0)]);
            let got = bench.ask(other, &again.to_string());
            assert!(got.iter().any(|answer| answer[0] == kind + 1), "{got:?}");
        }
        assert_eq!(takes(&mut bench, kind, &here), 16 - 4 - first, "{kind}: all that is left");
    }
}

#[test]
fn calls_of_the_embedded_agent_find_room_when_those_of_others_have_none() {
    let realm = Share { calls: 2, ..Limits::default().realm };
    let mut bench = Bench::with_limits(Limits { realm, ..Limits::default() });
    let ((agent, _), (callee, _), (caller, _)) = (bench.join_embedded(), bench.join(), bench.join());
    bench.register(agent, "exact", "agent.work");
    bench.register(callee, "exact", "callee.mute");
    assert_eq!(takes(&mut bench, 48, &[caller]), 2);
    assert_eq!(bench.ask(caller, r#"[48,10,{},"wamp.session.count"]"#)[0][0], 50);
    bench.say(caller, r#"[48,11,{},"agent.work"]"#);
    let got = bench.got(agent);
    assert_eq!(got[0][0], 68, "{got:?}");
    bench.say(agent, &json!([70, got[0][1], {}]).to_string());
    assert_eq!(bench.got(caller), [json!([50, 11, {}])]);
}
