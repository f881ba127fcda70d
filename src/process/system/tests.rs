//! Texts as kernels write them, old ones and odd ones, and any bytes at all.

use super::*;
use crate::process::mutations::mutations;

const STAT: &str = "cpu  300 0 200 1000 0 0 0 0 0 0\ncpu0 100 7 100 500 9 9 9 9 9 9\ncpu2 200 7 100 500\n\
                    intr 5 0 0\nctxt 77\nbtime 1795334845\nprocesses 9\n";
const MEMINFO: &str = include_str!("../../../tests/data/proc/meminfo");
const NET: &str = "Inter-|   Receive                                                |  Transmit\n \
                   face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n    \
                   lo: 630 56 1 2    0     0          0         0 640 57    3    4    0     0       0          0\n  \
                   wlan\u{fc}\x1b: 18446744073709551615 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n";
const DISKS_NOW: &str = "   7       0 loop0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n \
                     254       0 vda 4322 199 2451 6958 2693 559 2254 1051 0 333456 8080597 443534 63 198843320 69917 18200 1142\n";
const DISKS_2_6: &str = "   8       1 sda1 10 20 30 40 50 60 70 80 0 90 100\n";
const LOADAVG: &str = "0.52 1.00 12.34 2/345 6789\n";

#[test]
fn cpus_go_by_their_numbers_also_when_some_are_offline() {
    let seen = cpu::times(STAT).unwrap();
    assert_eq!(seen.keys().copied().collect::<Vec<_>>(), [0, 2]);
    let seconds = |count| crate::process::identity::ticks(count).as_secs_f64();
    assert_eq!(seen[&2], CpuTimes { user: seconds(200), system: seconds(100), idle: seconds(500) });
    assert_eq!(cpu::times("cpu  1 2 3 4\nintr 5\n"), None);
    assert_eq!(cpu::times("cpu0 1 2 3\ncpux 1 2 3 4\ncpu1 1 2 3 -4\n"), None);
    let huge = format!("cpu0 {0} {0} {0} {0}\n", u64::MAX);
    assert!(cpu::times(&huge).unwrap()[&0].user.is_finite());
}

#[test]
fn memory_with_and_without_an_estimate() {
    let seen = memory::parse(MEMINFO).unwrap();
    assert_eq!((seen.total, seen.available), (16_421_904 * 1024, Some(14_876_544 * 1024)));
    let old: String =
        MEMINFO.lines().filter(|line| !line.starts_with("MemAvailable")).map(|line| format!("{line}\n")).collect();
    assert_eq!(memory::parse(&old).unwrap().available, None);
    assert_eq!(memory::parse("MemTotal: 5 kB\n\u{fc}\u{fc} 5 kB\n"), None);
    assert_eq!(memory::parse(""), None);
}

#[test]
fn interfaces() {
    let seen = network::traffic(NET).unwrap();
    let received = InterfaceIo { bytes: 630, packets: 56, errors: 1, dropped: 2 };
    let out = InterfaceIo { bytes: 640, packets: 57, errors: 3, dropped: 4 };
    assert_eq!(seen["lo"], InterfaceTraffic { out, received });
    assert_eq!(seen["wlan\u{fc}\\u{1b}"].received.bytes, u64::MAX);
    let json = serde_json::to_string(&seen["lo"]).unwrap();
    let io = |bytes, packets, errors, dropped| {
        format!("{{\"bytes\":{bytes},\"packets\":{packets},\"errors\":{errors},\"dropped\":{dropped}}}")
    };
    assert_eq!(json, format!("{{\"out\":{},\"in\":{}}}", io(640, 57, 3, 4), io(630, 56, 1, 2)));
}

#[test]
fn disks_of_kernels_from_2_6_on() {
    let seen = disks::traffic(DISKS_NOW).unwrap();
    assert_eq!(seen.keys().collect::<Vec<_>>(), ["loop0", "vda"]);
    let read = DiskIo { ops: 4322, bytes: 2451 * 512, time: 6958 };
    let write = DiskIo { ops: 2693, bytes: 2254 * 512, time: 1051 };
    assert_eq!(seen["vda"], DiskTraffic { read, write });
    assert_eq!(disks::traffic(DISKS_2_6).unwrap()["sda1"].write, DiskIo { ops: 50, bytes: 70 * 512, time: 80 });
    let huge = DISKS_2_6.replace(" 30 ", " 18446744073709551615 ");
    assert_eq!(disks::traffic(&huge).unwrap()["sda1"].read.bytes, u64::MAX);
    assert_eq!(disks::traffic("").unwrap().len(), 0);
}

#[test]
fn pressure_of_new_and_older_kernels() {
    let some = "some avg10=99.23 avg60=0.32 avg300=86.19 total=4367930199\n";
    let seen = pressure::parse(&format!("{some}full avg10=0.00 avg60=0.00 avg300=0.24 total=5\n")).unwrap();
    assert_eq!(seen.some, Stall { avg10: 99.23, avg60: 0.32, avg300: 86.19, total: 4367.930199 });
    assert_eq!(seen.full.unwrap().avg300, 0.24);
    assert_eq!(pressure::parse(some).unwrap().full, None);
    for odd in
        ["", "some", "some\u{fc}", "full avg10=0 avg60=0 avg300=0 total=5", "some avg10=inf avg60=0 avg300=0 total=5"]
    {
        assert_eq!(pressure::parse(odd), None, "{odd:?}");
    }
}

#[test]
fn loads_have_the_kernels_two_decimals() {
    assert_eq!(load(LOADAVG), Some([0.52, 1.0, 12.34]));
    assert_eq!(load("0.52 1.00\n"), None);
}

#[test]
fn this_machine_in_the_contracts_order() {
    let seen = SystemStats::read().unwrap();
    let json = serde_json::to_string(&seen).unwrap();
    let places: Vec<usize> = ["ts", "cpu", "mem", "net", "disk", "load", "uptime", "psi"]
        .iter()
        .map(|key| json.find(&format!("\"{key}\":")).unwrap())
        .collect();
    assert!(places.is_sorted(), "{json}");
    assert!(seen.uptime > 0.0 && seen.mem.available.unwrap() < seen.mem.total);
    let cpus = u64::try_from(seen.cpu.unwrap().len()).unwrap();
    assert_eq!(Some(cpus), crate::process::cpu::logical());
    assert!(seen.net.unwrap().contains_key("lo"));
}

#[test]
fn what_is_lacking_is_what_is_not_told() {
    let seen = SystemStats::read().unwrap();
    let lacking: Vec<&str> = lacking().into_iter().map(|(key, _)| key).collect();
    assert_eq!(lacking.contains(&"psi"), seen.psi.is_none());
    assert_eq!(lacking.contains(&"cpu"), seen.cpu.is_none());
    assert_eq!(reason("/proc/nothing"), "cannot read /proc/nothing: No such file or directory");
    assert_eq!(reason(LOAD), "/proc/loadavg of this kernel does not tell it");
}

/// No answer is fine; no text may panic.
#[test]
fn no_bytes_can_panic() {
    let psi =
        "some avg10=99.23 avg60=0.32 avg300=86.19 total=4367930199\nfull avg10=0.00 avg60=0.00 avg300=0.24 total=5\n";
    for whole in [STAT, MEMINFO, NET, DISKS_NOW, DISKS_2_6, LOADAVG, psi] {
        for bytes in mutations(whole.as_bytes()) {
            let text = &String::from_utf8_lossy(&bytes);
            let _ = (cpu::times(text), memory::parse(text), network::traffic(text), disks::traffic(text), load(text));
            let _ = pressure::parse(text);
        }
    }
}
