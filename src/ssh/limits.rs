//! How much a peer may have, and what happens at each limit.

/// The longest identification line, with its end, in bytes (RFC 4253, section 4.2). Over it: the connection ends.
pub const MAX_IDENT: usize = 255;

/// The longest packet with its length field and authentication code, in bytes: what every implementation must take
/// (RFC 4253, section 6.1). Over it: the connection ends.
pub const MAX_PACKET: usize = 35_000;

/// The longest name-list of KEXINIT in bytes. Over it: the connection ends.
pub const MAX_NAME_LIST: usize = 8 * 1024;

/// Key exchanges before a login holds; each costs us a signature. Over it: the connection ends.
pub const MAX_EARLY_EXCHANGES: u32 = 3;

/// Bytes that wait to be sent to a client while the keys are exchanged, because only the exchange may be sent. Over it: the
/// connection ends.
pub const MAX_HELD: usize = 64 * 1024;

/// Bytes received that wait because a login is being decided. Over it: the connection ends. A driver that minds
/// [`super::Connection::wants_input`] never gets there.
pub const MAX_UNREAD: usize = 256 * 1024;

/// Channels' output that waits in [`super::Connection::output`], in bytes. At it: channels have no room.
pub const MAX_OUTPUT: usize = 64 * 1024;

/// Everything that waits in [`super::Connection::output`], in bytes. Over it: [`super::Connection::wants_input`] is false
/// until the client has read.
pub const MAX_REPLIES: usize = 256 * 1024;

/// Requests for a login, successful probes of a key among them. Over it: the connection ends.
pub const MAX_AUTH_REQUESTS: u32 = 32;

/// The longest name of a user in bytes. Over it: the login is refused.
pub const MAX_USER: usize = 256;

/// The longest password in bytes. Over it: the login is refused.
pub const MAX_PASSWORD: usize = 1024;

/// The smallest RSA key of a user in bits. Under it: the login is refused.
pub const MIN_RSA_BITS: usize = 2048;

/// The largest RSA key of a user in bits. Over it: the login is refused, as checking it would take long.
pub const MAX_RSA_BITS: usize = 8192;

/// Channels of a connection at a time. Over it: the channel is refused.
pub const MAX_CHANNELS: usize = 8;

/// Input of a channel that the driver has not consumed, in bytes. Over it: the connection ends, as the client was told.
pub const RECEIVE_WINDOW: u32 = 64 * 1024;

/// The longest data in one packet, either way, in bytes. Over it: the connection ends.
pub const MAX_DATA: u32 = 32 * 1024;

/// Variables of the environment on a channel. Over it: the request is refused.
pub const MAX_ENV: u32 = 32;

/// The longest variable of the environment, name and value together, in bytes. Over it: the request is refused.
pub const MAX_ENV_BYTES: usize = 4096;

/// The longest name of a kind of terminal in bytes. Over it: the request is refused.
pub const MAX_TERM: usize = 64;

/// Modes of a terminal. The rest is left out.
pub const MAX_MODES: usize = 128;
