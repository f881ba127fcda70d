"""Every event: its payload, its order, its topics under every prefix, and whether the caller gets it too."""

import asyncio
import itertools
import statistics

import shapes
from check import expect, expect_between, expect_equal, expect_keys, expect_type
from client import Inbox, join
from target import Moment

TOPICS = ("on_process_stats", "on_process_stats_monitoring_set", "on_cpu_affinity_set", "on_gc_finished")


class Bus:
    """A caller and an observer, both subscribed to every topic of the target under every prefix."""

    def __init__(self, target, caller, observer):
        self.target = target
        self.caller, self.observer = caller, observer
        self.to_caller, self.to_observer = Inbox(caller), Inbox(observer)

    @classmethod
    async def open(cls, target, topics=TOPICS):
        bus = cls(target, await join(target.url), await join(target.url))
        for inbox in (bus.to_caller, bus.to_observer):
            for prefix in target.prefixes:
                for topic in topics:
                    await inbox.subscribe(prefix + topic)
        return bus

    async def close(self):
        await self.caller.close()
        await self.observer.close()

    def clear(self):
        self.to_caller.clear()
        self.to_observer.clear()

    async def barrier(self):
        await self.caller.barrier()
        await self.observer.barrier()

    async def call(self, procedure, *args, **kwargs):
        """Calls; when it comes back every event published before the RESULT has arrived at both sessions."""
        self.clear()
        value = await self.caller.result(self.target.prefix + procedure, *args, **kwargs)
        await self.barrier()
        return value

    def only_payload(self, topic):
        """The one argument of the one event that the observer got under each prefix, and the caller did not."""
        payloads = []
        for prefix in self.target.prefixes:
            events = self.to_observer.of(prefix + topic)
            expect_equal(len(events), 1, f"events at another session under {prefix}")
            expect_equal(len(events[0]), 1, "positional arguments of the event")
            payloads.append(events[0][0])
        expect(all(payload == payloads[0] for payload in payloads), f"payloads differ by prefix: {payloads}")
        expect_equal(self.to_caller.of(self.target.prefix + topic), [], "events at the caller itself")
        for topic_got, _, kwargs, _ in self.to_observer.events:
            expect_equal(kwargs, {}, f"keyword arguments of {topic_got}")
        return payloads[0]


async def check_events(checks, target):
    bus = await Bus.open(target)
    try:
        await check_affinity_set(checks, bus)
        await check_gc_finished(checks, bus)
        await check_monitoring(checks, bus)
    finally:
        await bus.close()


async def check_affinity_set(checks, bus):
    all_cpus = await bus.call("get_cpus")
    for cpus, relative in (([0], True), (all_cpus, False)):
        async with checks.check(f"on_cpu_affinity_set: one a prefix, not to the caller (relative={relative})"):
            affinity = await bus.call("set_cpu_affinity", cpus, relative=relative)
            payload = bus.only_payload("on_cpu_affinity_set")
            expect_keys(payload, ["cpus", "relative", "affinity", "who"])
            wanted = {"cpus": cpus, "relative": relative, "affinity": affinity, "who": bus.caller.id}
            expect_equal(payload, wanted, "payload")


async def check_gc_finished(checks, bus):
    async with checks.check("on_gc_finished: one a prefix, not to the caller"):
        duration = await bus.call("trigger_gc")
        payload = bus.only_payload("on_gc_finished")
        ours = [] if bus.target.native else ["resident_before", "resident_after", "supported"]
        expect_keys(payload, ["requester", "duration", *ours])
        expect_keys(payload["requester"], ["session_id", "auth_id", "auth_role"])
        expect_equal(payload["requester"]["session_id"], bus.caller.id, "session_id")
        expect_equal(payload["duration"], duration, "duration")
        if not bus.target.native:
            caller = bus.caller.joined.result()
            expect_equal(payload["requester"]["auth_id"], caller.authid, "auth_id")
            expect_equal(payload["requester"]["auth_role"], caller.authrole, "auth_role")
            for key in ("resident_before", "resident_after"):
                expect_type(payload[key], int, what=key)
                expect_between(payload[key], 1 << 16, 1 << 30, key)
            expect_type(payload["supported"], bool, what="supported")


