"""get_capabilities against the answers: what it says is missing is null there, and what is null it says is missing."""

from agreement import nested
from autobahn.wamp.exception import ApplicationError
from check import expect, expect_equal
from client import expect_error

# Null without being unknown: there is nothing to tell.
NOTHING_TO_TELL = {
    # A thread that runs waits nowhere.
    "get_process_threads": {"waits_in"},
    # Nothing that the process uses is counted against these.
    "get_process_limits": {
        "file size", "core file size", "processes", "file locks", "msgqueue size", "realtime timeout"
    },
}
# Do something, and can only be called where they are said to be unavailable: then they must not.
ACTING = "trigger_gc start_process stop_process restart_process get_process_output".split()
CALLED = (
    "get_cpu_affinity get_process_info get_process_stats get_process_monitor get_process_threads get_process_memory "
    "get_process_limits get_process_tree get_process_totals get_process_history get_system_stats"
).split()


def unknown(name, answer):
    """The keys that are null, as get_capabilities calls them."""
    if name == "get_process_threads":
        return {key for key in answer[0] if all(thread[key] is None for thread in answer)}
    if name == "get_process_limits":
        return {limit["name"] for limit in answer if limit["used"] is None}
    if name == "get_process_history":
        known = [bucket for bucket in answer["buckets"] if bucket["samples"] > 1]
        return {key for key in known[-1] if all(bucket[key] is None for bucket in known)} if known else None
    if name == "get_system_stats":
        return {key for key, value in nested(answer, "").items() if value is None}
    if name in ("get_process_tree", "get_cpu_affinity"):
        return set()
    return {key for key, value in answer.items() if value is None}


async def check_absences(checks, session, prefix):
    async with checks.check("get_capabilities: what it says is missing is null, and what is null it says is missing"):
        told = await session.result(f"{prefix}get_capabilities")
        for name in CALLED:
            await compare(session, prefix, name, told[name])
    async with checks.check("get_capabilities: what it says is not available is refused, and what is, is done"):
        for name in ACTING:
            if not told[name]["available"]:
                await expect_success(session.call(prefix + name), False, name)
        # This does nothing to a process that does not wait for it. (CONT may be sent to anybody of the same session.)
        await expect_success(session.call(f"{prefix}signal_process", "URG"), told["signal_process"]["available"], "URG")
        if told["get_cpu_affinity"]["available"]:
            cpus = await session.result(f"{prefix}get_cpu_affinity")
            same = session.call(f"{prefix}set_cpu_affinity", cpus, relative=False)
            await expect_success(same, told["set_cpu_affinity"]["available"], "set_cpu_affinity")
    async with checks.check("get_capabilities: watches on what is missing know no value, and none is refused that is not"):
        missing = (await session.result(f"{prefix}get_capabilities"))["set_watch"]["missing"]
        for metric in ("num_fds", "reads_per_sec", "psi.cpu.some", "psi.io.full"):
            await check_watch(session, prefix, metric, metric in missing)


async def compare(session, prefix, name, told):
    try:
        answer = await session.result(prefix + name)
    except ApplicationError as error:
        expect_equal(told["available"], False, f"{name}: available, though it is answered by {error.error}")
        return
    expect_equal(told["available"], True, f"{name}: available ({told['reason']}), though there is an answer")
    nulls = unknown(name, answer)
    if nulls is not None:
        missing = set(told["missing"])
        expect_equal(missing - nulls, set(), f"{name}: missing by get_capabilities, though there is a value")
        more = nulls - missing - NOTHING_TO_TELL.get(name, set())
        expect_equal(more, set(), f"{name}: null without a reason in get_capabilities")


async def expect_success(answer, expected, what):
    try:
        await answer
        succeeded = True
    except ApplicationError as error:
        expect(error.error.startswith("crossbar.error."), f"{what}: answered by {error.error}: {error.args}")
        succeeded = False
    expect_equal(succeeded, expected, f"{what}: success, by its being available")


async def check_watch(session, prefix, metric, is_missing):
    rule = {"metric": metric, "above": 99.5, "for": 3600}
    if metric.startswith("psi.") and is_missing:
        await expect_error(session.call(f"{prefix}set_watch", "absence", rule), "crossbar.error.feature_unavailable")
        return
    watch = await session.result(f"{prefix}set_watch", "absence", rule)
    try:
        expect_equal(watch["rule"]["metric"], metric, "metric")
        if is_missing:
            expect(watch["value"] is None, f"{metric}: expected no value, got {watch['value']}")
    finally:
        await session.result(f"{prefix}remove_watch", "absence")
