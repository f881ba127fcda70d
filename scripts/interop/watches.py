"""Watches through a router: set, raised, cleared and removed by a client, about a process that grows when it is told to."""

import signal

import processes
import psutil
from check import expect_between, expect_equal, expect_keys
from client import Inbox, expect_error, join
from observed import subject
from shapes import parse_time
from target import worker_prefixes

PREFIXES = worker_prefixes("n1", "w1")
PREFIX = PREFIXES[0]
REPORT_KEYS = ["name", "rule", "unit", "state", "value", "since"]
RAISED_KEYS = ["ts", "name", "metric", "side", "threshold", "value", "since", "again"]
CLEARED_KEYS = [*RAISED_KEYS[:-1], "duration", "reason", "again"]
INVALID = "wamp.error.invalid_argument"
METRICS = (
    "cpu_percent, mem_percent, resident, virtual, threads, num_fds, uptime, reads_per_sec, writes_per_sec, "
    "read_bytes_per_sec, write_bytes_per_sec, voluntary_per_sec, nonvoluntary_per_sec, psi.cpu.some, psi.memory.some, "
    "psi.memory.full, psi.io.some, psi.io.full"
)
LETTERS = "name: expected 1 to 64 letters, digits, '.', '-' and '_', got "

# Arguments of set_watch, and the sentence that refuses them.
REFUSED = (
    (["", {"metric": "threads", "above": 1}], LETTERS + '""'),
    (["a b", {"metric": "threads", "above": 1}], LETTERS + '"a b"'),
    ([5, {"metric": "threads", "above": 1}], "name: expected a string, got 5"),
    (["w"], "rule: expected a dict, got no argument"),
    (["w", []], "rule: expected a dict, got []"),
    (["w", {}], "rule: expected metric, above or below, for and clear, got no metric"),
    (["w", {"metric": "threads", "over": 1}], "rule: expected metric, above or below, for and clear, got over"),
    (["w", {"metric": 5, "above": 1}], "rule: metric: expected a string, got 5"),
    (["w", {"metric": "load", "above": 1}], f'rule: metric: expected one of {METRICS}, got "load"'),
    (["w", {"metric": "threads"}], "rule: expected above or below, got neither"),
    (["w", {"metric": "threads", "above": 1, "below": 2}], "rule: expected above or below, got both"),
    (["w", {"metric": "threads", "above": True}], "rule: above: expected a number, got true"),
    (["w", {"metric": "threads", "above": 1, "for": -1}], "rule: for: expected 0 to 86400 seconds, got -1"),
    (["w", {"metric": "threads", "above": 1, "for": 86401}], "rule: for: expected 0 to 86400 seconds, got 86401"),
    (["w", {"metric": "threads", "above": 1, "clear": 2}], "rule: clear: expected at most the threshold, 1, got 2"),
    (["w", {"metric": "threads", "below": 2, "clear": 1}], "rule: clear: expected at least the threshold, 2, got 1"),
    (
        ["w", {"metric": "psi.io.full", "below": 1}],
        "rule: below: expected above, for the kernel tells of more pressure only",
    ),
    (
        ["w", {"metric": "psi.io.full", "above": 101}],
        "rule: above: expected more than 0 and at most 100 (percent of 2 s), got 101",
    ),
)


class Watching:
    """A session that calls, another that hears of all watches, and the process that they are about."""

    def __init__(self, session, inbox, child):
        self.session, self.inbox, self.child = session, inbox, child

    async def set(self, name, **rule):
        held = rule.pop("hold", None)
        if held is not None:
            rule["for"] = held
        return await self.session.result(f"{PREFIX}set_watch", name, rule)

    async def report(self, name):
        watches = await self.session.result(f"{PREFIX}get_watches")
        return next(watch for watch in watches if watch["name"] == name)

    async def change(self, topic, name):
        """The next event of that topic about that watch: under both prefixes, and alike."""

        def of(events, prefix):
            return [args[0] for got, args, *_ in events if got == f"{prefix}{topic}" and args[0]["name"] == name]

        await self.inbox.until(lambda events: all(of(events, prefix) for prefix in PREFIXES))
        first, other = [of(self.inbox.events, prefix) for prefix in PREFIXES]
        expect_equal(first, other, "events under the two prefixes")
        expect_equal(len(first), 1, f"{topic} events")
        self.inbox.clear()
        return first[0]


async def check_watches(checks, url):
    flags = ("--interval", "20ms", "--watch", "mine=num_fds,above=1000000")
    async with subject("obeying") as (child, _):
        agent, _, _ = await processes.start_wampproc(
            "join", url, "--node", "n1", "--worker", "w1", "--pid", str(child.pid), *flags
        )
        async with agent, await join(url) as session, await join(url) as observer:
            inbox = Inbox(observer)
            for prefix in PREFIXES:
                await inbox.subscribe(f"{prefix}on_watch_", "prefix")
            watching = Watching(session, inbox, child)
            await check_raised_and_cleared(checks, watching)
            await check_held(checks, watching)
            await check_replaced_and_removed(checks, watching)
            await check_refusals(checks, watching)
            await check_exited(checks, watching)


