"""Every error of the table in API.md: its URI, its sentence, and that it changed nothing."""

import re

from check import expect, expect_between, expect_equal, expect_type
from client import CallOptions, expect_error
from events import Bus
from procedures import MANHOLE_PROCEDURES, PROCEDURES, listed

INVALID = "wamp.error.invalid_argument"

# procedure: (what is wrong, positional, keyword, the argument that the sentence must name)
WRONG = {
    "get_cpu_count": [
        ("logical is a string", ["yes"], {}, "logical"),
        ("logical is a number", [1], {}, "logical"),
        ("logical is null", [None], {}, "logical"),
        ("logical is a list", [], {"logical": []}, "logical"),
    ],
    "set_cpu_affinity": [
        ("cpus is null", [None], {}, "cpus"),
        ("cpus is a number", [0], {}, "cpus"),
        ("cpus is a string", ["0"], {}, "cpus"),
        ("cpus is a dict", [{"0": 0}], {}, "cpus"),
        ("cpus is empty", [[]], {}, "cpus"),
        ("a CPU is a string", [["0"]], {}, "cpus"),
        ("a CPU is a bool", [[True]], {}, "cpus"),
        ("a CPU is a float", [[0.5]], {}, "cpus"),
        ("a CPU is null", [[None]], {}, "cpus"),
        ("a CPU is a list", [[[0]]], {}, "cpus"),
        ("a CPU is negative", [[-1]], {}, "cpus"),
        ("a CPU does not exist", [[4096]], {}, "cpus"),
        ("a CPU of several does not exist", [[0, 4096]], {}, "cpus"),
        ("a CPU is beyond 64 bits", [[2**70]], {}, "cpus"),
        ("an absolute CPU does not exist", [[4096]], {"relative": False}, "cpus"),
        ("an absolute CPU is negative", [[-1]], {"relative": False}, "cpus"),
        ("relative is a string", [[0], "no"], {}, "relative"),
        ("relative is a number", [[0]], {"relative": 0}, "relative"),
        ("relative is null", [[0]], {"relative": None}, "relative"),
    ],
    "start_manhole": [
        ("config is null", [None], {}, "config"),
        ("config is a list", [[]], {}, "config"),
        ("config is a string", ["{}"], {}, "config"),
    ],
    "set_process_stats_monitoring": [
        ("interval is null", [None], {}, "interval"),
        ("interval is a string", ["1"], {}, "interval"),
        ("interval is a bool", [True], {}, "interval"),
        ("interval is a list", [[1]], {}, "interval"),
        ("interval is negative", [-1], {}, "interval"),
        ("interval is negative and small", [-0.001], {}, "interval"),
        ("interval is too short", [0.001], {}, "interval"),
        ("interval is just too short", [0.009], {}, "interval"),
        ("interval is too long", [86401], {}, "interval"),
        ("interval is huge", [1e300], {}, "interval"),
    ],
}

# What gives the implementation away.
LEAKS = (
    r"<class|Traceback|NoneType|ValueError|TypeError|panicked|serde|::|\b[iu](8|16|32|64)\b|\bf64\b|Vec<|Option<|Some\("
)


def wrong_calls():
    """The table above, and what is wrong for every procedure: surplus, unknown, missing, given twice."""
    for name, procedure in {**PROCEDURES, **MANHOLE_PROCEDURES}.items():
        every = {**procedure.required, **procedure.optional}
        yield name, "a surplus argument", [*every.values(), 1], {}, None
        yield name, "an unknown keyword", list(procedure.required.values()), {"nonsense": 1}, "nonsense"
        for parameter, value in list(every.items())[:1]:
            yield name, f"{parameter} given twice", list(every.values()), {parameter: value}, parameter
        for parameter in procedure.required:
            yield name, f"{parameter} missing", [], {}, parameter
        for what, args, kwargs, named in WRONG.get(name, ()):
            yield name, what, args, kwargs, named
    for name in listed():
        if name not in PROCEDURES and name not in MANHOLE_PROCEDURES:
            # Where an argument is missing, too, the sentence may name that.
            yield name, "an unknown keyword", [], {"nonsense": 1}, None


def expect_sentence(error, named):
    expect_equal(len(error.args), 1, f"error arguments {error.args!r}")
    expect_equal(error.kwargs or {}, {}, "keyword arguments of the error")
    (text,) = error.args
    expect_type(text, str, what="error text")
    expect(text.strip(), "the error text is empty")
    expect(len(text) < 400 and "\n" not in text, f"expected one sentence, got {text!r}")
    expect(not re.search(LEAKS, text), f"the error text shows the implementation: {text!r}")
    if named:
        expect(named in text, f"the error text does not name {named!r}: {text!r}")


async def check_errors(checks, target):
    bus = await Bus.open(target)
    try:
        await check_wrong_calls(checks, bus)
        await check_undisturbed(checks, bus)
        await check_no_such_procedure(checks, bus)
    finally:
        await bus.close()


async def check_wrong_calls(checks, bus):
    target = bus.target
    affinity = await bus.call("get_cpu_affinity")
    for name, what, args, kwargs, named in wrong_calls():
        async with checks.check(f"{name}: {what}"):
            bus.to_observer.clear()
            # An error that the two prefixes answered differently would show in the values; one of them suffices here.
            error = await expect_error(bus.caller.call(target.prefix + name, *args, **kwargs), INVALID)
            expect_sentence(error, named)
            expect_equal(await bus.caller.result(target.prefix + "get_cpu_affinity"), affinity, "affinity after it")
            await bus.observer.barrier()
            expect_equal(bus.to_observer.events, [], "events published by it")


async def check_undisturbed(checks, bus):
    """Errors while the monitoring runs: it runs on, at its interval."""
    stats = bus.target.prefix + "on_process_stats"
    async with checks.check("a refused interval leaves the running monitoring as it was"):
        await bus.call("set_process_stats_monitoring", 0.2)
        await bus.to_observer.have(stats)
        for _, args, kwargs, _ in WRONG["set_process_stats_monitoring"]:
            call = bus.caller.call(bus.target.prefix + "set_process_stats_monitoring", *args, **kwargs)
            await expect_error(call, INVALID)
        bus.to_observer.clear()
        first, _, _, last = [payload for (payload,) in (await bus.to_observer.have(stats, 4))[:4]]
        expect_equal(last["seq"] - first["seq"], 3, "seq")
        expect_between((last["time"] - first["time"]) / 1e9, 0.5, 0.8, "three intervals of 0.2 s")
        expect_equal(bus.to_observer.of(bus.target.prefix + "on_process_stats_monitoring_set"), [], "settings told")
    await bus.call("set_process_stats_monitoring", 0)


async def check_no_such_procedure(checks, bus):
    async with checks.check("an unknown procedure is the router's error"):
        call = bus.caller.call("interop.no.such", options=CallOptions(details=True))
        await expect_error(call, "wamp.error.no_such_procedure")
