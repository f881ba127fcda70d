//! Starts a child: its own process group, the terminal's foreground if we have it, our death as its own, the signals as this
//! process got them, and an environment in which the ids that mean us mean it.
#![allow(unsafe_code)] // What is done between fork(2) and exec(2) is for `pre_exec`, and exec itself with an environment of ours.

use std::env;
use std::ffi::{CString, OsStr, OsString};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use nix::errno::Errno;
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal as Standard;
use nix::unistd::{Pid, getpid, getppid, setpgid};

use super::command::ChildCommand;
use super::signals::Inherited;

/// Variables that hold the id of the process that they are meant for (sd_notify(3), sd_listen_fds(3)).
const IDS: [&str; 2] = ["WATCHDOG_PID", "LISTEN_PID"];

/// Where systemd's notifications go.
pub(super) const NOTIFY_SOCKET: &str = "NOTIFY_SOCKET";

/// Digits of the longest process id, a NUL after them.
const DIGITS: usize = 10;

/// What a start needs besides the command.
pub(super) struct Surroundings<'a> {
    pub inherited: Inherited,
    /// The terminal, if the child is to have its foreground.
    pub terminal: Option<BorrowedFd<'a>>,
    /// The value of the child's `NOTIFY_SOCKET`.
    pub notify: Option<&'a OsStr>,
    /// Where its stdout and stderr go; without, to where ours go.
    pub outputs: Option<(OwnedFd, OwnedFd)>,
}

/// Starts it. Must be called on a thread that lives as long as the process: the child dies with it.
///
/// # Errors
/// What exec(2) says of the program, or fork(2) of the system.
pub(super) fn spawn(command: &ChildCommand, surroundings: Surroundings<'_>) -> io::Result<Pid> {
    let Surroundings { inherited, terminal, notify, outputs } = surroundings;
    let mut image = Image::new(command, notify)?;
    let (parent, terminal) = (getpid(), terminal.map(|terminal| terminal.as_raw_fd()));
    // It only forks and tells us exec's error: arguments and environment are the image's.
    let mut forked = Command::new(&command.program);
    if let Some((stdout, stderr)) = outputs {
        forked.stdout(Stdio::from(stdout)).stderr(Stdio::from(stderr));
    }
    // SAFETY: the closure runs in the forked child of a process with threads, where only what is async-signal-safe may be
    // called. It makes system calls through wrappers that do nothing else, and writes to memory that was allocated before
    // the fork; it neither allocates nor locks. execvpe(3) searches `PATH` on the stack.
    unsafe {
        forked.pre_exec(move || Err(prepare(parent, terminal, &inherited).err().unwrap_or_else(|| image.exec()).into()))
    };
    let child = forked.spawn()?;
    Ok(Pid::from_raw(child.id().try_into().map_err(io::Error::other)?))
}

/// Runs in the child.
fn prepare(parent: Pid, terminal: Option<RawFd>, inherited: &Inherited) -> Result<(), Errno> {
    setpgid(Pid::from_raw(0), Pid::from_raw(0))?;
    if let Some(terminal) = terminal {
        // SAFETY: no memory is passed. `SIGTTOU` is still blocked, so that a group in the background may do this. Refused by
        // a terminal that hung up meanwhile; the child will find out.
        unsafe { libc::tcsetpgrp(terminal, libc::getpid()) };
    }
    // Nobody can refuse or outlive it, as it could a SIGTERM.
    set_pdeathsig(Standard::SIGKILL)?;
    // The parent may have died before that.
    if getppid() != parent {
        return Err(Errno::ESRCH);
    }
    inherited.restore()
}

/// What exec(2) is given, ready before the fork.
struct Image {
    program: CString,
    /// Pointers into `texts`, each list ended by a null.
    arguments: Vec<*const libc::c_char>,
    environment: Vec<*const libc::c_char>,
    /// Where the child's id goes: buffers of [`DIGITS`] and a NUL, to which the environment points.
    ids: Vec<(Box<[u8]>, usize)>,
    /// Owns what the pointers point to.
    _texts: Vec<CString>,
}

// SAFETY: the pointers are into the heap blocks that `_texts` and `ids` own; nothing is shared.
unsafe impl Send for Image {}
// SAFETY: it is changed through `&mut` only.
unsafe impl Sync for Image {}

impl Image {
    fn new(command: &ChildCommand, notify: Option<&OsStr>) -> io::Result<Self> {
        let text = |text: &OsStr| CString::new(text.as_bytes()).map_err(io::Error::other);
        let program = text(&command.program)?;
        let mut texts = vec![program.clone()];
        for argument in &command.arguments {
            texts.push(text(argument)?);
        }
        let count = texts.len();
        let own_id = getpid().to_string();
        let mut ids = Vec::new();
        for (name, value) in env::vars_os() {
            if IDS.iter().any(|id| name == *id) && value == *own_id {
                let mut buffer = name.as_bytes().to_vec();
                buffer.push(b'=');
                let digits = buffer.len();
                buffer.extend([0; DIGITS + 1]);
                ids.push((buffer.into_boxed_slice(), digits));
            } else if name != NOTIFY_SOCKET && command.withheld.as_ref() != Some(&name) {
                texts.push(variable(&name, &value)?);
            }
        }
        if let Some(value) = notify {
            texts.push(variable(OsStr::new(NOTIFY_SOCKET), value)?);
        }
        let pointers = |texts: &[CString]| texts.iter().map(|text| text.as_ptr()).collect::<Vec<_>>();
        let (arguments, environment) = texts.split_at(count);
        let (mut arguments, mut environment) = (pointers(arguments), pointers(environment));
        arguments.push(std::ptr::null());
        environment.extend(ids.iter().map(|(buffer, _)| buffer.as_ptr().cast::<libc::c_char>()));
        environment.push(std::ptr::null());
        Ok(Self { program, arguments, environment, ids, _texts: texts })
    }

    /// Becomes the program; comes back only with what prevents that.
    fn exec(&mut self) -> Errno {
        let own = getpid().as_raw();
        for (buffer, digits) in &mut self.ids {
            if let Some(place) = buffer.get_mut(*digits..) {
                write_number(own, place);
            }
        }
        // SAFETY: the lists end with a null, and what they point to lives as long as `self`.
        unsafe { libc::execvpe(self.program.as_ptr(), self.arguments.as_ptr(), self.environment.as_ptr()) };
        Errno::last()
    }
}

fn variable(name: &OsStr, value: &OsStr) -> io::Result<CString> {
    let mut text = OsString::from(name);
    text.push("=");
    text.push(value);
    CString::new(text.as_bytes()).map_err(io::Error::other)
}

/// Writes a number in decimal, without allocating.
fn write_number(number: i32, place: &mut [u8]) {
    let mut digits = [0; DIGITS];
    let (mut rest, mut count) = (number.unsigned_abs(), 0);
    for digit in &mut digits {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
        count += 1;
        if rest == 0 {
            break;
        }
    }
    for (to, from) in place.iter_mut().zip(digits.iter().take(count).rev()) {
        *to = *from;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_they_are_written_elsewhere() {
        for number in [1, 9, 10, 4711, 4_194_304, i32::MAX] {
            let mut place = [0; DIGITS + 1];
            write_number(number, &mut place);
            let text = std::ffi::CStr::from_bytes_until_nul(&place).unwrap();
            assert_eq!(text.to_str().unwrap(), number.to_string());
        }
    }
}
