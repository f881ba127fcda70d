"""The embedded router's advanced profile: shared and revoked registrations, retained events, testaments, killed sessions."""

import asyncio

from autobahn.wamp import message
from autobahn.wamp.types import PublishOptions, RegisterOptions, SubscribeOptions

from check import expect, expect_equal
from client import Inbox, expect_error, join

ALREADY_EXISTS = "wamp.error.procedure_already_exists"


async def check_advanced(checks, url, agent_prefix):
    await check_announcements(checks, url)
    await check_shared(checks, url)
    await check_revocation(checks, url, agent_prefix)
    await check_retention(checks, url)
    await check_testaments(checks, url)
    await check_kill(checks, url, agent_prefix)


async def check_announcements(checks, url):
    async with checks.check("WELCOME announces what is checked here"):
        async with await join(url) as session:
            roles = session._router_roles
            for feature in ("event_retention", "session_meta_api"):
                expect(getattr(roles["broker"], feature), f"broker: {feature} is missing")
            for feature in (
                "call_timeout",
                "registration_revocation",
                "session_meta_api",
                "shared_registration",
                "testament_meta_api",
            ):
                expect(getattr(roles["dealer"], feature), f"dealer: {feature} is missing")


class Crowd:
    """Three sessions that register one procedure, and one that calls it."""

    def __init__(self, url):
        self._url = url

    async def __aenter__(self):
        self.callees = [await join(self._url) for _ in range(3)]
        self.caller = await join(self._url)
        return self

    async def __aexit__(self, *_):
        for session in (*self.callees, self.caller):
            await session.close()

    async def register(self, procedure, invoke):
        for number, callee in enumerate(self.callees):
            options = RegisterOptions(invoke=invoke)
            self.registration = await callee.register(lambda number=number: number, procedure, options=options)

    async def answers(self, procedure, calls):
        return [await self.caller.call(procedure) for _ in range(calls)]


async def check_shared(checks, url):
    for invoke, wanted in (("first", [0] * 5), ("last", [2] * 5), ("roundrobin", [0, 1, 2, 0, 1])):
        async with checks.check(f"shared registration, invoke {invoke}: who is called"), Crowd(url) as crowd:
            await crowd.register("interop.shared", invoke)
            expect_equal(await crowd.answers("interop.shared", 5), wanted)
    async with checks.check("shared registration, invoke random: all are called"), Crowd(url) as crowd:
        await crowd.register("interop.shared", "random")
        expect_equal(set(await crowd.answers("interop.shared", 100)), {0, 1, 2})
    async with checks.check("shared registration: the stand-by answers when the first has left"), Crowd(url) as crowd:
        await crowd.register("interop.shared", "first")
        await crowd.callees[0].close()
        expect_equal(await crowd.answers("interop.shared", 2), [1, 1])
    async with checks.check("shared registration: list_callees, count_callees and get"), Crowd(url) as crowd:
        await crowd.register("interop.shared", "roundrobin")
        listed = await crowd.caller.call("wamp.registration.list_callees", crowd.registration.id)
        expect_equal(sorted(listed), sorted(callee.id for callee in crowd.callees), "callees")
        expect_equal(await crowd.caller.call("wamp.registration.count_callees", crowd.registration.id), 3)
        details = await crowd.caller.call("wamp.registration.get", crowd.registration.id)
        expect_equal(details["invoke"], "roundrobin", "invoke")
    for other in ("single", "random"):
        async with checks.check(f"shared registration: {other} after roundrobin is refused"), Crowd(url) as crowd:
            await crowd.register("interop.shared", "roundrobin")
            options = RegisterOptions(invoke=other)
            await expect_error(crowd.caller.register(lambda: 9, "interop.shared", options=options), ALREADY_EXISTS)


def messages_of(session, kind):
    """The messages of one kind that the session gets from now on."""
    got = []
    on_message = session.onMessage

    def recorded(received):
        if isinstance(received, kind):
            got.append(received)
        return on_message(received)

    session.onMessage = recorded
    return got


