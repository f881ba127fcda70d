//! Watches with made-up time: the state machine step by step, and against a naive model.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::change::{Reason, WatchChange, WatchState};
use super::lookout::Lookout;
use super::metric::Reading;
use super::rule::{Rule, Threshold};
use super::set::{LONGEST_NAME, MOST_WATCHES, WatchError, Watches};
use super::state::{SILENCE, Watch};
use crate::process::Target;
use crate::sampler::made::sample;
use crate::sync::clock::{Now, Timestamp};

const SECOND: Duration = Duration::from_secs(1);
const MS: Duration = Duration::from_millis(1);

/// Made-up moments; the wall clock begins at 08:07:25 and can be set.
struct Clock {
    start: Instant,
    wall: Timestamp,
}

impl Clock {
    fn new() -> Self {
        Self { start: Instant::now(), wall: Timestamp::from_ns(1_795_334_845_000_000_000) }
    }

    fn at(&self, after: Duration) -> Now {
        let wall = Timestamp::from_ns(self.wall.ns() + u64::try_from(after.as_nanos()).unwrap());
        Now { mono: self.start + after, wall }
    }
}

fn above(threshold: f64) -> Rule {
    Rule::new("threads", Threshold::Above(threshold)).unwrap()
}

/// What a watch with this rule tells of values, one a second: at which second what happened.
fn told(rule: Rule, values: &[Option<f64>]) -> Vec<(usize, &'static str)> {
    let (mut watch, clock) = (Watch::new(1, rule), Clock::new());
    let seen = values.iter().enumerate().filter_map(|(second, value)| {
        let now = clock.at(SECOND * u32::try_from(second).unwrap());
        let change = watch.observe("w", *value, now)?;
        Some((second, if change.clearing.is_some() { "cleared" } else { "raised" }))
    });
    seen.collect()
}

#[test]
fn a_flapping_value_flaps_the_watch_unless_it_is_to_hold() {
    let flapping: Vec<_> = [1.0, 9.0].repeat(5).into_iter().map(Some).collect();
    assert_eq!(told(above(5.0), &flapping).len(), 9);
    assert_eq!(told(above(5.0).hold_for(SECOND).unwrap(), &flapping), []);
    let hysteresis = above(5.0).clear_at(0.5).unwrap();
    assert_eq!(told(hysteresis, &flapping), [(1, "raised")]);
}

#[test]
fn raised_when_it_held_for_long_enough_and_cleared_where_it_clears() {
    let rule = above(5.0).hold_for(2 * SECOND).unwrap().clear_at(3.0).unwrap();
    let values = [6.0, 6.0, 5.0, 6.0, 7.0, 8.0, 4.0, 5.5, 3.0, 4.0, 6.0].map(Some);
    // What is not beyond the threshold begins the time anew, even though it would not clear.
    assert_eq!(told(rule, &values), [(5, "raised"), (8, "cleared")]);
    let below = Rule::new("threads", Threshold::Below(3.0)).unwrap().clear_at(5.0).unwrap();
    assert_eq!(told(below, &[2.0, 4.0, 2.0, 5.0, 3.0, 2.9].map(Some)), [(0, "raised"), (3, "cleared"), (5, "raised")]);
}

#[test]
fn what_is_unknown_raises_nothing_and_clears_nothing() {
    let rule = above(5.0).hold_for(2 * SECOND).unwrap();
    let values = [None, Some(6.0), None, None, Some(6.0), None, Some(1.0), None, Some(6.0), Some(6.0), None];
    assert_eq!(told(rule, &values), [(4, "raised"), (6, "cleared")]);
    assert_eq!(told(above(5.0), &[None; 4]), []);
}

#[test]
fn ticks_may_be_missing_or_late() {
    let rule = above(5.0).hold_for(10 * SECOND).unwrap();
    let (mut watch, clock) = (Watch::new(1, rule), Clock::new());
    assert_eq!(watch.observe("w", Some(6.0), clock.at(SECOND)), None);
    assert_eq!(watch.observe("w", Some(6.0), clock.at(11 * SECOND - MS)), None);
    let raised = watch.observe("w", Some(7.0), clock.at(3600 * SECOND)).unwrap();
    assert_eq!((raised.since, raised.ts), (clock.at(SECOND).wall, clock.at(3600 * SECOND).wall));
    // A moment that is earlier than another, as no clock should have it, is no reason to fail.
    let cleared = watch.observe("w", Some(1.0), clock.at(Duration::ZERO)).unwrap();
    assert_eq!(cleared.clearing.unwrap().duration, 0.0);
}

