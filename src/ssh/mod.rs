//! An SSH-2 server without I/O (RFC 4250 to 4254): bytes of one client in, bytes for it and events out. Nothing here does I/O,
//! spawns, locks, logs or reads a clock; randomness comes in as a generator, the cryptography from crates.
//!
//! # How it is driven
//! A driver owns the socket, the clock and the users. For each connection it makes a [`Connection`] and then goes round:
//!
//! 1. Send [`Connection::output`], as much as the socket takes, and say so to [`Connection::consume`].
//! 2. When [`Connection::is_over`] and the output is sent, close the socket.
//! 3. While [`Connection::wants_input`], read what there is and give it to [`Connection::receive`]. Never stop reading because
//!    a channel's data is unread: the client's answers and window adjustments are behind it, and its window bounds it.
//! 4. Take every [`Connection::next_event`]:
//!    - [`Event::Login`] is answered by [`Connection::answer_auth`], now or later. Nothing else happens meanwhile.
//!    - [`Event::Data`] is held until it is used, then [`Connection::consumed`] lets the client send as much again. At most
//!      [`limits::RECEIVE_WINDOW`] bytes a channel can wait.
//!    - [`Event::Closed`] is the last of its channel; calls for it do nothing from then on.
//! 5. Give channels' output to [`Connection::write`] as far as there is [`Connection::room`]; at the end of a command
//!    [`Connection::exit`]. [`Event::Eof`] ends the input alone.
//!
//! Deadlines are the driver's: for the login, for idleness, for a client that does not close what we have closed.
//!
//! # Security decisions
//! **Algorithms.** Few, none of them old, and only what is held is offered. Key exchange: `mlkem768x25519-sha256`,
//! `curve25519-sha256` and its older name. Host key: `ssh-ed25519`. Ciphers: `chacha20-poly1305@openssh.com`,
//! `aes256-gcm@openssh.com`, `aes256-ctr` with `hmac-sha2-256-etm@openssh.com`: OpenSSH, dropbear, PuTTY, asyncssh and
//! paramiko have one of them each. No encrypt-and-MAC, no SHA-1, no CBC, no finite-field groups, no compression. Users' keys:
//! ed25519, ecdsa-p256, RSA of 2048 bits or more with SHA-2; the signature's algorithm must be the one that was announced.
//!
//! **Prefix truncation** (Terrapin, CVE-2023-48795). Strict key exchange whenever the client knows it. Whether it does or not,
//! nothing but the exchange itself may come before the first keys: without a message that is ignored, nobody can shift our
//! count of a client's packets. What an old client ignores is beyond us.
//!
//! **Key exchange.** Fresh shares each time; a share that gives an all-zero secret is refused. Once the login holds, the
//! client may ask for new keys as often as it wants; before it, [`limits::MAX_EARLY_EXCHANGES`] times, as each costs a
//! signature. We ask after [`RekeyLimits`], long before a nonce could come again, and cut off who does not answer.
//!
//! **Login.** Only after the service was asked for, only for `ssh-connection`. Password and public key, whichever
//! [`Config::methods`] has. A signature covers the session's id, so it is of no use elsewhere, and is checked before the
//! driver is asked: an unknown user and a wrong key take the same way. The same for passwords: there is one question for
//! them, one answer, and whoever gives it can take the same time for it always. Attempts are limited for a connection,
//! whoever they are for; probing for keys counts when it fails, like any other. A public key may be probed without its
//! secret half, as the protocol has it: that tells who asks whether it is in the user's list.
//!
//! **After it.** Session channels with terminal, variables, shell and command. No forwarding of ports, sockets, X11 or agents,
//! no subsystems: each is refused in the way the RFCs have for it, and a client that asks goes on. Variables are offered to
//! the driver and set nowhere.
//!
//! **Protocol errors end the connection** with a DISCONNECT that names what was expected and got: a message in a wrong state,
//! one that ends early or late, more data than the window, a packet that does not authenticate. Unknown messages get
//! UNIMPLEMENTED. Nothing is interpreted after DISCONNECT.
//!
//! **Limits.** [`limits`] has them all; there is no list, buffer or queue without one. What a peer can make us keep:
//! [`limits::MAX_UNREAD`] and [`limits::MAX_REPLIES`] bytes, and [`limits::RECEIVE_WINDOW`] a channel.
//!
//! **Secrets** are wiped when dropped, where the crates can: keys, shared secrets, passwords, the packets that they came in.
//! None is in any `Debug` text. Authentication codes are compared in constant time, by the crates.
//!
//! # What lives where
//! `ident`, `packet`, `cipher` make packets of bytes; `negotiate`, `kex` agree on keys; `transport` is made of these. `auth` is
//! the login. `channels`, `channel`, `request` are what follows. `connection` joins them. `wire` and `message` have types and
//! numbers, `hostkey` and `publickey` the two kinds of keys, `openssh` the format of the first.

mod auth;
mod channel;
mod channels;
mod cipher;
mod config;
mod connection;
mod error;
mod event;
mod hostkey;
mod ident;
mod kex;
mod key_error;
pub mod limits;
mod message;
mod negotiate;
mod openssh;
mod packet;
mod publickey;
mod request;
mod transport;
mod way;
mod wire;

#[cfg(test)]
mod tests;

pub use config::{Config, RekeyLimits};
pub use connection::Connection;
pub use error::SshError;
pub use event::{ChannelId, Credential, Event, Method, Password, Size, Stream, Verdict};
pub use hostkey::HostKey;
pub use key_error::KeyError;
pub use publickey::PublicKey;
