"""The procedures that measure, beyond Crossbar.io's own: psutil and /proc are the witnesses.

Counters only grow, so a true one lies between what the witness says before and after the call. Where that cannot be, the
tolerance is named beside the check.
"""

import contextlib
import os
import pathlib
import resource
import time

import psutil

import processes
from check import expect, expect_between, expect_equal, expect_keys, expect_type
from client import expect_error, join
from shapes import CPU_SLACK, RSS_SLACK, STATUSES, parse_time
from target import Target, worker_prefixes
from witness_psutil import LIMITS

NAMES = (
    "get_process_threads get_process_memory get_process_limits get_process_tree get_process_totals "
    "get_process_history get_system_stats get_capabilities"
).split()

SYSTEM_KEYS = "ts cpu mem net disk load uptime psi".split()
THREAD_KEYS = "tid name status cpu run_queue_wait voluntary nonvoluntary processor waits_in".split()
MEMORY_KEYS = (
    "resident resident_anon resident_file resident_shmem resident_peak virtual virtual_peak swap pss uss swap_pss age"
).split()
TREE_KEYS = "pid ppid depth name status started uptime threads resident cpu".split()
TOTALS_KEYS = (
    "ts started threads user system children_user children_system minor_faults major_faults children_minor_faults "
    "children_major_faults voluntary nonvoluntary switches_of_ended_threads run_queue_wait io_wait"
).split()
BUCKET_KEYS = (
    "ts samples cpu_percent resident virtual threads reads_per_sec writes_per_sec switches_per_sec"
).split()

# One clock tick.
TICK = 1 / os.sysconf("SC_CLK_TCK")
# Proportional and private memory change as the process works, and as others come and go that share its files.
SHARE_SLACK = 4 << 20


def expect_grown(value, before, after, what, slack=0.0):
    expect_between(value, before - slack, after + slack, what)


def status_of(pid, task, key):
    """A number in the status file of a thread."""
    lines = pathlib.Path(f"/proc/{pid}/task/{task}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{key}:"))


def stat_of(pid):
    """The fields of /proc/PID/stat, so that field n of the manual page is number n - 3."""
    return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


async def check_measures(checks, session, target):
    call, prefix = session.result, target.prefix
    for other in target.prefixes:
        async with checks.check(f"every measuring procedure under {other}"):
            for name in NAMES:
                expect_type(await call(other + name), list if name.endswith(("threads", "limits")) else dict, what=name)
    await check_system(checks, call, prefix)
    await check_threads(checks, call, target)
    await check_memory(checks, call, target)
    await check_limits(checks, call, target)
    await check_tree(checks, call, target)
    await check_totals(checks, call, target)
    await check_history(checks, call, target)
    await check_capabilities(checks, call, prefix)
    await check_refusals(checks, session, prefix)


async def check_system(checks, call, prefix):
    async with checks.check("get_system_stats against psutil: CPUs, memory, interfaces, disks"):
        witness = (psutil.cpu_times, psutil.net_io_counters, psutil.disk_io_counters)
        cpus, nics, disks = [look(True) for look in witness]
        now, value = time.time(), await call(f"{prefix}get_system_stats")
        cpus_after, nics_after, disks_after = [look(True) for look in witness]
        expect_keys(value, SYSTEM_KEYS)
        expect_between(parse_time(value["ts"], "ts"), now - 0.002, time.time() + 0.002, "ts")
        expect_equal(list(value["cpu"]), [str(number) for number in range(len(cpus))], "CPUs")
        for before, cpu, after in zip(cpus, value["cpu"].values(), cpus_after):
            expect_keys(cpu, ["user", "system", "idle"])
            for key, seconds in cpu.items():
                # The kernel's idle time of a CPU that sleeps is an estimate.
                expect_grown(seconds, getattr(before, key), getattr(after, key), f"CPU {key}", TICK)
        expect_keys(value["mem"], ["total", "available"])
        memory = psutil.virtual_memory()
        expect_equal(value["mem"]["total"], memory.total, "total memory")
        # What is available changes with everything that runs.
        expect_grown(value["mem"]["available"], memory.available, memory.available, "available memory", memory.total / 20)
        expect_equal(sorted(value["net"]), sorted(nics), "interfaces")
        for name, traffic in value["net"].items():
            expect_keys(traffic, ["out", "in"])
            for way, keys in (("out", "bytes_sent packets_sent errout dropout"), ("in", "bytes_recv packets_recv errin dropin")):
                expect_keys(traffic[way], ["bytes", "packets", "errors", "dropped"])
                for number, key in zip(traffic[way].values(), keys.split()):
                    expect_grown(number, getattr(nics[name], key), getattr(nics_after[name], key), f"{name} {key}")
        expect_equal(sorted(value["disk"]), sorted(disks), "disks")
        for name, traffic in value["disk"].items():
            expect_keys(traffic, ["read", "write"])
            for way in ("read", "write"):
                expect_keys(traffic[way], ["ops", "bytes", "time"])
                for number, key in zip(traffic[way].values(), ("count", "bytes", "time")):
                    before, after = [getattr(seen[name], f"{way}_{key}") for seen in (disks, disks_after)]
                    expect_grown(number, before, after, f"{name} {way} {key}")
    async with checks.check("get_system_stats against the kernel's files: load, uptime, pressure"):
        load, value, load_after = os.getloadavg(), await call(f"{prefix}get_system_stats"), os.getloadavg()
        for number, before, after in zip(value["load"], load, load_after):
            expect_between(number, min(before, after) - 0.01, max(before, after) + 0.01, "load")
        now = time.clock_gettime(time.CLOCK_BOOTTIME)
        expect_between(value["uptime"], now - 5, now, "uptime")
        if os.path.exists("/proc/pressure/cpu"):
            check_pressure(value["psi"])
        else:
            expect_equal(value["psi"], None, "psi")


