//! sd_notify(3) through us, both ways.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use nix::sys::signal::Signal;

use super::{url, words};
use crate::support::{PATIENCE, Program, wampproc};

#[test]
fn systemd_hears_the_child_in_our_name() {
    let directory = std::env::temp_dir().join(format!("wampproc-notify-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let path = directory.join("socket");
    let systemd = UnixDatagram::bind(&path).unwrap();
    systemd.set_read_timeout(Some(PATIENCE)).unwrap();
    let heard = || {
        let mut buffer = [0; 4096];
        let length = systemd.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    };
    // systemd gives the ids of the process that it starts; the shell becomes that.
    let script = "export WATCHDOG_PID=$$ LISTEN_PID=1; exec \"$@\"";
    let mut command = std::process::Command::new("sh");
    command.args(["-c", script, "sh", env!("CARGO_BIN_EXE_wampproc"), "serve", "--listen", "127.0.0.1:0", "--"]);
    command.arg(std::env::current_exe().unwrap());
    command.args(["child::notify::child_that_notifies", "--exact", "--ignored", "--nocapture"]);
    command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "30000000");
    let program = Program::spawn(command);
    assert_eq!(heard(), format!("READY=1\nSTATUS=pumping\nMAINPID={}\n", program.id()));
    assert_eq!(heard(), "WATCHDOG=1\n");
    program.signal(Signal::SIGTERM);
    assert_eq!(heard(), "STOPPING=1");
    let end = program.end();
    std::fs::remove_dir_all(&directory).unwrap();
    assert_eq!(end.code, Some(143), "{}", end.stderr);
}

/// The program alone knows when it is ready, so the README has `Type=exec` for one that does not say it.
#[test]
fn nobody_is_ready_in_the_childs_place() {
    let directory = std::env::temp_dir().join(format!("wampproc-mute-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let systemd = UnixDatagram::bind(directory.join("socket")).unwrap();
    systemd.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut command = wampproc(words(&[], "sleep 100"));
    command.env("NOTIFY_SOCKET", directory.join("socket"));
    let mut program = Program::spawn(command);
    url(&mut program);
    program.signal(Signal::SIGTERM);
    let mut buffer = [0; 4096];
    let length = systemd.recv(&mut buffer).unwrap();
    assert_eq!(String::from_utf8_lossy(&buffer[..length]), "STOPPING=1");
    assert_eq!(program.end().code, Some(143));
    systemd.set_nonblocking(true).unwrap();
    assert!(systemd.recv(&mut buffer).is_err(), "nothing else was said");
    std::fs::remove_dir_all(&directory).unwrap();
}

#[test]
#[ignore = "started by another test"]
fn child_that_notifies() {
    let own = std::process::id().to_string();
    assert_eq!(std::env::var("WATCHDOG_PID").unwrap(), own);
    assert_eq!(std::env::var("LISTEN_PID").unwrap(), "1", "not ours, so not changed");
    let name = std::env::var("NOTIFY_SOCKET").unwrap();
    let address = SocketAddr::from_abstract_name(name.strip_prefix('@').unwrap()).unwrap();
    let socket = UnixDatagram::unbound().unwrap();
    socket.send_to_addr(format!("READY=1\nSTATUS=pumping\nMAINPID={own}\nFDSTORE=1").as_bytes(), &address).unwrap();
    socket.send_to_addr(b"BARRIER=1", &address).unwrap();
    socket.send_to_addr(b"WATCHDOG=1", &address).unwrap();
    loop {
        std::thread::park();
    }
}
