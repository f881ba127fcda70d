//! A process that holds files, sockets and threads, and sleeps: this bench's own program once more.

use std::fs::File;
use std::io::Read;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};

/// What it holds, besides its standard input, output and error.
#[derive(Clone, Copy)]
pub struct Holding {
    pub files: u32,
    pub sockets: u32,
    pub threads: u32,
}

/// Ended and waited for when dropped.
pub struct Held(Child);

impl Held {
    /// Starts one, and waits until it holds everything.
    pub fn new(Holding { files, sockets, threads }: Holding) -> Self {
        let mut child = Command::new(std::env::current_exe().expect("own path"))
            .args(["hold", &format!("{files},{sockets},{threads}")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("start a process");
        let mut ready = [0];
        child.stdout.as_mut().expect("its output").read_exact(&mut ready).expect("that it is ready");
        Self(child)
    }

    pub fn pid(&self) -> i32 {
        self.0.id().try_into().expect("a process id")
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The process itself: holds until its standard input ends.
pub fn hold(holding: &str) {
    let counts: Vec<u32> = holding.split(',').map(|count| count.parse().expect("a count")).collect();
    let [files, sockets, threads] = counts[..] else { panic!("expected FILES,SOCKETS,THREADS") };
    let own = std::env::current_exe().expect("own path");
    let mut held: Vec<OwnedFd> = (0..files).map(|_| File::open(&own).expect("a file").into()).collect();
    let listener = TcpListener::bind("127.0.0.1:0").expect("listen");
    let client = TcpStream::connect(listener.local_addr().expect("address")).expect("connect");
    let (server, _) = listener.accept().expect("accept");
    held.extend([OwnedFd::from(listener), client.into(), server.into()]);
    // No more connections: each keeps its port for a minute after its end, and there are 28,000.
    while held.len() < (files + sockets) as usize {
        let (left, right) = UnixStream::pair().expect("a pair");
        let listener = TcpListener::bind("127.0.0.1:0").expect("listen");
        let udp = UdpSocket::bind("127.0.0.1:0").expect("bind");
        held.extend([OwnedFd::from(udp), listener.into(), left.into(), right.into()]);
    }
    held.truncate((files + sockets) as usize);
    for _ in 0..threads {
        std::thread::spawn(std::thread::park);
    }
    std::io::Write::write_all(&mut std::io::stdout(), b"\n").expect("say that all is held");
    let _ = std::io::stdin().read(&mut [0]);
}
