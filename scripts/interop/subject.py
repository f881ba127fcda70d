"""A process to look at: does what its argument says, tells it in one line of JSON on stdout, and stays until it is ended.

    subject.py KIND DIRECTORY

Runs by any Python 3 without packages. DIRECTORY, which is there, takes its files and its named sockets.
"""

import ctypes
import fcntl
import hashlib
import json
import os
import pathlib
import platform
import resource
import select
import signal
import socket
import struct
import sys
import threading

CROWD = 1000
CLONE_NEWNET = 0x40000000
# exit(2), which ends one thread, has a number for each machine and no function in the C library.
SYS_EXIT = {"x86_64": 60, "aarch64": 93, "armv7l": 1}

libc = ctypes.CDLL(None, use_errno=True)
# What stays open.
kept = []


def written(address):
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class Sockets:
    """Makes sockets in every state that lasts, and notes what each is."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.made = []
        self.count = 0

    def keep(self, one):
        kept.append(one)
        self.count += 1
        return one

    def note(self, one, status, remote=None):
        """As API.md tells it."""
        kind = {socket.SOCK_STREAM: "tcp", socket.SOCK_DGRAM: "udp"}[one.type]
        kind += {socket.AF_INET: "4", socket.AF_INET6: "6"}[one.family]
        if remote is None and status not in ("LISTEN", "CLOSE"):
            try:
                remote = one.getpeername()
            except OSError:
                pass
        self.made.append([kind, written(one.getsockname()), written(remote) if remote else "", status])

    def listener(self, family, host, backlog=64, buffer=0):
        one = self.keep(socket.socket(family, socket.SOCK_STREAM))
        if buffer:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        one.bind((host, 0))
        one.listen(backlog)
        self.note(one, "LISTEN")
        return one

    def connected(self, listener, host=None, buffer=0):
        """Both ends."""
        family = socket.AF_INET if host else listener.family
        client = self.keep(socket.socket(family, socket.SOCK_STREAM))
        if buffer:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer)
        client.connect((host or listener.getsockname()[0], listener.getsockname()[1]))
        server = self.keep(listener.accept()[0])
        return client, server

    def stuff(self, one):
        """Sends until no more is taken: what is told to end now ends after that, so not before somebody reads."""
        one.setblocking(False)
        try:
            while True:
                one.send(bytes(65536))
        except BlockingIOError:
            pass

    def tcp(self):
        for family, host, from_host in (
            (socket.AF_INET, "127.0.0.1", None),
            (socket.AF_INET6, "::1", None),
            # Reached from IPv4: addresses like ::ffff:127.0.0.1.
            (socket.AF_INET6, "::", "127.0.0.1"),
        ):
            for end in self.connected(self.listener(family, host), from_host):
                self.note(end, "ESTABLISHED")
        client, server = self.connected(self.listener(socket.AF_INET, "127.0.0.1"))
        client.shutdown(socket.SHUT_WR)
        # When the end has been read, both know.
        server.recv(1)
        self.note(server, "CLOSE_WAIT")
        self.note(client, "FIN_WAIT2")
        bound = self.keep(socket.socket())
        bound.bind(("127.0.0.1", 0))
        self.note(bound, "CLOSE")
        # Bound to nothing: not told.
        self.keep(socket.socket())
        self.keep(socket.socket(socket.AF_INET6))

    def connecting(self):
        """A full queue takes no connection, so they go on asking."""
        full = self.listener(socket.AF_INET, "127.0.0.1", backlog=0)
        for number in range(4):
            one = self.keep(socket.socket())
            one.setblocking(False)
            one.connect_ex(full.getsockname())
            # The first one still has room.
            if number == 0:
                poll = select.poll()
                poll.register(one, select.POLLOUT)
                poll.poll()
                self.note(one, "ESTABLISHED")
            else:
                self.note(one, "SYN_SENT", full.getsockname())

    def ending(self):
        listener = self.listener(socket.AF_INET, "127.0.0.1", buffer=4096)
        client, server = self.connected(listener, buffer=4096)
        self.stuff(client)
        client.shutdown(socket.SHUT_WR)
        self.note(client, "FIN_WAIT1")
        self.note(server, "ESTABLISHED")
        client, server = self.connected(listener, buffer=4096)
        server.shutdown(socket.SHUT_WR)
        client.recv(1)
        self.stuff(client)
        client.shutdown(socket.SHUT_WR)
        self.note(client, "LAST_ACK")
        self.note(server, "FIN_WAIT2")

    def udp(self):
        for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
            bound = self.keep(socket.socket(family, socket.SOCK_DGRAM))
            bound.bind((host, 0))
            self.note(bound, "NONE")
            connected = self.keep(socket.socket(family, socket.SOCK_DGRAM))
            connected.connect(bound.getsockname()[:2])
            self.note(connected, "NONE")
        # Bound to nothing: not told.
        self.keep(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))

    def unix(self):
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):
            for name in (f"{self.directory}/{self.count}.sock", f"\0subject-{os.getpid()}-{self.count}"):
                one = self.keep(socket.socket(socket.AF_UNIX, kind))
                one.bind(name)
                names = [name.replace("\0", "@")]
                if kind != socket.SOCK_DGRAM:
                    one.listen(1)
                    self.keep(socket.socket(socket.AF_UNIX, kind)).connect(name)
                    self.keep(one.accept()[0])
                    # The accepting end has the name, the connecting one has none.
                    names += ["", *names]
                self.made += [["unix", known_as, "", "NONE"] for known_as in names]
            for one in socket.socketpair(socket.AF_UNIX, kind):
                self.keep(one)
                self.made.append(["unix", "", "", "NONE"])

    def other(self):
        self.keep(socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0))
        self.made.append([None, "", "", "NONE"])

    def twice(self):
        """Two descriptors of one socket."""
        bound = self.keep(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        bound.bind(("127.0.0.1", 0))
        self.keep(bound.dup())
        for _ in range(2):
            self.note(bound, "NONE")

    def round(self):
        for make in (self.tcp, self.connecting, self.ending, self.udp, self.unix, self.other, self.twice):
            make()


def sleeping(directory):
    return {}


def busy(directory):
    """Two threads that compute, one that sleeps and wakes, and one that reads and writes."""

    def computes():
        while True:
            hashlib.pbkdf2_hmac("sha256", b"", b"", 10_000)

    def wakes():
        while True:
            select.select([], [], [], 0.005)

    def writes():
        with open(f"{directory}/written", "w+b", buffering=0) as file:
            while True:
                os.pwrite(file.fileno(), b"x" * 4096, 0)
                os.pread(file.fileno(), 4096, 0)
                select.select([], [], [], 0.002)

    for work in (computes, computes, wakes, writes):
        threading.Thread(target=work, daemon=True).start()
    return {}


def crowded(directory):
    """A thousand files, a thousand sockets, and a few descriptors that are neither."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4 * CROWD), hard))
    for number in range(CROWD - 1):
        kept.append(open(f"{directory}/{number % 100}", "a"))
    removed = f"{directory}/removed"
    kept.append(open(removed, "w"))
    os.unlink(removed)
    kept.extend((os.pipe(), select.epoll(), os.open("/", os.O_RDONLY), open("/dev/null")))
    sockets = Sockets(directory)
    while sockets.count < CROWD:
        sockets.round()
    return {"files": CROWD, "socket_descriptors": sockets.count, "sockets": sockets.made}