def check_pressure(psi):
    expect_keys(psi, ["cpu", "memory", "io"])
    for name, stalls in psi.items():
        expect_keys(stalls, ["some", "full"])
        for line in pathlib.Path(f"/proc/pressure/{name}").read_text().splitlines():
            share, *pairs = line.split()
            stall, total = stalls[share], int(dict(pair.split("=") for pair in pairs)["total"])
            expect_keys(stall, ["avg10", "avg60", "avg300", "total"])
            # Read within the five seconds before.
            expect_between(stall["total"], total / 1e6 - 5, total / 1e6, f"{name} {share} total")
            for key in ("avg10", "avg60", "avg300"):
                expect_between(stall[key], 0, 100, f"{name} {share} {key}")
                expect_equal(stall[key], round(stall[key], 2), f"decimals of {name} {share} {key}")


async def check_threads(checks, call, target):
    async with checks.check("get_process_threads against psutil and /proc/PID/task"):
        process = psutil.Process(target.pid)

        def witness():
            cpu = {thread.id: thread.user_time + thread.system_time for thread in process.threads()}
            keys = ("voluntary_ctxt_switches", "nonvoluntary_ctxt_switches")
            return {tid: (cpu[tid], *(status_of(target.pid, tid, key) for key in keys)) for tid in sorted(cpu)}

        before, value, after = witness(), await call(f"{target.prefix}get_process_threads"), witness()
        expect_equal(sorted(thread["tid"] for thread in value), list(before), "ids")
        for thread in value:
            expect_keys(thread, THREAD_KEYS)
            tid = thread["tid"]
            expect_equal(thread["name"], pathlib.Path(f"/proc/{target.pid}/task/{tid}/comm").read_text()[:-1], "name")
            expect(thread["status"] in STATUSES, f"status {thread['status']!r}")
            # psutil has whole ticks of user and of system time.
            expect_grown(thread["cpu"], before[tid][0], after[tid][0], "cpu", CPU_SLACK)
            expect_grown(thread["voluntary"], before[tid][1], after[tid][1], "voluntary")
            expect_grown(thread["nonvoluntary"], before[tid][2], after[tid][2], "nonvoluntary")
    async with checks.check("get_process_threads with a limit"):
        first = await call(f"{target.prefix}get_process_threads", limit=1)
        expect_equal([thread["tid"] for thread in first], [target.pid], "the first thread")


async def check_memory(checks, call, target):
    async with checks.check("get_process_memory against psutil's memory_full_info"):
        process = psutil.Process(target.pid)
        before = process.memory_full_info()
        value = await call(f"{target.prefix}get_process_memory")
        after = process.memory_full_info()
        expect_keys(value, MEMORY_KEYS)
        for key, name, slack in (
            ("resident", "rss", RSS_SLACK),
            ("virtual", "vms", SHARE_SLACK),
            ("pss", "pss", SHARE_SLACK),
            ("uss", "uss", SHARE_SLACK),
            ("swap", "swap", SHARE_SLACK),
        ):
            seen = sorted((getattr(before, name), getattr(after, name)))
            expect_grown(value[key], *seen, key, slack)
        parts = [value[f"resident_{kind}"] for kind in ("anon", "file", "shmem")]
        expect_equal(sum(parts), value["resident"], "sum of the kinds")
        expect(value["uss"] <= value["pss"], f"expected USS within PSS, got {value}")
        expect(value["resident_peak"] >= value["resident"], f"expected a peak above, got {value}")
        expect_between(value["age"], 0, 60, "age")


