//! Channels: what is opened, what is asked for on them, and how they end.

use super::client::{Client, NOTHING, Setup, config, on, open, request};
use crate::ssh::limits::{MAX_CHANNELS, MAX_ENV, MAX_TERM};
use crate::ssh::message;
use crate::ssh::wire::{Payload, Reader};
use crate::ssh::{ChannelId, Event, Size, Stream};

fn client() -> Client {
    Client::logged_in(Setup::default(), config())
}

/// The reason code of the CHANNEL_OPEN_FAILURE that comes next.
fn refusal(client: &mut Client) -> u32 {
    let payload = client.next().unwrap();
    let mut reader = Reader::new("refusal", &payload);
    assert_eq!(reader.byte("number"), Ok(message::CHANNEL_OPEN_FAILURE));
    assert_eq!(reader.u32("recipient"), Ok(3));
    reader.u32("reason").unwrap()
}

#[test]
fn there_are_so_many_channels_and_no_more() {
    let mut client = client();
    let channels: Vec<ChannelId> = (0..8).map(|number| client.open(number, 1000, 1000)).collect();
    assert_eq!(channels.len(), MAX_CHANNELS);
    client.send(open(b"session", 3, 1000, 1000)).unwrap();
    assert_eq!(refusal(&mut client), 4);
    assert_eq!(client.events(), []);

    client.server.close(channels[5]);
    client.send(open(b"session", 3, 1000, 1000)).unwrap();
    assert_eq!(client.numbers(), [message::CHANNEL_EOF, message::CHANNEL_CLOSE, message::CHANNEL_OPEN_FAILURE]);
    client.send(on(channels[5], message::CHANNEL_CLOSE)).unwrap();
    assert_eq!(client.events(), [Event::Closed(channels[5])]);
    let again = client.open(5, 1000, 1000);
    assert!(!channels.contains(&again), "numbers do not come again");
    for (number, channel) in channels.iter().enumerate().filter(|(number, _)| *number != 5) {
        assert_eq!(client.server.write(*channel, Stream::Out, b"x"), 1);
        let data = Payload::message(message::CHANNEL_DATA).u32(u32::try_from(number).unwrap()).string(b"x");
        assert_eq!(client.next().as_deref(), Some(data.as_bytes()));
    }
}

#[test]
fn only_sessions_are_opened() {
    let mut client = client();
    for (kind, reason) in [
        (&b"direct-tcpip"[..], 1),
        (b"direct-streamlocal@openssh.com", 1),
        (b"x11", 3),
        (b"auth-agent@openssh.com", 3),
        (b"forwarded-tcpip", 3),
        (b"\xff", 3),
    ] {
        client.send(open(kind, 3, 1000, 1000).string(b"more").u32(80)).unwrap();
        assert_eq!(refusal(&mut client), reason);
    }
    let global = |name: &[u8], wants_reply| Payload::message(message::GLOBAL_REQUEST).string(name).boolean(wants_reply);
    client.send(global(b"tcpip-forward", true).string(b"").u32(0)).unwrap();
    client.send(global(b"keepalive@openssh.com", true)).unwrap();
    client.send(global(b"hostkeys-prove-00@openssh.com", false)).unwrap();
    assert_eq!(client.numbers(), [message::REQUEST_FAILURE, message::REQUEST_FAILURE]);
    client.send(global(b"no-more-sessions@openssh.com", false)).unwrap();
    client.send(open(b"session", 3, 1000, 1000)).unwrap();
    assert_eq!(refusal(&mut client), 1);
    assert_eq!(client.events(), []);
}

#[test]
fn a_shell_with_a_terminal() {
    let (mut client, channel) = Client::in_channel(1000, 1000);
    let modes = Payload::fields().byte(1).u32(3).byte(53).u32(1).byte(0).byte(9);
    let size = |payload: Payload| payload.u32(80).u32(24).u32(640).u32(480);
    client.send(size(request(channel, "pty-req", true).string(b"xterm")).string(modes.as_bytes())).unwrap();
    client.send(request(channel, "env", false).string(b"LANG").string(b"C.UTF-8")).unwrap();
    client.send(request(channel, "shell", true)).unwrap();
    client.send(size(request(channel, "window-change", false))).unwrap();
    client.send(request(channel, "signal", false).string(b"INT")).unwrap();
    client.send(on(channel, message::CHANNEL_DATA).string(b"help\r")).unwrap();
    let size = Size { columns: 80, rows: 24 };
    assert_eq!(
        client.events(),
        [
            Event::Pty { channel, term: "xterm".into(), size, modes: vec![(1, 3), (53, 1)] },
            Event::Env { channel, name: "LANG".into(), value: "C.UTF-8".into() },
            Event::Shell(channel),
            Event::Resized { channel, size },
            Event::Signal { channel, name: "INT".into() },
            Event::Data { channel, bytes: b"help\r".to_vec() },
        ]
    );
    assert_eq!(client.numbers(), [message::CHANNEL_SUCCESS, message::CHANNEL_SUCCESS]);
}

