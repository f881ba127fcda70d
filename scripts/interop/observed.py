"""Other processes, looked at through an agent with `--pid`: it, psutil and the kernel's files must agree (agreement.py)."""

import asyncio
import contextlib
import dataclasses
import json
import os
import pwd
import sys
import tempfile
import time

import processes
import psutil
import witness_kernel
import witness_psutil
from agreement import compare, flat
from capabilities import check_absences
from check import expect, expect_between, expect_equal
from client import join
from shapes import parse_time
from target import worker_prefixes
from zombies import check_leaderless, check_zombies, until_zombie

PROCEDURES = (
    "get_process_stats get_process_monitor get_process_info get_process_memory get_process_threads get_process_limits "
    "get_process_tree get_process_totals get_system_stats"
).split()
PREFIX = worker_prefixes("n1", "w1")[0]
IDS = ("--node", "n1", "--worker", "w1")
SUBJECT = str(processes.HERE / "subject.py")
KTHREADD = 2

# The agent counts what its ended threads did, too (`switches_of_ended_threads`).
OF_ENDED_THREADS = {("kernel", "voluntary"), ("kernel", "nonvoluntary")}
# psutil reads /proc/net, which is of its own network namespace; the agent /proc/PID/net.
OTHER_NETWORK = {("psutil", "sockets")}


@dataclasses.dataclass(frozen=True)
class Observed:
    """A process, and what can be expected of looking at it."""

    pid: int
    # Does nothing, so that two looks see the same.
    steady: bool = True
    blind: frozenset = frozenset()
    # psutil looks with these eyes, as the agent does.
    user: int | None = None


@contextlib.contextmanager
def seeing_as(user):
    """What this process may see is what that user may; for root only."""
    if user is None:
        yield
        return
    os.seteuid(user)
    try:
        yield
    finally:
        os.seteuid(0)


@contextlib.asynccontextmanager
async def subject(kind):
    """A process of subject.py, and what it tells of itself."""
    with tempfile.TemporaryDirectory(prefix="subject-") as directory:
        child = await processes.Child.start(sys.executable, SUBJECT, kind, directory)
        try:
            yield child, json.loads(await child.line(lambda line: True))
        finally:
            await child.killed()


@contextlib.asynccontextmanager
async def agent(*arguments, user=None):
    """`serve` and a session on it."""
    child, url, _ = await processes.start_wampproc("serve", "--listen", "127.0.0.1:0", *IDS, *arguments, user=user)
    async with child, await join(url) as session:
        yield child, session


async def check_observed(checks):
    """Through `serve`."""
    async with agent() as (child, session):
        itself = Observed(child.pid, steady=False, blind=frozenset(OF_ENDED_THREADS))
        await check_agreement(checks.within("itself"), session, itself)
    for kind, steady in (("sleeping", True), ("busy", False)):
        async with subject(kind) as (child, _), agent("--pid", str(child.pid), "--interval", "100ms") as (_, session):
            within = checks.within(kind)
            await check_agreement(within, session, Observed(child.pid, steady))
            await check_rate(within, session, child.pid)
    async with subject("crowded") as (child, told), agent("--pid", str(child.pid)) as (_, session):
        within = checks.within("1,000 files and sockets")
        await check_agreement(within, session, Observed(child.pid))
        await check_own_report(within, session, told)
    async with subject("leaderless") as (child, _):
        await until_zombie(child.pid)
        async with agent("--pid", str(child.pid)) as (_, session):
            await check_leaderless(checks.within("first thread ended"), session, child.pid)
    await check_zombies(checks.within("a zombie"))
    if os.geteuid() != 0 or not psutil.pid_exists(KTHREADD) or psutil.Process(KTHREADD).name() != "kthreadd":
        print("# kernel threads, other users and other networks take root in the first PID namespace", flush=True)
        return
    async with agent("--pid", str(KTHREADD)) as (_, session):
        await check_agreement(checks.within("a kernel thread"), session, Observed(KTHREADD))
    async with subject("elsewhere") as (child, told), agent("--pid", str(child.pid)) as (_, session):
        within = checks.within("another network namespace")
        await check_agreement(within, session, Observed(child.pid, blind=frozenset(OTHER_NETWORK)))
        await check_own_report(within, session, told)
    nobody = pwd.getpwnam("nobody").pw_uid
    async with subject("sleeping") as (child, _), agent("--pid", str(child.pid), user=nobody) as (_, session):
        await check_agreement(checks.within("another user's process"), session, Observed(child.pid, user=nobody))


