"""What the kernel's own files say of a process, in the keys of the API: one function a procedure. Parsed here anew, by proc(5).

A value is None where the kernel does not tell it; what it has no words for is left out. Lists are flat: `TID.cpu`, `NAME.soft`.
"""

import os
import pathlib
import re
import socket
import stat
import struct

TICK = 1 / os.sysconf("SC_CLK_TCK")
STATES = dict(
    R="running", S="sleeping", D="disk-sleep", T="stopped", t="tracing-stop", Z="zombie", X="dead", I="idle", P="parked"
)
TCP_STATES = (
    "ESTABLISHED SYN_SENT SYN_RECV FIN_WAIT1 FIN_WAIT2 TIME_WAIT CLOSE CLOSE_WAIT LAST_ACK LISTEN CLOSING".split()
)
TABLES = {"tcp": "tcp4", "tcp6": "tcp6", "udp": "udp4", "udp6": "udp6"}


def text(path):
    return pathlib.Path(path).read_text()


def stat_of(place):
    """By the number of the manual page: field 3 is the state."""
    fields = text(f"{place}/stat").rpartition(")")[2].split()
    return {number: field for number, field in enumerate(fields, 3)}


def pairs(path):
    return dict(line.split(":", 1) for line in text(path).splitlines() if ":" in line)


class Status:
    """/proc/PID/status: numbers, bytes, or None where a line is missing."""

    def __init__(self, place):
        self._pairs = pairs(f"{place}/status")

    def number(self, key):
        value = self._pairs.get(key)
        return None if value is None else int(value.split()[0])

    def bytes(self, key):
        value = self.number(key)
        return None if value is None else value * 1024

    def state(self):
        return STATES[self._pairs["State"].split()[0]]


def io_of(pid):
    return {key: int(value) for key, value in pairs(f"/proc/{pid}/io").items()}


def seconds(stat, *fields):
    return sum(int(stat[field]) for field in fields) * TICK


def get_process_stats(pid):
    place = f"/proc/{pid}"
    status, line, io = Status(place), stat_of(place), io_of(pid)
    total = int(pairs("/proc/meminfo")["MemTotal"].split()[0]) * 1024
    resident = status.bytes("VmRSS") or 0
    return {
        "pid": status.number("Pid"),
        "status": status.state(),
        "voluntary": status.number("voluntary_ctxt_switches"),
        "nonvoluntary": status.number("nonvoluntary_ctxt_switches"),
        "user": seconds(line, 14),
        "system": seconds(line, 15),
        "resident": resident,
        "virtual": status.bytes("VmSize") or 0,
        "mem_percent": resident * 100 / total,
        "reads": io["syscr"],
        "writes": io["syscw"],
    }


def get_process_monitor(pid):
    stats, io = get_process_stats(pid), io_of(pid)
    return {
        "pid": stats["pid"],
        "status": stats["status"],
        "num_fds": len(os.listdir(f"/proc/{pid}/fd")),
        "num_threads": Status(f"/proc/{pid}").number("Threads"),
        "num_ctx_switches_voluntary": stats["voluntary"],
        "num_ctx_switches_involuntary": stats["nonvoluntary"],
        "read_ios": io["syscr"],
        "write_ios": io["syscw"],
        "read_bytes": io["read_bytes"],
        "write_bytes": io["write_bytes"],
        "cpu_user": stats["user"],
        "cpu_system": stats["system"],
    }


def get_process_info(pid):
    files, inodes = [], []
    numbers = os.listdir(f"/proc/{pid}/fd")
    for number in numbers:
        link = f"/proc/{pid}/fd/{number}"
        path = os.readlink(link)
        if found := re.fullmatch(r"socket:\[(\d+)\]", path):
            inodes.append(int(found[1]))
        elif path.startswith("/") and stat.S_ISREG(os.stat(link).st_mode):
            files.append(path)
    listed = listed_sockets(pid) if inodes else {}
    return {
        "descriptors": len(numbers),
        "threads": Status(f"/proc/{pid}").number("Threads"),
        "files": sorted(files),
        "sockets": sorted((listed[inode] for inode in inodes if inode in listed), key=str),
    }


