"""The embedded router's meta procedures and events: sessions, registrations, subscriptions."""

from autobahn.wamp.types import RegisterOptions

from check import expect, expect_equal, expect_type
from client import Inbox, expect_error, join


async def check_meta(checks, url):
    async with await join(url) as session, await join(url) as other:
        await check_sessions(checks, url, session, other)
        await check_registrations(checks, session, other)
        await check_subscriptions(checks, session, other)
        await check_meta_errors(checks, session)


async def check_sessions(checks, url, session, other):
    async with checks.check("wamp.session.count and list know every session"):
        listed = await session.call("wamp.session.list")
        expect({session.id, other.id} <= set(listed), f"list {listed}")
        expect_equal(await session.call("wamp.session.count"), len(listed))
    async with checks.check("wamp.session.list and count by authrole"):
        role = session.joined.result().authrole
        expect({session.id, other.id} <= set(await session.call("wamp.session.list", [role])), "not listed by role")
        expect_equal(await session.call("wamp.session.list", ["nosuch"]), [])
        expect_equal(await session.call("wamp.session.count", ["nosuch"]), 0)
    async with checks.check("wamp.session.get tells who a session is"):
        details = await session.call("wamp.session.get", other.id)
        who = other.joined.result()
        expect_equal(
            [details[key] for key in ("session", "authid", "authrole", "authmethod")],
            [who.session, who.authid, who.authrole, who.authmethod],
        )
    async with checks.check("wamp.session.on_join and on_leave"):
        inbox = Inbox(session)
        await inbox.subscribe("wamp.session.on_join")
        await inbox.subscribe("wamp.session.on_leave")
        newcomer = await join(url)
        ((details,),) = await inbox.have("wamp.session.on_join")
        expect_equal(details["session"], newcomer.id, "session that joined")
        expect_equal(details["authrole"], newcomer.joined.result().authrole, "authrole")
        await newcomer.close()
        left = (await inbox.have("wamp.session.on_leave"))[0]
        expect_equal(left[0], newcomer.id, "session that left")


async def events_of(inbox, kind, names):
    """One event of each of these names has come, in this order; their arguments."""
    topics = [f"wamp.{kind}.{name}" for name in names]
    await inbox.until(lambda events: len(events) >= len(topics))
    expect_equal([topic for topic, *_ in inbox.events], topics, "topics in order")
    return [args for _, args, _, _ in inbox.events]


async def check_registrations(checks, session, other):
    inbox = Inbox(session)
    for name in ("on_create", "on_register", "on_unregister", "on_delete"):
        await inbox.subscribe(f"wamp.registration.{name}")
    async with checks.check("wamp.registration.on_create, then on_register"):
        registration = await other.register(lambda: 1, "interop.meta.p", options=RegisterOptions(match="prefix"))
        created, registered = await events_of(inbox, "registration", ("on_create", "on_register"))
        expect_equal((created[0], created[1]["id"]), (other.id, registration.id), "session and id created")
        expect_equal((created[1]["uri"], created[1]["match"]), ("interop.meta.p", "prefix"), "uri and match")
        expect_equal(created[1]["invoke"], "single", "invoke")
        expect_equal(registered, (other.id, registration.id), "session and id registered")
    async with checks.check("wamp.registration.list has it under its match policy"):
        listed = await session.call("wamp.registration.list")
        expect_equal(set(listed), {"exact", "prefix", "wildcard"}, "keys")
        expect(registration.id in listed["prefix"], f"not in {listed['prefix']}")
    async with checks.check("wamp.registration.lookup, match and get"):
        lookup, match = "wamp.registration.lookup", "wamp.registration.match"
        expect_equal(await session.call(lookup, "interop.meta.p", {"match": "prefix"}), registration.id)
        expect_equal(await session.call(lookup, "interop.meta.p"), None, "lookup as exact")
        expect_equal(await session.call(match, "interop.meta.path"), registration.id)
        expect_equal(await session.call(match, "interop.none"), None, "match of nothing")
        details = await session.call("wamp.registration.get", registration.id)
        expect_equal((details["id"], details["uri"], details["match"]), (registration.id, "interop.meta.p", "prefix"))
        expect_type(details["created"], str, what="created")
    async with checks.check("wamp.registration.list_callees and count_callees"):
        expect_equal(await session.call("wamp.registration.list_callees", registration.id), [other.id])
        expect_equal(await session.call("wamp.registration.count_callees", registration.id), 1)
    async with checks.check("wamp.registration.on_unregister, then on_delete"):
        inbox.clear()
        await registration.unregister()
        ends = await events_of(inbox, "registration", ("on_unregister", "on_delete"))
        expect_equal(ends, [(other.id, registration.id)] * 2, "session and id")


async def check_subscriptions(checks, session, other):
    inbox = Inbox(session)
    for name in ("on_create", "on_subscribe", "on_unsubscribe", "on_delete"):
        await inbox.subscribe(f"wamp.subscription.{name}")
    await session.barrier()
    inbox.clear()
    async with checks.check("wamp.subscription.on_create, then on_subscribe"):
        subscription = await Inbox(other).subscribe("interop.meta..t", "wildcard")
        created, subscribed = await events_of(inbox, "subscription", ("on_create", "on_subscribe"))
        expect_equal((created[0], created[1]["id"]), (other.id, subscription.id), "session and id created")
        expect_equal((created[1]["uri"], created[1]["match"]), ("interop.meta..t", "wildcard"), "uri and match")
        expect_equal(subscribed, (other.id, subscription.id), "session and id subscribed")
    async with checks.check("wamp.subscription.list, lookup, match and get"):
        expect(subscription.id in (await session.call("wamp.subscription.list"))["wildcard"], "not listed")
        lookup = session.call("wamp.subscription.lookup", "interop.meta..t", {"match": "wildcard"})
        expect_equal(await lookup, subscription.id, "lookup")
        expect_equal(await session.call("wamp.subscription.match", "interop.meta.x.t"), [subscription.id], "match")
        details = await session.call("wamp.subscription.get", subscription.id)
        expect_equal(
            (details["id"], details["uri"], details["match"]), (subscription.id, "interop.meta..t", "wildcard")
        )
    async with checks.check("wamp.subscription.list_subscribers and count_subscribers"):
        expect_equal(await session.call("wamp.subscription.list_subscribers", subscription.id), [other.id])
        expect_equal(await session.call("wamp.subscription.count_subscribers", subscription.id), 1)
    async with checks.check("wamp.subscription.on_unsubscribe, then on_delete"):
        inbox.clear()
        await subscription.unsubscribe()
        ends = await events_of(inbox, "subscription", ("on_unsubscribe", "on_delete"))
        expect_equal(ends, [(other.id, subscription.id)] * 2, "session and id")


async def check_meta_errors(checks, session):
    for procedure, error in (
        ("wamp.session.get", "wamp.error.no_such_session"),
        ("wamp.registration.get", "wamp.error.no_such_registration"),
        ("wamp.registration.list_callees", "wamp.error.no_such_registration"),
        ("wamp.subscription.get", "wamp.error.no_such_subscription"),
        ("wamp.subscription.count_subscribers", "wamp.error.no_such_subscription"),
    ):
        async with checks.check(f"{procedure} of what is not there: {error}"):
            await expect_error(session.call(procedure, 1), error)
    async with checks.check("a meta procedure with a wrong argument: wamp.error.invalid_argument"):
        await expect_error(session.call("wamp.session.get", "x"), "wamp.error.invalid_argument")