async def check_monitoring(checks, bus):
    target = bus.target
    setting, stats = target.prefix + "on_process_stats_monitoring_set", target.prefix + "on_process_stats"

    async with checks.check("monitoring on: the setting goes to all but the caller"):
        expect_equal(await bus.call("set_process_stats_monitoring", 0.5), None)
        expect_equal(bus.only_payload("on_process_stats_monitoring_set"), 0.5)
    if not target.native:
        async with checks.check("monitoring on: the setting comes before the first on_process_stats"):
            await bus.to_observer.until(lambda events: len(events) >= 2 * len(target.prefixes))
            topics = [topic for topic, *_ in bus.to_observer.events]
            for prefix in target.prefixes:
                own = [topic for topic in topics if topic.startswith(prefix)]
                expect_equal(own[:2], [prefix + "on_process_stats_monitoring_set", prefix + "on_process_stats"])
    async with checks.check("monitoring on: the first on_process_stats at once, to the caller too"):
        await bus.call("set_process_stats_monitoring", 0)
        before = Moment(target.pid)
        await bus.call("set_process_stats_monitoring", 5)
        received = [
            (await inbox.have(prefix + "on_process_stats"))[0]
            for inbox in (bus.to_caller, bus.to_observer)
            for prefix in target.prefixes
        ]
        after = Moment(target.pid)
        expect_between(after.monotonic - before.monotonic, 0, 2.5, "seconds of an interval of 5 s")
        for (payload,) in received:
            expect_keys(payload, [*shapes.STATS_KEYS, "seq"])
            expect_type(payload["seq"], int, what="seq")
            shapes.stats_values(payload, before, after, target)
    async with checks.check("monitoring on: an integer interval is told as it was given"):
        expect_type(bus.to_observer.of(setting)[-1][0], int, what="interval")

    async with checks.check("monitoring changed: one setting event, then events at the new interval"):
        await bus.call("set_process_stats_monitoring", 0.1)
        settings = [payload for (payload,) in bus.to_observer.of(setting)]
        # The anchor says 0 first, for the setting that ends.
        expect_equal(settings, [0, 0.1] if target.native else [0.1], "settings told")
        expect_steady([payload for (payload,) in await bus.to_observer.have(stats, 11)], 0.1)
    async with checks.check("on_process_stats: the same under every prefix"):
        enough = 5
        topics = [prefix + "on_process_stats" for prefix in target.prefixes]
        series = [(await bus.to_observer.have(topic, enough))[:enough] for topic in topics]
        expect(all(one == series[0] for one in series), f"differ: {series}")

    async with checks.check("monitoring off: told as 0, to all but the caller"):
        expect_equal(await bus.call("set_process_stats_monitoring", 0), None)
        expect_equal(bus.only_payload("on_process_stats_monitoring_set"), 0)
    async with checks.check("monitoring off: nothing more comes"):
        bus.to_observer.clear()
        await asyncio.sleep(0.5)
        await bus.observer.barrier()
        expect_equal([topic for topic, *_ in bus.to_observer.events], [], "events")
    async with checks.check("monitoring off again is no error"):
        expect_equal(await bus.call("set_process_stats_monitoring", 0), None)
    async with checks.check("monitoring set by keyword, as a float, by another session"):
        # From here on the observer calls and the first caller observes.
        await bus.observer.result(target.prefix + "set_process_stats_monitoring", interval=0.25)
        expect_equal(await bus.to_caller.have(setting), [(0.25,)])
        await bus.observer.result(target.prefix + "set_process_stats_monitoring", interval=0)


def expect_steady(series, interval):
    """Events of one setting: numbered without a gap, and in step with the interval."""
    numbers = [payload["seq"] for payload in series]
    expect_equal(numbers, list(range(numbers[0], numbers[0] + len(numbers))), "seq")
    times = [payload["time"] / 1e9 for payload in series]
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    expect_between(statistics.median(gaps), interval * 0.8, interval * 1.2, "median interval")
    expect_between(times[10] - times[0], interval * 10 * 0.9, interval * 10 * 1.3, "ten intervals")