def listed_sockets(pid):
    """By inode, from the tables of the network namespace that the process is in."""
    found = {}
    for table, kind in TABLES.items():
        path = f"/proc/{pid}/net/{table}"
        for line in text(path).splitlines()[1:] if os.path.exists(path) else ():
            fields = line.split()
            local, remote = address(fields[1]), address(fields[2])
            status = TCP_STATES[int(fields[3], 16) - 1] if kind.startswith("tcp") else "NONE"
            found[int(fields[9])] = [kind, local, remote, status]
    for line in text(f"/proc/{pid}/net/unix").splitlines()[1:]:
        fields = line.split(maxsplit=7)
        found[int(fields[6])] = ["unix", fields[7] if len(fields) > 7 else "", "", "NONE"]
    return found


def address(written):
    """`0100007F:1F90`, each four bytes in the machine's order."""
    host, port = written.split(":")
    words = struct.pack(f"={len(host) // 8}I", *(int(host[at : at + 8], 16) for at in range(0, len(host), 8)))
    if int(port, 16) == 0:
        return ""
    if len(words) == 4:
        return f"{socket.inet_ntop(socket.AF_INET, words)}:{int(port, 16)}"
    return f"[{socket.inet_ntop(socket.AF_INET6, words)}]:{int(port, 16)}"


def get_process_memory(pid):
    status = Status(f"/proc/{pid}")
    try:
        rollup = pairs(f"/proc/{pid}/smaps_rollup")
    except (PermissionError, ProcessLookupError):
        rollup = {}

    def rolled(*keys):
        return sum(int(rollup[key].split()[0]) * 1024 for key in keys) if rollup else None

    return {
        "resident": status.bytes("VmRSS"),
        "resident_anon": status.bytes("RssAnon"),
        "resident_file": status.bytes("RssFile"),
        "resident_shmem": status.bytes("RssShmem"),
        "resident_peak": status.bytes("VmHWM"),
        "virtual": status.bytes("VmSize"),
        "virtual_peak": status.bytes("VmPeak"),
        "swap": status.bytes("VmSwap"),
        "pss": rolled("Pss"),
        "uss": rolled("Private_Clean", "Private_Dirty"),
        "swap_pss": rolled("SwapPss"),
    }


def tasks(pid):
    return sorted(int(task) for task in os.listdir(f"/proc/{pid}/task"))


def get_process_threads(pid):
    found = {"ids": tasks(pid)}
    for task in found["ids"]:
        place = f"/proc/{pid}/task/{task}"
        status, line = Status(place), stat_of(place)
        ran, waited, _ = map(int, text(f"{place}/schedstat").split())
        function = text(f"{place}/wchan")
        found |= {
            f"{task}.name": text(f"{place}/comm")[:-1],
            f"{task}.status": status.state(),
            f"{task}.cpu": ran / 1e9,
            f"{task}.run_queue_wait": waited / 1e9,
            f"{task}.voluntary": status.number("voluntary_ctxt_switches"),
            f"{task}.nonvoluntary": status.number("nonvoluntary_ctxt_switches"),
            f"{task}.processor": int(line[39]),
            f"{task}.waits_in": None if function in ("", "0") else function,
        }
    return found


def get_process_limits(pid):
    found = {}
    for line in text(f"/proc/{pid}/limits").splitlines()[1:]:
        name, soft, hard, *unit = re.split(r"\s{2,}", line.strip())
        name = name.removeprefix("Max ")
        bounds = {"soft": soft, "hard": hard}
        found |= {f"{name}.{key}": bound if bound == "unlimited" else int(bound) for key, bound in bounds.items()}
        found[f"{name}.unit"] = unit[0] if unit else None
    status, line = Status(f"/proc/{pid}"), stat_of(f"/proc/{pid}")
    return {
        **found,
        "cpu time.used": seconds(line, 14, 15),
        "data size.used": status.bytes("VmData"),
        "stack size.used": status.bytes("VmStk"),
        "resident set.used": status.bytes("VmRSS"),
        "locked memory.used": status.bytes("VmLck"),
        "address space.used": status.bytes("VmSize"),
        "open files.used": len(os.listdir(f"/proc/{pid}/fd")),
        "nice priority.used": 20 - int(line[19]),
        "realtime priority.used": int(line[40]),
    }


