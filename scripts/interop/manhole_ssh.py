"""The manhole by the SSH clients that people have: logins, exit statuses, streams, a dialogue on a real pty, new keys during a
transfer, and what ssh-audit says about the algorithms."""

import asyncio
import contextlib
import dataclasses
import fcntl
import json
import os
import pathlib
import pty
import signal
import struct
import sys
import termios
import threading

import asyncssh
import paramiko

import processes
from check import expect, expect_equal

PASSWORD = "correct horse"
LINES = 30_000
SCRIPT = b"help stats" + b" " * 25 + b"\n"  # a line of so many: more than a megabyte, and so is what is said to it
KEY_TYPES = {"ed25519": [], "ecdsa": ["-b", "256"], "rsa": ["-b", "3072"]}
VENV = pathlib.Path(sys.executable).parent


@dataclasses.dataclass
class Board:
    """A process with a manhole: joe has keys of all types, ann a password."""

    pid: int
    port: int
    directory: pathlib.Path

    def key(self, kind):
        return str(self.directory / kind)

    def ssh(self, *options, user="joe", kind="ed25519"):
        return [
            "ssh", "-F", "/dev/null", "-p", str(self.port), "-l", user, "-i", self.key(kind),
            *(f"-o{option}" for option in (
                "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "IdentitiesOnly=yes",
                "IdentityAgent=none", "LogLevel=ERROR", "NumberOfPasswordPrompts=1",
            )),
            *options, "127.0.0.1",
        ]  # fmt: skip

    def dbclient(self, *options, user="joe", identity=True):
        key = ["-i", self.key("dropbear")] if identity else []
        return ["dbclient", "-y", "-y", "-p", str(self.port), *key, *options, f"{user}@127.0.0.1"]


    async def plink(self, *options, user="joe", identity=True):
        """PuTTY's client, which has keys in a format of its own and wants to be told the host's."""
        file = self.directory / "putty.ppk"
        if not file.exists():
            await run(["puttygen", self.key("ed25519"), "-O", "private", "-o", str(file)])
        _, listed, _ = await run(["ssh-keygen", "-lf", str(self.directory / "state" / "ssh_host_ed25519_key")])
        key = ["-i", str(file)] if identity else []
        known = ["-batch", "-noagent", "-hostkey", listed.split()[1].decode()]
        return ["plink", *known, "-P", str(self.port), *key, *options, f"{user}@127.0.0.1"]


async def run(argv, stdin=b"", env=None):
    """(exit status, stdout, stderr) of a program that reads `stdin`."""
    process = await asyncio.create_subprocess_exec(
        *argv,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **(env or {})},
    )
    try:
        out, err = await process.communicate(stdin)
    finally:
        if process.returncode is None:
            process.kill()
    return process.returncode, out, err.decode(errors="replace")


@contextlib.asynccontextmanager
async def board(directory):
    directory = pathlib.Path(directory)
    for kind, more in KEY_TYPES.items():
        await run(["ssh-keygen", "-q", "-t", kind, *more, "-N", "", "-f", str(directory / kind)])
    _, made, _ = await run(["dropbearkey", "-t", "ed25519", "-f", str(directory / "dropbear")])
    keys = [(directory / f"{kind}.pub").read_text().strip() for kind in KEY_TYPES]
    keys += [line for line in made.decode().splitlines() if line.startswith("ssh-ed25519 ")]
    config = {
        "endpoint": {"type": "tcp", "port": 0},
        "users": [{"user": "joe", "authorized_keys": keys}, {"user": "ann", "password": PASSWORD}],
    }
    file = directory / "manhole.json"
    file.write_text(json.dumps(config))
    file.chmod(0o600)
    child, _, _ = await processes.start_wampproc(
        "serve", "--listen", "127.0.0.1:0", "--worker", "w1",
        "--manhole", str(file), "--state-dir", str(directory / "state"),
    )  # fmt: skip
    async with child:
        line = await child.line(lambda line: "the manhole is open at port " in line, child.stderr)
        port = int(line.split("open at port ")[1].split()[0])
        yield Board(child.pid, port, directory)