#[test]
fn a_step_of_the_wall_clock_changes_no_duration() {
    let rule = above(5.0).hold_for(2 * SECOND).unwrap();
    let (mut watch, mut clock) = (Watch::new(1, rule), Clock::new());
    assert_eq!(watch.observe("w", Some(6.0), clock.at(Duration::ZERO)), None);
    clock.wall = Timestamp::from_ns(1_000_000_000);
    assert_eq!(watch.observe("w", Some(6.0), clock.at(SECOND)), None, "back to 1970");
    assert!(watch.observe("w", Some(6.0), clock.at(2 * SECOND)).is_some());
    clock.wall = Timestamp::from_ns(u64::MAX / 2);
    let cleared = watch.observe("w", Some(1.0), clock.at(5 * SECOND)).unwrap();
    assert_eq!(cleared.clearing.unwrap().duration, 5.0);
}

#[test]
fn keys_in_the_order_of_the_documentation() {
    let (mut watch, clock) = (Watch::new(1, above(5.0).hold_for(SECOND).unwrap()), Clock::new());
    let report = |state: &str, value: &str, since: &str| {
        let rule = r#""rule":{"metric":"threads","above":5,"for":1,"clear":5},"unit":null"#;
        format!(r#"{{"name":"w",{rule},"state":"{state}","value":{value},"since":{since}}}"#)
    };
    let since = r#""2026-11-22T08:07:25.000Z""#;
    assert_eq!(text(&watch.report("w")), report("clear", "null", "null"));
    watch.observe("w", Some(6.0), clock.at(Duration::ZERO));
    assert_eq!(text(&watch.report("w")), report("pending", "6", since));
    let raised = watch.observe("w", Some(6.5), clock.at(1500 * MS)).unwrap();
    assert_eq!(text(&watch.report("w")), report("raised", "6.5", since));
    let head = r#""name":"w","metric":"threads","side":"above","threshold":5,"value""#;
    assert_eq!(
        text(&raised),
        format!(r#"{{"ts":"2026-11-22T08:07:26.500Z",{head}:6.5,"since":{since},"again":false}}"#)
    );
    let cleared = watch.observe("w", Some(5.0), clock.at(2 * SECOND)).unwrap();
    let tail = r#""duration":2.0,"reason":"value","again":false"#;
    assert_eq!(text(&cleared), format!(r#"{{"ts":"2026-11-22T08:07:27.000Z",{head}:5,"since":{since},{tail}}}"#));
}

fn text(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap()
}

#[test]
fn what_may_have_been_missed_is_told_once_more() {
    let (mut watch, clock) = (Watch::new(1, above(5.0)), Clock::new());
    let now = |second| clock.at(SECOND * second);
    assert_eq!(watch.repeat("w", now(0)), None, "nothing happened");
    watch.observe("w", Some(6.0), now(1)).unwrap();
    for second in 2..4 {
        let again = watch.repeat("w", now(second)).unwrap();
        assert!(again.again && again.clearing.is_none());
        assert_eq!((again.ts, again.since), (now(second).wall, now(1).wall));
    }
    let cleared = watch.observe("w", Some(1.0), now(5)).unwrap();
    let mut again = watch.repeat("w", now(9)).unwrap();
    assert!(std::mem::replace(&mut again.again, false));
    assert_eq!(again, cleared);
    assert_eq!(watch.repeat("w", now(10)), None, "that was told");
    // What was cleared and raised again is raised.
    for (second, value) in [(11, 6.0), (12, 1.0), (13, 6.0)] {
        watch.observe("w", Some(value), now(second)).unwrap();
    }
    assert!(watch.repeat("w", now(14)).unwrap().clearing.is_none());
    watch.observe("w", Some(1.0), now(15)).unwrap();
    let mut other = Watch::new(2, above(50.0));
    assert_eq!(other.replace("w", watch, now(16)), None, "it was cleared already");
    assert_eq!(other.repeat("w", now(17)).unwrap().ts, now(15).wall);
}

#[test]
fn pressure_is_over_when_the_kernel_has_been_silent_for_long_enough() {
    let rule = Rule::new("psi.memory.some", Threshold::Above(10.0)).unwrap().hold_for(4 * SECOND).unwrap();
    let (mut watch, clock) = (Watch::new(1, rule), Clock::new());
    let mut now = clock.at(Duration::ZERO);
    assert_eq!((watch.deadline(), watch.expire("w", now)), (None, None));
    // Pending, and over before it held for long enough.
    assert_eq!(watch.pressed("w", now), None);
    assert_eq!(watch.deadline(), Some(now.mono + SILENCE));
    assert_eq!(watch.expire("w", clock.at(SILENCE - MS)), None);
    assert_eq!(watch.report("w").state, WatchState::Pending);
    assert_eq!(watch.expire("w", clock.at(SILENCE)), None);
    assert_eq!((watch.report("w").state, watch.deadline()), (WatchState::Clear, None));
    // One window is left out, as the kernel does now and then.
    let mut raised = Vec::new();
    for second in [100, 102, 106, 108] {
        now = clock.at(second * SECOND);
        assert_eq!(watch.expire("w", now), None);
        raised.extend(watch.pressed("w", now));
    }
    let [raised] = &raised[..] else { panic!("{raised:?}") };
    assert_eq!((raised.since, raised.ts), (clock.at(100 * SECOND).wall, clock.at(106 * SECOND).wall));
    let cleared = watch.expire("w", clock.at(108 * SECOND + SILENCE)).unwrap();
    assert_eq!(cleared.clearing.map(|clearing| (clearing.duration, clearing.reason)), Some((14.0, Reason::Value)));
    assert_eq!(serde_json::to_value(&cleared).unwrap()["value"], Value::Null);
}

/// A rule is admitted and set.
fn set(watches: &mut Watches, name: &str, rule: Rule, now: Now) -> Result<Option<WatchChange>, WatchError> {
    Ok(watches.admit(name, rule)?.and_then(|admitted| watches.set(&admitted, now)))
}

fn tick(watches: &mut Watches, threads: u64, now: Now) -> Vec<WatchChange> {
    let mut sample = sample(now.mono, Duration::ZERO, 0);
    (sample.taken, sample.threads) = (now, threads);
    let mut changes = Vec::new();
    let tick = Reading { sample, rates: None, mem_percent: 0.0, uptime: Duration::ZERO, num_fds: None };
    watches.observe(&tick, &mut changes);
    changes
}

#[test]
fn names_and_numbers_of_watches_are_limited() {
    let (mut watches, now) = (Watches::default(), Clock::new().at(SECOND));
    for name in ["", "a b", "a/b", "ä", "a:b", &"x".repeat(LONGEST_NAME + 1)] {
        let error = set(&mut watches, name, above(1.0), now).unwrap_err();
        assert!(matches!(error, WatchError::Name(_)), "{error}");
        assert!(error.to_string().len() < 200);
    }
    for number in 0..MOST_WATCHES {
        assert_eq!(set(&mut watches, &format!("w.{number}"), above(1.0), now), Ok(None));
    }
    assert_eq!(set(&mut watches, "more", above(1.0), now), Err(WatchError::TooMany));
    assert_eq!(set(&mut watches, "w.3", above(2.0), now), Ok(None), "another rule for the same");
    assert_eq!(watches.reports().len(), MOST_WATCHES);
    assert!(watches.remove("w.3", now).is_ok());
    assert_eq!(set(&mut watches, &"x".repeat(LONGEST_NAME), above(1.0), now), Ok(None));
    let error = watches.remove("w.3", now).unwrap_err().to_string();
    assert_eq!(error, "name: expected one of the 64 watches that there are, got \"w.3\"");
    let mut watches = Watches::default();
    for name in ["b", "a"] {
        set(&mut watches, name, above(1.0), now).unwrap();
    }
    let error = watches.remove(&"x".repeat(100_000), now).unwrap_err().to_string();
    assert_eq!(error, format!("name: expected one of the watches a, b, got {:?}", "x".repeat(LONGEST_NAME)));
    let error = Watches::default().remove("w", now).unwrap_err().to_string();
    assert_eq!(error, "name: expected that of a watch, of which there are none, got \"w\"");
}

#[test]
fn the_same_rule_again_changes_nothing_and_another_one_begins_anew() {
    let (mut watches, clock) = (Watches::default(), Clock::new());
    let now = |second| clock.at(SECOND * second);
    set(&mut watches, "w", above(5.0), now(0)).unwrap();
    assert_eq!(tick(&mut watches, 6, now(1)).len(), 1);
    let before = watches.reports();
    assert_eq!(set(&mut watches, "w", above(5.0), now(2)), Ok(None));
    assert_eq!(watches.reports(), before);
    let replaced = set(&mut watches, "w", above(4.0), now(3)).unwrap().unwrap();
    let clearing = replaced.clearing.unwrap();
    assert_eq!((clearing.reason, clearing.duration), (Reason::Replaced, 2.0));
    assert_eq!(serde_json::to_value(&replaced).unwrap()["threshold"], 5, "it is the old one that is over");
    assert_eq!(watches.report("w").unwrap().state, WatchState::Clear);
    assert!(tick(&mut watches, 5, now(4))[0].clearing.is_none());
    let (_, removed) = watches.remove("w", now(5)).unwrap();
    assert_eq!(removed.unwrap().clearing.unwrap().reason, Reason::Removed);
    assert!(tick(&mut watches, 9, now(6)).is_empty());
}

#[test]
fn the_end_of_the_target_clears_what_it_had_raised_and_no_pressure() {
    let (mut watches, clock) = (Watches::default(), Clock::new());
    let now = |second| clock.at(SECOND * second);
    set(&mut watches, "raised", above(5.0), now(0)).unwrap();
    set(&mut watches, "pending", above(5.0).hold_for(9 * SECOND).unwrap(), now(0)).unwrap();
    let pressure = Rule::new("psi.cpu.some", Threshold::Above(5.0)).unwrap();
    assert!(watches.need_ticks() && !watches.need_descriptors());
    let id = watches.admit("psi", pressure).unwrap().map(|admitted| {
        let id = admitted.id;
        assert_eq!(watches.set(&admitted, now(0)), None);
        id
    });
    assert_eq!(tick(&mut watches, 6, now(1)).len(), 1);
    assert_eq!(watches.pressed(id.unwrap(), now(1)).unwrap().name, "psi");
    assert_eq!(watches.pressed(id.unwrap() + 1, now(1)), None, "a rule that is gone");
    let mut changes = Vec::new();
    watches.target_ended(now(2), &mut changes);
    let [exited] = &changes[..] else { panic!("{changes:?}") };
    assert_eq!((exited.name.as_str(), exited.clearing.unwrap().reason), ("raised", Reason::Exited));
    assert_eq!(serde_json::to_value(exited).unwrap()["value"], Value::Null);
    let states: Vec<_> = watches.reports().iter().map(|watch| watch.state).collect();
    assert_eq!(states, [WatchState::Clear, WatchState::Raised, WatchState::Clear], "pending, psi, raised");
    // The next target begins anew.
    assert_eq!(tick(&mut watches, 6, now(3)).len(), 1);
    for name in ["raised", "pending"] {
        watches.remove(name, now(4)).unwrap();
    }
    assert!(!watches.need_ticks(), "nothing is measured for the kernel's word");
}

#[test]
fn without_a_history_there_are_ticks_only_while_a_watch_needs_them() {
    let interval = 50 * MS;
    let mut lookout = Lookout::new(Some(interval));
    assert_eq!(lookout.next_tick(), None);
    lookout.set("w", above(0.5)).unwrap();
    let first = lookout.next_tick().unwrap();
    assert!(first <= Instant::now());
    assert!(lookout.take_tick(first));
    assert_eq!(lookout.next_tick(), Some(first + interval));
    lookout.set("v", above(1e9)).unwrap();
    assert_eq!(lookout.next_tick(), Some(first + interval), "one more does not move them");
    let mut target = Target::own().unwrap();
    let sample = target.sample().unwrap();
    lookout.observe(&target, &sample);
    let changes = lookout.changes();
    assert_eq!(changes.iter().map(|change| change.name.as_str()).collect::<Vec<_>>(), ["w"]);
    lookout.remove("w").unwrap();
    assert!(lookout.next_tick().is_some());
    lookout.remove("v").unwrap();
    assert_eq!((lookout.next_tick(), lookout.changes()), (None, Vec::new()));

    let mut lookout = Lookout::new(None);
    lookout.set("w", above(0.5)).unwrap();
    assert_eq!(lookout.next_tick(), None, "the history ticks anyway");
}

#[test]
fn every_metric_of_a_tick_gets_a_value_of_the_real_process() {
    let mut lookout = Lookout::new(Some(SECOND));
    for metric in super::METRICS.iter().filter(|metric| metric.pressure().is_none()) {
        lookout.set(metric.name, Rule::new(metric.name, Threshold::Below(-1.0)).unwrap()).unwrap();
    }
    let mut target = Target::own().unwrap();
    let values = |lookout: &Lookout| {
        let values = lookout.reports().into_iter().map(|watch| (watch.name, json!(watch.value)));
        values.collect::<std::collections::BTreeMap<_, _>>()
    };
    for tick in 0..2 {
        let sample = target.sample().unwrap();
        lookout.observe(&target, &sample);
        let known = values(&lookout).values().filter(|value| value.is_number()).count();
        // The rates come with the second; where the kernel hides the I/O counters, without four of them.
        let rates = if sample.io.is_some() { 7 } else { 3 };
        assert_eq!(known, if tick == 0 { 6 } else { 6 + rates }, "{:?}", values(&lookout));
    }
    let values = values(&lookout);
    assert!(values["num_fds"].as_i64().unwrap() > 3 && values["threads"].as_i64().unwrap() > 0, "{values:?}");
    assert!(values["resident"].as_i64() < values["virtual"].as_i64(), "{values:?}");
}

/// A number that depends on the two only.
fn random(seed: u64, step: u64) -> u64 {
    let mut hasher = DefaultHasher::new();
    (seed, step).hash(&mut hasher);
    hasher.finish()
}

/// What should be told, worked out from the whole past each time.
fn naive(rule: &[f64; 2], hold: Duration, is_above: bool, past: &[(Duration, Option<f64>)]) -> Vec<(Duration, bool)> {
    let [threshold, clear] = *rule;
    let is_beyond = |value: f64| if is_above { value > threshold } else { value < threshold };
    let is_within = |value: f64| if is_above { value <= clear } else { value >= clear };
    let known: Vec<(Duration, f64)> = past.iter().filter_map(|(at, value)| Some((*at, (*value)?))).collect();
    let mut told: Vec<(Duration, bool)> = Vec::new();
    for (last, (at, value)) in known.iter().enumerate() {
        let is_raised = told.last().is_some_and(|(_, raised)| *raised);
        let since_cleared = told.last().map_or(Duration::ZERO, |(at, _)| *at);
        let run = known[..=last].iter().rev().take_while(|(at, value)| is_beyond(*value) && *at >= since_cleared);
        let held = run.last().map(|(first, _)| *at - *first);
        if !is_raised && held.is_some_and(|held| held >= hold) {
            told.push((*at, true));
        } else if is_raised && is_within(*value) {
            told.push((*at, false));
        }
    }
    told
}

#[test]
fn random_sequences_do_what_a_naive_model_says() {
    let mut total = 0;
    for seed in 0..400 {
        let is_above = seed % 2 == 0;
        let spread = (random(seed, 1) % 4) as f64;
        let (threshold, hold) = (5.0, SECOND * u32::try_from(random(seed, 2) % 5).unwrap());
        let (rule, clear) = if is_above {
            (Threshold::Above(threshold), threshold - spread)
        } else {
            (Threshold::Below(threshold), threshold + spread)
        };
        let rule = Rule::new("threads", rule).unwrap().hold_for(hold).unwrap().clear_at(clear).unwrap();
        let (mut watch, clock) = (Watch::new(1, rule), Clock::new());
        let (mut at, mut past, mut told) = (Duration::ZERO, Vec::new(), Vec::new());
        for step in 10..210 {
            let draw = random(seed, step);
            at += MS * u32::try_from(1 + draw % 2000).unwrap();
            let value = (draw / 7 % 8 > 0).then_some((draw / 64 % 12) as f64);
            past.push((at, value));
            told.extend(watch.observe("w", value, clock.at(at)).map(|change| (at, change.clearing.is_none())));
        }
        assert_eq!(told, naive(&[threshold, clear], hold, is_above, &past), "seed {seed}");
        assert!(told.windows(2).all(|two| two[0].1 != two[1].1), "seed {seed}: raised and cleared take turns");
        total += told.len();
    }
    assert!(total > 5000, "{total} changes are too few to mean anything");
}
