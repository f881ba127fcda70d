"""start_manhole, stop_manhole and get_manhole, with their four events, by a WAMP client."""

import asyncio
import datetime
import re
import socket
import tempfile

from check import expect, expect_between, expect_equal, expect_keys, expect_type
from client import CallOptions, expect_error
from events import Bus

TOPICS = ("on_manhole_starting", "on_manhole_started", "on_manhole_stopping", "on_manhole_stopped")
SECRET = "correct horse"


def config(port=0, **more):
    return {"endpoint": {"type": "tcp", "port": port}, "users": [{"user": "joe", "password": SECRET}], **more}


def expect_map(value, status):
    expect_keys(value, ["created", "status", "started", "uptime", "config", "host_key"])
    expect_equal(value["status"], status, "status")
    datetime.datetime.strptime(value["created"], "%Y-%m-%dT%H:%M:%S.%fZ")
    if status == "started":
        datetime.datetime.strptime(value["started"], "%Y-%m-%dT%H:%M:%S.%fZ")
        expect_type(value["uptime"], float, what="uptime")
        expect(re.fullmatch(r"SHA256:[A-Za-z0-9+/]{43}", value["host_key"]), f"host_key {value['host_key']!r}")
    expect_keys(value["config"], ["endpoint", "users"])
    expect_equal(value["config"]["users"], [{"user": "joe", "password": None}], "users")


async def check_manhole_api(checks, target):
    bus = await Bus.open(target, TOPICS)
    try:
        await check_start(checks, bus)
        await check_stop(checks, bus)
        await check_manhole_errors(checks, bus)
    finally:
        await bus.close()


async def check_start(checks, bus):
    procedure = bus.target.prefix + "start_manhole"
    async with checks.check("get_manhole: null while there is none"):
        expect_equal(await bus.call("get_manhole"), None)
    async with checks.check("start_manhole: a progressive result first, events to all but the caller, no password"):
        bus.clear()
        progress = []
        # Without details=True: autobahn-python stumbles over a progressive result that has no keyword arguments then.
        options = CallOptions(on_progress=lambda *args: progress.append(args))
        value = await bus.caller.call(procedure, config(), options=options)
        await bus.barrier()
        expect_map(value, "started")
        expect_map(progress[0][0], "starting")
        expect_map(bus.only_payload("on_manhole_starting"), "starting")
        expect_map(bus.only_payload("on_manhole_started"), "started")
        expect(SECRET not in str((bus.to_observer.events, value, progress)), "the password is told")
    async with checks.check("start_manhole: it listens at the port that it tells"):
        port = (await bus.call("get_manhole"))["config"]["endpoint"]["port"]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        expect((await reader.readline()).startswith(b"SSH-2.0-wampproc"), "no SSH server answers")
        writer.close()
    async with checks.check("start_manhole again: already_started"):
        await expect_error(bus.caller.call(procedure, config()), "crossbar.error.already_started")
    async with checks.check("get_manhole: uptime counts"):
        first, second = [(await bus.call("get_manhole"))["uptime"] for _ in range(2)]
        expect_between(second - first, 1e-6, 5, "seconds between two calls")


async def check_stop(checks, bus):
    async with checks.check("stop_manhole: null, events to all but the caller, connections closed"):
        port = (await bus.call("get_manhole"))["config"]["endpoint"]["port"]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await reader.readline()
        expect_equal(await bus.call("stop_manhole"), None)
        expect_equal(bus.only_payload("on_manhole_stopping"), None)
        expect_equal(bus.only_payload("on_manhole_stopped"), None)
        await asyncio.wait_for(reader.read(), 5)
        writer.close()
    async with checks.check("stop_manhole again: not_started"):
        call = bus.caller.call(bus.target.prefix + "stop_manhole")
        await expect_error(call, "crossbar.error.not_started")


async def check_manhole_errors(checks, bus):
    procedure = bus.target.prefix + "start_manhole"
    wrong = {
        "endpoint": {"users": config()["users"]},
        "endpoint.type": config(endpoint={"type": "udp"}),
        "endpoint.port": config(port=65536),
        "endpoint.path": config(endpoint={"type": "unix", "path": ""}),
        "users": config(users=[]),
        "users[0]": config(users=[{"user": "joe"}]),
        "users[0].authorized_keys[0]": config(users=[{"user": "joe", "authorized_keys": ["no key"]}]),
        "nonsense": config(nonsense=1),
    }
    for key, value in wrong.items():
        async with checks.check(f"start_manhole: what is wrong with {key} is named"):
            error = await expect_error(bus.caller.call(procedure, value), "crossbar.error.invalid_configuration")
            expect(error.args[0].startswith(key + ": expected "), f"sentence {error.args[0]!r}")
    async with checks.check("start_manhole: a port that is taken: cannot_listen, and on_manhole_stopped"):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            bus.clear()
            call = bus.caller.call(procedure, config(port=taken.getsockname()[1]))
            error = await expect_error(call, "crossbar.error.cannot_listen")
            expect(str(taken.getsockname()[1]) in error.args[0], f"sentence {error.args[0]!r}")
            await bus.barrier()
            expect_equal(bus.only_payload("on_manhole_stopped"), None)
    async with checks.check("start_manhole: a file that is in the way is left alone"):
        with tempfile.NamedTemporaryFile() as file:
            file.write(b"precious")
            file.flush()
            value = config(endpoint={"type": "unix", "path": file.name})
            await expect_error(bus.caller.call(procedure, value), "crossbar.error.cannot_listen")
            with open(file.name, "rb") as again:
                expect_equal(again.read(), b"precious", "content of the file")
    async with checks.check("after all that there is no manhole"):
        expect_equal(await bus.call("get_manhole"), None)
