"""A child that the agent runs, through a router: its start, its ends, its output, and the agent's own exit status."""

import contextlib

import processes
import psutil
import witness_psutil
from agreement import compare
from check import expect, expect_between, expect_equal, expect_keys, expect_type
from client import Inbox, expect_error, join
from target import worker_prefixes
from zombies import EXIT_KEYS

PREFIX = worker_prefixes("n1", "w1")[0]
IDS = ("--node", "n1", "--worker", "w1")
STARTED_KEYS = ["pid", "started", "command", "restarts"]
USAGE_KEYS = ["user", "system", "max_resident", "minor_faults", "major_faults", "voluntary", "nonvoluntary"]
# Says who it is, and ends by itself: with 42 when it is told to by SIGUSR1, with 7 by SIGTERM.
SCRIPT = "trap 'exit 7' TERM; trap 'exit 42' USR1; echo problem >&2; echo up $$; while :; do sleep 600 & wait; done"
COMMAND = ("sh", "-c", SCRIPT)


@contextlib.asynccontextmanager
async def supervised(url, *flags):
    """An agent with its child, and a session with what is published about it."""
    async with await join(url) as session:
        inbox = Inbox(session)
        await inbox.subscribe(PREFIX + "on_process_", "prefix")
        agent = await processes.Child.start(processes.WAMPPROC, "join", url, *IDS, *flags, "--", *COMMAND)
        async with agent:
            await agent.line(lambda line: line.startswith("ready "), agent.stderr)
            yield agent, session, inbox


async def pid_of(agent, number=0):
    """As the child itself says; its output is the agent's."""
    await agent.line(lambda _: len(agent.stdout) > number)
    word, pid = agent.stdout[number].split()
    expect_equal(word, "up", "first word")
    return int(pid)


async def check_child(checks, url):
    async with supervised(url, "--capture", "64K") as (agent, session, inbox):
        await check_running(checks, agent, session)
        await check_restart(checks, agent, session, inbox)
        await check_stop_and_start(checks, agent, session, inbox)
        await check_own_end(checks, agent, session, inbox)


async def check_running(checks, agent, session):
    pid = await pid_of(agent)
    async with checks.check("the child is a child of the agent, and what is measured"):
        expect_equal(psutil.Process(pid).ppid(), agent.pid, "parent")
        before = witness_psutil.get_process_stats(pid)
        answer = await session.result(PREFIX + "get_process_stats")
        compare("get_process_stats", answer, [("psutil", before, witness_psutil.get_process_stats(pid))], False)
    async with checks.check("get_process_output: what it wrote, of both streams, as text and as bytes"):
        answer = await session.result(PREFIX + "get_process_output")
        expect_keys(answer, ["data", "bytes", "total"])
        written = f"problem\nup {pid}\n"
        # The two streams are two pipes: which comes first is not said.
        expect_equal(sorted(answer["data"].splitlines()), sorted(written.splitlines()), "data")
        expect_equal((answer["bytes"], answer["total"]), (len(written), len(written)), "bytes and total")
        binary = await session.result(PREFIX + "get_process_output", bytes=5, binary=True)
        expect_equal(binary["data"], answer["data"].encode()[-5:], "the newest five bytes")
    async with checks.check("get_capabilities: there is a child and its output"):
        told = await session.result(PREFIX + "get_capabilities")
        for name in ("start_process", "stop_process", "restart_process", "signal_process", "get_process_output"):
            expect_equal(told[name], {"available": True, "reason": None, "missing": {}}, name)


async def check_restart(checks, agent, session, inbox):
    first = await pid_of(agent)
    async with checks.check("restart_process: both events, then the new process id"):
        inbox.clear()
        second = await session.result(PREFIX + "restart_process", timeout=10)
        ((exited,),) = await inbox.have(PREFIX + "on_process_exited")
        ((started,),) = await inbox.have(PREFIX + "on_process_started")
        expect_exit(exited, first, code=7, restarts=0)
        expect_keys(started, STARTED_KEYS)
        expect_equal((started["pid"], started["command"], started["restarts"]), (second, list(COMMAND), 1), "started")
        expect_equal(await pid_of(agent, 1), second, "pid by the child itself")
        topics = [topic for topic, *_ in inbox.events]
        expect_equal(topics, [PREFIX + "on_process_exited", PREFIX + "on_process_started"], "order of the events")
        expect(not psutil.pid_exists(first), f"process {first} is still there")
        expect_equal(await session.result(PREFIX + "started"), started["started"], "started")


async def check_stop_and_start(checks, agent, session, inbox):
    second = await pid_of(agent, 1)
    async with checks.check("stop_process answers with what on_process_exited says, and nothing runs then"):
        inbox.clear()
        answer = await session.result(PREFIX + "stop_process")
        ((exited,),) = await inbox.have(PREFIX + "on_process_exited")
        expect_equal(answer, exited, "result")
        expect_exit(exited, second, code=7, restarts=1)
        expect_equal(psutil.Process(agent.pid).children(recursive=True), [], "what is left of it")
    for name, error in (
        ("stop_process", "crossbar.error.not_started"),
        ("get_process_stats", "crossbar.error.runtime_error"),
    ):
        async with checks.check(f"{name} while nothing runs: {error}"):
            expect_sentence(await expect_error(session.call(PREFIX + name), error))
    async with checks.check("start_process answers with the process id; once more is already_started"):
        third = await session.result(PREFIX + "start_process")
        expect_equal(await pid_of(agent, 2), third, "pid by the child itself")
        expect_sentence(await expect_error(session.call(PREFIX + "start_process"), "crossbar.error.already_started"))


async def check_own_end(checks, agent, session, inbox):
    third = await pid_of(agent, 2)
    async with checks.check("the child ends by itself: the event has its exit code, and the agent ends with the same"):
        inbox.clear()
        expect_equal(await session.result(PREFIX + "signal_process", "USR1"), None)
        ((exited,),) = await inbox.have(PREFIX + "on_process_exited")
        expect_exit(exited, third, code=42, restarts=2)
        expect_equal(await agent.wait(10), 42, "exit status of the agent")
        expect_equal(len(inbox.of(PREFIX + "on_process_exited")), 1, "exit events")


def expect_exit(payload, pid, code, restarts):
    expect_keys(payload, EXIT_KEYS)
    wanted = {"pid": pid, "code": code, "signal": None, "core": False, "oom": False, "restarts": restarts}
    expect_equal({key: payload[key] for key in wanted}, wanted, "exit")
    expect_between(payload["uptime"], 0.001, 120, "uptime")
    expect_keys(payload["rusage"], USAGE_KEYS)
    expect_type(payload["rusage"]["user"], float, what="user")
    expect_between(payload["rusage"]["max_resident"], 100_000, 1 << 28, "max_resident")


def expect_sentence(error):
    expect_equal(len(error.args), 1, "arguments of the error")
    expect_type(error.args[0], str, what="error text")
