"""How far the agent, psutil and the kernel's files may differ about one process at one moment, key by key: one table.

A witness is asked just before the agent and just after. Its two answers are the bounds of the agent's: a counter lies between
them, and of a process that does nothing both are the same. What may be beyond them, and why, is in the table.
"""

import dataclasses
import fnmatch
import os

import psutil

from check import Mismatch, expect, expect_equal
from shapes import parse_time

TICK = 1 / os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
CPUS = os.cpu_count()
# The kernel counts each of three kinds of resident memory a CPU at a time, in batches of this many pages.
RSS = 3 * max(32, 2 * CPUS) * CPUS * PAGE
# What a thread that runs has used is brought up to date at the latest when the scheduler's tick comes.
RUNNING = 0.03
# States that a process changes between while it is looked at.
PASSING = {"running", "sleeping", "disk-sleep"}


def same(value):
    return value


@dataclasses.dataclass(frozen=True)
class Key:
    """One row: a pattern of keys of a procedure."""

    procedure: str
    pattern: str
    # Beyond what a witness said before and after, in the key's unit.
    slack: float = 0.0
    # Why there is a slack, or what one of the three does otherwise, by which rule.
    rule: str = ""
    # What psutil and the kernel's files can see of the agent's value.
    psutil: object = same
    kernel: object = same
    # What psutil says where the agent says null.
    psutil_null: object = None
    # Nobody else tells it. The rule says where it is checked, or why it cannot be.
    alone: bool = False
    # Differs from moment to moment while the process runs: compared where it does not.
    steady_only: bool = False


def no_bound(sockets):
    return [found for found in sockets if found[0] and found[3] != "CLOSE"]


def once(sockets):
    """Each TCP and UDP socket once."""
    found = []
    for one in no_bound(sockets):
        if one[0] == "unix" or one not in found:
            found.append(one)
    return found


def with_a_path(files):
    return [path for path in files if not path.endswith(" (deleted)")]


NO_MEMORY = "a zombie and a kernel thread have no memory: null by API.md (never 0 for unknown) where psutil says 0"
FINER = "the agent's own times are getrusage's, in µs; psutil's and the file's are whole ticks"
TICKS = "one tick for each of user and system, which the file rounds down"
BATCHED = "the kernel's batches of resident pages, three kinds, each CPU"

TABLE = (
    Key("get_process_stats", "ts|time", alone=True, rule="the agent's clock; shapes.py holds it against ours"),
    Key("get_process_stats", "cpu_percent", alone=True, rule="over the sampler's own interval; check_rate compares its mean"),
    Key("get_process_stats", "user|system", slack=TICK, rule=FINER),
    Key("get_process_stats", "resident", slack=RSS, rule=BATCHED),
    Key("get_process_stats", "mem_percent", slack=100 * RSS / psutil.virtual_memory().total + 1e-9, rule=BATCHED),
    Key("get_process_stats", "pid|status|voluntary|nonvoluntary|virtual|reads|writes"),
    Key("get_process_monitor", "type", alone=True, rule="configured"),
    Key("get_process_monitor", "*_per_sec", alone=True, rule="between two ticks of the sampler, which nobody else has"),
    Key("get_process_monitor", "cpu_user|cpu_system", slack=TICK, rule=FINER),
    Key("get_process_monitor", "pid|status|num_*|read_*|write_*"),
    Key("get_process_info", "descriptors|threads"),
    Key(
        "get_process_info",
        "files",
        psutil=with_a_path,
        rule="API.md: regular files; psutil leaves out a file that was removed, for it looks at the path",
    ),
    Key(
        "get_process_info",
        "sockets",
        psutil=once,
        kernel=no_bound,
        rule="API.md: all that are bound; the kernel's tables, which psutil reads, have no TCP socket that is bound and no "
        "more (CLOSE) and nothing that is not TCP, UDP or Unix (type null); psutil has a socket with two descriptors once",
    ),
    Key("get_process_memory", "age", alone=True, rule="seconds since it was measured; measures.py wants less than 60"),
    Key("get_process_memory", "resident*", slack=RSS, psutil_null=0, rule=f"{BATCHED}; {NO_MEMORY}"),
    Key("get_process_memory", "virtual|virtual_peak", psutil_null=0, rule=NO_MEMORY),
    Key(
        "get_process_memory",
        "pss|uss|swap|swap_pss",
        slack=2 << 20,
        psutil_null=0,
        rule=f"shared pages are divided by all who have them, and those come and go; {NO_MEMORY}",
    ),
    Key("get_process_threads", "*.cpu", slack=RUNNING + 2 * TICK, rule=f"by the scheduler's clock, in ns; {TICKS} in psutil's"),
    Key("get_process_threads", "*.run_queue_wait|*.voluntary|*.nonvoluntary"),
    Key("get_process_threads", "*.status|*.processor|*.waits_in", steady_only=True),
    Key("get_process_threads", "*.tid", alone=True, rule="the row's own id"),
    Key("get_process_threads", "ids|*.name"),
    Key("get_process_limits", "cpu time.used", slack=1, rule="whole seconds"),
    Key("get_process_limits", "resident set.used", slack=RSS, psutil_null=0, rule=f"{BATCHED}; {NO_MEMORY}"),
    Key("get_process_limits", "address space.used", psutil_null=0, rule=NO_MEMORY),
    Key("get_process_limits", "data size.used|stack size.used|locked memory.used", rule="as in /proc/PID/status"),
    Key("get_process_limits", "pending signals.used", alone=True, rule="of all processes of the user, who do not stand still"),
    Key("get_process_limits", "*.name", alone=True, rule="the row's own name"),
    Key("get_process_limits", "*.soft|*.hard|*.unit|*.used"),
    Key("get_process_tree", "*.resident", slack=RSS, psutil_null=0, rule=f"{BATCHED}; {NO_MEMORY}"),
    Key("get_process_tree", "*.cpu", slack=2 * TICK, rule=TICKS),
    Key("get_process_tree", "*.started", slack=1.2, rule="psutil's boot time is in whole seconds"),
    Key("get_process_tree", "*.uptime", alone=True, rule="now less started"),
    Key("get_process_tree", "*.pid", alone=True, rule="the row's own id"),
    Key("get_process_tree", "complete|ids|*.ppid|*.depth|*.name|*.status|*.threads"),
    Key("get_process_totals", "ts", alone=True, rule="the agent's clock"),
    Key("get_process_totals", "started", slack=1.2, rule="psutil's boot time is in whole seconds"),
    Key("get_process_totals", "switches_of_ended_threads", alone=True, rule="what the next two mean"),
    Key(
        "get_process_totals",
        "voluntary|nonvoluntary",
        rule="the sum over the threads that live; of the agent itself with those that have ended, as getrusage(2) has it",
    ),
    Key("get_process_totals", "io_wait", alone=True, rule="null unless kernel.task_delayacct is on"),
    Key("get_process_totals", "user|system|children_*", slack=1e-6),
    Key("get_process_totals", "threads|*_faults|run_queue_wait"),
    Key("get_system_stats", "ts", alone=True, rule="the agent's clock"),
    Key("get_system_stats", "cpu.*", slack=TICK, rule="the kernel's idle time of a CPU that sleeps is an estimate"),
    Key("get_system_stats", "mem.total"),
    Key(
        "get_system_stats",
        "mem.available",
        slack=psutil.virtual_memory().total / 20,
        rule="changes with everything that runs: a twentieth of all memory",
    ),
    Key("get_system_stats", "load.*|psi.*.avg*", slack=0.011, rule="two decimals; the kernel averages every 2 s"),
    Key("get_system_stats", "uptime", slack=0.011, rule="the file has two decimals"),
    Key("get_system_stats", "net.*|disk.*|psi|psi.*"),
)


