"""What each result must look like and be worth, by API.md: one function a procedure.

Each takes the value, psutil's view just before and just after the call, and the target; it raises what does not hold.
Counters of the kernel only grow, so a true one lies between the two views.
"""

import datetime
import re

import psutil

from check import expect, expect_between, expect_equal, expect_keys, expect_type

STATUSES = "running sleeping disk-sleep stopped tracing-stop zombie dead wake-kill waking idle parked".split()
SOCKET_TYPES = ("tcp4", "tcp6", "udp4", "udp6", "unix", None)
TCP_STATUSES = (
    "ESTABLISHED SYN_SENT SYN_RECV FIN_WAIT1 FIN_WAIT2 TIME_WAIT CLOSE CLOSE_WAIT LAST_ACK LISTEN CLOSING".split()
)

STATS_KEYS = (
    "ts time pid status voluntary nonvoluntary user system "
    "cpu_percent resident virtual mem_percent reads writes".split()
)
MONITOR_KEYS = (
    "type pid status num_fds num_threads num_ctx_switches_voluntary num_ctx_switches_involuntary "
    "read_ios write_ios read_bytes write_bytes cpu_user cpu_system".split()
)
RATE_KEYS = [
    f"{key}_per_sec"
    for key in "read_ios write_ios read_bytes write_bytes cpu_user cpu_system "
    "num_ctx_switches_voluntary num_ctx_switches_involuntary".split()
]

# The kernel counts CPU time in ticks of 10 ms where psutil reads it; ours may come from finer clocks.
CPU_SLACK = 0.03
# The kernel batches RSS per CPU: two reads of one process may differ by some pages.
RSS_SLACK = 2 << 20
# create_time() of psutil rests on a boot time in whole seconds.
START_SLACK = 1.2


def parse_time(text, what="time"):
    """Seconds since the epoch of an ISO 8601 UTC time with milliseconds."""
    expect_type(text, str, what=what)
    pattern = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
    expect(re.fullmatch(pattern, text), f"{what}: expected 2026-11-22T08:07:25.801Z, got {text!r}")
    return datetime.datetime.fromisoformat(text).timestamp()


def expect_now(seconds, before, after, what):
    expect_between(seconds, before.time_ns / 1e9 - 0.002, after.time_ns / 1e9 + 0.002, what)


def get_cpu_count(value, before, after, target):
    expect(value is None or type(value) is int, f"expected int or null, got {value!r}")


def get_cpu_count_of(value, logical):
    expect_equal(value, psutil.cpu_count(logical=logical), f"CPUs with logical={logical}")


def get_cpus(value, before, after, target):
    sorted_cpus(value)


def sorted_cpus(value):
    expect_type(value, list)
    for cpu in value:
        expect_type(cpu, int, what="CPU id")
    expect(value, "expected at least one CPU")
    expect_equal(value, sorted(set(value)), "sorted CPU ids")


def get_cpu_affinity(value, before, after, target):
    sorted_cpus(value)
    expect_equal(value, sorted(psutil.Process(target.pid).cpu_affinity()), "affinity by the kernel")


def get_process_info(value, before, after, target):
    expect_keys(value, ["descriptors", "threads", "files", "sockets"])
    expect_type(value["descriptors"], int, what="descriptors")
    expect_descriptors(value["descriptors"], before, after, target)
    expect_type(value["threads"], int, what="threads")
    expect(
        value["threads"] in (before.threads, after.threads),
        f"threads: expected {after.threads}, got {value['threads']}",
    )
    expect(value["files"] in (before.files, after.files), f"files: expected {after.files}, got {value['files']}")
    for item in value["sockets"]:
        expect_keys(item, ["type", "local", "remote", "status"])
        expect(item["type"] in SOCKET_TYPES, f"socket type {item['type']!r}")
        connectionless = item["type"] is None or item["type"].startswith(("udp", "unix"))
        expect(item["status"] in (["NONE"] if connectionless else TCP_STATUSES), f"socket status in {item}")
    sockets = sorted(tuple(item.values()) for item in value["sockets"])
    expect(sockets in (before.sockets, after.sockets), f"sockets: expected {after.sockets}, got {sockets}")
    expect(any(item["status"] == "ESTABLISHED" for item in value["sockets"]) or not sockets, "no established socket")


def expect_descriptors(value, before, after, target):
    # The anchor counts the descriptor that it has open to count the others.
    low = min(before.descriptors, after.descriptors)
    high = max(before.descriptors, after.descriptors) + (1 if target.native else 0)
    expect_between(value, low, high, "descriptors")


def get_process_stats(value, before, after, target):
    expect_keys(value, STATS_KEYS)
    stats_values(value, before, after, target)