#[test]
fn a_command_ends_with_its_status_and_the_channel_after_it() {
    let (mut client, channel) = Client::in_channel(1000, 1000);
    client.send(request(channel, "exec", true).string(b"stats --json")).unwrap();
    client.send(on(channel, message::CHANNEL_EOF)).unwrap();
    let command = b"stats --json".to_vec();
    assert_eq!(client.events(), [Event::Exec { channel, command }, Event::Eof(channel)]);
    // The end of the input is not the end of the output.
    assert_eq!(client.server.write(channel, Stream::Out, b"out"), 3);
    assert_eq!(client.server.write(channel, Stream::Err, b"err"), 3);
    client.server.exit(channel, 258);
    assert_eq!(client.server.room(channel), 0);
    let to = |number| Payload::message(number).u32(7);
    for expected in [
        to(message::CHANNEL_SUCCESS),
        to(message::CHANNEL_DATA).string(b"out"),
        to(message::CHANNEL_EXTENDED_DATA).u32(1).string(b"err"),
        to(message::CHANNEL_REQUEST).string(b"exit-status").boolean(false).u32(258),
        to(message::CHANNEL_EOF),
        to(message::CHANNEL_CLOSE),
    ] {
        assert_eq!(client.next().as_deref(), Some(expected.as_bytes()));
    }
    assert_eq!(client.server.write(channel, Stream::Out, b"late"), 0);
    client.server.exit(channel, 1);
    client.server.close(channel);
    assert_eq!(client.numbers(), NOTHING, "a channel ends once");
    client.send(on(channel, message::CHANNEL_CLOSE)).unwrap();
    assert_eq!(client.events(), [Event::Closed(channel)]);
    assert!(client.send(on(channel, message::CHANNEL_CLOSE)).is_err());
}

#[test]
fn a_command_can_end_by_a_signal() {
    let (mut client, channel) = Client::in_channel(1000, 1000);
    client.server.exit_by_signal(channel, "TERM");
    let expected = Payload::message(message::CHANNEL_REQUEST)
        .u32(7)
        .string(b"exit-signal")
        .boolean(false)
        .string(b"TERM")
        .boolean(false)
        .string(b"")
        .string(b"");
    assert_eq!(client.next().as_deref(), Some(expected.as_bytes()));
    assert_eq!(client.numbers(), [message::CHANNEL_EOF, message::CHANNEL_CLOSE]);
}

#[test]
fn what_crosses_our_close_is_let_pass() {
    let (mut client, channel) = Client::in_channel(1000, 1000);
    client.server.exit(channel, 0);
    client.numbers();
    client.send(on(channel, message::CHANNEL_DATA).string(b"typed")).unwrap();
    client.send(request(channel, "window-change", false).u32(1).u32(1).u32(1).u32(1)).unwrap();
    client.send(request(channel, "shell", true)).unwrap();
    client.send(on(channel, message::CHANNEL_WINDOW_ADJUST).u32(5)).unwrap();
    client.send(on(channel, message::CHANNEL_EOF)).unwrap();
    client.send(on(channel, message::CHANNEL_CLOSE)).unwrap();
    assert_eq!(client.events(), [Event::Eof(channel), Event::Closed(channel)]);
    assert_eq!(client.numbers(), NOTHING, "nothing is said after CLOSE");
}

#[test]
fn a_client_that_closes_is_answered() {
    let (mut client, channel) = Client::in_channel(1000, 1000);
    client.send(on(channel, message::CHANNEL_CLOSE)).unwrap();
    assert_eq!(client.numbers(), [message::CHANNEL_CLOSE]);
    assert_eq!(client.events(), [Event::Closed(channel)]);
    assert_eq!(client.server.write(channel, Stream::Out, b"x"), 0);
    client.server.exit(channel, 0);
    client.server.consumed(channel, 10);
    assert_eq!(client.numbers(), NOTHING);
}

