"""The embedded router's broker: patterns, exclusion and eligibility, acknowledgement, publisher identification."""

from autobahn.wamp.types import PublishOptions

from check import expect, expect_equal, expect_type
from client import Inbox, expect_error, join

ACKNOWLEDGE = {"acknowledge": True}


class Group:
    """A publisher and two subscribers with their inboxes; the publisher has an inbox too."""

    def __init__(self, sessions):
        self.publisher, self.first, self.second = sessions
        self.inboxes = [Inbox(session) for session in sessions]

    @classmethod
    async def open(cls, url):
        return cls([await join(url) for _ in range(3)])

    async def close(self):
        for inbox in self.inboxes:
            await inbox.session.close()

    async def subscribe(self, topic, match="exact"):
        for inbox in self.inboxes:
            await inbox.subscribe(topic, match)

    async def publish(self, topic, *args, options=None, **kwargs):
        """Publishes acknowledged; the number of events that the publisher, the first and the second then have got."""
        for inbox in self.inboxes:
            inbox.clear()
        options = PublishOptions(**ACKNOWLEDGE, **(options or {}))
        self.publication = await self.publisher.publish(topic, *args, options=options, **kwargs)
        for inbox in self.inboxes:
            await inbox.session.barrier()
        return [len(inbox.events) for inbox in self.inboxes]


async def check_pubsub(checks, url):
    group = await Group.open(url)
    try:
        await check_delivery(checks, group)
        await check_lists(checks, group)
        await check_patterns(checks, url)
        await check_refusals(checks, group)
        await check_unsubscribe(checks, url)
    finally:
        await group.close()


async def check_delivery(checks, group):
    await group.subscribe("interop.exact")
    async with checks.check("an event reaches every subscriber but its publisher, with args and kwargs"):
        expect_equal(await group.publish("interop.exact", 1, "two", three=[3]), [0, 1, 1], "events")
        _, args, kwargs, details = group.inboxes[1].events[0]
        expect_equal((args, kwargs), ((1, "two"), {"three": [3]}), "args and kwargs")
        expect_equal(details.publication, group.publication.id, "publication")
    async with checks.check("exclude_me false: the publisher gets it too"):
        expect_equal(await group.publish("interop.exact", options={"exclude_me": False}), [1, 1, 1], "events")
    async with checks.check("the acknowledgement has a publication id within 2^53"):
        await group.publish("interop.exact")
        expect_type(group.publication.id, int, what="publication")
        expect(1 <= group.publication.id <= 2**53, f"publication {group.publication.id}")
    async with checks.check("events of one publisher arrive in order"):
        for number in range(500):
            group.publisher.publish("interop.exact", number)
        await group.publisher.barrier()
        await group.first.barrier()
        numbers = [args[0] for _, args, _, _ in group.inboxes[1].events if args]
        expect_equal(numbers, list(range(500)), "numbers")
    async with checks.check("an event of 100 kB and of every JSON type comes through"):
        payload = ["x" * 100_000, None, True, -1, 0.5, {"é": "\U0001f600"}, [[]]]
        expect_equal(await group.publish("interop.exact", *payload), [0, 1, 1], "events")
        expect_equal(list(group.inboxes[1].events[0][1]), payload, "args")


