"""How agent and router end when they are told to."""

import signal
import time

import processes
from check import expect, expect_between, expect_equal
from client import Inbox, expect_error, join
from target import worker_prefixes

PREFIX = worker_prefixes("n1", "w1")[0]
LIMIT = 2.0


async def end(child, number):
    """Exit status 0 within the limit."""
    since = time.monotonic()
    child.signal(number)
    expect_equal(await child.wait(10), 0, f"exit status ({child.stderr[-3:]})")
    expect_between(time.monotonic() - since, 0, LIMIT, "seconds to the end")


async def check_agent_signals(checks, url):
    """An agent on a router that runs."""
    for name, number in (("SIGTERM", signal.SIGTERM), ("SIGINT", signal.SIGINT)):
        async with checks.check(f"{name}: the agent leaves, its procedures go, exit 0 within {LIMIT:g} s"):
            async with await join(url) as session:
                inbox = Inbox(session)
                await inbox.subscribe("wamp.session.on_leave")
                agent, _, _ = await processes.start_wampproc("join", url, "--node", "n1", "--worker", "w1")
                async with agent:
                    await session.call(PREFIX + "utcnow")
                    await end(agent, number)
                await inbox.until(lambda events: events)
                await expect_error(session.call(PREFIX + "utcnow"), "wamp.error.no_such_procedure")
                expect_equal(len(agent.stdout), 1, "lines of stdout")


async def check_waiting_agent_signals(checks):
    """An agent whose router is not there."""
    async with checks.check(f"SIGTERM while the agent waits for its router: exit 0 within {LIMIT:g} s"):
        url = f"ws://127.0.0.1:{processes.free_port()}/ws"
        agent = await processes.Child.start(processes.WAMPPROC, "join", url)
        async with agent:
            # It says on stderr that it could not connect.
            await agent.line(lambda line: True, agent.stderr)
            await end(agent, signal.SIGTERM)
            expect_equal(agent.stdout, [], "stdout")


async def check_serve_signals(checks):
    for name, number in (("SIGTERM", signal.SIGTERM), ("SIGINT", signal.SIGINT)):
        async with checks.check(f"{name} to serve: its clients get GOODBYE, exit 0 within {LIMIT:g} s"):
            router, url, _ = await processes.start_wampproc("serve", "--listen", "127.0.0.1:0")
            async with router:
                session = await join(url)
                await end(router, number)
                left = await session.left
                expect(left is not None, "the connection ended without GOODBYE")
                expect(left.reason.startswith("wamp.close."), f"reason {left.reason}")
