"""Runs the parts named on the command line, or all of them; see `interop.sh`."""

import asyncio
import sys
import tempfile

import processes
from check import Checks, describe, line_of
from client import join
from errors import check_errors
from events import check_events
from procedures import check_procedures
from router_meta import check_meta, check_rules
from router_pubsub import check_pubsub
from router_rpc import check_rpc
from target import Target, worker_prefixes


async def check_api(checks, target):
    """The management API of one target, by an autobahn-python client."""
    async with await join(target.url) as session:
        await check_procedures(checks, session, target)
    await check_events(checks, target)
    if not target.native:
        await check_errors(checks, target)


async def anchor(checks):
    """Crossbar.io's NativeProcess on Crossbar.io: that the checker itself is right."""
    with tempfile.TemporaryDirectory(prefix="wampproc-interop-") as directory:
        port = processes.free_port()
        url = f"ws://127.0.0.1:{port}/ws"
        async with await processes.start_crossbar(directory, port):
            async with await processes.start_native_process(url) as native:
                target = Target(url, native.pid, ("crossbar.worker.native1.",), native=True)
                await check_api(checks, target)


async def on_crossbar(checks):
    """`wampproc join` on a real Crossbar.io."""
    with tempfile.TemporaryDirectory(prefix="wampproc-interop-") as directory:
        port = processes.free_port()
        url = f"ws://127.0.0.1:{port}/ws"
        async with await processes.start_crossbar(directory, port):
            agent, _, _ = await processes.start_wampproc("join", url, "--node", "n1", "--worker", "w1")
            async with agent:
                await check_api(checks, Target(url, agent.pid, worker_prefixes("n1", "w1")))


async def router_on(checks, url):
    await check_pubsub(checks.within("pubsub"), url)
    await check_rpc(checks.within("rpc"), url)
    await check_meta(checks.within("meta"), url)
    await check_rules(checks.within("rules"), url)


async def router_of_crossbar(checks):
    """The router checks on Crossbar.io: for whoever changes them. It deviates in places, so no run includes it."""
    with tempfile.TemporaryDirectory(prefix="wampproc-interop-") as directory:
        port = processes.free_port()
        async with await processes.start_crossbar(directory, port):
            await router_on(checks, f"ws://127.0.0.1:{port}/ws")


PARTS = {"anchor": anchor, "crossbar": on_crossbar, "router-of-crossbar": router_of_crossbar}


async def run(names):
    checks = Checks()
    for name in names:
        part = checks.within(name)
        try:
            await PARTS[name](part)
        except Exception as error:
            part.fail("the part ended early", f"{describe(error)} ({line_of(error)})")
    return 1 if checks.failed else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(run(sys.argv[1:] or list(PARTS))))
