//! System calls on sockets that nix has no fitting binding for.
#![allow(unsafe_code)] // getsockopt(2) on a descriptor that we do not own: the safe binding wants one that stays open. getxattr(2).

use std::ffi::CStr;
use std::mem::size_of;
use std::os::fd::RawFd;

/// An option that is an `int`; `None` when the descriptor is closed or no socket.
pub(super) fn option(fd: RawFd, level: i32, name: i32) -> Option<i32> {
    let mut value = [0; size_of::<i32>()];
    get_option(fd, level, name, &mut value).then(|| i32::from_ne_bytes(value))
}

/// The first byte of `tcp_info`; the kernel fills in as much of it as there is room for.
pub(super) fn tcp_info_state(fd: RawFd) -> Option<u8> {
    let mut value = [0; 1];
    get_option(fd, libc::IPPROTO_TCP, libc::TCP_INFO, &mut value).then_some(value[0])
}

fn get_option<const N: usize>(fd: RawFd, level: i32, name: i32, value: &mut [u8; N]) -> bool {
    let Ok(mut length) = libc::socklen_t::try_from(N) else { return false };
    // SAFETY: the pointers are to `length` writable bytes and to their number; the kernel writes no more. Nothing is
    // assumed of the descriptor: a closed one or another kind is EBADF or ENOTSOCK.
    let result = unsafe { libc::getsockopt(fd, level, name, value.as_mut_ptr().cast(), &raw mut length) };
    result == 0
}

/// The longest name of a protocol, with its NUL (`struct proto` in Linux's include/net/sock.h).
const LONGEST_NAME: usize = 32;

/// The name of the protocol of a socket, by the path of a link to it in `/proc`; `None` when it is closed or no socket.
pub(super) fn protocol(path: &CStr) -> Option<Vec<u8>> {
    let mut value = [0_u8; LONGEST_NAME];
    let name = c"system.sockprotoname";
    // SAFETY: both texts end with NUL, and the kernel writes at most as many bytes as `value` has.
    let length = unsafe { libc::getxattr(path.as_ptr(), name.as_ptr(), value.as_mut_ptr().cast(), value.len()) };
    let written = value.get(..usize::try_from(length).ok()?)?;
    Some(written.strip_suffix(&[0]).unwrap_or(written).to_vec())
}
