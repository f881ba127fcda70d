"""`wampproc call`, `subscribe`, `publish`, `procedures`: their lines and their exit codes, on any router."""

import asyncio
import json
import os
import signal
import subprocess

from autobahn.wamp.exception import ApplicationError
from autobahn.wamp.types import CallResult, RegisterOptions

import processes
from check import expect, expect_equal, expect_keys, expect_type
from client import Inbox, expect_error
from mini_router import MiniRouter
from procedures import PROCEDURES

# Exit codes of issue and README.
DONE, WAMP_ERROR, USAGE, NO_CONNECTION, REFUSED, TIMED_OUT, LOST = range(7)
WAIT = 10.0


async def cli(*arguments):
    """(exit status, lines of stdout, lines of stderr)."""
    child = await processes.Child.start(processes.WAMPPROC, *arguments)
    async with child:
        status = await child.wait(WAIT)
        return status, child.stdout, child.stderr


async def expect_line(value, *arguments):
    """Exit 0 and exactly this one JSON value on stdout."""
    status, out, err = await cli(*arguments)
    expect_equal(status, DONE, f"exit status ({err})")
    expect_equal(len(out), 1, f"lines of stdout {out}")
    expect_equal(json.loads(out[0]), value, "value")


async def expect_exit(status_wanted, *arguments):
    """This exit status, nothing on stdout, one line on stderr; that line."""
    status, out, err = await cli(*arguments)
    expect_equal(status, status_wanted, f"exit status ({err})")
    expect_equal(out, [], "stdout")
    expect(err and err[-1].strip(), "stderr is empty")
    return err[-1]


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
    await session.register(progress, "interop.progress", options=RegisterOptions(details_arg="details"))
    await session.register(fail, "interop.fail")
    await session.register(never, "interop.never")


async def check_cli(checks, session, target):
    await register_helpers(session)
    await check_call(checks, session, target)
    await check_call_errors(checks, target)
    await check_publish(checks, session, target)
    await check_subscribe(checks, session, target)


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
    async with checks.check("call of every procedure without required arguments"):
        for name, procedure in PROCEDURES.items():
            if not procedure.required:
                status, out, err = await cli("call", target.prefix + name, *at)
                expect_equal((status, len(out)), (DONE, 1), f"{name}: status and lines ({err})")
                json.loads(out[0])


async def check_call_errors(checks, target):
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
    async with checks.check("nobody listens: status 3"):
        await expect_exit(NO_CONNECTION, "call", "x.y", "--url", f"ws://127.0.0.1:{processes.free_port()}/ws")
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
        url = f"ws://127.0.0.1:{processes.free_port()}/ws"
        await expect_exit(NO_CONNECTION, "join", url, "--no-retry")
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
    async with checks.check("publish: nobody listens: status 3"):
        await expect_exit(NO_CONNECTION, "publish", "x.y", "--url", f"ws://127.0.0.1:{processes.free_port()}/ws")


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
        async with await processes.Child.start(
            processes.WAMPPROC, "subscribe", topic, "--count", "3", *at
        ) as child:
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
        stdin=subprocess.DEVNULL, stdout=write_end, stderr=subprocess.PIPE,
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


async def check_not_registered_after_end(checks, session, target, agent):
    """The agent's end takes its procedures with it."""
    async with checks.check("after the agent's end its procedures are gone"):
        await agent.stop()
        await expect_error(session.call(target.prefix + "utcnow"), "wamp.error.no_such_procedure")