async def check_manhole_clients(checks, directory):
    async with board(directory) as target:
        await check_openssh(checks.within("openssh"), target)
        await check_terminal(checks.within("openssh on a pty"), target.ssh("-t"), target)
        await check_dropbear(checks.within("dbclient"), target)
        await check_terminal(checks.within("dbclient on a pty"), target.dbclient("-t"), target)
        await check_plink(checks.within("plink"), target)
        await check_terminal(checks.within("plink on a pty"), await target.plink("-t"), target)
        await check_asyncssh(checks.within("asyncssh"), target)
        await check_paramiko(checks.within("paramiko"), target)
        await check_audit(checks.within("ssh-audit"), target)


async def check_commands(checks, command, target):
    """What a command over any client's program must be: `command` makes its argv."""
    for words, status in (("stats --json", 0), ("call nothing", 1), ("stats x", 2), ("nonsense", 127)):
        async with checks.check(f"{words}: exit status {status}"):
            got, out, err = await run(command(words))
            expect_equal(got, status, f"exit status ({err})")
            # dbclient and plink have words of their own there.
            err = [line for line in err.splitlines() if line and not line.startswith(("dbclient: ", "Using username"))]
            expect(bool(out) == (status == 0) and bool(err) == (status != 0), f"streams: {out!r}, {err!r}")
            if status == 0:
                expect_equal(json.loads(out)["pid"], target.pid, "pid")
    async with checks.check("a megabyte both ways, byte for byte"):
        _, one, _ = await run(command("help stats"))
        status, out, err = await run(command(), SCRIPT * LINES)
        expect_equal(status, 0, f"exit status ({err})")
        expect(out == one * LINES, f"{len(out)} bytes are not {len(one * LINES)}, or others")


async def check_openssh(checks, target):
    await check_commands(checks, lambda *words: [*target.ssh("-T"), *words], target)
    for kind in KEY_TYPES:
        async with checks.check(f"a key of the kind {kind}"):
            expect_equal((await run([*target.ssh("-oPasswordAuthentication=no", kind=kind), "affinity"]))[0], 0)
    only_password = "-oPubkeyAuthentication=no"
    for user, password, status in (("ann", PASSWORD, 0), ("ann", "wrong", 255), ("bob", PASSWORD, 255), ("joe", "", 255)):
        async with checks.check(f"{user} with {'the' if status == 0 else 'a wrong'} password"):
            argv = ["sshpass", "-p", password, *target.ssh(only_password, user=user), "affinity"]
            expect_equal((await run(argv))[0], status, "exit status")
    async with checks.check("with stdin from /dev/null"):
        with open(os.devnull) as null:
            child = await asyncio.create_subprocess_exec(
                *target.ssh(), "info", stdin=null, stdout=asyncio.subprocess.PIPE
            )
            out, _ = await child.communicate()
            expect(child.returncode == 0 and out.startswith(b"descriptors"), f"{child.returncode}, {out[:100]!r}")
    for option in (
        "-cchacha20-poly1305@openssh.com", "-caes256-gcm@openssh.com", "-caes256-ctr", "-oKexAlgorithms=curve25519-sha256",
    ):  # fmt: skip
        async with checks.check(f"ssh {option}"):
            expect_equal((await run([*target.ssh(option), "affinity"]))[0], 0)
    async with checks.check("new keys during a transfer"):
        _, one, _ = await run([*target.ssh(), "help", "stats"])
        status, out, err = await run(target.ssh("-T", "-oRekeyLimit=100K"), SCRIPT * LINES)
        expect_equal((status, out == one * LINES), (0, True), f"exit status, output ({err})")
    async with checks.check("a client that asks whether we are there is answered"):
        child = await asyncio.create_subprocess_exec(
            *target.ssh("-oServerAliveInterval=1", "-oServerAliveCountMax=1"), "events", stdin=asyncio.subprocess.DEVNULL
        )
        try:
            status = await asyncio.wait_for(child.wait(), 4)
            expect(False, f"ssh ended, exit status {status}")
        except TimeoutError:
            child.terminate()
            await child.wait()
    async with checks.check("the log is followed as it is written"):
        child = await asyncio.create_subprocess_exec(
            *target.ssh(), "log", "follow", "--json", stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE
        )
        async with asyncio.timeout(20):
            followed = asyncio.create_task(child.stdout.readline())
            # What is logged before it follows does not reach it.
            while not followed.done():
                await run([*target.ssh(), "affinity"])
            record = json.loads(await followed)
            expect_equal(list(record), ["ts", "level", "target", "message"], "keys")
        child.terminate()
        await child.wait()
    async with checks.check("the host key's file is what ssh sees"):
        key = target.directory / "state" / "ssh_host_ed25519_key"
        expect_equal(key.stat().st_mode & 0o777, 0o600, "mode")
        _, listed, _ = await run(["ssh-keygen", "-lf", str(key)])
        _, scanned, _ = await run(["ssh-keyscan", "-p", str(target.port), "127.0.0.1"])
        (target.directory / "scanned").write_bytes(scanned)
        _, seen, _ = await run(["ssh-keygen", "-lf", str(target.directory / "scanned")])
        expect_equal(seen.split()[1], listed.split()[1], "fingerprint")


