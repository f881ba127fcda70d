//! A descriptor that whoever started this program left open for it.
#![allow(unsafe_code)] // A number from the command line names a descriptor, and only the kernel knows whether there is one.

use std::fs::File;
use std::io;
use std::os::fd::BorrowedFd;

/// A file of its own for the descriptor with this number, which stays open.
///
/// # Errors
/// When there is none.
pub fn open(number: u16) -> io::Result<File> {
    // SAFETY: it is used for this one call, which asks the kernel for a copy and is refused (EBADF) when there is no such
    // descriptor; nothing else of this process closes descriptors meanwhile, as it reads its secrets before it opens anything.
    let inherited = unsafe { BorrowedFd::borrow_raw(i32::from(number)) };
    inherited.try_clone_to_owned().map(File::from)
}
