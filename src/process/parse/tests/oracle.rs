//! The same bytes, read by the `procfs` crate: the files of all processes in sight, made-up ones, and both with damage.

use super::*;

use procfs::FromRead;
use procfs::process;

/// The letter, and the numbers.
type Read = (u8, Vec<u64>);

fn our_stat(text: &[u8]) -> Option<Read> {
    let (stat, (name, state)) = (stat(text)?, name_and_state(text)?);
    let mut numbers = vec![stat.utime, stat.stime, stat.starttime];
    numbers.extend(String::from_utf8_lossy(name).bytes().map(u64::from));
    Some((state, numbers))
}

fn their_stat(text: &[u8]) -> Option<Read> {
    let stat = process::Stat::from_read(text).ok()?;
    let mut numbers = vec![stat.utime, stat.stime, stat.starttime];
    numbers.extend(stat.comm.bytes().map(u64::from));
    Some((u8::try_from(stat.state).ok()?, numbers))
}

fn our_status(text: &[u8]) -> Option<Read> {
    let Status { state, virtual_size, resident, threads, voluntary, nonvoluntary } = status(text)?;
    Some((state, vec![virtual_size, resident, threads, voluntary, nonvoluntary]))
}

fn their_status(text: &[u8]) -> Option<Read> {
    let status = process::Status::from_read(text).ok()?;
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
    let io = process::Io::from_read(text).ok()?;
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

/// A file with other digits, of other lengths, in the places of its numbers; for `stat` with another name too.
fn with_other_numbers(random: &mut Random, file: &str, text: &[u8]) -> Vec<u8> {
    const NAMES: [&str; 6] = ["a b", ") S 1 (", "a\nb", "((", "x) R 7 7", ""];
    let text = String::from_utf8_lossy(text).into_owned();
    let text = match (file, text.split_once('('), text.rsplit_once(')')) {
        ("stat", Some((before, _)), Some((_, after))) => {
            format!("{before}({}){after}", NAMES[random.below(NAMES.len())])
        }
        _ => text,
    };
    let digits = |text: &str| -> String {
        let mut made = String::new();
        let mut in_number = false;
        for letter in text.chars() {
            let is_digit = letter.is_ascii_digit();
            if is_digit && !in_number {
                for _ in 0..=random.below(8) {
                    made.push(char::from(b'1' + u8::try_from(random.below(9)).unwrap()));
                }
            } else if !is_digit {
                made.push(letter);
            }
            in_number = is_digit;
        }
        made
    };
    let mut digits = digits;
    match text.rsplit_once(')') {
        Some((before, after)) if file == "stat" => format!("{before}){}", digits(after)).into_bytes(),
        // Other lines hold numbers that mean more than their digits.
        _ => {
            let wanted = ["VmSize:", "VmRSS:", "Threads:", "voluntary_", "nonvoluntary_", "sysc", "read_", "write_"];
            let line = |line: &str| {
                if wanted.iter().any(|key| line.starts_with(key)) { digits(line) } else { line.to_owned() }
            };
            let lines: Vec<String> = text.lines().map(line).collect();
            (lines.join("\n") + "\n").into_bytes()
        }
    }
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
        let (mut whole, mut agreed) = (0, 0);
        for _ in 0..4000 {
            let text = &texts[random.below(texts.len())];
            let made = with_other_numbers(&mut random, file, text);
            let expected = theirs(&made);
            assert!(expected.is_some(), "{file}: {}", String::from_utf8_lossy(&made));
            assert_eq!(ours(&made), expected, "{file}: {}", String::from_utf8_lossy(&made));
            whole += 1;
            let broken = damaged(&mut random, made);
            // Either may refuse what is damaged (the crate with a panic, some of it); what both accept is the same to both.
            let theirs = std::panic::catch_unwind(|| theirs(&broken)).unwrap_or(None);
            if let (Some(ours), Some(theirs)) = (ours(&broken), theirs) {
                assert_eq!(ours, theirs, "{file}: {}", String::from_utf8_lossy(&broken));
                agreed += 1;
            }
        }
        assert!(whole == 4000 && agreed > 50, "{file}: {agreed}");
    }
}

#[test]
fn of_any_bytes_without_a_panic() {
    let mut random = Random(0x2545_F491_4F6C_DD1D);
    for _ in 0..20_000 {
        let text: Vec<u8> =
            (0..random.below(120)).map(|_| b"()0123456789 \n\t:kBVmRSStateThreads"[random.below(34)]).collect();
        let _ = (stat(&text), name_and_state(&text), status(&text), io(&text), has_ended(&text), schedstat(&text));
    }
}
