//! The numbers of SSH's messages and disconnect reasons (RFC 4250, section 4), and their names for people.

pub(super) const DISCONNECT: u8 = 1;
pub(super) const IGNORE: u8 = 2;
pub(super) const UNIMPLEMENTED: u8 = 3;
pub(super) const DEBUG: u8 = 4;
pub(super) const SERVICE_REQUEST: u8 = 5;
pub(super) const SERVICE_ACCEPT: u8 = 6;
pub(super) const EXT_INFO: u8 = 7;
pub(super) const KEXINIT: u8 = 20;
pub(super) const NEWKEYS: u8 = 21;
pub(super) const KEX_ECDH_INIT: u8 = 30;
pub(super) const KEX_ECDH_REPLY: u8 = 31;
pub(super) const USERAUTH_REQUEST: u8 = 50;
pub(super) const USERAUTH_FAILURE: u8 = 51;
pub(super) const USERAUTH_SUCCESS: u8 = 52;
pub(super) const USERAUTH_PK_OK: u8 = 60;
pub(super) const GLOBAL_REQUEST: u8 = 80;
pub(super) const REQUEST_SUCCESS: u8 = 81;
pub(super) const REQUEST_FAILURE: u8 = 82;
pub(super) const CHANNEL_OPEN: u8 = 90;
pub(super) const CHANNEL_OPEN_CONFIRMATION: u8 = 91;
pub(super) const CHANNEL_OPEN_FAILURE: u8 = 92;
pub(super) const CHANNEL_WINDOW_ADJUST: u8 = 93;
pub(super) const CHANNEL_DATA: u8 = 94;
pub(super) const CHANNEL_EXTENDED_DATA: u8 = 95;
pub(super) const CHANNEL_EOF: u8 = 96;
pub(super) const CHANNEL_CLOSE: u8 = 97;
pub(super) const CHANNEL_REQUEST: u8 = 98;
pub(super) const CHANNEL_SUCCESS: u8 = 99;
pub(super) const CHANNEL_FAILURE: u8 = 100;

/// The messages of the connection protocol, which need a login.
pub(super) const CONNECTION: std::ops::RangeInclusive<u8> = 80..=127;

/// Reasons of DISCONNECT (RFC 4253, section 11.1).
pub(super) mod reason {
    pub(in crate::ssh) const PROTOCOL_ERROR: u32 = 2;
    pub(in crate::ssh) const KEY_EXCHANGE_FAILED: u32 = 3;
    pub(in crate::ssh) const MAC_ERROR: u32 = 5;
    pub(in crate::ssh) const SERVICE_NOT_AVAILABLE: u32 = 7;
    pub(in crate::ssh) const PROTOCOL_VERSION_NOT_SUPPORTED: u32 = 8;
    pub(in crate::ssh) const BY_APPLICATION: u32 = 11;
    pub(in crate::ssh) const NO_MORE_AUTH_METHODS_AVAILABLE: u32 = 14;
}

const UNKNOWN: &str = "an unknown message";

/// The name of a message, as the RFCs have it.
pub(super) fn name(number: u8) -> &'static str {
    match number {
        DISCONNECT => "SSH_MSG_DISCONNECT",
        IGNORE => "SSH_MSG_IGNORE",
        UNIMPLEMENTED => "SSH_MSG_UNIMPLEMENTED",
        DEBUG => "SSH_MSG_DEBUG",
        SERVICE_REQUEST => "SSH_MSG_SERVICE_REQUEST",
        SERVICE_ACCEPT => "SSH_MSG_SERVICE_ACCEPT",
        EXT_INFO => "SSH_MSG_EXT_INFO",
        KEXINIT => "SSH_MSG_KEXINIT",
        NEWKEYS => "SSH_MSG_NEWKEYS",
        KEX_ECDH_INIT => "SSH_MSG_KEX_ECDH_INIT",
        KEX_ECDH_REPLY => "SSH_MSG_KEX_ECDH_REPLY",
        USERAUTH_REQUEST => "SSH_MSG_USERAUTH_REQUEST",
        USERAUTH_FAILURE => "SSH_MSG_USERAUTH_FAILURE",
        USERAUTH_SUCCESS => "SSH_MSG_USERAUTH_SUCCESS",
        USERAUTH_PK_OK => "SSH_MSG_USERAUTH_PK_OK",
        GLOBAL_REQUEST => "SSH_MSG_GLOBAL_REQUEST",
        REQUEST_SUCCESS => "SSH_MSG_REQUEST_SUCCESS",
        REQUEST_FAILURE => "SSH_MSG_REQUEST_FAILURE",
        CHANNEL_OPEN => "SSH_MSG_CHANNEL_OPEN",
        CHANNEL_OPEN_CONFIRMATION => "SSH_MSG_CHANNEL_OPEN_CONFIRMATION",
        CHANNEL_OPEN_FAILURE => "SSH_MSG_CHANNEL_OPEN_FAILURE",
        CHANNEL_WINDOW_ADJUST => "SSH_MSG_CHANNEL_WINDOW_ADJUST",
        CHANNEL_DATA => "SSH_MSG_CHANNEL_DATA",
        CHANNEL_EXTENDED_DATA => "SSH_MSG_CHANNEL_EXTENDED_DATA",
        CHANNEL_EOF => "SSH_MSG_CHANNEL_EOF",
        CHANNEL_CLOSE => "SSH_MSG_CHANNEL_CLOSE",
        CHANNEL_REQUEST => "SSH_MSG_CHANNEL_REQUEST",
        CHANNEL_SUCCESS => "SSH_MSG_CHANNEL_SUCCESS",
        CHANNEL_FAILURE => "SSH_MSG_CHANNEL_FAILURE",
        _ => UNKNOWN,
    }
}

/// Whether a message of this number exists here, in whatever direction.
pub(super) fn is_known(number: u8) -> bool {
    name(number) != UNKNOWN
}
