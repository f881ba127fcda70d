"""What the agent puts on the wire: the order of its messages and their options."""

from check import expect, expect_equal
from mini_router import ERROR, PUBLISH, YIELD, MiniRouter
from procedures import MANHOLE_PROCEDURES, PROCEDURES, listed
from wire_sessions import COUNT, PREFIXES, check_end, check_reconnects, check_refused, check_silent_router, start_agent

CALLER = {"caller": 4711, "caller_authid": "alice", "caller_authrole": "admin"}


async def check_wire(checks):
    async with checks.check("`wampproc procedures` lists the 15 of the mission, and each name once"):
        mission = {*PROCEDURES, *MANHOLE_PROCEDURES}
        expect_equal(len(mission), 15, "procedures of the mission")
        expect_equal(mission - set(listed()), set(), "procedures that are missing")
        expect_equal(sorted(set(listed())), sorted(listed()), "names")
    async with MiniRouter() as router, await start_agent(router) as agent:
        peer = await router.peer()
        await check_join(checks, router, agent, peer)
        await check_order(checks, peer)
        await check_undisclosed(checks, peer)
        await check_pipelined(checks, peer)
        await check_reconnects(checks, router, agent, peer)
    await check_silent_router(checks)
    await check_end(checks)
    await check_refused(checks)


async def check_join(checks, router, agent, peer):
    async with checks.check("HELLO names the realm and announces callee and publisher"):
        await peer.welcome()
        expect_equal(peer.hello[1], "realm1", "realm")
        roles = peer.hello[2]["roles"]
        expect({"callee", "publisher"} <= set(roles), f"roles: {sorted(roles)}")
    async with checks.check("every procedure is registered once under each prefix, exact and single"):
        await peer.register(COUNT)
        wanted = {prefix + name for prefix in PREFIXES for name in listed()}
        expect_equal(set(peer.procedures), wanted, "procedures")
        for uri, options in peer.register_options.items():
            expect_equal(options.get("match", "exact"), "exact", f"match of {uri}")
            expect_equal(options.get("invoke", "single"), "single", f"invoke of {uri}")
    async with checks.check("stdout is exactly `ready URL REALM`, once all is registered"):
        await agent.line(lambda line: True)
        expect_equal(agent.stdout, [f"ready {router.url} realm1"], "stdout")


def split(messages):
    """The PUBLISH messages and the last message, which must be the YIELD."""
    *events, last = messages
    expect_equal(last[0], YIELD, f"last message type ({last})")
    for event in events:
        expect_equal(event[0], PUBLISH, f"message type before the result ({event})")
    return events, last


def expect_published(events, topic, exclude):
    """One event a prefix; `exclude` is what its options must exclude, if anything."""
    expect_equal([event[3] for event in events], [prefix + topic for prefix in PREFIXES], "topics")
    for event in events:
        expect_equal(event[2].get("exclude"), exclude, f"exclude option of {topic}")


async def check_order(checks, peer):
    calls = (
        ("set_cpu_affinity", [[0]], "on_cpu_affinity_set"),
        ("trigger_gc", [], "on_gc_finished"),
        ("set_process_stats_monitoring", [0], None),
    )
    for name, args, topic in calls:
        for prefix in PREFIXES:
            async with checks.check(f"{prefix}{name}: events first, then the result; the caller is excluded"):
                events, _ = split(await peer.invoke(prefix + name, args, details=CALLER))
                if topic:
                    expect_published(events, topic, [CALLER["caller"]])
    async with checks.check("on_process_stats_monitoring_set excludes the caller, on_process_stats does not"):
        request = await peer.send_invocation(PREFIXES[0] + "set_process_stats_monitoring", [60], details=CALLER)
        messages = []
        wanted = 2 * len(PREFIXES) + 1
        while len(messages) < wanted:
            messages.append(await peer.receive())
        settings = [message for message in messages if message[0] == PUBLISH and message[3].endswith("_set")]
        stats = [message for message in messages if message[0] == PUBLISH and message[3].endswith("_stats")]
        expect_published(settings, "on_process_stats_monitoring_set", [CALLER["caller"]])
        expect_published(stats, "on_process_stats", None)
        result = next(i for i, message in enumerate(messages) if message[0] == YIELD and message[1] == request)
        first_stats = min(messages.index(message) for message in stats)
        for setting in settings:
            expect(messages.index(setting) < result, "the setting event comes after the result")
            expect(messages.index(setting) < first_stats, "the setting event comes after the first on_process_stats")
        await peer.invoke(PREFIXES[0] + "set_process_stats_monitoring", [0], details=CALLER)
    async with checks.check("requester of on_gc_finished is the caller as the router disclosed it"):
        events, _ = split(await peer.invoke(PREFIXES[0] + "trigger_gc", details=CALLER))
        wanted = {"session_id": 4711, "auth_id": "alice", "auth_role": "admin"}
        expect_equal([event[4][0]["requester"] for event in events], [wanted] * len(PREFIXES))
    async with checks.check("no progressive result from a procedure that has none"):
        events, _ = split(await peer.invoke(PREFIXES[0] + "utcnow", details={**CALLER, "receive_progress": True}))
        expect_equal(events, [], "messages before the result")


async def check_undisclosed(checks, peer):
    async with checks.check("an undisclosed caller is null in events, and nobody is excluded"):
        events, _ = split(await peer.invoke(PREFIXES[0] + "set_cpu_affinity", [[0]]))
        expect_published(events, "on_cpu_affinity_set", None)
        expect_equal([event[4][0]["who"] for event in events], [None] * len(PREFIXES), "who")
        events, _ = split(await peer.invoke(PREFIXES[0] + "trigger_gc"))
        expect_published(events, "on_gc_finished", None)
        nobody = {"session_id": None, "auth_id": None, "auth_role": None}
        expect_equal([event[4][0]["requester"] for event in events], [nobody] * len(PREFIXES), "requester")


async def check_pipelined(checks, peer):
    async with checks.check("4096 pipelined invocations: each gets exactly one answer"):
        names = ("utcnow", "get_process_stats", "get_cpus", "no such argument")
        requests = {}
        answered = {}
        for number in range(4096):
            name = names[number % 4]
            if name == "no such argument":
                request = await peer.send_invocation(PREFIXES[1] + "uptime", [1])
            else:
                request = await peer.send_invocation(PREFIXES[1] + name)
            requests[request] = name
            # 64 in flight.
            if number >= 64:
                message = await peer.receive()
                count_answer(answered, message)
        while len(answered) < len(requests):
            count_answer(answered, await peer.receive())
        expect_equal(set(answered), set(requests), "answered requests")
        for request, (kind, error) in answered.items():
            wrong = requests[request] == "no such argument"
            expect_equal(kind, ERROR if wrong else YIELD, f"answer to {requests[request]} ({error})")


def count_answer(answered, message):
    request = message[2] if message[0] == ERROR else message[1]
    expect(request not in answered, f"request {request} answered twice: {message}")
    answered[request] = (message[0], message[4] if message[0] == ERROR else None)
