"""Agents with other names and settings than the default: the same procedures under other prefixes."""

import re
import socket

import processes
from check import expect, expect_equal
from client import Inbox, expect_error, join
from procedures import check_procedures
from target import Target, worker_prefixes

# What is different, its flags, and the prefixes that follow from them.
VARIANTS = (
    ("the controller's role", ("--role", "controller", "--node", "n2"), ("crossbar.node.n2.controller.",)),
    (
        "prefixes of one's own",
        ("--uri-prefix", "org.{node}.device.{worker}", "--uri-prefix", "plain", "--node", "n3", "--worker", "w3"),
        ("org.n3.device.w3.", "plain."),
    ),
    ("no history", ("--history", "0", "--node", "n4", "--worker", "w4"), worker_prefixes("n4", "w4")),
    ("a quick sampler", ("--interval", "20ms", "--node", "n5", "--worker", "w5"), worker_prefixes("n5", "w5")),
)


async def check_variants(checks, url):
    for what, flags, prefixes in VARIANTS:
        agent, _, _ = await processes.start_wampproc("join", url, *flags)
        async with agent, await join(url) as session:
            target = Target(url, agent.pid, prefixes)
            await check_procedures(checks.within(what), session, target)
            await check_topics(checks.within(what), session, target)
    await check_default_names(checks, url)
    await check_same_name(checks, url)


async def check_topics(checks, session, target):
    async with checks.check("events under these prefixes and no others"):
        inbox = Inbox(session)
        # All topics there are: an empty prefix matches every URI, but some routers do not take it.
        for first in ("crossbar", "org", "plain"):
            await inbox.subscribe(first, "prefix")
        async with await join(target.url) as caller:
            await caller.call(target.prefix + "trigger_gc")
        await session.barrier()
        topics = sorted(topic for topic, *_ in inbox.events)
        expect_equal(topics, sorted(prefix + "on_gc_finished" for prefix in target.prefixes), "topics")


async def check_default_names(checks, url):
    async with checks.check("without ids: the host's name and `wampproc`"):
        node = re.sub(r"[^a-z0-9_]", "_", socket.gethostname().split(".")[0].lower())
        agent, _, _ = await processes.start_wampproc("join", url)
        async with agent, await join(url) as session:
            for prefix in worker_prefixes(node, "wampproc"):
                stats = await session.call(prefix + "get_process_stats")
                expect_equal(stats["pid"], agent.pid, f"pid under {prefix}")


async def check_same_name(checks, url):
    async with checks.check("two agents of one name: the second, not to ask again, ends and is told about --worker"):
        first, _, _ = await processes.start_wampproc("join", url, "--node", "n6", "--worker", "w6")
        async with first, await join(url) as session:
            names = ("--node", "n6", "--worker", "w6")
            second = await processes.Child.start(processes.WAMPPROC, "join", url, *names, "--no-retry")
            async with second:
                expect(await second.wait(15) != 0, "exit status 0")
                expect("--worker" in "\n".join(second.stderr), f"stderr does not say --worker: {second.stderr}")
                expect_equal(second.stdout, [], "stdout of the second")
            stats = await session.call("crossbar.worker.w6.get_process_stats")
            expect_equal(stats["pid"], first.pid, "pid that answers")
            await first.stop()
            await expect_error(session.call("crossbar.worker.w6.utcnow"), "wamp.error.no_such_procedure")
