"""The processes that the checks start and end: by their id, and however the run ends."""

import asyncio
import atexit
import ctypes
import json
import os
import pathlib
import random
import signal
import socket
import sys

import psutil

HERE = pathlib.Path(__file__).resolve().parent
WAMPPROC = os.environ.get("WAMPPROC", str(HERE.parent.parent / "target" / "release" / "wampproc"))
CROSSBAR = str(pathlib.Path(sys.executable).parent / "crossbar")
# Crossbar.io takes about 6 s to start on an idle machine.
CROSSBAR_START = 90.0

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)
_running = {}


def end_with_parent():
    """Has the kernel kill this process when the one that started it ends."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


@atexit.register
def _end_all():
    for process in _running.values():
        process.kill()


def free_port():
    """A loopback port where nobody listens, for peers that cannot take any, or that take the same again and again.

    It is below those that the kernel gives to outgoing connections, so none of them can be in the way later.
    """
    with open("/proc/sys/net/ipv4/ip_local_port_range") as file:
        first_outgoing = int(file.read().split()[0])
    while True:
        port = random.randrange(10_000, first_outgoing)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def free_ports(count):
    """As many different ones."""
    ports = set()
    while len(ports) < count:
        ports.add(free_port())
    return list(ports)


class Child:
    """A started process; keeps what it wrote."""

    def __init__(self, process):
        self._process = process
        self.pid = process.pid
        self.stdout = []
        self.stderr = []
        self._grown = asyncio.Condition()
        self._readers = [
            asyncio.create_task(self._read(process.stdout, self.stdout)),
            asyncio.create_task(self._read(process.stderr, self.stderr)),
        ]

    @classmethod
    async def start(cls, *argv, cwd=None, env=None, user=None):
        """`user`: the id of another user (for root), who need not be able to reach the program's directory."""
        program = os.open(argv[0], os.O_PATH) if user is not None else None
        as_user = {} if user is None else {"user": user, "group": user, "extra_groups": [], "pass_fds": [program]}
        try:
            process = await cls._spawn(argv, cwd, env, as_user, program)
        finally:
            if program is not None:
                os.close(program)
        child = cls(process)
        _running[child.pid] = child
        return child

    @staticmethod
    async def _spawn(argv, cwd, env, as_user, program):
        return await asyncio.create_subprocess_exec(
            *argv,
            executable=argv[0] if program is None else f"/proc/self/fd/{program}",
            cwd=cwd,
            env={**os.environ, **(env or {})},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            preexec_fn=end_with_parent,
            limit=1 << 24,
            **as_user,
        )

    async def _read(self, stream, lines):
        while line := await stream.readline():
            async with self._grown:
                lines.append(line.decode(errors="replace").rstrip("\n"))
                self._grown.notify_all()
        async with self._grown:
            self._grown.notify_all()

    async def line(self, wanted, lines=None, timeout=20.0):
        """The first line of stdout (or of `lines`) for which `wanted` holds, waiting for it to be written."""
        lines = self.stdout if lines is None else lines

        def found():
            return next((line for line in lines if wanted(line)), None)

        async with asyncio.timeout(timeout), self._grown:
            await self._grown.wait_for(lambda: found() is not None or self._ended())
        if found() is None:
            raise RuntimeError(f"process {self.pid} ended before it said so; stderr: {self.stderr[-3:]}")
        return found()

    def _ended(self):
        return all(reader.done() or reader is asyncio.current_task() for reader in self._readers) or (
            self._process.returncode is not None
        )

    async def wait(self, timeout=20.0):
        """The exit status (negative: the signal), once all output is read."""
        async with asyncio.timeout(timeout):
            status = await self._process.wait()
            await asyncio.gather(*self._readers)
        _running.pop(self.pid, None)
        return status

    def signal(self, number):
        if self._process.returncode is None:
            self._process.send_signal(number)

    def _family(self):
        try:
            root = psutil.Process(self.pid)
            return [root, *root.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def kill(self):
        """SIGKILL to it and to the processes it started."""
        if self._process.returncode is None:
            for process in self._family():
                try:
                    process.kill()
                except psutil.NoSuchProcess:
                    pass

    async def killed(self):
        self.kill()
        return await self.wait()

    async def stop(self, timeout=15.0):
        """SIGTERM, then SIGKILL to what is still there; the exit status."""
        self.signal(signal.SIGTERM)
        try:
            return await self.wait(timeout)
        except TimeoutError:
            return await self.killed()

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        await self.stop()


def crossbar_config(port):
    """One realm that lets everybody do everything, on a loopback port."""
    allow = dict.fromkeys(("call", "register", "publish", "subscribe"), True)
    permission = {"uri": "", "match": "prefix", "allow": allow, "disclose": {"caller": True, "publisher": True}}
    realm = {"name": "realm1", "roles": [{"name": "anonymous", "permissions": [permission]}]}
    transport = {
        "type": "web",
        "endpoint": {"type": "tcp", "interface": "127.0.0.1", "port": port},
        "paths": {"/": {"type": "json", "value": {}}, "ws": {"type": "websocket"}},
    }
    return {"version": 2, "workers": [{"type": "router", "realms": [realm], "transports": [transport]}]}


async def start_crossbar(directory, port, config=crossbar_config):
    """A real Crossbar.io, listening; `config` makes its configuration for a port."""
    node = pathlib.Path(directory) / ".crossbar"
    node.mkdir(exist_ok=True)
    (node / "config.json").write_text(json.dumps(config(port)))
    child = await Child.start(CROSSBAR, "start", "--cbdir", str(node), "--color", "false")
    await child.line(lambda line: "NODE_BOOT_COMPLETE" in line, timeout=CROSSBAR_START)
    return child


async def start_native_process(url, worker="native1"):
    """Crossbar.io's own NativeProcess as a client of `url`, registered."""
    child = await Child.start(sys.executable, str(HERE / "native_process.py"), url, "realm1", "--worker", worker)
    await child.line(lambda line: line.startswith("ready "))
    return child


async def start_wampproc(*arguments, timeout=20.0, user=None):
    """`wampproc serve` or `join`, and the URL of its `ready` line."""
    child = await Child.start(WAMPPROC, *arguments, user=user)
    ready = await child.line(lambda line: True, timeout=timeout)
    word, url, realm = ready.split(" ")
    if word != "ready":
        raise RuntimeError(f"expected `ready URL REALM`, got {ready!r}")
    return child, url, realm