#[test]
fn requests_that_cannot_be_are_refused() {
    let (mut client, channel) = Client::in_channel(1000, 1000);
    let pty = |term: &str| {
        let payload = request(channel, "pty-req", true).string(term.as_bytes());
        payload.u32(80).u32(24).u32(0).u32(0).string(b"")
    };
    for payload in [
        request(channel, "subsystem", true).string(b"sftp"),
        request(channel, "x11-req", true).boolean(true).string(b"").string(b"").u32(0),
        request(channel, "auth-agent-req@openssh.com", true),
        request(channel, "break", true).u32(100),
        request(channel, "exit-status", true).u32(0),
        request(channel, "keepalive@openssh.com", true),
        request(channel, "window-change", true).u32(1).u32(1).u32(1).u32(1),
        request(channel, "signal", true).string(b"not a name"),
        request(channel, "env", true).string(&[0xff]).string(b""),
        request(channel, "env", true).string(b"A").string(&[b'a'; 5000]),
        pty(&"x".repeat(MAX_TERM + 1)),
    ] {
        client.send(payload).unwrap();
        assert_eq!(client.numbers(), [message::CHANNEL_FAILURE]);
    }
    assert_eq!(client.events(), []);
    client.send(pty("vt100")).unwrap();
    client.send(pty("vt100")).unwrap();
    for payload in ["shell", "shell"].map(|kind| request(channel, kind, true)) {
        client.send(payload).unwrap();
    }
    client.send(request(channel, "exec", true).string(b"stats")).unwrap();
    client.send(request(channel, "env", true).string(b"A").string(b"b")).unwrap();
    let (yes, no) = (message::CHANNEL_SUCCESS, message::CHANNEL_FAILURE);
    assert_eq!(client.numbers(), [yes, no, yes, no, no, no]);
    assert_eq!(client.events().len(), 2);
}

#[test]
fn variables_are_bounded() {
    let (mut client, channel) = Client::in_channel(1000, 1000);
    for _ in 0..MAX_ENV + 1 {
        client.send(request(channel, "env", true).string(b"A").string(b"b")).unwrap();
    }
    assert_eq!(client.events().len(), 32);
    assert_eq!(client.numbers().last(), Some(&message::CHANNEL_FAILURE));
}

#[test]
fn what_no_channel_can_take_ends_the_connection() {
    let wrong = |payload: fn(ChannelId) -> Payload| {
        let (mut client, channel) = Client::in_channel(1000, 1000);
        client.send(on(channel, message::CHANNEL_EOF)).unwrap();
        client.send(payload(channel)).unwrap_err()
    };
    type Case = (fn(ChannelId) -> Payload, &'static str);
    let cases: [Case; 9] = [
        (|_| on(ChannelId(99), message::CHANNEL_DATA).string(b"x"), "channel 99: expected one that is open"),
        (|id| on(id, message::CHANNEL_DATA).string(b"x"), "channel 0: expected no data after SSH_MSG_CHANNEL_EOF"),
        (|id| on(id, message::CHANNEL_EOF), "channel 0: expected one SSH_MSG_CHANNEL_EOF at most"),
        (|id| on(id, message::CHANNEL_CLOSE).byte(0), "malformed SSH_MSG_CHANNEL_CLOSE: expected its end, got more"),
        (|id| on(id, message::CHANNEL_REQUEST), "malformed SSH_MSG_CHANNEL_REQUEST: request type"),
        (|id| request(id, "exec", true), "malformed SSH_MSG_CHANNEL_REQUEST: command"),
        (
            |id| on(id, message::CHANNEL_SUCCESS),
            "expected no answer to what was not asked, got SSH_MSG_CHANNEL_SUCCESS (99)",
        ),
        (
            |_| Payload::message(message::REQUEST_FAILURE),
            "expected no answer to what was not asked, got SSH_MSG_REQUEST_FAILURE (82)",
        ),
        (
            |_| Payload::message(message::USERAUTH_SUCCESS),
            "expected a message of the connection protocol, got SSH_MSG_USERAUTH_SUCCESS (52)",
        ),
    ];
    for (payload, sentence) in cases {
        assert_eq!(wrong(payload).to_string(), sentence);
    }
}

#[test]
fn two_connections_do_not_know_each_other() {
    let (mut one, channel) = Client::in_channel(1000, 1000);
    let (mut other, _) = Client::in_channel(1000, 1000);
    let bytes = one.seal(&on(channel, message::CHANNEL_DATA).string(b"x"));
    // The same random numbers make the same keys here; a packet of another session is then found out by its number alone.
    other.send(Payload::message(message::IGNORE).string(b"")).unwrap();
    assert!(other.server.receive(&bytes).is_err());
}
