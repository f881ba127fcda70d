"""The embedded router's dealer: patterns, progressive results, cancel, timeout, identification, lost callees."""

import asyncio
import time

from autobahn.wamp.exception import ApplicationError
from autobahn.wamp.types import CallOptions, CallResult, RegisterOptions

from check import Mismatch, expect, expect_between, expect_equal
from client import expect_error, join
from raw import CALL, CANCEL, ERROR, RESULT, RawClient

ALREADY_EXISTS = "wamp.error.procedure_already_exists"


async def check_rpc(checks, url):
    async with await join(url) as callee, await join(url) as caller:
        await check_calls(checks, callee, caller)
        await check_matches(checks, callee, caller)
        await check_progress(checks, callee, caller)
        await check_registration_refusals(checks, url, callee, caller)
        await check_cancel(checks, url, callee)
        await check_timeout(checks, callee, caller)
        await check_lost_callee(checks, url, caller)


async def check_calls(checks, callee, caller):
    async def identify(details):
        return [details.caller, details.caller_authid, details.caller_authrole]

    async def fail(*args, **kwargs):
        raise ApplicationError("interop.error.mine", *args, **kwargs)

    await callee.register(lambda *args, **kwargs: CallResult(*args, **kwargs), "interop.r.echo")
    await callee.register(identify, "crossbar.interop.identify", options=RegisterOptions(details_arg="details"))
    await callee.register(fail, "interop.r.fail")

    async with checks.check("a call brings back args and kwargs"):
        answer = await caller.call("interop.r.echo", 1, "two", three=3)
        expect_equal((answer.results, answer.kwresults), ((1, "two"), {"three": 3}))
    async with checks.check("an error brings its URI, args and kwargs"):
        error = await expect_error(caller.call("interop.r.fail", 1, two=2), "interop.error.mine")
        expect_equal((error.args, error.kwargs), ((1,), {"two": 2}), "args and kwargs")
    async with checks.check("the caller is disclosed to a crossbar. procedure"):
        who = caller.joined.result()
        expect_equal(await caller.call("crossbar.interop.identify"), [who.session, who.authid, who.authrole])
    async with checks.check("a session can call what it registered itself"):
        expect_equal(await callee.call("interop.r.echo", 7), 7)
    async with checks.check("1000 concurrent calls each get their own answer"):
        answers = await asyncio.gather(*(caller.call("interop.r.echo", number) for number in range(1000)))
        expect_equal(answers, list(range(1000)))


async def check_matches(checks, callee, caller):
    async def named(details, *args):
        return details.procedure

    for uri, match in (("interop.m.pre", "prefix"), ("interop.m..end", "wildcard")):
        await callee.register(named, uri, options=RegisterOptions(match=match, details_arg="details"))
    await callee.register(lambda: "exact", "interop.m.pre.exact")
    cases = (
        ("prefix registration is told the procedure", "interop.m.prefix.a", "interop.m.prefix.a"),
        ("wildcard registration is told the procedure", "interop.m.any.end", "interop.m.any.end"),
        ("an exact registration wins over a prefix", "interop.m.pre.exact", "exact"),
        ("a prefix registration wins over a wildcard", "interop.m.pre.end", "interop.m.pre.end"),
    )
    for what, uri, wanted in cases:
        async with checks.check(what):
            expect_equal(await caller.call(uri), wanted)
    async with checks.check("the longest prefix wins"):
        await callee.register(lambda: "longer", "interop.m.pre.long", options=RegisterOptions(match="prefix"))
        expect_equal(await caller.call("interop.m.pre.longest"), "longer")
    async with checks.check("no pattern matches: no_such_procedure"):
        await expect_error(caller.call("interop.m.any.other"), "wamp.error.no_such_procedure")


async def check_progress(checks, callee, caller):
    async def count(number, details):
        for value in range(number):
            if details.progress:
                details.progress(value)
        return "end"

    await callee.register(count, "interop.progressive", options=RegisterOptions(details_arg="details"))
    async with checks.check("progressive results in order, then the result"):
        got = []
        options = CallOptions(on_progress=got.append)
        expect_equal(await caller.call("interop.progressive", 100, options=options), "end")
        expect_equal(got, list(range(100)), "progressive results")
    async with checks.check("no progressive result to a caller that did not ask"):
        expect_equal(await caller.call("interop.progressive", 3), "end")


