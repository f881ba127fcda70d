"""`wampproc call`: arguments in, one line of JSON out, on any router."""

import asyncio
import json
import tempfile

from autobahn.wamp.exception import ApplicationError
from autobahn.wamp.types import CallResult, RegisterOptions

from check import expect_equal
from cli import DONE, cli, expect_line, expect_result
from procedures import PROCEDURES


async def register_helpers(session):
    """Procedures for the CLI to call."""

    async def progress(count, details):
        for number in range(count):
            if details.progress:
                details.progress(number)
        return "end"

    async def fail(*args, **kwargs):
        raise ApplicationError("interop.error.asked_for", *args, **kwargs)

    async def never():
        await asyncio.get_running_loop().create_future()

    await session.register(lambda *args, **kwargs: CallResult(*args, **kwargs), "interop.echo")
    await session.register(lambda value: type(value).__name__, "interop.kind")
    await session.register(progress, "interop.progress", options=RegisterOptions(details_arg="details"))
    await session.register(fail, "interop.fail")
    await session.register(never, "interop.never")


async def check_call(checks, session, target):
    at = ("--url", target.url)
    async with checks.check("call prints the value on one line"):
        await expect_line(await session.result(target.prefix + "get_cpus"), "call", target.prefix + "get_cpus", *at)
    async with checks.check("call prints null"):
        await expect_line(None, "call", target.prefix + "set_process_stats_monitoring", "0", *at)
    async with checks.check("call: an ARG that is JSON is JSON, anything else is a string"):
        args = ["1", "2.5", "true", "null", '"quoted"', '{"a":[1]}', "[1,2]", "plain", "1x", "", "é"]
        wanted = [1, 2.5, True, None, "quoted", {"a": [1]}, [1, 2], "plain", "1x", "", "é"]
        await expect_line({"args": wanted, "kwargs": {}}, "call", "interop.echo", *args, *at)
    async with checks.check("call -s forces a string, -k gives keywords"):
        wanted = {"args": [1, "1", "true"], "kwargs": {"a": 1, "b": "x", "c": "1=2"}}
        options = ["1", "-s", "1", "-s", "true", "-k", "a=1", "-k", "b=x", "-k", "c=1=2"]
        await expect_line(wanted, "call", "interop.echo", *options, *at)
    async with checks.check("call: no result is args and kwargs, empty"):
        await expect_line({"args": [], "kwargs": {}}, "call", "interop.echo", *at)
    async with checks.check("call: one keyword result is args and kwargs"):
        await expect_line({"args": [], "kwargs": {"a": 1}}, "call", "interop.echo", "-k", "a=1", *at)
    async with checks.check("call: a negative number is an argument after --"):
        await expect_line(-1, "call", *at, "interop.echo", "--", "-1")
    async with checks.check("call: 2^53 and floats come through exactly"):
        await expect_line([9007199254740992, 0.1, 1e-7], "call", "interop.echo", "[9007199254740992,0.1,1e-7]", *at)
    async with checks.check("call keeps the order of keys"):
        status, out, _ = await cli("call", "interop.echo", '{"b":1,"a":2}', *at)
        expect_equal((status, out), (DONE, ['{"b":1,"a":2}']))
    async with checks.check("call --progress prints each progressive result, then the result"):
        status, out, err = await cli("call", "interop.progress", "3", "--progress", *at)
        expect_equal((status, out), (DONE, ["0", "1", "2", '"end"']), f"status and lines ({err})")
    async with checks.check("call without --progress prints the result alone"):
        await expect_line("end", "call", "interop.progress", "3", *at)
    async with checks.check("call --raw prints a string without quotes, in its own bytes"):
        status, out, err = await cli("call", "interop.echo", "-s", 'é "x"', "--raw", *at)
        expect_equal((status, out), (DONE, ['é "x"']), f"status and lines ({err})")
    async with checks.check("call --bytes passes a file as binary, --raw prints binary as its bytes"):
        with tempfile.NamedTemporaryFile() as file:
            # No newline and no zero: lines are what this checks with.
            file.write(bytes(range(11, 128)))
            file.flush()
            kind = await expect_result("call", "interop.kind", "--bytes", file.name, *at)
            expect_equal(kind, "bytes", "type that the callee got")
            status, out, err = await cli("call", "interop.echo", "--bytes", file.name, "--raw", *at)
            expect_equal((status, out), (DONE, [bytes(range(11, 128)).decode()]), f"status and lines ({err})")
    async with checks.check("call of every procedure without required arguments"):
        for name, procedure in PROCEDURES.items():
            if not procedure.required:
                status, out, err = await cli("call", target.prefix + name, *at)
                expect_equal((status, len(out)), (DONE, 1), f"{name}: status and lines ({err})")
                json.loads(out[0])
