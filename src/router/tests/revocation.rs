//! *Registration Revocation*: by `force_reregister`, and by `wamp.registration.remove_callee`.

use serde_json::{Value, json};

use super::bench::{Bench, error_of};
use crate::router::{Anonymous, LIMIT_EXCEEDED, Limits, PeerId, Share};

const DEAF: &str = r#"[1,"realm1",{"roles":{"caller":{},"callee":{}}}]"#;
const REVOKED: &str = "wamp.error.unregistered";

fn force(bench: &mut Bench, peer: PeerId, procedure: &str) -> Vec<Value> {
    bench.ask(peer, &json!([64, 9, { "force_reregister": true }, procedure]).to_string())
}

#[test]
fn who_registers_by_force_displaces_all_callees() {
    let mut bench = Bench::new();
    let (one, _) = bench.join();
    let (two, _) = bench.join();
    let (deaf, _) = bench.join_with(DEAF);
    for peer in [one, two, deaf] {
        bench.ask(peer, r#"[64,1,{"invoke":"roundrobin"},"a.b"]"#);
    }
    let old = bench.meta(one, "wamp.registration.lookup", &json!(["a.b"]), &json!({}))[0][3][0].clone();
    let (heir, _) = bench.join();
    let new = force(&mut bench, heir, "a.b")[0][2].clone();
    assert_ne!(old, new);
    for peer in [one, two] {
        assert_eq!(bench.got(peer), [json!([67, 0, { "registration": old, "reason": REVOKED }])]);
    }
    // Who does not announce that it understands is not told.
    bench.nothing_more();
    assert_eq!(bench.router.counters().revoked, 3);
    assert_eq!(bench.ask(one, r#"[48,3,{},"a.b"]"#), Vec::<Value>::new());
    assert_eq!(bench.got(heir)[0][2], new);
    // What was lost cannot be given up.
    let got = bench.ask(two, &json!([66, 4, old]).to_string());
    assert_eq!(error_of(&got), "wamp.error.no_such_registration");
}

#[test]
fn force_without_resistance_is_a_registration_like_any_other() {
    let mut bench = Bench::new();
    let (peer, _) = bench.join();
    let first = force(&mut bench, peer, "a.b");
    assert_eq!(first[0][0], 65);
    // From oneself, too: the old one ends, and one is told so.
    let again = force(&mut bench, peer, "a.b");
    assert_eq!(again[0], json!([67, 0, { "registration": first[0][2], "reason": REVOKED }]));
    assert_eq!(again[1][0], 65);
    assert_ne!(again[1][2], first[0][2]);
    bench.nothing_more();
}

#[test]
fn a_displaced_callee_still_answers_the_calls_that_it_has() {
    let mut bench = Bench::new();
    let (callee, _) = bench.join();
    let (caller, _) = bench.join();
    let (heir, _) = bench.join();
    bench.register(callee, "exact", "a.b");
    bench.say(caller, r#"[48,7,{},"a.b"]"#);
    force(&mut bench, heir, "a.b");
    bench.say(callee, "[70,1,{},[1]]");
    assert_eq!(bench.got(caller), [json!([50, 7, {}, [1]])]);
}

#[test]
fn only_what_can_be_registered_displaces_anybody() {
    let session = Share { registrations: 1, ..Limits::default().session };
    let mut bench = Bench::with_limits(Limits { session, ..Limits::default() });
    let (holder, _) = bench.join();
    let (full, _) = bench.join();
    bench.register(holder, "exact", "a.b");
    bench.register(full, "exact", "c.d");
    assert_eq!(error_of(&force(&mut bench, full, "a.b")), LIMIT_EXCEEDED);
    let unknown = bench.ask(full, r#"[64,1,{"force_reregister":true,"invoke":"all"},"a.b"]"#);
    assert_eq!(error_of(&unknown), "wamp.error.option_not_allowed");
    bench.nothing_more();
    assert_eq!(bench.ask(full, r#"[48,7,{},"a.b"]"#), Vec::<Value>::new());
    assert_eq!(bench.got(holder)[0][0], 68);
    // In place of one's own there is room.
    assert_eq!(force(&mut bench, full, "c.d")[1][0], 65);
}

#[test]
fn who_may_not_end_what_is_others_displaces_itself_only() {
    let mut bench = Bench::with(|config| config.anonymous = Anonymous::Restricted);
    let ((peer, _), (rival, _)) = (bench.join(), bench.join());
    bench.register(peer, "exact", "a.b");
    assert_eq!(error_of(&force(&mut bench, rival, "a.b")), "wamp.error.not_authorized");
    bench.nothing_more();
    let again = force(&mut bench, peer, "a.b");
    assert_eq!(again[1][0], 65, "{again:?}");
    assert_eq!(force(&mut bench, rival, "c.d")[0][0], 65);
    bench.ask(rival, r#"[64,3,{"invoke":"random"},"e.f"]"#);
    bench.ask(peer, r#"[64,3,{"invoke":"random"},"e.f"]"#);
    assert_eq!(error_of(&force(&mut bench, peer, "e.f")), "wamp.error.not_authorized", "another has it, too");
}

#[test]
fn nobody_displaces_the_routers_own_agent() {
    let mut bench = Bench::new();
    let (agent, agent_id) = bench.join_embedded();
    let (rival, rival_id) = bench.join();
    let own = bench.register(agent, "exact", "crossbar.worker.x.utcnow");
    let got = force(&mut bench, rival, "crossbar.worker.x.utcnow");
    assert_eq!(error_of(&got), "wamp.error.procedure_already_exists");
    let got = bench.meta(rival, "wamp.registration.remove_callee", &json!([own, agent_id]), &json!({}));
    assert_eq!(error_of(&got), "wamp.error.not_authorized");
    bench.nothing_more();
    // It may displace others.
    let theirs = bench.register(rival, "exact", "a.b");
    let got = bench.meta(agent, "wamp.registration.remove_callee", &json!([theirs, rival_id]), &json!({}));
    assert_eq!(got, [json!([50, 1, {}])]);
}

#[test]
fn a_callee_can_be_removed_by_its_id() {
    let mut bench = Bench::new();
    let (admin, admin_id) = bench.join();
    let (callee, id) = bench.join();
    let registration = bench.register(callee, "exact", "a.b");
    let mut remove = |args: Value, kwargs: Value| {
        let got = bench.meta(admin, "wamp.registration.remove_callee", &args, &kwargs);
        (got, bench.got(callee))
    };
    for (args, kwargs, error) in [
        (json!([registration, 5]), json!({}), "wamp.error.no_such_session"),
        (json!([registration, admin_id]), json!({}), "wamp.error.no_such_registration"),
        (json!([5, id]), json!({}), "wamp.error.no_such_registration"),
        (json!([registration]), json!({}), "wamp.error.invalid_argument"),
        (json!([registration, id]), json!({ "reason": "no reason" }), "wamp.error.invalid_uri"),
        (json!([registration, id]), json!({ "why": "x" }), "wamp.error.invalid_argument"),
    ] {
        let (got, revoked) = remove(args, kwargs);
        assert_eq!((error_of(&got), revoked.len()), (error, 0));
    }
    let (got, revoked) = remove(json!([registration, id]), json!({ "reason": "my.reason" }));
    assert_eq!(got, [json!([50, 1, {}])]);
    assert_eq!(revoked, [json!([67, 0, { "registration": registration, "reason": "my.reason" }])]);
    let (got, _) = remove(json!([registration, id]), json!({}));
    assert_eq!(error_of(&got), "wamp.error.no_such_registration");
    // Without a reason none is given.
    let registration = bench.register(callee, "exact", "a.b");
    bench.meta(admin, "wamp.registration.remove_callee", &json!([registration, id]), &json!({}));
    assert_eq!(bench.got(callee), [json!([67, 0, { "registration": registration }])]);
    assert_eq!(bench.router.counters().revoked, 2);
}

#[test]
fn what_is_taken_away_is_published() {
    let mut bench = Bench::new();
    let (old, old_id) = bench.join();
    let (heir, heir_id) = bench.join();
    let (watcher, _) = bench.join();
    let lost = bench.register(old, "exact", "a.b");
    bench.subscribe(watcher, "prefix", "wamp.registration.");
    let won = force(&mut bench, heir, "a.b")[0][2].clone();
    bench.got(old);
    let got = bench.got(watcher);
    let events: Vec<_> = got.iter().map(|event| (event[3]["topic"].as_str().unwrap(), &event[4])).collect();
    let created = json!([heir_id, { "id": won, "created": "2026-11-22T08:07:25.801Z", "uri": "a.b", "match": "exact",
        "invoke": "single" }]);
    assert_eq!(
        events,
        [
            ("wamp.registration.on_unregister", &json!([old_id, lost])),
            ("wamp.registration.on_delete", &json!([old_id, lost])),
            ("wamp.registration.on_create", &created),
            ("wamp.registration.on_register", &json!([heir_id, won])),
        ]
    );
    bench.nothing_more();
}