async def check_revocation(checks, url, agent_prefix):
    force = RegisterOptions(force_reregister=True)
    async with checks.check("force_reregister: the old callee gets UNREGISTERED, the new one the calls"):
        async with await join(url) as old, await join(url) as new:
            revoked = messages_of(old, message.Unregistered)
            registration = await old.register(lambda: "old", "interop.revoked")
            await new.register(lambda: "new", "interop.revoked", options=force)
            expect_equal(await old.call("interop.revoked"), "new", "answer")
            got = [(one.request, one.registration, one.reason) for one in revoked]
            expect_equal(got, [(0, registration.id, "wamp.error.unregistered")], "UNREGISTERED")
    async with checks.check("wamp.registration.remove_callee: UNREGISTERED with the reason"):
        async with await join(url) as callee, await join(url) as admin:
            revoked = messages_of(callee, message.Unregistered)
            registration = await callee.register(lambda: 1, "interop.removed")
            await admin.call("wamp.registration.remove_callee", registration.id, callee.id, reason="interop.why")
            await expect_error(admin.call("interop.removed"), "wamp.error.no_such_procedure")
            await callee.barrier()
            got = [(one.request, one.registration, one.reason) for one in revoked]
            expect_equal(got, [(0, registration.id, "interop.why")], "UNREGISTERED")
    async with checks.check("the router's own agent cannot be displaced"):
        async with await join(url) as session:
            utcnow = agent_prefix + "utcnow"
            await expect_error(session.register(lambda: 1, utcnow, options=force), ALREADY_EXISTS)
            registration = await session.call("wamp.registration.lookup", utcnow)
            (agent,) = await session.call("wamp.registration.list_callees", registration)
            removal = session.call("wamp.registration.remove_callee", registration, agent)
            await expect_error(removal, "wamp.error.not_authorized")
            await session.call(utcnow)


async def retained(session, topic, match="exact"):
    """The numbers of the retained events that a new subscription gets."""
    got = []

    async def received(number, details):
        expect_equal(details.retained, True, "retained")
        got.append(number)

    options = SubscribeOptions(match=match, details_arg="details", get_retained=True)
    subscription = await session.subscribe(received, topic, options=options)
    await session.barrier()
    await subscription.unsubscribe()
    return got


async def check_retention(checks, url):
    keep = {"retain": True, "acknowledge": True}
    async with await join(url) as publisher, await join(url) as late, await join(url) as other:
        for number in (1, 2):
            await publisher.publish("interop.kept.a", number, options=PublishOptions(**keep))
        await publisher.publish("interop.kept.b", 3, options=PublishOptions(**keep))
        await publisher.publish("interop.kept.a", 4, options=PublishOptions(acknowledge=True))
        async with checks.check("get_retained: the last event that was to be kept, marked"):
            expect_equal(await retained(late, "interop.kept.a"), [2])
        async with checks.check("get_retained by prefix and by wildcard: the last of each topic"):
            expect_equal(await retained(late, "interop.kept.", "prefix"), [2, 3])
            expect_equal(await retained(late, "interop..b", "wildcard"), [3])
        async with checks.check("without get_retained nothing comes but new events, which are not marked"):
            inbox = Inbox(late)
            await inbox.subscribe("interop.kept.a")
            await publisher.publish("interop.kept.a", 5, options=PublishOptions(acknowledge=True))
            await late.barrier()
            expect_equal([(args, details.retained) for _, args, _, details in inbox.events], [((5,), None)])
        async with checks.check("a retained event that was for one session is not for another"):
            options = PublishOptions(**keep, eligible=[late.id])
            await publisher.publish("interop.kept.b", 6, options=options)
            expect_equal(await retained(late, "interop.kept.b"), [6], "who was eligible")
            expect_equal(await retained(other, "interop.kept.b"), [3], "who was not")


