"""Runs the parts named on the command line, or all that `interop.sh` runs; see PARTS at the end."""

import asyncio
import contextlib
import signal
import sys
import tempfile

import processes
from check import Checks, describe, line_of
from children import check_child
from cli_call import check_call, register_helpers
from cli_exit import check_exit_codes
from cli_topics import check_publish, check_subscribe
from client import join, quiet_about_lost_transports
from errors import check_errors
from events import check_events
from logins import check_logins
from manhole_api import check_manhole_api
from manhole_ssh import check_manhole_clients
from matrix import check_matrix
from measures import check_family, check_measures
from node_clients import check_node
from observed import check_observed, check_observed_on_crossbar
from procedures import check_procedures
from restarts import check_crossbar_restarts, check_serve_restarts
from router_advanced import check_advanced
from router_meta import check_meta
from router_pubsub import check_pubsub
from router_rpc import check_rpc
from router_rules import check_rules
from signals import check_agent_signals, check_serve_signals, check_waiting_agent_signals
from target import Target, worker_prefixes
from tls import check_tls
from variants import check_variants
from watches import check_watches
from websocket import check_websocket
from wire import check_wire

IDS = ("--node", "n1", "--worker", "w1")


def temporary_directory():
    return tempfile.TemporaryDirectory(prefix="wampproc-interop-")


@contextlib.asynccontextmanager
async def crossbar():
    """The URL of a real Crossbar.io."""
    with temporary_directory() as directory:
        port = processes.free_port()
        async with await processes.start_crossbar(directory, port):
            yield f"ws://127.0.0.1:{port}/ws"


@contextlib.asynccontextmanager
async def native_process():
    """Crossbar.io's NativeProcess on Crossbar.io."""
    async with crossbar() as url, await processes.start_native_process(url) as native:
        yield Target(url, native.pid, ("crossbar.worker.native1.",), native=True)


@contextlib.asynccontextmanager
async def wampproc(*arguments):
    """`wampproc serve` or `join`, as a target."""
    child, url, _ = await processes.start_wampproc(*arguments, *IDS)
    async with child:
        yield Target(url, child.pid, worker_prefixes("n1", "w1"))


async def check_api(checks, target):
    """The management API of one target, by an autobahn-python client."""
    async with await join(target.url) as session:
        await check_procedures(checks.within("procedures"), session, target)
        if not target.native:
            await check_measures(checks.within("measures"), session, target)
    await check_events(checks.within("events"), target)
    if not target.native:
        await check_errors(checks.within("errors"), target)
        await check_manhole_api(checks.within("manhole"), target)


async def check_cli(checks, target):
    """The commands that call, publish and subscribe, beside an autobahn-python session for them to talk to."""
    async with await join(target.url) as session:
        await register_helpers(session)
        await check_call(checks, session, target)
        await check_exit_codes(checks, target)
        await check_publish(checks, session, target)
        await check_subscribe(checks, session, target)


async def check_router(checks, url):
    await check_pubsub(checks.within("pubsub"), url)
    await check_rpc(checks.within("rpc"), url)
    await check_meta(checks.within("meta"), url)
    await check_rules(checks.within("rules"), url)


async def anchor(checks):
    """The API checks on Crossbar.io's own process: that they are right."""
    async with native_process() as target:
        await check_api(checks, target)


async def on_crossbar(checks):
    """An agent on a real Crossbar.io."""
    async with crossbar() as url:
        async with wampproc("join", url) as target:
            await check_api(checks, target)
            await check_cli(checks.within("cli"), target)
        await check_variants(checks.within("variants"), url)
        await check_family(checks.within("family"), url)
        await check_agent_signals(checks.within("signals"), url)


async def on_serve(checks):
    """The agent and the router of `serve`."""
    async with wampproc("serve", "--listen", "127.0.0.1:0") as target:
        await check_api(checks, target)
        await check_cli(checks.within("cli"), target)
        await check_node(checks, target)
    await check_serve_signals(checks.within("signals"))
    await check_waiting_agent_signals(checks.within("signals"))


async def router(checks):
    """The router of `serve`, by autobahn-python and by bare messages."""
    async with wampproc("serve", "--listen", "127.0.0.1:0") as target:
        await check_router(checks, target.url)
        await check_advanced(checks.within("advanced"), target.url, target.prefix)


async def restarts(checks):
    with temporary_directory() as directory:
        await check_crossbar_restarts(checks.within("crossbar"), directory)
    await check_serve_restarts(checks.within("serve"))


async def manhole(checks):
    """The manhole by OpenSSH, dropbear's dbclient, PuTTY's plink, asyncssh and paramiko."""
    with temporary_directory() as directory:
        await check_manhole_clients(checks, directory)


async def process(checks):
    """Other processes, by --pid and --pidfile: the agent, psutil and the kernel's files agree about each."""
    await check_observed(checks)
    async with crossbar() as url:
        await check_observed_on_crossbar(checks.within("crossbar"), url)


async def watches(checks):
    async with crossbar() as url:
        await check_watches(checks, url)


async def child(checks):
    """A supervised child, on a real Crossbar.io."""
    async with crossbar() as url:
        await check_child(checks, url)


async def router_of_crossbar(checks):
    """The router checks on Crossbar.io, for whoever changes them; it does not pass them all."""
    async with crossbar() as url:
        await check_router(checks, url)


async def node_of_crossbar(checks):
    """The Node clients on Crossbar.io and its NativeProcess, for whoever changes them."""
    async with native_process() as target:
        await check_node(checks, target)


# What a run without names does, in this order.
PARTS = {
    "anchor": anchor,
    "websocket": check_websocket,
    "matrix": check_matrix,
    "tls": check_tls,
    "wire": check_wire,
    "serve": on_serve,
    "router": router,
    "crossbar": on_crossbar,
    "restarts": restarts,
    "manhole": manhole,
    "logins": check_logins,
    "process": process,
    "watches": watches,
    "child": child,
}
# Only by name.
REFERENCE_PARTS = {"router-of-crossbar": router_of_crossbar, "node-of-crossbar": node_of_crossbar}


async def run(names):
    every = {**PARTS, **REFERENCE_PARTS}
    unknown = [name for name in names if name not in every]
    if unknown:
        print(f"no such part: {', '.join(unknown)}; there are {', '.join(every)}", file=sys.stderr)
        return 2
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(quiet_about_lost_transports)
    loop.add_signal_handler(signal.SIGTERM, asyncio.current_task().cancel)
    checks = Checks()
    for name in names or PARTS:
        part = checks.within(name)
        try:
            await every[name](part)
        except Exception as error:
            part.fail("the part ended early", f"{describe(error)} ({line_of(error)})")
    return 1 if checks.failed else 0


if __name__ == "__main__":
    try:
        sys.exit(asyncio.run(run(sys.argv[1:])))
    except asyncio.CancelledError:
        sys.exit(128 + signal.SIGTERM)
