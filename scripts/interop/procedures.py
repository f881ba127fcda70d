"""Every procedure, under every prefix, with positional and with keyword arguments: types, key order, values."""

import dataclasses
import functools
import json
import subprocess

import processes
import shapes
from check import expect, expect_between, expect_equal, expect_keys
from client import expect_error
from target import Moment


@dataclasses.dataclass(frozen=True)
class Procedure:
    """Its parameters in order, each with a valid value; those without a default come first."""

    required: dict = dataclasses.field(default_factory=dict)
    optional: dict = dataclasses.field(default_factory=dict)

    def ways(self):
        """(description, args, kwargs) of every way to call it."""
        required, every = self.required, {**self.required, **self.optional}
        yield "positional", list(required.values()), {}
        if every != required:
            yield "positional with optional", list(every.values()), {}
            yield "positional and keyword", list(required.values()), self.optional
        if every:
            yield "keyword", [], every


# The mission's procedures but the manhole's, which are no use in every way one after the other: manhole_api.py has them.
PROCEDURES = {
    "get_cpu_count": Procedure(optional={"logical": False}),
    "get_cpus": Procedure(),
    "get_cpu_affinity": Procedure(),
    "set_cpu_affinity": Procedure(required={"cpus": [0]}, optional={"relative": True}),
    "get_process_info": Procedure(),
    "get_process_stats": Procedure(),
    "get_process_monitor": Procedure(),
    "set_process_stats_monitoring": Procedure(required={"interval": 0}),
    "trigger_gc": Procedure(),
    "started": Procedure(),
    "uptime": Procedure(),
    "utcnow": Procedure(),
}
MANHOLE_PROCEDURES = {
    "start_manhole": Procedure(required={"config": {}}),
    "stop_manhole": Procedure(),
    "get_manhole": Procedure(),
}


@functools.cache
def listed():
    """The names of all procedures that there are, as the binary itself lists them."""
    lines = subprocess.run(
        [processes.WAMPPROC, "procedures", "--json"], check=True, capture_output=True, text=True, timeout=20
    ).stdout
    return tuple(json.loads(line)["name"] for line in lines.splitlines())


async def check_procedures(checks, session, target):
    all_cpus = await session.result(f"{target.prefix}get_cpus")
    for prefix in target.prefixes:
        for name, procedure in PROCEDURES.items():
            for way, args, kwargs in procedure.ways():
                async with checks.check(f"{prefix}{name} {way}"):
                    before = Moment(target.pid)
                    value = await session.result(f"{prefix}{name}", *args, **kwargs)
                    after = Moment(target.pid)
                    getattr(shapes, name)(value, before, after, target)
    # What the table's valid calls set.
    await session.result(f"{target.prefix}set_cpu_affinity", all_cpus, relative=False)
    await check_cpus(checks, session, target, all_cpus)
    await check_times(checks, session, target)
    await check_monitor_rates(checks, session, target)
    await check_registered(checks, session, target)


async def check_cpus(checks, session, target, all_cpus):
    call, prefix = session.result, target.prefix
    for logical in (True, False):
        async with checks.check(f"get_cpu_count logical={logical} is psutil's"):
            shapes.get_cpu_count_of(await call(f"{prefix}get_cpu_count", logical=logical), logical)
    async with checks.check("get_cpu_count counts logical CPUs by default"):
        shapes.get_cpu_count_of(await call(f"{prefix}get_cpu_count"), True)
    async with checks.check("set_cpu_affinity: relative ids index get_cpus"):
        last = len(all_cpus) - 1
        expect_equal(await call(f"{prefix}set_cpu_affinity", [last]), [all_cpus[last]])
        expect_equal(await call(f"{prefix}get_cpu_affinity"), [all_cpus[last]])
    async with checks.check("get_cpus stays when the affinity changes"):
        expect_equal(await call(f"{prefix}get_cpus"), all_cpus)
    async with checks.check("set_cpu_affinity: absolute ids, any order in, sorted out"):
        wanted = list(reversed(all_cpus))
        value = await call(f"{prefix}set_cpu_affinity", wanted, relative=False)
        expect_equal(value, all_cpus)
    if not target.native:
        async with checks.check("set_cpu_affinity reaches every thread"):
            await call(f"{prefix}set_cpu_affinity", [0])
            threads = target.affinity_of_threads()
            expect(len(threads) > 1, f"expected several threads, got {len(threads)}")
            for task, cpus in threads.items():
                expect_equal(cpus, {all_cpus[0]}, f"affinity of thread {task}")
        await call(f"{prefix}set_cpu_affinity", all_cpus, relative=False)


async def check_times(checks, session, target):
    call, prefix = session.result, target.prefix
    async with checks.check("started does not change, uptime counts from it"):
        first, uptime, now = [await call(prefix + name) for name in ("started", "uptime", "utcnow")]
        expect_equal(await call(f"{prefix}started"), first)
        age = shapes.parse_time(now) - shapes.parse_time(first)
        expect_between(uptime, age - 0.1, age + 0.1, "uptime against utcnow - started")
    async with checks.check("uptime runs as the clock does"):
        before = Moment(target.pid).monotonic
        first, second = await call(f"{prefix}uptime"), await call(f"{prefix}uptime")
        elapsed = Moment(target.pid).monotonic - before
        expect_between(second - first, 0, elapsed, "uptime between two calls")


async def check_monitor_rates(checks, session, target):
    async with checks.check("get_process_monitor has the eight rates from the second poll on"):
        name = f"{target.prefix}get_process_monitor"
        await session.result(name)
        value = await session.result(name)
        expect_keys(value, shapes.MONITOR_KEYS + shapes.RATE_KEYS)


async def check_registered(checks, session, target):
    async with checks.check("a procedure that is not in the table does not exist"):
        await expect_error(session.call(f"{target.prefix}no_such"), "wamp.error.no_such_procedure")