async def check_dropbear(checks, target):
    await check_commands(checks, lambda *words: [*target.dbclient("-T"), *words], target)
    for password, out_wanted in ((PASSWORD, b"0"), ("wrong", b"")):
        async with checks.check(f"{'the' if out_wanted else 'a wrong'} password"):
            argv = [*target.dbclient(user="ann", identity=False), "affinity"]
            # It tries the same password until it is cut off, and calls that a success.
            _, out, err = await run(argv, env={"DROPBEAR_PASSWORD": password})
            expect_equal(out[:1], out_wanted, f"output ({err})")


async def check_plink(checks, target):
    command = await target.plink("-T")
    await check_commands(checks, lambda *words: [*command, *words], target)
    for password, status in ((PASSWORD, 0), ("wrong", 1)):
        async with checks.check(f"{'the' if status == 0 else 'a wrong'} password"):
            argv = await target.plink("-pw", password, user="ann", identity=False)
            expect_equal((await run([*argv, "affinity"]))[0], status, "exit status")


class Terminal:
    """A program on a pty of 24 rows and 80 columns, and what it wrote so far."""

    def __init__(self, argv):
        self.master, slave = pty.openpty()
        self.resize(24, 80)

        def own_terminal():
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self._start = asyncio.create_subprocess_exec(
            *argv, stdin=slave, stdout=slave, stderr=slave, preexec_fn=own_terminal, env={**os.environ, "TERM": "xterm"}
        )
        self._slave = slave
        self._text = b""
        self._grown = asyncio.Event()

    async def __aenter__(self):
        self.process = await self._start
        os.close(self._slave)
        asyncio.get_running_loop().add_reader(self.master, self._read)
        return self

    async def __aexit__(self, *_):
        asyncio.get_running_loop().remove_reader(self.master)
        if self.process.returncode is None:
            self.process.kill()
            await self.process.wait()
        os.close(self.master)

    def _read(self):
        try:
            self._text += os.read(self.master, 65536)
        except OSError:
            asyncio.get_running_loop().remove_reader(self.master)
        self._grown.set()

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, keys):
        self._text = b""
        os.write(self.master, keys)

    async def shows(self, text):
        """Waits until the text was written since the last keys were typed."""
        async with asyncio.timeout(10):
            while text not in self._text:
                self._grown.clear()
                await self._grown.wait()
        return self._text