async def check_limits(checks, call, target):
    async with checks.check("get_process_limits against prlimit"):
        process = psutil.Process(target.pid)
        value = await call(f"{target.prefix}get_process_limits")
        limits = {limit["name"]: limit for limit in value}
        expect_equal(set(LIMITS) - set(limits), set(), "limits that are missing")
        for limit in value:
            expect_keys(limit, ["name", "soft", "hard", "unit", "used"])
        for name, number in LIMITS.items():
            theirs = resource.prlimit(target.pid, number)
            ours = [limits[name][key] for key in ("soft", "hard")]
            expect_equal(ours, ["unlimited" if bound == -1 else bound for bound in theirs], name)
        expect_equal(limits["open files"]["used"], process.num_fds(), "open files in use")
        memory = process.memory_info()
        expect_grown(limits["address space"]["used"], memory.vms, memory.vms, "address space in use", SHARE_SLACK)
        expect_grown(limits["resident set"]["used"], memory.rss, memory.rss, "resident in use", RSS_SLACK)
        cpu = sum(process.cpu_times()[:2])
        expect_between(limits["cpu time"]["used"], int(cpu) - 1, int(cpu) + 1, "CPU time in use")
        expect_equal(limits["nice priority"]["used"], 20 - process.nice(), "nice in use")


async def check_tree(checks, call, target):
    async with checks.check("get_process_tree against psutil's children(recursive=True)"):
        process = psutil.Process(target.pid)
        value = await call(f"{target.prefix}get_process_tree")
        expect_keys(value, ["complete", "processes"])
        expect_equal(value["complete"], True, "complete")
        family = {member.pid: member for member in [process, *process.children(recursive=True)]}
        found = [member["pid"] for member in value["processes"]]
        expect_equal(sorted(found), sorted(family), "processes")
        expect_equal(found[0], target.pid, "the root")
        for member in value["processes"]:
            expect_keys(member, TREE_KEYS)
            witness = family[member["pid"]]
            expect_equal(member["ppid"], witness.ppid(), "ppid")
            expect_equal(member["name"][:15], witness.name()[:15], "name")
            expect(member["status"] in STATUSES, f"status {member['status']!r}")
            # Both rest on a start in whole ticks; psutil's boot time is in whole seconds.
            expect_grown(parse_time(member["started"]), witness.create_time(), witness.create_time(), "started", 1.2)
            expect_equal(member["threads"], witness.num_threads(), "threads")
            memory = witness.memory_info().rss
            expect_grown(member["resident"], memory, memory, "resident", RSS_SLACK)
            expect_grown(member["cpu"], *[sum(witness.cpu_times()[:2])] * 2, "cpu", CPU_SLACK)
            if member["depth"]:
                parent = value["processes"][found.index(member["ppid"])]
                expect_equal(member["depth"], parent["depth"] + 1, "depth")
                expect(found.index(member["ppid"]) < found.index(member["pid"]), "expected parents first")


async def check_totals(checks, call, target):
    async with checks.check("get_process_totals against /proc/PID/stat and /proc/PID/task"):
        def witness():
            fields = stat_of(target.pid)
            counts = [int(fields[number - 3]) for number in (10, 12, 11, 13)]
            seconds = [int(fields[number - 3]) * TICK for number in (14, 15, 16, 17)]
            keys = ("voluntary_ctxt_switches", "nonvoluntary_ctxt_switches")
            return counts, seconds, [sum(status_of(target.pid, task, key) for task in target.tasks()) for key in keys]

        before, value, after = witness(), await call(f"{target.prefix}get_process_totals"), witness()
        expect_keys(value, TOTALS_KEYS)
        names = ("minor_faults", "major_faults", "children_minor_faults", "children_major_faults")
        for key, low, high in zip(names, before[0], after[0]):
            expect_grown(value[key], low, high, key)
        for key, low, high in zip(("user", "system", "children_user", "children_system"), before[1], after[1]):
            expect_grown(value[key], low, high, key, 0.001)
        for key, low, high in zip(("voluntary", "nonvoluntary"), before[2], after[2]):
            # With those of threads that have ended there are more.
            expect(value[key] >= low, f"{key}: expected at least {low}, got {value[key]}")
            if not value["switches_of_ended_threads"]:
                expect_grown(value[key], low, high, key)
        expect_equal(value["threads"], len(target.tasks()), "threads")


