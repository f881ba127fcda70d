//! Texts as kernels write them, with the names and the damage that the crate does not expect.

use super::super::mutations::mutations;
use super::*;

const STAT: &[u8] = include_bytes!("../../../tests/data/proc/stat");
const STATUS: &[u8] = include_bytes!("../../../tests/data/proc/status");
const ROLLUP: &[u8] = include_bytes!("../../../tests/data/proc/smaps_rollup");

#[test]
fn stat_with_any_name() {
    let text = String::from_utf8(STAT.to_vec()).unwrap();
    for name in ["sleep", "", "a b", ")", "(x)", ") R 1 2 3 4", "a\nb\tc", "x) S 1 (", "\u{fc}\u{df}", "\u{fc}"] {
        let seen = stat(text.replace("a) S 1 (b", name).as_bytes()).unwrap();
        assert_eq!((seen.comm.as_str(), seen.state, seen.ppid, seen.utime), (name, 'S', 1, 321), "{name:?}");
        assert_eq!((seen.starttime, seen.processor, seen.delayacct_blkio_ticks), (987_654, Some(1), Some(11)));
    }
    let (before, after) = text.split_once("a) S 1 (b").unwrap();
    let bytes = [before.as_bytes(), b"\xff\xfe", after.as_bytes()].concat();
    assert_eq!(stat(&bytes).unwrap().comm, "\u{fffd}\u{fffd}");
}

#[test]
fn what_is_no_stat_is_none() {
    let odd = [
        "",
        "17",
        "17 (",
        ")(",
        "(a) S 1",
        " (a) S 1",
        "17(a) S 1",
        "17\u{fc}(a) S 1",
        "17 )a( S 1",
        "17 (a)",
        "17 (a) ",
        "17 (a)S",
        "17 (a)\u{fc}\u{fc} S",
        "17 (a) \u{2028}",
        "17 (a) S",
        "17 (a) S 1 x",
    ];
    for text in odd {
        assert!(stat(text.as_bytes()).is_none(), "{text:?}");
    }
    let text = String::from_utf8(STAT.to_vec()).unwrap();
    for number in ["99999999999999999999", "-1", "x", ""] {
        assert!(stat(text.replace(" 321 ", &format!(" {number} ")).as_bytes()).is_none(), "{number:?}");
    }
}

#[test]
fn status_with_a_name_that_is_no_text() {
    let text = [b"Name:\tab\xff\xfe:c\n", STATUS.splitn(2, |&byte| byte == b'\n').nth(1).unwrap()].concat();
    let seen = status(&text).unwrap();
    assert_eq!((seen.tgid, seen.threads, seen.state.as_str()), (4242, 3, "S (sleeping)"));
    assert_eq!((bytes(seen.vmrss), bytes(Some(u64::MAX)), bytes(None)), (Some(1756 * 1024), None, None));
    assert!(status(b"").is_none() && status(b"Name:\ta\nState:\tS\n").is_none());
    // Nor is that a state which is no letter.
    let at = STATUS.windows(7).position(|part| part == b"State:\t").unwrap() + 7;
    let mut damaged = STATUS.to_vec();
    damaged[at] = 0xff;
    assert!(status(&damaged).is_none());
}

#[test]
fn schedstat_of_a_kernel_that_counts_and_of_one_that_does_not() {
    let seen = |text: &[u8]| schedstat(text).map(|seen| (seen.sum_exec_runtime, seen.run_delay));
    assert_eq!(seen(b"929530 62610 1\n"), Some((929_530, 62_610)));
    assert_eq!(seen(b"0 5 0\n"), Some((0, 5)));
    for text in ["0 0 0\n", "", "5", "5 6", "a b c", "-1 0 1", "99999999999999999999 0 1"] {
        assert_eq!(seen(text.as_bytes()), None, "{text:?}");
    }
    assert_eq!(seen(b"\xff 1 1\n"), None);
}

#[test]
fn rollup_is_in_bytes() {
    let kib = |count: u64| Some(count * 1024);
    let expected = Rollup {
        resident: kib(1760),
        proportional: kib(204),
        private: kib(148),
        swap: kib(8),
        proportional_swap: kib(4),
    };
    assert_eq!(rollup(ROLLUP), expected);
    let old: String = String::from_utf8(ROLLUP.to_vec())
        .unwrap()
        .lines()
        .filter(|line| !line.starts_with("SwapPss") && !line.starts_with("Private_D"))
        .map(|line| format!("{line}\n"))
        .collect();
    assert_eq!(rollup(old.as_bytes()), Rollup { private: None, proportional_swap: None, ..expected });
}

#[test]
fn mappings_are_no_rollup() {
    let heading = "1000-2000 ---p 00000000 00:00 0 ";
    for text in [
        String::new(),
        "Pss: 1 kB\n".to_owned(),
        format!("{heading} /SYSV1\nPss: 1 kB\n"),
        format!("{heading} [rollup]\nPss: x kB\n"),
        format!("{heading} [rollup]\n{heading} /SYSV1\n"),
        format!("{heading} [rollup]\n\nPss: 1 kB\n"),
        format!("{heading} /SYSV\u{fc}\u{fc}\u{fc}\u{fc} [rollup]\nPss: 1 kB\n"),
        format!("{heading} [stack:\u{fc} [rollup]\nPss: 1 kB\n"),
    ] {
        assert_eq!(rollup(text.as_bytes()), Rollup::default(), "{text:?}");
    }
}

#[test]
fn no_bytes_can_panic() {
    for whole in [STAT, STATUS, ROLLUP, b"929530 62610 1\n"] {
        for text in mutations(whole) {
            let _ = (stat(&text), status(&text), schedstat(&text), rollup(&text));
        }
    }
}