def stats_values(value, before, after, target):
    """The values of the keys of get_process_stats, which events share."""
    expect_now(parse_time(value["ts"], "ts"), before, after, "ts")
    for key in ("time", "pid", "voluntary", "nonvoluntary", "resident", "virtual", "reads", "writes"):
        expect_type(value[key], int, what=key)
    for key in ("user", "system", "cpu_percent", "mem_percent"):
        expect_type(value[key], float, what=key)
    expect_now(value["time"] / 1e9, before, after, "time")
    expect_between(abs(value["time"] / 1e9 - parse_time(value["ts"])), 0, 0.002, "distance of ts and time")
    expect_equal(value["pid"], target.pid, "pid")
    expect(value["status"] in STATUSES, f"status {value['status']!r}")
    expect_between(value["voluntary"], before.switches.voluntary, after.switches.voluntary, "voluntary")
    expect_between(value["nonvoluntary"], before.switches.involuntary, after.switches.involuntary, "nonvoluntary")
    expect_between(value["user"], before.cpu.user - CPU_SLACK, after.cpu.user + CPU_SLACK, "user")
    expect_between(value["system"], before.cpu.system - CPU_SLACK, after.cpu.system + CPU_SLACK, "system")
    expect(value["cpu_percent"] >= 0, f"cpu_percent {value['cpu_percent']}")
    expect_equal(value["cpu_percent"], round(value["cpu_percent"], 1), "cpu_percent to one decimal")
    rss = sorted((before.memory.rss, after.memory.rss))
    expect_between(value["resident"], rss[0] - RSS_SLACK, rss[1] + RSS_SLACK, "resident")
    vms = sorted((before.memory.vms, after.memory.vms))
    expect_between(value["virtual"], vms[0], vms[1], "virtual")
    percent = 100.0 * value["resident"] / psutil.virtual_memory().total
    expect_between(value["mem_percent"], percent * 0.98 - 0.001, percent * 1.02 + 0.001, "mem_percent")
    expect_between(value["reads"], before.io.read_count, after.io.read_count, "reads")
    expect_between(value["writes"], before.io.write_count, after.io.write_count, "writes")


def get_process_monitor(value, before, after, target):
    expect_type(value, dict)
    keys = list(value)
    expect(keys in (MONITOR_KEYS, MONITOR_KEYS + RATE_KEYS), f"keys in order: got {keys}")
    expect_equal(value["type"], target.worker_type, "type")
    expect_equal(value["pid"], target.pid, "pid")
    expect(value["status"] in STATUSES, f"status {value['status']!r}")
    for key in keys[3:11]:
        expect_type(value[key], int, what=key)
    for key in ("cpu_user", "cpu_system"):
        expect_type(value[key], float, what=key)
    for key in keys[13:]:
        expect_type(value[key], int, what=key)
        expect(value[key] >= 0, f"{key}: expected no negative rate, got {value[key]}")
    expect_descriptors(value["num_fds"], before, after, target)
    # The anchor measures in a pool thread that its first poll starts.
    if not target.native:
        expect(value["num_threads"] in (before.threads, after.threads), f"num_threads {value['num_threads']}")
    counters = {
        "num_ctx_switches_voluntary": (before.switches.voluntary, after.switches.voluntary),
        "num_ctx_switches_involuntary": (before.switches.involuntary, after.switches.involuntary),
        "read_ios": (before.io.read_count, after.io.read_count),
        "write_ios": (before.io.write_count, after.io.write_count),
        "read_bytes": (before.io.read_bytes, after.io.read_bytes),
        "write_bytes": (before.io.write_bytes, after.io.write_bytes),
        "cpu_user": (before.cpu.user - CPU_SLACK, after.cpu.user + CPU_SLACK),
        "cpu_system": (before.cpu.system - CPU_SLACK, after.cpu.system + CPU_SLACK),
    }
    for key, (low, high) in counters.items():
        expect_between(value[key], low, high, key)


def set_cpu_affinity(value, before, after, target):
    sorted_cpus(value)
    expect_equal(set(value), set(psutil.Process(target.pid).cpu_affinity()), "affinity by the kernel")
    if not target.native:
        for task, cpus in target.affinity_of_threads().items():
            expect_equal(cpus, set(value), f"affinity of thread {task}")


def set_process_stats_monitoring(value, before, after, target):
    expect_equal(value, None)


def trigger_gc(value, before, after, target):
    expect_type(value, int)
    expect_between(value, 0, 1000 * (after.monotonic - before.monotonic) + 1, "milliseconds")


def started(value, before, after, target):
    # The anchor says when its session connected, ours when the process started.
    late = 30 if target.native else 0
    expect_between(parse_time(value), after.started - START_SLACK, after.started + START_SLACK + late, "started")


def uptime(value, before, after, target):
    expect_type(value, float)
    age = after.time_ns / 1e9 - after.started
    expect_between(value, 0 if target.native else age - START_SLACK, age + START_SLACK, "uptime")


def utcnow(value, before, after, target):
    expect_now(parse_time(value), before, after, "utcnow")
