"""Runs the parts named on the command line, or all of them; see `interop.sh`."""

import asyncio
import sys
import tempfile

import processes
from check import Checks, describe, line_of
from client import join
from procedures import check_procedures
from target import Target, worker_prefixes


async def check_api(checks, target):
    """The management API of one target, by an autobahn-python client."""
    async with await join(target.url) as session:
        await check_procedures(checks, session, target)


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


PARTS = {"anchor": anchor, "crossbar": on_crossbar}


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
