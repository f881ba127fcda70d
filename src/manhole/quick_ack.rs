//! Acknowledges at once what was received over TCP.
//!
//! A client that has Nagle's algorithm on sends NEWKEYS, to which there is no answer, and then waits with the next packet
//! until that is acknowledged: 40 ms of a login, where the kernel delays acknowledgements (tcp(7), `TCP_QUICKACK`).
#![allow(unsafe_code)] // setsockopt(2) with an option that has no safe binding.

use std::mem::size_of_val;
use std::net::TcpStream;
use std::os::fd::AsRawFd;

/// Acknowledges what was received, now.
pub(super) fn acknowledge(stream: &TcpStream) {
    let on: libc::c_int = 1;
    let Ok(length) = libc::socklen_t::try_from(size_of_val(&on)) else { return };
    // SAFETY: the pointer is to `length` readable bytes, and the descriptor is open. That it fails is no matter: a socket that
    // is gone needs no acknowledgement.
    unsafe {
        libc::setsockopt(stream.as_raw_fd(), libc::IPPROTO_TCP, libc::TCP_QUICKACK, (&raw const on).cast(), length);
    }
}
