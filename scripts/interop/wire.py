"""What the agent puts on the wire: the order of messages, their options, and how it begins and ends a session."""

import signal
import time

import processes
from check import expect, expect_between, expect_equal
from mini_router import ERROR, GOODBYE, PUBLISH, YIELD, MiniRouter
from procedures import PROCEDURES
from target import worker_prefixes

CALLER = {"caller": 4711, "caller_authid": "alice", "caller_authrole": "admin"}
PREFIXES = worker_prefixes("n1", "w1")
COUNT = len(PREFIXES) * len(PROCEDURES)


async def start_agent(router, *flags):
    return await processes.Child.start(
        processes.WAMPPROC, "join", router.url, "--node", "n1", "--worker", "w1", *flags
    )


async def accept(router):
    """The next connection, welcomed and with every procedure registered."""
    peer = await router.peer()
    await peer.welcome()
    await peer.register(COUNT)
    return peer


async def check_wire(checks):
    async with MiniRouter() as router, await start_agent(router) as agent:
        peer = await router.peer()
        await check_join(checks, router, agent, peer)
        await check_order(checks, peer)
        await check_undisclosed(checks, peer)
        await check_pipelined(checks, peer)
        await check_reconnects(checks, router, agent, peer)
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
        wanted = {prefix + name for prefix in PREFIXES for name in PROCEDURES}
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
        request = await peer.send_invocation(
            PREFIXES[0] + "set_process_stats_monitoring", [60], details=CALLER
        )
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


async def check_reconnects(checks, router, agent, peer):
    """Each way a session can end but by the agent's own wish: it comes back and registers all again."""

    async def goodbye(peer):
        await peer.send(GOODBYE, {}, "wamp.close.system_shutdown")
        expect_equal((await peer.receive())[0], GOODBYE, "answer to GOODBYE")

    async def not_json(peer):
        await peer.send_text('[68, 1, {"')

    async def wrong_state(peer):
        await peer.send(2, 1, {"roles": {}})

    async def wrong_type(peer):
        await peer.send(68, "one", 1000, {})

    async def deep(peer):
        await peer.send_text("[" * 30_000)

    async def lost(peer):
        await peer.drop()

    ends = (
        ("the router says GOODBYE", goodbye),
        ("the connection is lost", lost),
        ("the router sends broken JSON", not_json),
        ("the router sends a second WELCOME", wrong_state),
        ("the router sends a wrong type", wrong_type),
        ("the router sends 30,000 brackets", deep),
    )
    for what, end in ends:
        async with checks.check(f"{what}: the agent is back with every procedure"):
            await end(peer)
            peer = await accept(router)
            split(await peer.invoke(PREFIXES[0] + "utcnow"))
    async with checks.check("procedure_already_exists just after a reconnect is tried again"):
        await peer.drop()
        peer = await router.peer()
        await peer.welcome()
        await peer.refuse_register("wamp.error.procedure_already_exists")
        peer = await accept_again(router, peer)
        split(await peer.invoke(PREFIXES[0] + "utcnow"))
    async with checks.check("`ready` was printed once, for the first session, and nothing else"):
        expect_equal(agent.stdout, [f"ready {router.url} realm1"], "lines of stdout")


async def accept_again(router, peer):
    """Whether the agent tries again in the same session or in a new one is its own affair."""
    try:
        await peer.register(COUNT)
        return peer
    except Exception:
        return await accept(router)


async def check_end(checks):
    for name, number in (("SIGTERM", signal.SIGTERM), ("SIGINT", signal.SIGINT)):
        async with MiniRouter() as router, await start_agent(router) as agent:
            async with checks.check(f"{name}: GOODBYE on the wire, then exit 0 within 2 s"):
                peer = await accept(router)
                await agent.line(lambda line: True)
                since = time.monotonic()
                agent.signal(number)
                message = await peer.receive()
                expect_equal(message[0], GOODBYE, "message type")
                await peer.send(GOODBYE, {}, "wamp.close.goodbye_and_out")
                expect_equal(await agent.wait(5), 0, "exit status")
                expect_between(time.monotonic() - since, 0, 2, "seconds")
    async with MiniRouter() as router, await start_agent(router) as agent:
        async with checks.check("SIGTERM while the router is mute: exit 0 within 2 s"):
            peer = await accept(router)
            await agent.line(lambda line: True)
            since = time.monotonic()
            agent.signal(signal.SIGTERM)
            expect_equal(await agent.wait(5), 0, "exit status")
            expect_between(time.monotonic() - since, 0, 2, "seconds")
    async with MiniRouter() as router, await start_agent(router) as agent:
        async with checks.check("SIGTERM before WELCOME: exit 0 within 2 s"):
            await (await router.peer()).receive()
            since = time.monotonic()
            agent.signal(signal.SIGTERM)
            expect_equal(await agent.wait(5), 0, "exit status")
            expect_between(time.monotonic() - since, 0, 2, "seconds")


async def check_refused(checks):
    for reason in ("wamp.error.no_such_realm", "wamp.error.not_authorized", "wamp.error.authentication_failed"):
        async with MiniRouter() as router, await start_agent(router) as agent:
            async with checks.check(f"ABORT {reason} ends the agent with status 4 and says why"):
                await (await router.peer()).abort(reason)
                expect_equal(await agent.wait(5), 4, "exit status")
                expect(reason in "\n".join(agent.stderr), f"stderr does not name it: {agent.stderr}")
                expect_equal(agent.stdout, [], "stdout")
    async with MiniRouter() as router, await start_agent(router) as agent:
        async with checks.check("a second worker of one name is told to take another (--worker)"):
            peer = await router.peer()
            await peer.welcome()
            await peer.refuse_register("wamp.error.procedure_already_exists")
            status = await agent.wait(10)
            expect(status != 0, "exit status 0")
            expect("--worker" in "\n".join(agent.stderr), f"stderr does not say --worker: {agent.stderr}")