def get_process_tree(pid):
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                children.setdefault(int(stat_of(f"/proc/{entry}")[4]), []).append(int(entry))
            except (FileNotFoundError, ProcessLookupError):
                pass
    found, family = {}, [(pid, 0)]
    for member, depth in family:
        family += [(child, depth + 1) for child in children.get(member, ())]
        status, line = Status(f"/proc/{member}"), stat_of(f"/proc/{member}")
        found |= {
            f"{member}.ppid": int(line[4]),
            f"{member}.depth": depth,
            f"{member}.name": text(f"/proc/{member}/comm")[:-1],
            f"{member}.status": status.state(),
            f"{member}.threads": int(line[20]),
            f"{member}.resident": status.bytes("VmRSS"),
            f"{member}.cpu": seconds(line, 14, 15),
        }
    return {"complete": True, "ids": sorted(member for member, _ in family), **found}


def get_process_totals(pid):
    line, threads = stat_of(f"/proc/{pid}"), get_process_threads(pid)

    def total(key):
        return sum(threads[f"{task}.{key}"] for task in threads["ids"])

    return {
        "threads": int(line[20]),
        "user": seconds(line, 14),
        "system": seconds(line, 15),
        "children_user": seconds(line, 16),
        "children_system": seconds(line, 17),
        "minor_faults": int(line[10]),
        "major_faults": int(line[12]),
        "children_minor_faults": int(line[11]),
        "children_major_faults": int(line[13]),
        "voluntary": total("voluntary"),
        "nonvoluntary": total("nonvoluntary"),
        "run_queue_wait": total("run_queue_wait"),
    }


def get_system_stats(_):
    memory = pairs("/proc/meminfo")
    found = {
        "mem.total": int(memory["MemTotal"].split()[0]) * 1024,
        "mem.available": int(memory["MemAvailable"].split()[0]) * 1024,
        "uptime": float(text("/proc/uptime").split()[0]),
    }
    found |= {f"load.{number}": float(load) for number, load in enumerate(text("/proc/loadavg").split()[:3])}
    for line in text("/proc/stat").splitlines():
        name, *ticks = line.split()
        if re.fullmatch(r"cpu\d+", name):
            cpu = zip(("user", "system", "idle"), (ticks[0], ticks[2], ticks[3]))
            found |= {f"cpu.{name[3:]}.{key}": int(count) * TICK for key, count in cpu}
    for line in text("/proc/net/dev").splitlines()[2:]:
        name, counts = line.split(":")
        counts = [int(count) for count in counts.split()]
        for way, first in (("in", 0), ("out", 8)):
            keys = ("bytes", "packets", "errors", "dropped")
            found |= {f"net.{name.strip()}.{way}.{key}": counts[first + at] for at, key in enumerate(keys)}
    for line in text("/proc/diskstats").splitlines():
        _, _, name, *counts = line.split()
        counts = [int(count) for count in counts]
        for way, first in (("read", 0), ("write", 4)):
            values = {"ops": counts[first], "bytes": counts[first + 2] * 512, "time": counts[first + 3]}
            found |= {f"disk.{name}.{way}.{key}": value for key, value in values.items()}
    for resource in ("cpu", "memory", "io"):
        path = f"/proc/pressure/{resource}"
        for line in text(path).splitlines() if os.path.exists(path) else ():
            share, *values = line.split()
            for key, value in (value.split("=") for value in values):
                found[f"psi.{resource}.{share}.{key}"] = int(value) / 1e6 if key == "total" else float(value)
    return found