async def check_testaments(checks, url):
    add, flush = "wamp.session.add_testament", "wamp.session.flush_testaments"
    async with await join(url) as heir:
        inbox = Inbox(heir)
        await inbox.subscribe("interop.will.", "prefix")
        for what, end in (("is lost", "abort"), ("says GOODBYE", "leave")):
            async with checks.check(f"testaments of a session that {what}: detached first, then destroyed"):
                inbox.clear()
                testator = await join(url)
                expect_equal(await testator.call(add, "interop.will.b", ["Seeya!"], {"my_name": "app1"}), None)
                await testator.call(add, "interop.will.a", [1], {}, scope="detached")
                options = {"exclude": [heir.id]}
                await testator.call(add, "interop.will.c", [2], {}, scope="destroyed", publish_options=options)
                if end == "abort":
                    testator._transport.transport.abort()
                else:
                    await testator.close()
                await inbox.until(lambda events: len(events) >= 2)
                got = [(topic, args, kwargs) for topic, args, kwargs, _ in inbox.events]
                wanted = [("interop.will.a", (1,), {}), ("interop.will.b", ("Seeya!",), {"my_name": "app1"})]
                expect_equal(got, wanted, "events")
        async with checks.check("flushed testaments are not published, each scope by itself"):
            inbox.clear()
            testator = await join(url)
            await testator.call(add, "interop.will.a", [1], {}, scope="detached")
            await testator.call(add, "interop.will.b", [2], {})
            await testator.call(flush)
            await testator.close()
            await heir.barrier()
            expect_equal([args for _, args, _, _ in inbox.events], [(1,)], "events")
        async with checks.check("a testament of a scope that is none: wamp.error.invalid_argument"):
            await expect_error(heir.call(add, "interop.will.a", [], {}, scope="x"), "wamp.error.invalid_argument")


async def end_of(session):
    details = await asyncio.wait_for(asyncio.shield(session.left), 5)
    return details.reason, details.message


async def check_kill(checks, url, agent_prefix):
    async with await join(url) as admin:
        async with checks.check("wamp.session.kill: GOODBYE wamp.close.killed"):
            victim = await join(url)
            expect_equal(await admin.call("wamp.session.kill", victim.id), None, "result")
            expect_equal((await end_of(victim))[0], "wamp.close.killed", "reason")
            await expect_error(admin.call("wamp.session.get", victim.id), "wamp.error.no_such_session")
        async with checks.check("wamp.session.kill with a reason and a message"):
            victim = await join(url)
            await admin.call("wamp.session.kill", victim.id, reason="interop.why", message="go away")
            expect_equal(await end_of(victim), ("interop.why", "go away"), "reason and message")
        async with checks.check("wamp.session.kill of oneself: no_such_session; with a bad reason: invalid_uri"):
            await expect_error(admin.call("wamp.session.kill", admin.id), "wamp.error.no_such_session")
            async with await join(url) as bystander:
                kill = admin.call("wamp.session.kill", bystander.id, reason="not a uri")
                await expect_error(kill, "wamp.error.invalid_uri")
                await bystander.barrier()
        async with checks.check("wamp.session.kill_by_authid: the list of those killed"):
            victim = await join(url)
            authid = victim.joined.result().authid
            expect_equal(await admin.call("wamp.session.kill_by_authid", authid), [victim.id], "killed")
            await end_of(victim)
            expect_equal(await admin.call("wamp.session.kill_by_authid", authid), [], "killed again")
        async with checks.check("the router's own agent cannot be killed"):
            registration = await admin.call("wamp.registration.lookup", agent_prefix + "utcnow")
            (agent,) = await admin.call("wamp.registration.list_callees", registration)
            await expect_error(admin.call("wamp.session.kill", agent), "wamp.error.not_authorized")
        role = admin.joined.result().authrole
        for procedure, args in (("kill_by_authrole", (role,)), ("kill_all", ())):
            async with checks.check(f"wamp.session.{procedure}: the number of those killed, without caller and agent"):
                victims = [await join(url) for _ in range(3)]
                expect_equal(await admin.call(f"wamp.session.{procedure}", *args), 3, "killed")
                for victim in victims:
                    expect_equal((await end_of(victim))[0], "wamp.close.killed", "reason")
                await admin.call(agent_prefix + "utcnow")
                expect_equal(await admin.call("wamp.session.count"), 2, "sessions left")
