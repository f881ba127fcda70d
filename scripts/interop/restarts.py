"""Routers that are killed and come back: the agent must be there again, with every procedure, and no fatter."""

import asyncio
import statistics
import time

import processes
from autobahn.wamp.exception import ApplicationError
from check import Mismatch, expect, expect_between, expect_equal
from client import join
from procedures import listed
from target import Moment, worker_prefixes

CROSSBAR_KILLS = 3
SERVE_KILLS = 200
# From the moment the router listens again. The agent's backoff grows while a router is away.
BACK_AFTER_CROSSBAR = 60.0
BACK_AFTER_SERVE = 10.0

# The agent's delays grow from one short session to the next, as they should; for so many kills they must not.
SHORT_DELAYS = ("--reconnect-initial", "20ms", "--reconnect-max", "100ms")

PREFIXES = worker_prefixes("n1", "w1")


async def answers(session, uri):
    """Whether it is registered: asked in a way that every procedure refuses before it does anything."""
    error = await expect_any_error(session.call(uri, nonsense=1))
    if error.error == "wamp.error.no_such_procedure":
        return False
    expect_equal(error.error, "wamp.error.invalid_argument", uri)
    return True


async def expect_any_error(answer):
    try:
        value = await answer
    except ApplicationError as error:
        return error
    raise Mismatch(f"expected an error, got the result {value!r}")


async def wait_until_back(url, deadline):
    """Seconds until every procedure under every prefix answers."""
    since = time.monotonic()
    missing = [prefix + name for prefix in PREFIXES for name in listed()]
    async with await join(url) as session:
        while missing:
            if time.monotonic() - since > deadline:
                raise Mismatch(f"after {deadline:g} s {len(missing)} procedures are not back, {missing[0]} among them")
            missing = [uri for uri in missing if not await answers(session, uri)]
            if missing:
                await asyncio.sleep(0.01)
    return time.monotonic() - since


async def start_agent(url, *flags):
    agent, _, _ = await processes.start_wampproc("join", url, "--node", "n1", "--worker", "w1", *flags)
    return agent


async def check_crossbar_restarts(checks, directory):
    """Kills the real Crossbar.io, router worker and all, and starts it again on the same port."""
    port = processes.free_port()
    url = f"ws://127.0.0.1:{port}/ws"
    router = await processes.start_crossbar(directory, port)
    try:
        async with await start_agent(url):
            for number in range(1, CROSSBAR_KILLS + 1):
                async with checks.check(f"kill {number} of {CROSSBAR_KILLS}: the agent is back", deadline=180):
                    await router.killed()
                    router = await processes.start_crossbar(directory, port)
                    seconds = await wait_until_back(url, BACK_AFTER_CROSSBAR)
                    print(f"# back {seconds:.2f} s after Crossbar.io had started", flush=True)
    finally:
        await router.stop()


async def check_serve_restarts(checks):
    """Kills the embedded router again and again; the agent is a process of its own."""
    port = processes.free_port()
    url = f"ws://127.0.0.1:{port}/ws"
    router = await start_router(port)
    try:
        async with await start_agent(url, *SHORT_DELAYS) as agent:
            before = Moment(agent.pid)
            taken = []
            async with checks.check(f"{SERVE_KILLS} kills: the agent is back each time", deadline=1200):
                for _ in range(SERVE_KILLS):
                    await router.killed()
                    router = await start_router(port)
                    taken.append(await wait_until_back(url, BACK_AFTER_SERVE))
            if taken:
                median, most = statistics.median(taken), max(taken)
                print(
                    f"# {len(taken)} restarts: back after {median:.3f} s in the median, {most:.3f} s at most",
                    flush=True,
                )
            after = Moment(agent.pid)
            async with checks.check("after all restarts the agent has as many descriptors and threads as before"):
                expect_equal((after.descriptors, after.threads), (before.descriptors, before.threads))
            async with checks.check("after all restarts the agent has at most 1 MB more memory"):
                expect_between(after.memory.rss - before.memory.rss, -(1 << 30), 1 << 20, "growth in bytes")
            async with checks.check("after all restarts the agent is the same process"):
                expect(agent._process.returncode is None, "it ended")
    finally:
        await router.stop()


async def start_router(port):
    router, _, _ = await processes.start_wampproc(
        "serve", "--listen", f"127.0.0.1:{port}", "--node", "router", "--worker", "router"
    )
    return router