async def check_lists(checks, group):
    await group.subscribe("interop.lists")
    first, second = group.first.joined.result(), group.second.joined.result()
    cases = (
        ("exclude one session", {"exclude": [first.session]}, [0, 0, 1]),
        ("exclude both sessions", {"exclude": [first.session, second.session]}, [0, 0, 0]),
        ("exclude nobody", {"exclude": []}, [0, 1, 1]),
        ("exclude a session that is not there", {"exclude": [1]}, [0, 1, 1]),
        ("exclude an authid", {"exclude_authid": [second.authid]}, None),
        ("exclude an authrole", {"exclude_authrole": [first.authrole]}, [0, 0, 0]),
        ("exclude another authrole", {"exclude_authrole": ["nosuch"]}, [0, 1, 1]),
        ("eligible is one session", {"eligible": [first.session]}, [0, 1, 0]),
        ("eligible is nobody", {"eligible": []}, [0, 0, 0]),
        ("eligible is an authid", {"eligible_authid": [first.authid]}, None),
        ("eligible is an authrole", {"eligible_authrole": [first.authrole]}, [0, 1, 1]),
        ("eligible is another authrole", {"eligible_authrole": ["nosuch"]}, [0, 0, 0]),
        ("exclude wins over eligible", {"eligible": [first.session], "exclude": [first.session]}, [0, 0, 0]),
        ("eligible does not reach the publisher", {"eligible": [group.publisher.id]}, [0, 0, 0]),
        (
            "eligible publisher with exclude_me false",
            {"eligible": [group.publisher.id], "exclude_me": False},
            [1, 0, 0],
        ),
    )
    for what, options, wanted in cases:
        async with checks.check(what):
            if wanted is None:
                wanted = by_authid(options, first.authid, second.authid)
            expect_equal(await group.publish("interop.lists", options=options), wanted, "events")


def by_authid(options, first, second):
    """Anonymous sessions may share an authid or have one each."""
    if "exclude_authid" in options:
        return [0, int(first not in options["exclude_authid"]), int(second not in options["exclude_authid"])]
    return [0, int(first in options["eligible_authid"]), int(second in options["eligible_authid"])]


async def check_patterns(checks, url):
    topics = ("a.b.c", "a.b.c.d", "a.bc.c", "a.x.c", "a.b", "x.b.c")
    wanted = {
        ("interop.p.a.b.c", "exact"): {"a.b.c"},
        # Prefix Matching is by characters, not by components.
        ("interop.p.a.b", "prefix"): {"a.b.c", "a.b.c.d", "a.bc.c", "a.b"},
        ("interop.p.a..c", "wildcard"): {"a.b.c", "a.bc.c", "a.x.c"},
        ("interop.p..b.", "wildcard"): {"a.b.c", "x.b.c"},
    }
    async with await join(url) as publisher:
        for (pattern, match), matching in wanted.items():
            async with checks.check(f"subscription to {pattern} ({match}) gets what matches, told which topic it was"):
                async with await join(url) as subscriber:
                    inbox = Inbox(subscriber)
                    await inbox.subscribe(pattern, match)
                    for topic in topics:
                        await publisher.publish(f"interop.p.{topic}", options=PublishOptions(**ACKNOWLEDGE))
                    await subscriber.barrier()
                    got = [topic.removeprefix("interop.p.") for topic, *_ in inbox.events]
                    expect_equal(sorted(got), sorted(matching), "topics")
        async with checks.check("a session with three matching subscriptions gets the event once for each"):
            async with await join(url) as subscriber:
                inbox = Inbox(subscriber)
                for pattern, match in list(wanted)[:3]:
                    await inbox.subscribe(pattern, match)
                await publisher.publish("interop.p.a.b.c", options=PublishOptions(**ACKNOWLEDGE))
                await subscriber.barrier()
                expect_equal(len(inbox.events), 3, "events")
                expect_equal(len({details.publication for *_, details in inbox.events}), 1, "publications")


async def check_refusals(checks, group):
    for topic in ("wamp.interop", "wamp.session.on_join"):
        async with checks.check(f"a client may not publish to {topic}"):
            answer = group.publisher.publish(topic, options=PublishOptions(**ACKNOWLEDGE))
            await expect_error(answer, "wamp.error.invalid_uri")


async def check_unsubscribe(checks, url):
    async with await join(url) as publisher, await join(url) as subscriber:
        inbox = Inbox(subscriber)
        subscription = await inbox.subscribe("interop.left")
        async with checks.check("after UNSUBSCRIBE no event comes"):
            await publisher.publish("interop.left", 1, options=PublishOptions(**ACKNOWLEDGE))
            await subscriber.barrier()
            await subscription.unsubscribe()
            await publisher.publish("interop.left", 2, options=PublishOptions(**ACKNOWLEDGE))
            await subscriber.barrier()
            expect_equal(inbox.of("interop.left"), [(1,)])
