"""Processes that have ended while they were looked at, and one whose first thread has."""

import asyncio
import os
import pathlib
import signal
import tempfile

import processes
import psutil
import witness_kernel
import witness_psutil
from agreement import compare
from capabilities import check_absences
from check import expect, expect_equal, expect_keys
from client import Inbox, expect_error, join
from target import worker_prefixes

PREFIX = worker_prefixes("n1", "w1")[0]
IDS = ("--node", "n1", "--worker", "w1")
EXIT_KEYS = ["pid", "code", "signal", "core", "uptime", "rusage", "oom", "restarts"]
NEEDS_THE_PROCESS = (
    "get_cpu_affinity get_process_info get_process_stats get_process_monitor get_process_threads get_process_memory "
    "get_process_limits get_process_tree get_process_totals"
).split()


class Orphanage:
    """Children that nobody waits for until `bury`: zombies once they have ended."""

    def __init__(self):
        self._pids = []

    def child(self):
        """Sleeps until it is killed, and ends with this process."""
        pid = os.fork()
        if pid == 0:
            try:
                processes.end_with_parent()
                os.execvp("sleep", ["sleep", "600"])
            finally:
                os._exit(127)
        self._pids.append(pid)
        return pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for pid in self._pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


async def until_zombie(pid):
    async with asyncio.timeout(10):
        while witness_kernel.Status(f"/proc/{pid}").state() != "zombie":
            await asyncio.sleep(0.01)


async def check_zombies(checks):
    with Orphanage() as orphanage:
        await check_refused_at_start(checks, orphanage)
        await check_end_of_pid(checks, orphanage)
        with tempfile.TemporaryDirectory(prefix="zombies-") as directory:
            await check_next_of_pidfile(checks, orphanage, pathlib.Path(directory) / "w1.pid")


async def check_refused_at_start(checks, orphanage):
    async with checks.check("a zombie is no target: serve --pid says so and ends"):
        pid = orphanage.child()
        os.kill(pid, signal.SIGKILL)
        await until_zombie(pid)
        child = await processes.Child.start(
            processes.WAMPPROC, "serve", "--listen", "127.0.0.1:0", "--pid", str(pid)
        )
        async with child:
            expect(await child.wait(10) not in (0, None), "exit status 0")
            expect(any(f"process {pid}: it has ended" in line for line in child.stderr), f"stderr: {child.stderr}")
            expect_equal(child.stdout, [], "stdout")


async def check_end_of_pid(checks, orphanage):
    """--pid alone: the event, and then the end."""
    async with checks.check("the process becomes a zombie: on_process_exited, GOODBYE, exit status 0"):
        pid = orphanage.child()
        agent, url, _ = await processes.start_wampproc(
            "serve", "--listen", "127.0.0.1:0", *IDS, "--pid", str(pid)
        )
        async with agent, await join(url) as session:
            inbox = Inbox(session)
            await inbox.subscribe(PREFIX + "on_process_exited")
            stats = await session.result(PREFIX + "get_process_stats")
            expect_equal((stats["pid"], stats["status"]), (pid, "sleeping"), "what runs")
            os.kill(pid, signal.SIGKILL)
            ((payload,),) = await inbox.have(PREFIX + "on_process_exited")
            expect_exit(payload, pid)
            expect_equal(await agent.wait(10), 0, "exit status")


async def check_next_of_pidfile(checks, orphanage, file):
    """--wait: there is nothing to look at until the file names the next one."""
    pid = orphanage.child()
    file.write_text(f"{pid}\n")
    agent, url, _ = await processes.start_wampproc(
        "serve", "--listen", "127.0.0.1:0", *IDS, "--pidfile", str(file), "--wait"
    )
    async with agent, await join(url) as session:
        inbox = Inbox(session)
        await inbox.subscribe(PREFIX + "on_process_", "prefix")
        async with checks.check("with --wait: on_process_exited, once"):
            os.kill(pid, signal.SIGKILL)
            ((payload,),) = await inbox.have(PREFIX + "on_process_exited")
            expect_exit(payload, pid)
            expect_equal(psutil.Process(pid).status(), "zombie", "status by psutil")
        for name in NEEDS_THE_PROCESS:
            async with checks.check(f"{name} of a zombie is a runtime_error that says which process has ended"):
                error = await expect_error(session.call(PREFIX + name), "crossbar.error.runtime_error")
                expect_equal(len(error.args), 1, "arguments of the error")
                expect(f"process {pid} has ended" in error.args[0], f"error text {error.args[0]!r}")
        async with checks.check("get_process_history of a zombie: what was seen while it lived"):
            history = await session.result(PREFIX + "get_process_history")
            expect(any(bucket["samples"] for bucket in history["buckets"]), "no bucket has a sample")
        await check_absences(checks, session, PREFIX)
        async with checks.check("the next process is looked at as soon as the file names it"):
            following = orphanage.child()
            file.write_text(f"{following}\n")
            ((payload,),) = await inbox.have(PREFIX + "on_process_started")
            expect_equal((payload["pid"], payload["restarts"]), (following, 1), "pid and restarts")
            before = witness_psutil.get_process_stats(following)
            answer = await session.result(PREFIX + "get_process_stats")
            compare("get_process_stats", answer, [("psutil", before, witness_psutil.get_process_stats(following))], False)
            expect_equal(len(inbox.of(PREFIX + "on_process_exited")), 1, "exit events")


def expect_exit(payload, pid):
    expect_keys(payload, EXIT_KEYS)
    expect_equal(payload["pid"], pid, "pid")
    # It is told to the parent alone.
    expect_equal([payload[key] for key in ("code", "signal", "core", "rusage")], [None] * 4, "what only its parent knows")


async def check_leaderless(checks, session, pid):
    """A state of Z, and yet it is alive: what belongs to the first thread is gone, the rest is there."""
    async with checks.check("get_process_stats: a zombie by its state, as psutil has it"):
        before = witness_psutil.get_process_stats(pid)
        answer = await session.result(PREFIX + "get_process_stats")
        compare("get_process_stats", answer, [("psutil", before, witness_psutil.get_process_stats(pid))], True)
        expect_equal(answer["status"], "zombie", "status")
    async with checks.check("get_process_threads: the threads that run, and the one that has ended"):
        threads = await session.result(PREFIX + "get_process_threads")
        expect_equal([thread["status"] for thread in threads], ["zombie", "sleeping"], "states")
    async with checks.check("get_process_info: descriptors cannot be seen by the first thread: null, not none"):
        info = await session.result(PREFIX + "get_process_info")
        expect_equal(info, {"descriptors": None, "threads": 2, "files": None, "sockets": None}, "answer")
        monitor = await session.result(PREFIX + "get_process_monitor")
        expect_equal(monitor["num_fds"], None, "num_fds of get_process_monitor")
    await check_absences(checks, session, PREFIX)
