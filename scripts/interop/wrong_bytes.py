"""What is no message in the serialization that was agreed on: each gets its exact answer, and nobody else notices.

Needs a binary with the features `cbor` and `msgpack`."""

import asyncio

from autobahn.wamp.serializer import CBORSerializer, MsgPackSerializer
from check import expect_equal
from client import join
from raw import ABORT, RawClient

VIOLATION = "wamp.error.protocol_violation"
HELLO = [1, "realm1", {"roles": {"caller": {}}}]


async def check_wrong_bytes(checks, url):
    async with await join(url) as bystander:
        for name, codec in (("msgpack", MsgPackSerializer()), ("cbor", CBORSerializer())):
            hello = codec._serializer.serialize(HELLO)
            deep = (b"\x91" if name == "msgpack" else b"\x81") * 10_000 + b"\x01"
            cases = (
                ("text", '[1,"realm1",{}]'),
                ("a message that is cut off", hello[:-1]),
                ("something behind the message", hello + b"\x00"),
                ("lists 10,000 deep", deep),
                ("a string that is no UTF-8", hello.replace(b"realm1", b"realm\xff")),
                ("no bytes", b""),
            )
            for what, data in cases:
                async with checks.check(f"{name}: {what}: ABORT {VIOLATION} and the end"):
                    async with RawClient.connected(url, subprotocols=[f"wamp.2.{name}"]) as client:
                        await client.send_bytes(data)
                        (message,) = codec._serializer.unserialize(await client.receive_bytes())
                        expect_equal((message[0], message[2]), (ABORT, VIOLATION))
                        await asyncio.wait_for(client.closed(), 5)
                    await bystander.barrier()
        for what, data in (("a binary frame", b'[1,"realm1",{}]'), ("lists 10,000 deep", "[" * 10_000 + "]" * 10_000)):
            async with checks.check(f"json: {what}: ABORT {VIOLATION} and the end"):
                async with RawClient.connected(url) as client:
                    await client.send_bytes(data)
                    message = await client.receive()
                    expect_equal((message[0], message[2]), (ABORT, VIOLATION))
                    await asyncio.wait_for(client.closed(), 5)
                await bystander.barrier()
        async with checks.check("json: text that is no UTF-8: close code 1007"):
            async with RawClient.connected(url) as client:
                await client.send_text(b'[1,"realm\xff",{}]')
                expect_equal(await asyncio.wait_for(client.closed(), 5), 1007, "close code")
            await bystander.barrier()
