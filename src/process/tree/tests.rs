//! Made-up families with every kind of trouble, and the real kernel by both its ways.

use super::*;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

/// Processes with their parents' ids and their starts, and the children that their files list.
#[derive(Default)]
struct Made {
    stats: HashMap<i32, (i32, u64)>,
    children: HashMap<i32, Vec<i32>>,
}

impl Made {
    fn with(mut self, pid: i32, parent: i32, start: u64) -> Self {
        self.stats.insert(pid, (parent, start));
        self.children.entry(parent).or_default().push(pid);
        self
    }

    fn tree(&self) -> ProcessTree {
        walk(self, 1, &Times { now: Now::read(), since_boot: Duration::from_secs(1000) }).unwrap()
    }

    /// Ids with their depths, in order.
    fn shape(&self) -> Vec<(i32, u32)> {
        self.tree().processes.iter().map(|process| (process.pid, process.depth)).collect()
    }
}

impl Kernel for Made {
    fn stat(&self, pid: i32) -> Option<Stat> {
        let (parent, start) = self.stats.get(&pid)?;
        let rest = "1 1 0 -1 0 0 0 0 0 100 50 0 0 20 0 3 0";
        let text = format!("{pid} (p) {pid}) S {parent} {rest} {start} 4096 2 {}\n", ["0"; 28].join(" "));
        Some(whole::stat(text.as_bytes()).unwrap())
    }

    fn children(&self, pid: i32) -> Vec<i32> {
        self.children.get(&pid).cloned().unwrap_or_default()
    }
}

#[test]
fn parents_come_before_children_and_siblings_by_their_ids() {
    let made = Made::default().with(1, 0, 5).with(9, 1, 6).with(2, 1, 6).with(3, 2, 7).with(10, 9, 6).with(4, 2, 8);
    assert_eq!(made.shape(), [(1, 0), (2, 1), (3, 2), (4, 2), (9, 1), (10, 2)]);
    let tree = made.tree();
    let root = &tree.processes[0];
    assert!(tree.complete);
    assert_eq!((root.name.as_str(), root.status, root.threads, root.ppid), ("p) 1", Status::Sleeping, 3, 0));
    assert_eq!(root.resident, Some(2 * procfs::page_size()));
    assert_eq!(root.uptime, 1000.0 - ticks(5).as_secs_f64());
    assert_eq!(root.cpu, ticks(150).as_secs_f64());
}

#[test]
fn ids_that_were_used_again_and_circles_are_passed_over() {
    // 3 is listed, but has another parent by now; 4 is older than its listed parent; 5 is gone.
    let mut made = Made::default().with(1, 0, 5).with(2, 1, 6).with(3, 7, 9).with(4, 2, 2);
    made.children.entry(2).or_default().extend([3, 5, 2, 1, 4]);
    assert_eq!(made.shape(), [(1, 0), (2, 1)]);
    let mut made = Made::default().with(1, 2, 5).with(2, 1, 5);
    made.children.entry(1).or_default().push(1);
    assert_eq!(made.shape(), [(1, 0), (2, 1)]);
}

#[test]
fn a_family_too_large_or_too_deep_is_told_in_part() {
    let large = (2..5000).fold(Made::default().with(1, 0, 0), |made, pid| made.with(pid, 1, 1));
    let tree = large.tree();
    assert_eq!((tree.complete, tree.processes.len()), (false, MOST_PROCESSES));
    let deep = (2..200).fold(Made::default().with(1, 0, 0), |made, pid| made.with(pid, pid - 1, 1));
    let tree = deep.tree();
    assert_eq!((tree.complete, tree.processes.last().unwrap().depth), (false, DEEPEST));
}

#[test]
fn what_is_no_stat_is_no_process() {
    struct Rubbish(Vec<u8>);
    impl Kernel for Rubbish {
        fn stat(&self, _: i32) -> Option<Stat> {
            whole::stat(&self.0)
        }
        fn children(&self, pid: i32) -> Vec<i32> {
            vec![pid, pid.wrapping_add(1), -1, i32::MAX]
        }
    }
    let times = Times { now: Now::read(), since_boot: Duration::ZERO };
    let (unsigned, signed) = (u64::MAX.to_string(), i64::MAX.to_string());
    // Fields 10 to 15, 16 to 21, and 22 to 37 of the manual page.
    let huge = [[&*unsigned].repeat(6), [&*signed].repeat(6), [&*unsigned].repeat(16)].concat().join(" ");
    let full = format!("1 (a) S 1 1 1 0 -1 0 {huge}");
    assert!(walk(&Rubbish(full.clone().into_bytes()), 1, &times).is_some());
    for length in 0..full.rfind(' ').unwrap() {
        assert!(walk(&Rubbish(full.as_bytes()[..length].to_vec()), 1, &times).is_none());
    }
}

struct Family(Child);

impl Drop for Family {
    fn drop(&mut self) {
        // Its own child ends by the end of its input, which is ours to close.
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

#[test]
fn a_child_and_its_child_by_either_way() {
    // A shell gives what runs in its background no input of its own, so ours goes by another number.
    let script = "exec 3<&0; sh -c 'cat <&3; :' & wait";
    let family = Family(Command::new("sh").args(["-c", script]).stdin(Stdio::piped()).spawn().unwrap());
    let (own, shell) = (i32::try_from(std::process::id()).unwrap(), i32::try_from(family.0.id()).unwrap());
    let deadline = Instant::now() + Duration::from_secs(10);
    let times = Times { now: Now::read(), since_boot: since_boot().unwrap() };
    let below = |kernel: &dyn Kernel| -> Vec<(u32, String)> {
        let tree = walk(kernel, own, &times).unwrap();
        let first = tree.processes.iter().position(|process| process.pid == shell);
        let below = tree.processes.into_iter().skip(first.unwrap_or(usize::MAX));
        below
            .take_while(|process| process.pid == shell || process.depth > 1)
            .map(|process| (process.depth, process.name))
            .collect()
    };
    let expected = [(1, "sh".to_owned()), (2, "sh".to_owned()), (3, "cat".to_owned())];
    while below(&ChildrenFiles) != expected || below(&Pass::new()) != expected {
        assert!(Instant::now() < deadline, "{:?} {:?}", below(&ChildrenFiles), below(&Pass::new()));
    }
    assert_eq!(read(shell).unwrap().processes[0].ppid, own);
}