async def check_terminal(checks, argv, target):
    async with Terminal(argv) as terminal:
        async with checks.check("prompt and colours"):
            await terminal.shows(b"\x1b[1;32mw1\x1b[0m> ")
        async with checks.check("completion of commands, procedures and arguments"):
            terminal.type(b"mon\t")
            await terminal.shows(b"monitor ")
            terminal.type(b"\x15call get_cpu_c\tlog\tfalse\r")
            await terminal.shows(b"false\r\n")
            terminal.type(b"call get_cpu_\t\t")
            await terminal.shows(b"get_cpu_affinity  get_cpu_count\r\n")
            terminal.type(b"\x03")
            await terminal.shows(b"^C\r\n")
        async with checks.check("arrows, Home, End, Backspace, history"):
            terminal.type(b"xffinity\x1b[H\x1b[3~a\x1b[F\x1b[D\x1b[Cz\x7f\r")
            await terminal.shows(b"\r\n0")
            terminal.type(b"\x1b[A\r")
            await terminal.shows(b"\r\n0")
        async with checks.check("characters beyond ASCII are one character each"):
            terminal.type("größe日\x7f\x7f\x7f\x7f\x7f\x7faffinity\r".encode())
            await terminal.shows(b"\r\n0")
        async with checks.check("Ctrl-C ends a command and leaves the dialogue"):
            terminal.type(b"events\r")
            await terminal.shows(b"events\r\n")
            terminal.type(b"\x03")
            await terminal.shows(b"w1\x1b[0m> ")
        async with checks.check("top is drawn again, in the new size after a resize, until a key is pressed"):
            terminal.type(b"top\r")
            await terminal.shows(b"waits in")
            terminal.resize(8, 40)
            os.kill(terminal.process.pid, signal.SIGWINCH)
            terminal.type(b"")
            text = await terminal.shows(b"\x1b[J")
            terminal.type(b"")
            text = await terminal.shows(b"\x1b[J")
            lines = text.split(b"\r\n")
            expect(len(lines) <= 9, f"{len(lines)} lines on a terminal of 8")
            terminal.type(b"q")
            await terminal.shows(b"\x1b[?1049l")
        async with checks.check("Ctrl-D leaves with exit status 0"):
            terminal.type(b"\x04")
            expect_equal(await asyncio.wait_for(terminal.process.wait(), 10), 0)


async def check_asyncssh(checks, target):
    def connect(**how):
        return asyncssh.connect("127.0.0.1", target.port, known_hosts=None, agent_path=None, config=None, **how)

    for kind in KEY_TYPES:
        async with checks.check(f"a key of the kind {kind}"):
            async with connect(username="joe", client_keys=[target.key(kind)]) as client:
                result = await client.run("stats --json", check=True)
                expect_equal(json.loads(result.stdout)["pid"], target.pid, "pid")
    async with checks.check("a password"):
        async with connect(username="ann", password=PASSWORD, client_keys=None) as client:
            expect_equal((await client.run("nonsense")).exit_status, 127, "exit status")
    async with checks.check("a wrong password"):
        try:
            async with connect(username="ann", password="wrong", client_keys=None):
                expect(False, "is let in")
        except asyncssh.PermissionDenied:
            pass
    async with checks.check("many commands at once over one connection, streams apart"):
        async with connect(username="joe", client_keys=[target.key("ed25519")]) as client:
            results = await asyncio.gather(*(client.run(f"{'stats' if n % 2 else 'nonsense'}") for n in range(8)))
            expect_equal([result.exit_status for result in results], [127, 0] * 4, "exit statuses")
            expect(all(bool(result.stderr) != bool(result.stdout) for result in results), "streams are mixed")
    async with checks.check("a megabyte both ways with new keys on the way, byte for byte"):
        async with connect(username="joe", client_keys=[target.key("ed25519")], rekey_bytes=100_000) as client:
            one = (await client.run("help stats")).stdout
            result = await client.run(None, input=SCRIPT.decode() * LINES)
            expect_equal((result.exit_status, result.stdout == one * LINES), (0, True))
    async with checks.check("what is not for sessions is refused, and the connection goes on"):
        async with connect(username="joe", client_keys=[target.key("ed25519")]) as client:
            try:
                await client.open_connection("127.0.0.1", 22)
                expect(False, "a port is forwarded")
            except asyncssh.ChannelOpenError:
                pass
            try:
                await client.start_sftp_client()
                expect(False, "there is SFTP")
            except (asyncssh.Error, OSError):
                pass
            expect_equal((await client.run("affinity")).exit_status, 0)


