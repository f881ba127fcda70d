"""The process under test, and what psutil says about it at a moment: the independent witness."""

import dataclasses
import os
import time

import psutil


@dataclasses.dataclass(frozen=True)
class Target:
    """A process that answers the management API on a bus."""

    url: str
    pid: int
    prefixes: tuple  # each with its trailing dot
    # Crossbar.io's own NativeProcess, the anchor: same shapes, but its misbehaviour is not asserted.
    native: bool = False
    worker_type: str = "native"

    @property
    def prefix(self):
        return self.prefixes[0]

    def affinity_of_threads(self):
        """The set of CPUs of each thread."""
        return {task: os.sched_getaffinity(task) for task in self.tasks()}

    def tasks(self):
        return [int(task) for task in os.listdir(f"/proc/{self.pid}/task")]


def worker_prefixes(node, worker):
    """The two prefixes that a worker registers under by default."""
    return (f"crossbar.worker.{worker}.", f"crossbar.node.{node}.worker.{worker}.")


class Moment:
    """What psutil and the clocks say now."""

    def __init__(self, pid):
        process = psutil.Process(pid)
        self.pid = pid
        self.time_ns = time.time_ns()
        self.monotonic = time.monotonic()
        self.switches = process.num_ctx_switches()
        self.cpu = process.cpu_times()
        self.memory = process.memory_info()
        self.io = process.io_counters()
        self.descriptors = process.num_fds()
        self.threads = process.num_threads()
        self.files = sorted(file.path for file in process.open_files())
        self.sockets = sorted(map(describe_socket, process.net_connections(kind="all")))
        self.started = process.create_time()


def describe_socket(connection):
    """(type, local, remote, status) as API.md prints a socket."""
    families = {"AF_INET": "4", "AF_INET6": "6"}
    kinds = {"SOCK_STREAM": "tcp", "SOCK_DGRAM": "udp"}
    family, kind = connection.family.name, connection.type.name
    if family == "AF_UNIX":
        return ("unix", connection.laddr or "", "", connection.status)
    return (
        kinds[kind] + families[family],
        describe_address(connection.laddr),
        describe_address(connection.raddr),
        connection.status,
    )


def describe_address(address):
    if not address:
        return ""
    return f"[{address.ip}]:{address.port}" if ":" in address.ip else f"{address.ip}:{address.port}"
