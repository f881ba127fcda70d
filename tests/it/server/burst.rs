//! One client that has a hundred thousand calls under way at once, through the program itself.

use std::io::Write;

use serde_json::json;
use tungstenite::Message;
use tungstenite::client::IntoClientRequest;
use tungstenite::http::HeaderValue;

use super::client::connect;
use crate::support::{Program, run, wampproc};

const CALLS: usize = 100_000;

/// What `serve` may take on top of what it had: the limits of a client's queue, of the agent's mailbox and of what the kernel
/// reads at once, several times over.
const MOST_MEMORY_KB: u64 = 32 * 1024;

/// A client's text frame. Its mask is of zeros, so the text stands there as it is.
fn frame(text: &str) -> Vec<u8> {
    let length = u8::try_from(text.len()).unwrap();
    assert!(length < 126);
    [&[0x81, 0x80 | length, 0, 0, 0, 0], text.as_bytes()].concat()
}

fn peak_memory_kb(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn a_hundred_thousand_calls_at_once_are_answered_and_cost_no_memory() {
    // Nobody answers pings here.
    let mut program = Program::spawn(wampproc(["serve", "--listen", "127.0.0.1:0", "--ping-interval", "0"]));
    let url = program.line().split(' ').nth(1).unwrap().to_owned();
    let address = url.strip_prefix("ws://").unwrap().trim_end_matches("/ws").parse().unwrap();
    let mut request = url.as_str().into_client_request().unwrap();
    request.headers_mut().insert("Sec-WebSocket-Protocol", HeaderValue::from_static("wamp.2.json"));
    let (mut socket, _) = tungstenite::client(request, connect(address)).unwrap();
    let mut writer = socket.get_ref().try_clone().unwrap();
    socket.send(Message::text(json!([1, "realm1", {"roles": {"caller": {}}}]).to_string())).unwrap();
    assert!(socket.read().unwrap().to_text().unwrap().starts_with("[2,"));
    let before = peak_memory_kb(program.id());
    let sender = std::thread::spawn(move || {
        for chunk in (1..=CALLS).collect::<Vec<_>>().chunks(100) {
            let call = |id: &usize| frame(&format!(r#"[48,{id},{{}},"crossbar.worker.wampproc.utcnow"]"#));
            writer.write_all(&chunk.iter().flat_map(call).collect::<Vec<_>>()).unwrap();
        }
    });
    let mut open = vec![true; CALLS];
    for count in 0..CALLS {
        let message = socket.read().unwrap();
        let text = message.to_text().unwrap();
        let id: usize =
            text.strip_prefix("[50,").unwrap_or_else(|| panic!("{text}")).split(',').next().unwrap().parse().unwrap();
        assert!(std::mem::take(&mut open[id - 1]), "{id} is answered twice");
        if count == CALLS / 4 {
            // The others are served meanwhile.
            let end = run(["call", "crossbar.worker.wampproc.uptime", "--url", &url, "--timeout", "10s"]);
            assert_eq!(end.code, Some(0), "{}", end.stderr);
        }
    }
    sender.join().unwrap();
    let grown = peak_memory_kb(program.id()) - before;
    assert!(grown < MOST_MEMORY_KB, "{grown} kB more than before");
}