async def check_observed_on_crossbar(checks, url):
    """The same through a real Crossbar.io."""
    for kind in ("sleeping", "crowded"):
        async with subject(kind) as (child, told):
            joined, _, _ = await processes.start_wampproc("join", url, *IDS, "--pid", str(child.pid))
            async with joined, await join(url) as session:
                within = checks.within(kind)
                await check_agreement(within, session, Observed(child.pid))
                if "sockets" in told:
                    await check_own_report(within, session, told)


async def check_agreement(checks, session, observed):
    for name in PROCEDURES:
        async with checks.check(f"{name}: the agent, psutil and the kernel's files agree"):
            before = look(name, observed)
            answer = await session.result(PREFIX + name)
            after = look(name, observed)
            witnesses = [(witness, before[witness], after[witness]) for witness in before]
            compare(name, answer, witnesses, observed.steady, observed.blind | hidden(name, answer, observed))
    await check_absences(checks, session, PREFIX)


def look(name, observed):
    """What each witness says now: psutil with the agent's eyes, the kernel with those of the one who made the process."""
    with seeing_as(observed.user):
        by_psutil = getattr(witness_psutil, name)(observed.pid)
    return {"psutil": by_psutil, "kernel": getattr(witness_kernel, name)(observed.pid)}


def hidden(name, answer, observed):
    """What the kernel hides from the agent: psutil says null then, too, or check_absences wants the reason."""
    if observed.user is None:
        return set()
    return {("kernel", key) for key, value in flat(name, answer).items() if value is None}


async def check_rate(checks, session, pid):
    async with checks.check("cpu_percent: its mean over some seconds is what psutil's CPU times have grown by"):
        def used():
            return time.time(), sum(psutil.Process(pid).cpu_times()[:2])

        since, before = used()
        await asyncio.sleep(3)
        until, after = used()
        history = await session.result(PREFIX + "get_process_history", window=5, resolution=0.1)
        means = [
            bucket["cpu_percent"]["avg"]
            for bucket in history["buckets"]
            if bucket["cpu_percent"] and since + 0.1 < parse_time(bucket["ts"]) < until - 0.1
        ]
        expect(len(means) > 20, f"expected a bucket each 0.1 s, got {len(means)} in 3 s")
        percent = 100 * (after - before) / (until - since)
        # The buckets leave out up to 0.2 s at each end.
        expect_between(sum(means) / len(means), percent * 0.85 - 1, percent * 1.15 + 1, "mean of cpu_percent")


async def check_own_report(checks, session, told):
    """What the process itself knows of what it has opened."""
    async with checks.check("get_process_info: every socket that the process has made, as it made it"):
        info = await session.result(PREFIX + "get_process_info")
        sockets = sorted((list(found.values()) for found in info["sockets"]), key=str)
        made = sorted(told["sockets"], key=str)
        expect_equal([one for one in made if one not in sockets][:5], [], "sockets that are missing")
        expect_equal(len(sockets), len(made), "number of sockets")
        expect_equal(sockets, made, "sockets")
        if "files" in told:
            expect_equal(len(info["files"]), told["files"], "number of files")
            expect_equal(sum(path.endswith("/removed (deleted)") for path in info["files"]), 1, "removed files")
