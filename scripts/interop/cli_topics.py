"""`wampproc publish` and `wampproc subscribe`, on any router."""

import asyncio
import json
import os
import signal
import subprocess

import processes
from check import expect, expect_equal, expect_keys, expect_type
from cli import DONE, TIMED_OUT, WAIT, cli, expect_exit
from client import Inbox


async def check_publish(checks, session, target):
    inbox = Inbox(session)
    await inbox.subscribe("interop.published")
    for way in ([], ["--ack"]):
        async with checks.check(f"publish {' '.join(way)} arrives with its arguments".replace("  ", " ")):
            inbox.clear()
            arguments = ["interop.published", "1", "-s", "2", '{"a":null}', "-k", "b=x", *way]
            status, _, err = await cli("publish", *arguments, "--url", target.url)
            expect_equal(status, DONE, f"exit status ({err})")
            await inbox.until(lambda events: events)
            _, args, kwargs, _ = inbox.events[0]
            expect_equal((args, kwargs), ((1, "2", {"a": None}), {"b": "x"}), "args and kwargs")


async def subscribed(session, topic, match="exact"):
    """Waits until somebody is subscribed to the topic."""
    async with asyncio.timeout(WAIT):
        while await session.call("wamp.subscription.lookup", topic, {"match": match}) is None:
            await asyncio.sleep(0.02)


async def check_subscribe(checks, session, target):
    at = ("--url", target.url)
    async with checks.check("subscribe --count prints one JSON line an event and ends with 0"):
        async with await processes.Child.start(
            processes.WAMPPROC, "subscribe", "interop.watched", "--count", "2", *at
        ) as child:
            await subscribed(session, "interop.watched")
            session.publish("interop.watched", 1, "x", a=None)
            session.publish("interop.watched")
            expect_equal(await child.wait(WAIT), DONE, f"exit status ({child.stderr})")
            first, second = [json.loads(line) for line in child.stdout]
            for event in (first, second):
                expect_keys(event, ["topic", "args", "kwargs", "publication"])
                expect_equal(event["topic"], "interop.watched", "topic")
                expect_type(event["publication"], int, what="publication")
            expect_equal((first["args"], first["kwargs"]), ([1, "x"], {"a": None}), "first event")
            expect_equal((second["args"], second["kwargs"]), ([], {}), "second event")
    for match, pattern, topic in (
        ("prefix", "interop.tree", "interop.tree.a.b"),
        ("wildcard", "interop.wild..end", "interop.wild.any.end"),
    ):
        async with checks.check(f"subscribe --match {match} prints the topic of each event"):
            async with await processes.Child.start(
                processes.WAMPPROC, "subscribe", pattern, "--match", match, "--count", "1", *at
            ) as child:
                await subscribed(session, pattern, match)
                session.publish(topic, 5)
                expect_equal(await child.wait(WAIT), DONE, f"exit status ({child.stderr})")
                event = json.loads(child.stdout[0])
                expect_equal((event["topic"], event["args"]), (topic, [5]), "topic and args")
    async with checks.check("subscribe --timeout without enough events: status 5"):
        await expect_exit(TIMED_OUT, "subscribe", "interop.silent", "--count", "1", "--timeout", "300ms", *at)
    async with checks.check("subscribe to the agent's events"):
        topic = target.prefix + "on_process_stats"
        async with await processes.Child.start(processes.WAMPPROC, "subscribe", topic, "--count", "3", *at) as child:
            await session.call(target.prefix + "set_process_stats_monitoring", 0.05)
            expect_equal(await child.wait(WAIT), DONE, f"exit status ({child.stderr})")
            expect_equal(len(child.stdout), 3, "lines")
            await session.call(target.prefix + "set_process_stats_monitoring", 0)
    async with checks.check("subscribe ends quietly when its stdout pipe is closed"):
        await check_closed_pipe(session, target)
    async with checks.check("SIGINT ends subscribe with status 0"):
        async with await processes.Child.start(processes.WAMPPROC, "subscribe", "interop.endless", *at) as child:
            await subscribed(session, "interop.endless")
            child.signal(signal.SIGINT)
            expect_equal(await child.wait(WAIT), DONE, f"exit status ({child.stderr})")


async def check_closed_pipe(session, target):
    """As `wampproc subscribe … | head -n 1` has it."""
    read_end, write_end = os.pipe()
    process = subprocess.Popen(
        [processes.WAMPPROC, "subscribe", "interop.piped", "--url", target.url],
        stdin=subprocess.DEVNULL,
        stdout=write_end,
        stderr=subprocess.PIPE,
    )
    os.close(write_end)
    try:
        await subscribed(session, "interop.piped")
        os.close(read_end)
        while process.poll() is None:
            session.publish("interop.piped", 1)
            await asyncio.sleep(0.02)
        expect_equal(process.stderr.read().decode(), "", "stderr")
        expect(process.returncode in (DONE, -signal.SIGPIPE), f"exit status {process.returncode}")
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