async def check_registration_refusals(checks, url, callee, caller):
    async with checks.check("a second registration is refused"):
        await expect_error(caller.register(lambda: 1, "interop.r.echo"), ALREADY_EXISTS)
    async with checks.check("one URI may be registered exact, prefix and wildcard"):
        for match in ("prefix", "wildcard"):
            await callee.register(lambda: 1, "interop.r.echo", options=RegisterOptions(match=match))
    async with checks.check("a client may not register under wamp."):
        await expect_error(caller.register(lambda: 1, "wamp.interop.mine"), "wamp.error.invalid_uri")
    async with checks.check("after UNREGISTER the procedure is gone and can be registered again"):
        registration = await callee.register(lambda: 1, "interop.r.again")
        await registration.unregister()
        await expect_error(caller.call("interop.r.again"), "wamp.error.no_such_procedure")
        await caller.register(lambda: 2, "interop.r.again")
        expect_equal(await callee.call("interop.r.again"), 2)


class Waiting:
    """A procedure that never ends by itself, and knows whether it was interrupted."""

    def __init__(self):
        self.called = asyncio.Event()
        self.interrupted = asyncio.Event()

    async def __call__(self):
        self.called.set()
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            self.interrupted.set()
            # What WAMP has a callee answer. With mode `kill` it is this answer that the caller gets.
            raise ApplicationError("wamp.error.canceled") from None


async def check_cancel(checks, url, callee):
    for mode, reaches_callee in (("skip", False), ("kill", True), ("killnowait", True)):
        async with checks.check(f"CANCEL {mode}: the caller gets wamp.error.canceled"):
            waiting = Waiting()
            uri = f"interop.cancel.{mode}"
            await callee.register(waiting, uri)
            async with RawClient.open(url) as caller:
                await caller.send(CALL, 1, {}, uri)
                await waiting.called.wait()
                await caller.send(CANCEL, 1, {"mode": mode})
                kind, request_kind, request, _, error, *_ = await caller.receive()
                expect_equal((kind, request_kind, request), (ERROR, CALL, 1))
                expect_equal(error, "wamp.error.canceled", "error")
            if reaches_callee:
                await waiting.interrupted.wait()
            else:
                await callee.barrier()
                expect(not waiting.interrupted.is_set(), "the callee was interrupted")
    async with checks.check("CANCEL of a call that is over is ignored"):
        async with RawClient.open(url) as caller:
            await caller.send(CALL, 1, {}, "interop.r.echo", [1])
            expect_equal((await caller.receive())[0], RESULT)
            await caller.send(CANCEL, 1, {"mode": "kill"})
            await caller.send(CALL, 2, {}, "interop.r.echo", [2])
            expect_equal((await caller.receive())[:2], [RESULT, 2])
    async with checks.check("an autobahn caller cancels"):
        async with await join(url) as caller:
            waiting = Waiting()
            await callee.register(waiting, "interop.cancel.autobahn")
            call = caller.call("interop.cancel.autobahn")
            await waiting.called.wait()
            call.cancel()
            await waiting.interrupted.wait()


async def check_timeout(checks, callee, caller):
    async with checks.check("call timeout: the caller gets an error after that many milliseconds"):
        waiting = Waiting()
        await callee.register(waiting, "interop.timeout")
        since = time.monotonic()
        try:
            await caller.call("interop.timeout", options=CallOptions(timeout=200))
            raise Mismatch("expected an error, got a result")
        except ApplicationError as error:
            expect(error.error in ("wamp.error.timeout", "wamp.error.canceled"), f"error {error.error}")
        expect_between(time.monotonic() - since, 0.18, 1.0, "seconds")
    async with checks.check("call timeout does not hit a call that is in time"):
        expect_equal(await caller.call("interop.r.echo", 1, options=CallOptions(timeout=200)), 1)


async def check_lost_callee(checks, url, caller):
    for what, end in (("is lost", "abort"), ("says GOODBYE", "leave")):
        async with checks.check(f"the callee {what} during a call: the caller gets an error at once"):
            callee = await join(url)
            waiting = Waiting()
            await callee.register(waiting, "interop.lost")
            call = asyncio.ensure_future(caller.call("interop.lost"))
            await waiting.called.wait()
            since = time.monotonic()
            if end == "abort":
                callee._transport.transport.abort()
            else:
                await callee.close()
            try:
                await call
                raise Mismatch("expected an error, got a result")
            except ApplicationError as error:
                expect(error.error.startswith("wamp.error."), f"error {error.error}")
            expect_between(time.monotonic() - since, 0, 1.0, "seconds")
            await expect_error(caller.call("interop.lost"), "wamp.error.no_such_procedure")
