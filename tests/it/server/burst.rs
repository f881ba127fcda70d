//! One client that has a hundred thousand calls under way at once, through the program itself.

use std::io::Write;

use super::program::Serve;

const CALLS: usize = 100_000;

/// What `serve` may take on top of what it had: the limits of a client's queue, of the agent's mailbox and of what is read at
/// once, several times over.
const MOST_MEMORY_KB: u64 = 32 * 1024;

/// A client's text frame. Its mask is of zeros, so the text stands there as it is.
fn frame(text: &str) -> Vec<u8> {
    let length = u8::try_from(text.len()).unwrap();
    assert!(length < 126);
    [&[0x81, 0x80 | length, 0, 0, 0, 0], text.as_bytes()].concat()
}

#[test]
fn a_hundred_thousand_calls_at_once_are_answered_and_cost_no_memory() {
    let serve = Serve::start();
    let mut socket = serve.client();
    let mut writer = socket.get_ref().try_clone().unwrap();
    let before = serve.status("VmHWM");
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
        let rest = text.strip_prefix("[50,").unwrap_or_else(|| panic!("{text}"));
        let id: usize = rest.split(',').next().unwrap().parse().unwrap();
        assert!(std::mem::take(&mut open[id - 1]), "{id} is answered twice");
        if count == CALLS / 4 {
            // While nobody reads here, too.
            serve.answers();
        }
    }
    sender.join().unwrap();
    let grown = serve.status("VmHWM") - before;
    assert!(grown < MOST_MEMORY_KB, "{grown} kB more than before");
}
