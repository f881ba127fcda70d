"""What psutil says of a process, in the keys of the API: one function a procedure.

A value is None where psutil may not see it; what psutil does not have is left out. Lists are flat: `TID.cpu`, `NAME.soft`.
"""

import resource

import psutil

from target import describe_socket

REFUSED = (psutil.AccessDenied, psutil.ZombieProcess, PermissionError, ProcessLookupError)

LIMITS = {
    "cpu time": resource.RLIMIT_CPU,
    "file size": resource.RLIMIT_FSIZE,
    "data size": resource.RLIMIT_DATA,
    "stack size": resource.RLIMIT_STACK,
    "core file size": resource.RLIMIT_CORE,
    "resident set": resource.RLIMIT_RSS,
    "processes": resource.RLIMIT_NPROC,
    "open files": resource.RLIMIT_NOFILE,
    "locked memory": resource.RLIMIT_MEMLOCK,
    "address space": resource.RLIMIT_AS,
    "pending signals": resource.RLIMIT_SIGPENDING,
    "msgqueue size": resource.RLIMIT_MSGQUEUE,
    "nice priority": resource.RLIMIT_NICE,
    "realtime priority": resource.RLIMIT_RTPRIO,
    "realtime timeout": resource.RLIMIT_RTTIME,
}


def ask(question):
    try:
        return question()
    except REFUSED:
        return None


def parts(question, **names):
    """Several keys of one answer."""
    answer = ask(question)
    return {key: None if answer is None else getattr(answer, name) for key, name in names.items()}


def get_process_stats(pid):
    process = psutil.Process(pid)
    return {
        "pid": process.pid,
        "status": process.status(),
        **parts(process.num_ctx_switches, voluntary="voluntary", nonvoluntary="involuntary"),
        **parts(process.cpu_times, user="user", system="system"),
        **parts(process.memory_info, resident="rss", virtual="vms"),
        "mem_percent": process.memory_percent(),
        **parts(process.io_counters, reads="read_count", writes="write_count"),
    }


def get_process_monitor(pid):
    process = psutil.Process(pid)
    return {
        "pid": process.pid,
        "status": process.status(),
        "num_fds": ask(process.num_fds),
        "num_threads": process.num_threads(),
        **parts(
            process.num_ctx_switches,
            num_ctx_switches_voluntary="voluntary",
            num_ctx_switches_involuntary="involuntary",
        ),
        **parts(
            process.io_counters,
            read_ios="read_count",
            write_ios="write_count",
            read_bytes="read_bytes",
            write_bytes="write_bytes",
        ),
        **parts(process.cpu_times, cpu_user="user", cpu_system="system"),
    }


def get_process_info(pid):
    process = psutil.Process(pid)
    return {
        "descriptors": ask(process.num_fds),
        "threads": process.num_threads(),
        "files": ask(lambda: sorted(file.path for file in process.open_files())),
        "sockets": ask(lambda: sockets_of(process)),
    }


def sockets_of(process):
    return sorted((list(describe_socket(found)) for found in process.net_connections("all")), key=str)


def get_process_memory(pid):
    process = psutil.Process(pid)
    found = {
        **parts(process.memory_info, resident="rss", virtual="vms"),
        **parts(process.memory_full_info, pss="pss", uss="uss", swap="swap"),
    }
    # What is swapped out is no secret, but psutil has it together with the others or not at all.
    if found["swap"] is None:
        del found["swap"]
    return found


def get_process_threads(pid):
    threads = psutil.Process(pid).threads()
    cpu = {f"{thread.id}.cpu": thread.user_time + thread.system_time for thread in threads}
    return {"ids": sorted(thread.id for thread in threads), **cpu}


def get_process_limits(pid):
    process = psutil.Process(pid)
    found = {}
    for name, number in LIMITS.items():
        # psutil may ask for the limits of one's own processes only; everybody may read the file that the agent reads.
        for key, bound in zip(("soft", "hard"), ask(lambda: process.rlimit(number)) or ()):
            found[f"{name}.{key}"] = "unlimited" if bound == resource.RLIM_INFINITY else bound
    memory = process.memory_info()
    return {
        **found,
        "open files.used": ask(process.num_fds),
        "address space.used": memory.vms,
        "resident set.used": memory.rss,
        "cpu time.used": sum(process.cpu_times()[:2]),
        "nice priority.used": 20 - process.nice(),
    }


def get_process_tree(pid):
    root = psutil.Process(pid)
    family = [root, *root.children(recursive=True)]
    found = {"ids": sorted(member.pid for member in family)}
    for member in family:
        found |= {
            f"{member.pid}.ppid": member.ppid(),
            f"{member.pid}.status": member.status(),
            f"{member.pid}.started": member.create_time(),
            f"{member.pid}.threads": member.num_threads(),
            f"{member.pid}.resident": member.memory_info().rss,
            f"{member.pid}.cpu": sum(member.cpu_times()[:2]),
        }
    return found


def get_process_totals(pid):
    process = psutil.Process(pid)
    return {
        "started": process.create_time(),
        "threads": process.num_threads(),
        **parts(
            process.cpu_times,
            user="user",
            system="system",
            children_user="children_user",
            children_system="children_system",
        ),
    }


def get_system_stats(_):
    found = {}
    for number, cpu in enumerate(psutil.cpu_times(percpu=True)):
        found |= {f"cpu.{number}.{key}": getattr(cpu, key) for key in ("user", "system", "idle")}
    memory = psutil.virtual_memory()
    found |= {"mem.total": memory.total, "mem.available": memory.available}
    for name, nic in psutil.net_io_counters(pernic=True).items():
        out = (nic.bytes_sent, nic.packets_sent, nic.errout, nic.dropout)
        into = (nic.bytes_recv, nic.packets_recv, nic.errin, nic.dropin)
        for way, counts in (("out", out), ("in", into)):
            keys = ("bytes", "packets", "errors", "dropped")
            found |= {f"net.{name}.{way}.{key}": count for key, count in zip(keys, counts)}
    for name, disk in psutil.disk_io_counters(perdisk=True).items():
        for way in ("read", "write"):
            found |= {
                f"disk.{name}.{way}.{key}": getattr(disk, f"{way}_{theirs}")
                for key, theirs in (("ops", "count"), ("bytes", "bytes"), ("time", "time"))
            }
    return found
