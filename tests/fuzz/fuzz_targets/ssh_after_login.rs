//! Anything after a login: messages of the connection protocol and all others, two channels being open.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wampproc::ssh::Verdict;
use wampproc_fuzz::{Client, drive, messages};

fuzz_target!(|data: &[u8]| {
    let mut client = Client::logged_in();
    for payload in messages(data) {
        if !client.send(payload) {
            break;
        }
        drive(&mut client.server, Verdict::Accept);
        // A client that reads only sometimes.
        if payload.len() % 2 == 0 {
            client.discard_output();
        }
    }
});