async def check_history(checks, call, target):
    async with checks.check("get_process_history: buckets of the last seconds, in order, with what psutil sees"):
        value = await call(f"{target.prefix}get_process_history", window=30, resolution=0.5)
        expect_keys(value, ["ts", "window", "resolution", "interval", "buckets"])
        expect_between(len(value["buckets"]), 1, 60, "number of buckets")
        times = [parse_time(bucket["ts"]) for bucket in value["buckets"]]
        for earlier, later in zip(times, times[1:]):
            expect_between(later - earlier, 0.499, 0.501, "distance of two buckets")
        memory = psutil.Process(target.pid).memory_info()
        for bucket in value["buckets"]:
            expect_keys(bucket, BUCKET_KEYS)
            for key in BUCKET_KEYS[2:]:
                if spread := bucket[key]:
                    expect_keys(spread, ["min", "avg", "max"])
                    expect(spread["min"] <= spread["avg"] <= spread["max"], f"{key}: expected order, got {spread}")
            if bucket["samples"]:
                expect_grown(bucket["resident"]["avg"], memory.rss, memory.rss, "resident", 4 * RSS_SLACK)
            else:
                expect_equal(bucket["resident"], None, "resident of no samples")


async def check_capabilities(checks, call, prefix):
    async with checks.check("get_capabilities: a key is null exactly where a reason says so"):
        value = await call(f"{prefix}get_capabilities")
        expect_equal(set(NAMES) - set(value), set(), "procedures that are missing")
        for name, capability in value.items():
            expect_keys(capability, ["available", "reason", "missing"])
            expect_equal(capability["available"], capability["reason"] is None, f"{name}: available without a reason")
        for name in ("get_process_stats", "get_process_monitor", "get_process_memory", "get_process_totals", "get_system_stats"):
            answer = await call(prefix + name)
            unknown = {key for key, part in answer.items() if part is None}
            reasons = {key for key in value[name]["missing"] if "." not in key}
            expect_equal(unknown, reasons, f"{name}: keys that are null")


async def check_refusals(checks, session, prefix):
    for name, arguments, named in (
        ("get_process_threads", {"limit": 0}, "limit"),
        ("get_process_threads", {"limit": 4097}, "limit"),
        ("get_process_threads", {"limit": 1.5}, "limit"),
        ("get_process_history", {"window": 0}, "window"),
        ("get_process_history", {"window": -1}, "window"),
        ("get_process_history", {"window": True}, "window"),
        ("get_process_history", {"window": 60, "resolution": 0.01}, "resolution"),
        ("get_process_history", {"window": 60, "resolution": 61}, "resolution"),
        ("get_system_stats", {"nonsense": 1}, "nonsense"),
        ("get_capabilities", {"nonsense": 1}, "nonsense"),
    ):
        async with checks.check(f"{name} {arguments} is an invalid argument"):
            error = await expect_error(session.call(prefix + name, **arguments), "wamp.error.invalid_argument")
            expect(named in error.args[0], f"the error text does not name {named}: {error.args[0]!r}")


@contextlib.asynccontextmanager
async def agent_with_a_family(url):
    """An agent whose program was a shell before, and which has that shell's children, and theirs."""
    script = 'sleep 600 & sh -c "sleep 600 & sleep 600 & wait" & exec "$0" "$@"'
    arguments = ("join", url, "--node", "n1", "--worker", "family")
    child = await processes.Child.start("sh", "-c", script, processes.WAMPPROC, *arguments)
    family = []
    try:
        await child.line(lambda line: line.startswith("ready "))
        family = psutil.Process(child.pid).children(recursive=True)
        yield Target(url, child.pid, worker_prefixes("n1", "family"))
    finally:
        for member in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.kill()
        await child.stop()


async def check_family(checks, url):
    """The tree of an agent with descendants."""
    async with agent_with_a_family(url) as target, await join(url) as session:
        async with checks.check("the agent has five in its family"):
            value = await session.result(f"{target.prefix}get_process_tree")
            expect_equal([member["depth"] for member in value["processes"]], [0, 1, 1, 2, 2], "depths")
        await check_tree(checks, session.result, target)