def paramiko_client(target, **how):
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
    client.connect("127.0.0.1", target.port, allow_agent=False, look_for_keys=False, timeout=10, **how)
    return client


def paramiko_run(client, command):
    stdin, stdout, stderr = client.exec_command(command, timeout=10)
    stdin.close()
    out, err = stdout.read(), stderr.read()
    return stdout.channel.recv_exit_status(), out, err


def megabyte_with_new_keys(client):
    """What one command says; then the exit status and the output of many of it, with new keys after half of that."""
    one = paramiko_run(client, "help stats")[1]
    channel = client.get_transport().open_session(timeout=10)
    channel.settimeout(60)
    channel.invoke_shell()

    def write():
        channel.sendall(SCRIPT * LINES)
        channel.shutdown_write()

    writer = threading.Thread(target=write)
    writer.start()
    out, renewed = bytearray(), False
    while piece := channel.recv(1 << 16):
        out += piece
        if not renewed and len(out) > len(one) * LINES // 2:
            client.get_transport().renegotiate_keys()
            renewed = True
    writer.join()
    expect(renewed, "no new keys")
    return one, channel.recv_exit_status(), bytes(out)


async def check_paramiko(checks, target):
    async def with_client(use, **how):
        def work():
            with paramiko_client(target, **how) as client:
                return use(client)

        return await asyncio.to_thread(work)

    for kind in KEY_TYPES:
        async with checks.check(f"a key of the kind {kind}"):
            how = {"username": "joe", "key_filename": target.key(kind)}
            status, out, _ = await with_client(lambda client: paramiko_run(client, "stats --json"), **how)
            expect_equal((status, json.loads(out)["pid"]), (0, target.pid))
    async with checks.check("a password, and exit statuses"):
        how = {"username": "ann", "password": PASSWORD}
        status, out, err = await with_client(lambda client: paramiko_run(client, "nonsense"), **how)
        expect_equal((status, out), (127, b""))
        expect(err.endswith(b"help lists them\n"), f"stderr {err!r}")
    async with checks.check("a megabyte both ways with new keys on the way, byte for byte"):
        how = {"username": "joe", "key_filename": target.key("ed25519")}
        one, status, out = await with_client(megabyte_with_new_keys, **how)
        expect_equal((status, out == one * LINES), (0, True))
    async with checks.check("a wrong password"):
        try:
            await with_client(lambda client: None, username="ann", password="wrong")
            expect(False, "is let in")
        except paramiko.AuthenticationException:
            pass
    async with checks.check("a shell on a pty"):

        def shell(client):
            channel = client.invoke_shell(width=100)
            channel.settimeout(10)
            channel.sendall(b"affinity\rexit\r")
            said = b""
            while data := channel.recv(4096):
                said += data
            return said, channel.recv_exit_status()

        said, status = await with_client(shell, username="joe", key_filename=target.key("ed25519"))
        expect(status == 0 and b"affinity\r\n0" in said, f"exit status {status}, {said!r}")


async def check_audit(checks, target):
    async with checks.check("no failure, and no warning that could be avoided"):
        status, out, err = await run([str(VENV / "ssh-audit"), "-j", "-p", str(target.port), "127.0.0.1"])
        report = json.loads(out)
        found = [
            f"{entry.get('algorithm', entry.get('key'))}: {note}"
            for part in ("kex", "key", "enc", "mac")
            for entry in report[part]
            for level in ("fail", "warn")
            for note in entry.get("notes", {}).get(level, [])
            # dropbear and paramiko know no exchange that a quantum computer could not undo; others are offered one.
            if "post-quantum" not in note
        ]
        expect(not found and not report.get("cves"), f"{found}, {report.get('cves')} ({err})")
