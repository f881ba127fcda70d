//! Anything before a login: raw bytes from the first one on, messages before there are keys, messages that are encrypted.
//! The first byte says which; all others are the client's, messages as in `ssh_after_login`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wampproc::ssh::Verdict;
use wampproc_fuzz::{Client, drive};

fuzz_target!(|data: &[u8]| {
    let Some((mode, data)) = data.split_first() else { return };
    let verdict = if mode & 4 == 0 { Verdict::Refuse } else { Verdict::Accept };
    if mode & 3 == 0 {
        let mut client = Client::silent();
        for piece in data.chunks(1 + usize::from(mode >> 3)) {
            let _ = client.server.receive(piece);
            drive(&mut client.server, verdict);
        }
        return;
    }
    let mut client = if mode & 3 == 1 { Client::identified() } else { Client::connected() };
    for payload in wampproc_fuzz::messages(data) {
        if !client.send(payload) {
            break;
        }
        drive(&mut client.server, verdict);
    }
});
