"""Every serialization on every transport: our clients on a real Crossbar.io, and autobahn-python on our router. What clients of
different serializations send each other arrives as it was: bytes as bytes (in JSON's own convention), integers exact.

Needs a binary with the features `cbor` and `msgpack`."""

import asyncio
import base64
import contextlib
import json
import pathlib
import tempfile

import txaio
from autobahn.asyncio.rawsocket import WampRawSocketClientFactory
from autobahn.asyncio.websocket import WampWebSocketClientFactory
from autobahn.wamp.serializer import CBORSerializer, JsonSerializer, MsgPackSerializer
from autobahn.wamp.types import PublishOptions
from check import expect_equal
from cli import expect_line
from client import Inbox, Session
from client import join as join_json
from node_clients import check_script
from processes import crossbar_config, free_port, start_crossbar, start_wampproc
from wrong_bytes import check_wrong_bytes

SERIALIZERS = {"json": JsonSerializer, "msgpack": MsgPackSerializer, "cbor": CBORSerializer}
# What JSON cannot say (bytes), and what floats cannot hold.
BYTES = bytes(range(256))
INTEGERS = [0, -1, 2**53 + 1, 2**63 - 1, -(2**63), 2**64 - 1]


def crossbar_everywhere(raw_port, path):
    """Crossbar.io with RawSocket on a port and on a Unix socket too."""

    def config(port):
        config = crossbar_config(port)
        serializers = {"serializers": list(SERIALIZERS)}
        config["workers"][0]["transports"][0]["paths"]["ws"].update(serializers)
        for endpoint in (
            {"type": "tcp", "interface": "127.0.0.1", "port": raw_port},
            {"type": "unix", "path": str(path)},
        ):
            transport = {"type": "rawsocket", "endpoint": endpoint, **serializers}
            config["workers"][0]["transports"].append(transport)
        return config

    return config


@contextlib.asynccontextmanager
async def joined(serializer, transport, port, path):
    """An autobahn-python session."""
    session = Session("realm1")
    serializers = [SERIALIZERS[serializer]()]
    loop = asyncio.get_running_loop()
    txaio.config.loop = loop
    async with asyncio.timeout(10):
        if transport == "websocket":
            url = f"ws://127.0.0.1:{port}/ws"
            factory = WampWebSocketClientFactory(lambda: session, url=url, serializers=serializers)
            await loop.create_connection(factory, "127.0.0.1", port)
        else:
            factory = WampRawSocketClientFactory(lambda: session, serializer=serializers[0])
            if transport == "unix":
                await loop.create_unix_connection(factory, str(path))
            else:
                await loop.create_connection(factory, "127.0.0.1", port)
        await asyncio.shield(session.joined)
    async with session:
        yield session


async def check_matrix(checks):
    with tempfile.TemporaryDirectory(prefix="wampproc-interop-") as directory:
        await check_clients(checks.within("our client on Crossbar.io"), pathlib.Path(directory))
        await check_router(checks, pathlib.Path(directory) / "bus")


async def check_clients(checks, directory):
    port, raw_port, path = free_port(), free_port(), directory / "crossbar.sock"
    urls = {"ws": f"ws://127.0.0.1:{port}/ws", "rs": f"rs://127.0.0.1:{raw_port}", "unix": f"unix://{path}"}
    async with await start_crossbar(directory, port, crossbar_everywhere(raw_port, path)):
        async with await join_json(urls["ws"]) as callee:
            await callee.register(lambda *args: list(args), "interop.matrix.echo")
            for transport, url in urls.items():
                for serializer in SERIALIZERS:
                    async with checks.check(f"{serializer} on {transport}: a call and its result"):
                        where = ("--url", url, "--serializer", serializer)
                        arguments = [json.dumps(value) for value in (*INTEGERS[:-1], "é\u0001", [None, {"a": 1.5}])]
                        wanted = [*INTEGERS[:-1], "é\u0001", [None, {"a": 1.5}]]
                        await expect_line(wanted, "call", *where, "interop.matrix.echo", "--", *arguments)


async def check_router(checks, path):
    child, url, _ = await start_wampproc("serve", "--listen", "127.0.0.1:0", "--listen", f"unix:{path}")
    async with child, contextlib.AsyncExitStack() as stack:
        await check_wrong_bytes(checks.within("wrong bytes"), url)
        await check_script(checks, "matrix.mjs", url)
        checks = checks.within("autobahn-python on serve")
        port = int(url.split(":")[2].split("/")[0])
        sessions = {}
        for transport in ("websocket", "rawsocket", "unix"):
            for serializer in SERIALIZERS:
                async with checks.check(f"{serializer} on {transport}: a session"):
                    one = await stack.enter_async_context(joined(serializer, transport, port, path))
                    sessions[serializer, transport] = one
        inboxes = {}
        for (serializer, transport), session in sessions.items():
            inboxes[serializer, transport] = inbox = Inbox(session)
            await inbox.subscribe("interop.matrix.all")
            await session.register(lambda value: value, f"interop.matrix.{serializer}.{transport}")
        for number, ((serializer, transport), session) in enumerate(sessions.items(), 1):
            async with checks.check(f"{serializer} on {transport}: bytes and integers reach everybody as they were"):
                options = PublishOptions(exclude_me=False, acknowledge=True)
                await session.publish("interop.matrix.all", number, BYTES, INTEGERS, options=options)
                for who, inbox in inboxes.items():
                    events = await inbox.have("interop.matrix.all", number)
                    expect_equal(events[number - 1], (number, BYTES, INTEGERS), f"event at {who}")
            async with checks.check(f"{serializer} on {transport}: calls of every other"):
                for other in sessions:
                    for value in (BYTES, INTEGERS):
                        expect_equal(await session.call(f"interop.matrix.{'.'.join(other)}", value), value, f"by {other}")
        async with checks.check("bytes are a string of JSON's convention for our own client"):
            text = "\0" + base64.b64encode(BYTES).decode()
            await expect_line(text, "call", "--url", url, "interop.matrix.cbor.unix", json.dumps(text))