async def check_raised_and_cleared(checks, watching):
    fds = psutil.Process(watching.child.pid).num_fds()
    async with checks.check("a watch of the command line is there"):
        report = await watching.report("mine")
        expect_keys(report, REPORT_KEYS)
        expect_equal(report["rule"], {"metric": "num_fds", "above": 1_000_000, "for": 0, "clear": 1_000_000}, "rule")
        expect_equal((report["unit"], report["state"], report["since"]), (None, "clear", None), "state")
    async with checks.check("set_watch answers with the watch, as get_watches has it"):
        report = await watching.set("files", metric="num_fds", above=fds + 10, clear=fds + 5)
        expect_keys(report, REPORT_KEYS)
        rule = {"metric": "num_fds", "above": fds + 10, "for": 0, "clear": fds + 5}
        expect_equal((report["name"], report["rule"], report["state"]), ("files", rule, "clear"), "watch")
    async with checks.check("the process opens files: on_watch_raised, to the caller's other sessions, under every prefix"):
        watching.child.signal(signal.SIGUSR1)
        change = await watching.change("on_watch_raised", "files")
        expect_keys(change, RAISED_KEYS)
        wanted = {"name": "files", "metric": "num_fds", "side": "above", "threshold": fds + 10, "again": False}
        expect_equal({key: change[key] for key in wanted}, wanted, "payload")
        # A look may come while it opens them.
        expect_between(change["value"], fds + 11, psutil.Process(watching.child.pid).num_fds(), "value")
        expect_between(parse_time(change["ts"]) - parse_time(change["since"]), 0, 0.002, "since")
        report = await watching.report("files")
        expect_equal((report["state"], report["since"]), ("raised", change["since"]), "watch")
    async with checks.check("the process closes them: on_watch_cleared with the reason value and the duration"):
        watching.child.signal(signal.SIGUSR2)
        change = await watching.change("on_watch_cleared", "files")
        expect_keys(change, CLEARED_KEYS)
        expect_equal((change["reason"], change["again"]), ("value", False), "reason")
        expect_between(change["value"], fds, fds + 5, "value")
        lasted = parse_time(change["ts"]) - parse_time(change["since"])
        expect_between(change["duration"], lasted - 0.002, lasted + 0.002, "duration")
        report = await watching.report("files")
        expect_equal((report["state"], report["since"]), ("clear", None), "watch")


async def check_held(checks, watching):
    async with checks.check("a condition must hold for as long as the rule says: pending, then raised"):
        threads = psutil.Process(watching.child.pid).num_threads()
        await watching.set("crowd", metric="threads", above=threads, hold=0.3)
        watching.child.signal(signal.SIGUSR1)
        change = await watching.change("on_watch_raised", "crowd")
        expect_equal(change["value"], threads + 5, "value")
        held = parse_time(change["ts"]) - parse_time(change["since"])
        expect_between(held, 0.298, 5, "seconds that it held before")
        # The other watch was raised and forgotten above.
        watching.child.signal(signal.SIGUSR2)
        change = await watching.change("on_watch_cleared", "crowd")
        expect_equal(change["value"], threads, "value")


async def check_replaced_and_removed(checks, watching):
    async with checks.check("the same rule again changes nothing; another one clears what was raised, as replaced"):
        await watching.set("age", metric="uptime", above=0)
        raised = await watching.change("on_watch_raised", "age")
        again = await watching.set("age", metric="uptime", above=0)
        expect_equal((again["state"], again["since"]), ("raised", raised["since"]), "watch")
        await watching.set("age", metric="uptime", above=1e9)
        change = await watching.change("on_watch_cleared", "age")
        expect_equal((change["reason"], change["threshold"], change["since"]), ("replaced", 0, raised["since"]), "payload")
        expect_equal((await watching.report("age"))["state"], "clear", "state")
    async with checks.check("remove_watch answers null and clears what was raised, as removed; then it is not there"):
        await watching.set("age", metric="uptime", above=0)
        await watching.change("on_watch_raised", "age")
        expect_equal(await watching.session.result(f"{PREFIX}remove_watch", "age"), None)
        change = await watching.change("on_watch_cleared", "age")
        expect_equal(change["reason"], "removed", "reason")
        names = [watch["name"] for watch in await watching.session.result(f"{PREFIX}get_watches")]
        expect_equal(names, ["crowd", "files", "mine"], "watches, by name")


async def check_refusals(checks, watching):
    before = await watching.session.result(f"{PREFIX}get_watches")
    for arguments, sentence in REFUSED:
        async with checks.check(f"set_watch {arguments} is refused in these words: {sentence[:60]}"):
            error = await expect_error(watching.session.call(f"{PREFIX}set_watch", *arguments), INVALID)
            expect_equal(list(error.args), [sentence], "arguments of the error")
    async with checks.check("remove_watch of none is refused, and names those that there are"):
        error = await expect_error(watching.session.call(f"{PREFIX}remove_watch", "none"), INVALID)
        expect_equal(list(error.args), ['name: expected one of the watches crowd, files, mine, got "none"'])
    async with checks.check("there can be 64 watches"):
        rule = {"metric": "uptime", "above": 1e9}
        for number in range(61):
            await watching.session.result(f"{PREFIX}set_watch", f"w{number}", rule)
        error = await expect_error(watching.session.call(f"{PREFIX}set_watch", "one.more", rule), INVALID)
        sentence = "name: expected that of one of the 64 watches, the most there can be, got a new one"
        expect_equal(list(error.args), [sentence])
        for number in range(61):
            await watching.session.result(f"{PREFIX}remove_watch", f"w{number}")
    async with checks.check("refusals have changed nothing and told nothing"):
        after = await watching.session.result(f"{PREFIX}get_watches")
        expect_equal([(watch["name"], watch["rule"]) for watch in after], [(w["name"], w["rule"]) for w in before])
        await watching.inbox.session.barrier()
        expect_equal(watching.inbox.events, [], "events")


async def check_exited(checks, watching):
    async with checks.check("the process ends: what it had raised is cleared, as exited"):
        await watching.set("age", metric="uptime", above=0)
        await watching.change("on_watch_raised", "age")
        await watching.child.killed()
        change = await watching.change("on_watch_cleared", "age")
        expect_equal((change["reason"], change["value"]), ("exited", None), "payload")
