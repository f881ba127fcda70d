//! The groups of who is at the other end of a Unix socket.
#![allow(unsafe_code)] // getsockopt(2) with an option that has no safe binding.

use std::io;
use std::mem::size_of;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;

/// The most that are taken; the kernel's own limit is 65,536 (`NGROUPS_MAX`), and each stranger's are kept.
const MOST: usize = 1024;

/// The supplementary groups that the peer had when it connected (`SO_PEERGROUPS`, unix(7); Linux 4.13).
///
/// # Errors
/// The kernel's: `ERANGE` for a process that is in more than 1,024, `ENOPROTOOPT` for a kernel that does not tell.
pub fn of(stream: &UnixStream) -> io::Result<Vec<u32>> {
    let mut groups = vec![0_u32; MOST];
    let mut length = libc::socklen_t::try_from(MOST * size_of::<u32>()).map_err(io::Error::other)?;
    // SAFETY: the pointers are to `length` writable bytes and to their number; the kernel writes no more, and any bytes are
    // numbers.
    let result = unsafe {
        libc::getsockopt(
            stream.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERGROUPS,
            groups.as_mut_ptr().cast(),
            &raw mut length,
        )
    };
    nix::errno::Errno::result(result)?;
    groups.truncate(usize::try_from(length).map_err(io::Error::other)? / size_of::<u32>());
    groups.shrink_to_fit();
    Ok(groups)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peers_groups_are_those_of_this_process() {
        let (one, _other) = UnixStream::pair().unwrap();
        let mut own: Vec<u32> = nix::unistd::getgroups().unwrap().into_iter().map(nix::unistd::Gid::as_raw).collect();
        let mut got = of(&one).unwrap();
        own.sort_unstable();
        got.sort_unstable();
        assert_eq!(got, own);
    }
}
