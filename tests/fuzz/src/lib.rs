//! What the targets share: a client with the least cryptography that a server will talk to, a generator that is the same in
//! each run, and a driver that does what events ask for.

mod client;
mod rng;

use std::sync::{Arc, LazyLock};

pub use client::Client;
pub use rng::FixedRng;
use wampproc::ssh::{Config, Connection, Event, HostKey, Stream, Verdict};

/// The server's configuration: new keys are due early, so that this happens too.
pub static CONFIG: LazyLock<Arc<Config>> = LazyLock::new(|| {
    let mut config = Config::new(HostKey::generate(&mut FixedRng::new(1)));
    config.rekey.bytes = 64 * 1024;
    config.rekey.packets = 200;
    Arc::new(config)
});

/// Takes every event, and does what a driver would. `verdict` is for all logins.
pub fn drive(server: &mut Connection, verdict: Verdict) {
    while let Some(event) = server.next_event() {
        match event {
            Event::Login { .. } => {
                let _ = server.answer_auth(verdict);
            }
            Event::Data { channel, bytes } => {
                server.write(channel, Stream::Out, &bytes);
                server.consumed(channel, bytes.len());
            }
            Event::Exec { channel, command } => {
                server.write(channel, Stream::Err, &command);
                server.exit(channel, 1);
            }
            Event::Eof(channel) => server.close(channel),
            Event::Signal { channel, name } => server.exit_by_signal(channel, &name),
            _ => {}
        }
    }
    assert!(server.output().len() < 1 << 20, "what waits to be sent has a limit");
}

/// The messages in a fuzzer's bytes: each has its length before it, in one byte, and a byte 255 stands for the rest.
pub fn messages(mut data: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (length, rest) = data.split_first()?;
        let length = if *length == 255 { rest.len() } else { usize::from(*length).min(rest.len()) };
        let (message, rest) = rest.split_at(length);
        data = rest;
        Some(message)
    })
    .filter(|message| !message.is_empty())
}
