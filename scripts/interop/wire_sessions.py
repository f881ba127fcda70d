"""How the agent begins, loses, regains and ends its session, seen from a router."""

import signal
import time

import processes
from check import expect, expect_between, expect_equal
from mini_router import GOODBYE, YIELD, MiniRouter
from procedures import listed
from target import worker_prefixes

PREFIXES = worker_prefixes("n1", "w1")
COUNT = len(PREFIXES) * len(listed())


# One short session after the other: the waits would grow, as they should.
SHORT_WAITS = ("--reconnect-initial", "100ms", "--reconnect-max", "1s")


async def start_agent(router, *flags, waits=SHORT_WAITS):
    names = ("--node", "n1", "--worker", "w1")
    return await processes.Child.start(processes.WAMPPROC, "join", router.url, *names, *waits, *flags)


async def accept(router):
    """The next connection, welcomed and with every procedure registered."""
    peer = await router.peer()
    await peer.welcome()
    await peer.register(COUNT)
    return peer


async def expect_answer(peer):
    """It answers a call, with a result and nothing else."""
    messages = await peer.invoke(PREFIXES[0] + "utcnow")
    expect_equal([message[0] for message in messages], [YIELD], "message types")


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
            await expect_answer(peer)
    async with checks.check("procedure_already_exists just after a reconnect is tried again"):
        await peer.drop()
        peer = await router.peer()
        await peer.welcome()
        await peer.refuse_register("wamp.error.procedure_already_exists")
        peer = await accept_again(router, peer)
        await expect_answer(peer)
    async with checks.check("`ready` was printed once, for the first session, and nothing else"):
        expect_equal(agent.stdout, [f"ready {router.url} realm1"], "lines of stdout")


async def accept_again(router, peer):
    """Whether the agent tries again in the same session or in a new one is its own affair."""
    try:
        await peer.register(COUNT)
        return peer
    except Exception:
        return await accept(router)


async def check_silent_router(checks):
    """A router whose host is gone without a word: nothing comes, and nothing says that nothing will."""
    async with MiniRouter() as router, await start_agent(router, "--ping-interval", "200ms") as agent:
        async with checks.check("a router that falls silent is given up, and joined again", deadline=40):
            peer = await accept(router)
            await agent.line(lambda line: True)
            peer.fall_silent()
            await expect_answer(await accept(router))


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
    async with MiniRouter() as router, await start_agent(router, waits=("--no-retry",)) as agent:
        async with checks.check("a second worker of one name is told to take another (--worker)"):
            peer = await router.peer()
            await peer.welcome()
            await peer.refuse_register("wamp.error.procedure_already_exists")
            status = await agent.wait(10)
            expect(status != 0, "exit status 0")
            expect("--worker" in "\n".join(agent.stderr), f"stderr does not say --worker: {agent.stderr}")
