//! The same bytes, read by the `procfs` crate: the files of all processes in sight, made-up ones, and both with damage.

use super::super::super::whole;
use super::*;

use procfs::FromRead;

/// The state's letter where the file has it for us, and the numbers.
type Read = (u8, Vec<u64>);

fn our_stat(text: &[u8]) -> Option<Read> {
    let Stat { utime, stime, starttime } = stat(text)?;
    Some((0, vec![utime, stime, starttime]))
}

fn their_stat(text: &[u8]) -> Option<Read> {
    let stat = whole::stat(text)?;
    Some((0, vec![stat.utime, stat.stime, stat.starttime]))
}

fn our_status(text: &[u8]) -> Option<Read> {
    let Status { state, virtual_size, resident, threads, voluntary, nonvoluntary } = status(text)?;
    Some((state, vec![virtual_size, resident, threads, voluntary, nonvoluntary]))
}

fn their_status(text: &[u8]) -> Option<Read> {
    let status = whole::status(text)?;
    let bytes = |kibibytes: Option<u64>| kibibytes.unwrap_or(0).checked_mul(1024);
    let sizes = [bytes(status.vmsize)?, bytes(status.vmrss)?];
    let switches = [status.voluntary_ctxt_switches?, status.nonvoluntary_ctxt_switches?];
    let numbers = [sizes[0], sizes[1], status.threads, switches[0], switches[1]];
    Some((*status.state.as_bytes().first()?, numbers.to_vec()))
}

fn our_io(text: &[u8]) -> Option<Read> {
    let Io { reads, writes, read_bytes, write_bytes } = io(text)?;
    Some((0, vec![reads, writes, read_bytes, write_bytes]))
}

fn their_io(text: &[u8]) -> Option<Read> {
    let io = procfs::process::Io::from_read(text).ok()?;
    Some((0, vec![io.syscr, io.syscw, io.read_bytes, io.write_bytes]))
}

type Reader = fn(&[u8]) -> Option<Read>;

const FILES: [(&str, Reader, Reader); 3] =
    [("stat", our_stat, their_stat), ("status", our_status, their_status), ("io", our_io, their_io)];

/// Numbers that are the same in each run (Marsaglia's xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(limit).unwrap()).unwrap()
    }
}

/// What the kernel shows of all processes that we may read.
fn real(file: &str) -> Vec<Vec<u8>> {
    let pids = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = pids.filter(|entry| entry.file_name().to_str().is_some_and(|name| name.parse::<u32>().is_ok()));
    pids.filter_map(|entry| std::fs::read(entry.path().join(file)).ok()).filter(|text| !text.is_empty()).collect()
}

#[test]
fn of_every_process_in_sight() {
    for (file, ours, theirs) in FILES {
        let texts = real(file);
        assert!(!texts.is_empty());
        for text in texts {
            let expected = theirs(&text);
            assert!(expected.is_some(), "{file}: {}", String::from_utf8_lossy(&text));
            assert_eq!(ours(&text), expected, "{file}: {}", String::from_utf8_lossy(&text));
        }
    }
}

/// A number of up to so many digits, without zeros.
fn number_of(random: &mut Random, most: usize) -> String {
    (0..=random.below(most)).map(|_| char::from(b'1' + u8::try_from(random.below(9)).unwrap())).collect()
}

/// A `stat` with another name and other numbers, those that we read up to 64 bits.
fn other_stat(random: &mut Random, text: &str) -> String {
    const NAMES: [&str; 7] = ["a b", ") S 1 (", "a\nb", "((", "x) R 7 7", "\u{fc}", ""];
    let (before, _) = text.split_once('(').unwrap();
    let (_, after) = text.rsplit_once(") ").unwrap();
    let other = |(place, field): (usize, &str)| match place + 3 {
        14 | 15 | 22 => number_of(random, 19),
        _ if field.parse::<u64>().is_ok() => number_of(random, 8),
        _ => field.to_owned(),
    };
    let fields: Vec<String> = after.trim_end().split(' ').enumerate().map(other).collect();
    format!("{before}({}) {}\n", NAMES[random.below(NAMES.len())], fields.join(" "))
}

