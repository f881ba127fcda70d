//! Texts as kernels write them, and the `procfs` crate's reading of the same bytes.

use super::*;

mod oracle;

const STAT: &str = "4242 (NAME) S 1 4242 4242 0 -1 4194304 1234 0 5 0 321 45 0 0 20 0 3 0 987654 14376960 913 \
                    18446744073709551615 1 1 0 0 0 0 0 4096 17643 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n";

#[test]
fn stat_with_any_name() {
    let expected = Some(Stat { utime: 321, stime: 45, starttime: 987_654 });
    for name in ["sleep", "", "a b", ")", "(x)", ") R 1 2 3 4", "a\nb\tc", "x) S 1 (", "\u{fc}\u{df}"] {
        assert_eq!(stat(STAT.replace("NAME", name).as_bytes()), expected, "{name:?}");
    }
    let bytes = [b"4242 (\xff\xfe)".as_slice(), STAT.split_once(')').unwrap().1.as_bytes()].concat();
    assert_eq!(stat(&bytes), expected);
}

#[test]
fn stat_that_is_cut_off_or_no_stat_is_none() {
    let whole = STAT.trim_end();
    let end_of_starttime = whole.find("987654").unwrap() + "987654".len();
    assert!(stat(&whole.as_bytes()[..end_of_starttime]).is_some());
    for length in 0..end_of_starttime - "987654".len() {
        assert_eq!(stat(&whole.as_bytes()[..length]), None, "{length}");
    }
    assert_eq!(stat(STAT.replace("321", "-1").as_bytes()), None);
    assert_eq!(stat(STAT.replace("321", "99999999999999999999").as_bytes()), None);
}

const STATUS: &str = "Name:\ta\\nState:\\tZ\nUmask:\t0022\nState:\tS (sleeping)\nTgid:\t17\nVmPeak:\t 9000 kB\n\
                      VmSize:\t    3060 kB\nVmHWM:\t    4000 kB\nVmRSS:\t    1756 kB\nThreads:\t12\nSigQ:\t0/96365\n\
                      voluntary_ctxt_switches:\t150\nnonvoluntary_ctxt_switches:\t545\n";

#[test]
fn status_of_a_process_and_of_one_without_memory() {
    let expected = Status {
        state: b'S',
        virtual_size: 3060 * 1024,
        resident: 1756 * 1024,
        threads: 12,
        voluntary: 150,
        nonvoluntary: 545,
    };
    assert_eq!(status(STATUS.as_bytes()), Some(expected));
    let zombie: String =
        STATUS.lines().filter(|line| !line.starts_with("Vm")).map(|line| format!("{line}\n")).collect();
    assert_eq!(status(zombie.as_bytes()), Some(Status { virtual_size: 0, resident: 0, ..expected }));
}

#[test]
fn status_without_a_line_that_all_have_is_none() {
    for key in ["State", "Threads", "voluntary_ctxt_switches", "nonvoluntary_ctxt_switches"] {
        let rest: String =
            STATUS.lines().filter(|line| !line.starts_with(key)).map(|line| format!("{line}\n")).collect();
        assert_eq!(status(rest.as_bytes()), None, "{key}");
    }
    assert_eq!(status(STATUS.replace("1756 kB", "1756").as_bytes()), None, "a size without its unit");
    assert_eq!(status(STATUS.replace("1756", "18446744073709551615").as_bytes()), None, "a size beyond u64");
    assert_eq!(status(b""), None);
}

#[test]
fn io_needs_its_four_lines() {
    let text = "rchar: 5\nwchar: 6\nsyscr: 7\nsyscw: 8\nread_bytes: 9\nwrite_bytes: 10\ncancelled_write_bytes: 11\n";
    assert_eq!(io(text.as_bytes()), Some(Io { reads: 7, writes: 8, read_bytes: 9, write_bytes: 10 }));
    assert_eq!(io(text.replace("syscw", "x").as_bytes()), None);
    assert_eq!(io(b""), None);
}
