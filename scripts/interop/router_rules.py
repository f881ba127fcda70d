"""How the embedded router treats peers that break the rules, and pages of foreign sites."""

import asyncio
import urllib.parse

from check import expect, expect_equal
from client import join
from raw import ABORT, CALL, GOODBYE, HELLO, RESULT, RawClient


async def check_rules(checks, url):
    """A peer that breaks the rules is ended with ABORT, and nobody else notices."""
    async with await join(url) as bystander:
        texts = (
            ("broken JSON", "[1,"),
            ("no array", "{}"),
            ("an empty array", "[]"),
            ("an unknown message type", "[999]"),
            ("a message type that is a string", '["48", 1, {}, "a.b"]'),
            ("a request id that is a string", '[48, "1", {}, "a.b"]'),
            ("a request id beyond 2^53", '[48, 9007199254740994, {}, "a.b"]'),
            ("options that are no dict", '[48, 1, [], "a.b"]'),
            ("a procedure that is no string", "[48, 1, {}, 5]"),
            ("args that are no list", '[48, 1, {}, "a.b", {}]'),
            ("kwargs that are no dict", '[48, 1, {}, "a.b", [], []]'),
            ("a second HELLO", '[1, "realm1", {"roles": {"caller": {}}}]'),
            ("a message of the router's", '[2, 1, {"roles": {}}]'),
            ("30,000 brackets", "[" * 30_000),
        )
        for what, text in texts:
            async with checks.check(f"{what}: ABORT wamp.error.protocol_violation and the end"):
                async with RawClient.open(url) as client:
                    await client.send_text(text)
                    message = await client.receive()
                    expect_equal((message[0], message[2]), (ABORT, "wamp.error.protocol_violation"))
                    await asyncio.wait_for(client.closed(), 5)
                await bystander.barrier()
        async with checks.check("a message before HELLO ends the connection"):
            async with RawClient.connected(url) as client:
                await client.send(CALL, 1, {}, "wamp.session.count")
                expect_equal((await client.receive())[0], ABORT)
                await asyncio.wait_for(client.closed(), 5)
        async with checks.check("an unknown realm: ABORT wamp.error.no_such_realm"):
            async with RawClient.connected(url) as client:
                await client.send(HELLO, "nosuch", {"roles": {"caller": {}}})
                message = await client.receive()
                expect_equal((message[0], message[2]), (ABORT, "wamp.error.no_such_realm"))
        async with checks.check("GOODBYE is answered with GOODBYE"):
            async with RawClient.open(url) as client:
                await client.send(GOODBYE, {}, "wamp.close.close_realm")
                message = await client.receive()
                expect_equal((message[0], message[2]), (GOODBYE, "wamp.close.goodbye_and_out"))
        async with checks.check("a bad URI is an ERROR and the session lives"):
            async with RawClient.open(url) as client:
                await client.send(CALL, 1, {}, "not a uri#")
                message = await client.receive()
                expect_equal((message[2], message[4]), (1, "wamp.error.invalid_uri"))
                await client.send(CALL, 2, {}, "wamp.session.count")
                expect_equal((await client.receive())[:2], [RESULT, 2])
        await check_http(checks, url)


UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    "Sec-WebSocket-Protocol": "wamp.2.json",
}


async def http_status(url, path, headers):
    """The status of a GET with exactly these headers (a client library would set its own Host and Origin)."""
    address = urllib.parse.urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    try:
        lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
        writer.write("\r\n".join(lines).encode())
        status_line = (await reader.readline()).decode()
        return int(status_line.split(" ")[1])
    finally:
        writer.close()


async def check_http(checks, url):
    own = urllib.parse.urlsplit(url).netloc
    port = own.rsplit(":", 1)[1]
    cases = (
        ("no Origin is let in", {"Host": own}, 101),
        ("the port's own origin is let in", {"Host": own, "Origin": f"http://{own}"}, 101),
        ("a foreign Origin gets 403", {"Host": own, "Origin": "http://example.com"}, 403),
        ("a null Origin gets 403", {"Host": own, "Origin": "null"}, 403),
        ("an Origin of another port gets 403", {"Host": own, "Origin": "http://127.0.0.1:1"}, 403),
        (
            "a rebound name gets 403",
            {"Host": f"example.com:{port}", "Origin": f"http://example.com:{port}"},
            403,
        ),
    )
    for what, headers, status in cases:
        async with checks.check(what):
            expect_equal(await http_status(url, "/ws", {**headers, **UPGRADE}), status, "HTTP status")
    async with checks.check("plain HTTP gets 404 on the port of the bus"):
        expect_equal(await http_status(url, "/no-such-page", {"Host": own}), 404, "HTTP status")
    async with checks.check("what is no HTTP at all ends the connection, and others go on"):
        address = urllib.parse.urlsplit(url)
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        writer.write(b"\x00\xff" * 64 + b"\r\n\r\n")
        answer = await reader.read()
        expect(not answer or answer.startswith(b"HTTP/1.1 400"), f"answer {answer[:80]!r}")
        writer.close()