/// A `status` or `io` with other numbers in the lines that we read, up to 64 bits, and without lines that other kernels do not
/// have; `status` with another name.
fn other_lines(random: &mut Random, text: &str) -> String {
    const NAMES: [&str; 4] = ["a\\nState:\\tZ", "Threads:\t7", "\u{fc} VmRSS:\t7 kB", ""];
    const NOT_EVERYWHERE: [&str; 9] = ["Umask", "Ngid", "NS", "Kthread", "Vm", "Rss", "THP_", "Seccomp", "Spec"];
    const NUMBERS: [&str; 6] = ["Threads:", "voluntary_", "nonvoluntary_", "sysc", "read_", "write_"];
    let mut made = String::new();
    for line in text.lines() {
        let key = line.split_once(':').map_or(line, |(key, _)| key);
        let begins = |keys: &[&str]| keys.iter().any(|key| line.starts_with(key));
        if begins(&NOT_EVERYWHERE) && random.below(4) == 0 {
            continue;
        }
        made += &if key == "Name" {
            format!("Name:\t{}\n", NAMES[random.below(NAMES.len())])
        } else if ["VmSize", "VmRSS"].contains(&key) {
            // In bytes that are 64 bits still.
            format!("{key}:\t{:>8} kB\n", number_of(random, 16))
        } else if begins(&NUMBERS) {
            format!("{key}: {}\n", number_of(random, 19))
        } else {
            format!("{line}\n")
        };
    }
    made
}

fn other(random: &mut Random, file: &str, text: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(text);
    if file == "stat" { other_stat(random, &text) } else { other_lines(random, &text) }.into_bytes()
}

fn damaged(random: &mut Random, mut text: Vec<u8>) -> Vec<u8> {
    for _ in 0..=random.below(4) {
        if text.is_empty() {
            break;
        }
        let at = random.below(text.len());
        match random.below(5) {
            0 => text.truncate(at),
            1 => drop(text.remove(at)),
            2 => text[at] = b"0 9\n:-x\t\xff\0"[random.below(10)],
            3 => text.insert(at, b"0 9\n:-x\t\xff\0"[random.below(10)]),
            _ => {
                let end = (at + random.below(40)).min(text.len());
                drop(text.drain(at..end));
            }
        }
    }
    text
}

#[test]
fn of_made_up_and_damaged_texts() {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    for (file, ours, theirs) in FILES {
        let texts = real(file);
        let mut agreed = 0;
        for _ in 0..4000 {
            let text = &texts[random.below(texts.len())];
            let made = other(&mut random, file, text);
            let expected = theirs(&made);
            assert!(expected.is_some(), "{file}: {}", String::from_utf8_lossy(&made));
            assert_eq!(ours(&made), expected, "{file}: {}", String::from_utf8_lossy(&made));
            let broken = damaged(&mut random, made);
            // Either may refuse what is damaged (the crate an `io` with a panic); what both accept is the same to both.
            let theirs = std::panic::catch_unwind(|| theirs(&broken)).unwrap_or(None);
            if let (Some(ours), Some(theirs)) = (ours(&broken), theirs) {
                assert_eq!(ours, theirs, "{file}: {}", String::from_utf8_lossy(&broken));
                agreed += 1;
            }
        }
        assert!(agreed > 100, "{file}: {agreed}");
    }
}

#[test]
fn of_any_bytes_without_a_panic() {
    let mut random = Random(0x2545_F491_4F6C_DD1D);
    for _ in 0..20_000 {
        let text: Vec<u8> =
            (0..random.below(120)).map(|_| b"()0123456789 \n\t:kBVmRSStateThreads"[random.below(34)]).collect();
        let _ = (stat(&text), status(&text), io(&text));
    }
}
