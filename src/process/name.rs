//! What a process is called: `comm` of proc_pid_comm(5), a name and nothing to parse.

use std::fs;

use super::error::ProcessError;

/// The name of the process with this id: that of its program, at most 15 bytes of it, unless it gave itself another.
///
/// # Errors
/// [`ProcessError::Gone`] when there is no such process; else when the kernel refuses.
pub fn name_of(pid: i32) -> Result<String, ProcessError> {
    let file = format!("/proc/{pid}/comm");
    let name = fs::read(&file).map_err(|error| match error.raw_os_error() {
        Some(libc::ENOENT | libc::ESRCH) => ProcessError::Gone { pid },
        _ => ProcessError::os(format!("read {file}"), &error),
    })?;
    let name = name.strip_suffix(b"\n").unwrap_or(&name);
    Ok(String::from_utf8_lossy(name).into_owned())
}