def key_of(procedure, name):
    for key in TABLE:
        if key.procedure == procedure and any(fnmatch.fnmatchcase(name, part) for part in key.pattern.split("|")):
            return key
    raise Mismatch(f"{procedure}: {name} is not in the table")


def flat(procedure, answer):
    """By the names that the witnesses use."""
    if procedure == "get_process_info":
        sockets = answer["sockets"]
        listed = None if sockets is None else sorted((list(found.values()) for found in sockets), key=str)
        return {**answer, "sockets": listed}
    if procedure == "get_process_threads":
        return {"ids": [thread["tid"] for thread in answer], **rows(answer, "tid")}
    if procedure == "get_process_limits":
        return rows(answer, "name")
    if procedure == "get_process_tree":
        found = [{**member, "started": parse_time(member["started"], "started")} for member in answer["processes"]]
        return {"complete": answer["complete"], "ids": sorted(member["pid"] for member in found), **rows(found, "pid")}
    if procedure == "get_process_totals":
        return {**answer, "started": parse_time(answer["started"], "started")}
    if procedure == "get_system_stats":
        return nested(answer, "")
    return answer


def rows(found, name):
    return {f"{row[name]}.{key}": value for row in found for key, value in row.items()}


def nested(value, place):
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    else:
        return {place[:-1]: value}
    found = {}
    for key, part in items:
        found |= nested(part, f"{place}{key}.")
    return found


def compare(procedure, answer, witnesses, steady, blind=()):
    """Holds an answer against witnesses: name, what it said before, what it said after. Raises what does not agree.

    `blind` are pairs of a witness and a key of this procedure that it cannot see in this process.
    """
    ours = flat(procedure, answer)
    witnessed = set()
    for name, before, after in witnesses:
        for item in before.keys() & after.keys():
            expect(item in ours, f"{procedure}: {name} has {item} ({after[item]!r}), the answer has not")
            witnessed.add(item)
            key = key_of(procedure, item)
            if (name, item) not in blind and (steady or not key.steady_only):
                agree(f"{item} by {name}", key, ours[item], (before[item], after[item]), name)
    for item, value in ours.items():
        if item not in witnessed and not key_of(procedure, item).alone:
            expect(value is None, f"{item} is {value!r}, for which there is no witness")


def agree(what, key, value, bounds, witness):
    if value is None:
        allowed = (None, key.psutil_null) if witness == "psutil" else (None,)
        expect(all(bound in allowed for bound in bounds), f"{what}: expected {bounds}, got null")
        return
    expect(None not in bounds, f"{what}: expected null, got {value!r}")
    value = getattr(key, witness)(value)
    if isinstance(value, str) and value in PASSING and bounds[0] in PASSING and bounds[1] in PASSING:
        return
    if isinstance(value, (int, float)) and not isinstance(value, bool) and all(is_number(bound) for bound in bounds):
        low, high = min(bounds) - key.slack, max(bounds) + key.slack
        expect(low - 1e-9 <= value <= high + 1e-9, f"{what}: expected {low!r} to {high!r}, got {value!r} ({key.rule})")
        return
    if isinstance(value, list) and value not in bounds:
        missing = [found for found in bounds[1] if found not in value]
        more = [found for found in value if found not in bounds[1]]
        raise Mismatch(f"{what}: missing {missing[:5]}, too many {more[:5]}, {len(value)} for {len(bounds[1])}")
    if value not in bounds:
        expect_equal(value, bounds[1], what)


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)
