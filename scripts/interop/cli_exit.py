"""The exit codes of the `wampproc` commands, and what stderr says then."""

import asyncio
import json
import socket

from check import expect, expect_equal
from cli import (
    DONE,
    LOST,
    NO_CONNECTION,
    REFUSED,
    TIMED_OUT,
    USAGE,
    WAMP_ERROR,
    cli,
    expect_exit,
    nobody_listens,
)
from mini_router import MiniRouter
from procedures import PROCEDURES


async def check_exit_codes(checks, target):
    await check_wamp_errors(checks, target)
    await check_usage(checks, target)
    await check_listening(checks)
    await check_connection(checks, target)
    await check_help(checks)


async def check_wamp_errors(checks, target):
    at = ("--url", target.url)
    async with checks.check("a WAMP error: status 1, `wampproc: URI: text` on stderr"):
        line = await expect_exit(WAMP_ERROR, "call", "interop.fail", "some text", *at)
        expect_equal(line, "wampproc: interop.error.asked_for: some text")
    async with checks.check("a WAMP error with --json: the whole error as one line of JSON on stderr"):
        line = await expect_exit(WAMP_ERROR, "call", "interop.fail", "text", "-k", "code=7", "--json", *at)
        error = json.loads(line)
        expect("interop.error.asked_for" in error.values(), f"no URI in {error}")
        expect_equal((error.get("args"), error.get("kwargs")), (["text"], {"code": 7}), "args and kwargs")
    async with checks.check("an unknown procedure: status 1"):
        line = await expect_exit(WAMP_ERROR, "call", "interop.no.such", *at)
        expect(line.startswith("wampproc: wamp.error.no_such_procedure: "), line)
    async with checks.check("an invalid argument: status 1 and the agent's sentence"):
        line = await expect_exit(WAMP_ERROR, "call", target.prefix + "set_cpu_affinity", "[]", *at)
        expect(line.startswith("wampproc: wamp.error.invalid_argument: "), line)
        expect("cpus" in line, line)


async def check_usage(checks, target):
    for what, arguments in (
        ("no procedure", ["call"]),
        ("an unknown flag", ["call", "x.y", "--no-such-flag"]),
        ("an unknown command", ["no-such-command"]),
        ("a keyword without =", ["call", "x.y", "-k", "novalue"]),
        ("a URL that is none", ["call", "x.y", "--url", "nonsense"]),
        ("a duration that is none", ["call", "x.y", "--timeout", "soon"]),
        ("a count that is none", ["subscribe", "x.y", "--count", "many"]),
        ("a worker id with a dot", ["join", target.url, "--worker", "a.b"]),
    ):
        async with checks.check(f"usage, {what}: status 2"):
            await expect_exit(USAGE, *arguments)


async def check_listening(checks):
    async with checks.check("serve for others than this host: status 2, and the flag that allows it"):
        line = await expect_exit(USAGE, "serve", "--listen", "0.0.0.0:0")
        expect("--allow-remote-anonymous" in line, line)
    async with checks.check("serve where another listens: status 1, and the address"):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            line = await expect_exit(WAMP_ERROR, "serve", "--listen", address)
            expect(address in line, line)


async def check_connection(checks, target):
    at = ("--url", target.url)
    async with checks.check("nobody listens: status 3"):
        await expect_exit(NO_CONNECTION, "call", "x.y", "--url", nobody_listens())
    async with checks.check("an unknown realm: status 4"):
        line = await expect_exit(REFUSED, "call", "x.y", "--realm", "nosuch", *at)
        expect("no_such_realm" in line, line)
    async with checks.check("no answer in time: status 5"):
        await expect_exit(TIMED_OUT, "call", "interop.never", "--timeout", "300ms", *at)
    async with checks.check("the connection is lost while it waits: status 6"):
        async with MiniRouter() as router:
            call = asyncio.create_task(cli("call", "x.y", "--url", router.url))
            peer = await router.peer()
            await peer.welcome()
            await peer.receive()
            await peer.drop()
            status, out, err = await call
            expect_equal((status, out), (LOST, []), f"status and stdout ({err})")
            expect(err, "stderr is empty")
    async with checks.check("`join --no-retry` where nobody listens: status 3"):
        await expect_exit(NO_CONNECTION, "join", nobody_listens(), "--no-retry")
    async with checks.check("publish: nobody listens: status 3"):
        await expect_exit(NO_CONNECTION, "publish", "x.y", "--url", nobody_listens())


async def check_help(checks):
    async with checks.check("`procedures` lists them all"):
        status, out, err = await cli("procedures")
        expect_equal(status, DONE, f"exit status ({err})")
        missing = [name for name in PROCEDURES if name not in "\n".join(out)]
        expect_equal(missing, [], "procedures that are not listed")
    async with checks.check("--help of each command and --version: status 0, on stdout"):
        commands = ("serve", "join", "call", "subscribe", "publish", "procedures")
        for arguments in (["--version"], ["--help"], *([command, "--help"] for command in commands)):
            status, out, err = await cli(*arguments)
            expect_equal((status, err), (DONE, []), f"{arguments}: status and stderr")
            expect(out, f"{arguments}: stdout is empty")