def elsewhere(directory):
    """In a network namespace of its own, with a loopback that is up."""
    if libc.unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        # SIOCSIFFLAGS, IFF_UP | IFF_RUNNING.
        fcntl.ioctl(control, 0x8914, struct.pack("16sh14x", b"lo", 0x41))
    sockets = Sockets(directory)
    sockets.round()
    return {"sockets": sockets.made}


def leaderless(directory):
    """Its first thread has ended and others run: a zombie to look at, but alive."""
    kept.append(open(f"{directory}/open", "w"))
    threading.Thread(target=signal.sigwait, args=([],)).start()
    return {}


def obeying(directory):
    """SIGUSR1: fifty descriptors and five threads more; SIGUSR2: those fewer."""
    more, end = [], threading.Event()

    def grow(*_):
        end.clear()
        more.extend(open("/dev/null") for _ in range(50))
        for _ in range(5):
            threading.Thread(target=end.wait, daemon=True).start()

    def shrink(*_):
        while more:
            more.pop().close()
        end.set()

    signal.signal(signal.SIGUSR1, grow)
    signal.signal(signal.SIGUSR2, shrink)
    return {}


def main():
    kind, directory = sys.argv[1:]
    print(json.dumps({"pid": os.getpid(), **globals()[kind](directory)}), flush=True)
    if kind == "leaderless":
        libc.syscall(SYS_EXIT[platform.machine()], 0)
    while True:
        signal.pause()


if __name__ == "__main__":
    main()
