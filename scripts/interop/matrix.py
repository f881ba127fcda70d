"""Every login on every transport in every serialization: our client on a real Crossbar.io; autobahn-python, xconn's
client, autobahn-js and wampy.js on our router. What clients of different serializations send each other arrives as it was:
bytes as bytes (in JSON's own convention), integers exact.

Needs a binary with the features `cbor`, `msgpack` and `tls`."""

import base64
import contextlib
import json
import pathlib
import tempfile

import everywhere
import xconn_client
from autobahn.wamp.serializer import CBORSerializer, JsonSerializer, MsgPackSerializer
from autobahn.wamp.types import PublishOptions, RegisterOptions
from certificates import HERE, Authority
from check import expect, expect_equal
from cli import expect_line, expect_result
from client import Inbox, join
from everywhere import SERIALIZERS
from logins import SECRET, Keys, crossbar_auth, make_users, scram_by_argon2
from methods import ANONYMOUS, ON_CROSSBAR, ON_SERVE, TICKET, seed
from node_clients import check_script
from processes import start_wampproc
from wrong_bytes import check_wrong_bytes

OF_AUTOBAHN = {"json": JsonSerializer, "msgpack": MsgPackSerializer, "cbor": CBORSerializer}
# What JSON cannot say (bytes), and what floats cannot hold.
BYTES = bytes(range(256))
INTEGERS = [0, -1, 2**53 + 1, 2**63 - 1, -(2**63), 2**64 - 1]


async def check_matrix(checks):
    async with contextlib.AsyncExitStack() as stack:
        directory = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wampproc-interop-")))
        keys = Keys(directory)
        authority = Authority(directory, "authority")
        certificate = authority.issue("server", *HERE)
        auth = {**crossbar_auth(keys), "anonymous": {"type": "static", "role": "user"}}
        auth["scram"]["principals"]["joe"] = {"role": "user", **scram_by_argon2(SECRET)}
        async with everywhere.crossbar(directory, auth, authority, certificate) as places:
            await check_our_client(checks.within("our client on Crossbar.io"), places, directory, keys)
        child, url, _ = await start_wampproc("serve", "--listen", "127.0.0.1:0")
        async with child:
            await check_wrong_bytes(checks.within("wrong bytes"), url)
        users = make_users(directory, keys, anonymous="user")
        for shown in (None, certificate):
            async with everywhere.serve(directory, users, authority, shown) as places:
                where = checks.within("serve with TLS" if shown else "serve")
                await check_autobahn(where.within("autobahn-python"), places, keys)
                await check_values(where.within("autobahn-python"), places, keys)
                await check_xconn(where.within("xconn"), places, keys)
                await check_javascript(where, places, keys)


async def register_echo(session):
    """A procedure that answers with its caller and with its arguments."""

    def echo(*args, details):
        return [details.caller_authid, details.caller_authrole, *args]

    await session.register(echo, "interop.matrix.echo", options=RegisterOptions(details_arg="details"))


def expect_echo(method, answer, values):
    """Anonymous users have names of the router's."""
    authid, role, *rest = answer
    if method.authid is not None:
        expect_equal(authid, method.authid, "authid")
    else:
        expect(isinstance(authid, str), f"authid {authid!r}")
    expect_equal((role, rest), ("user", list(values)), "role and values")


def combinations(methods, places, transports=None):
    """(method, serializer, transport) of each."""
    for transport in places.urls:
        if transports is None or transport in transports:
            for method in methods:
                for serializer in SERIALIZERS:
                    yield method, serializer, transport


def named(method, serializer, transport):
    return f"{method.name} by {serializer} on {transport}"


async def check_our_client(checks, places, directory, keys):
    values = [*INTEGERS[:-1], "é\u0001", [None, {"a": 1.5}]]
    arguments = [json.dumps(value) for value in values]
    async with await join(places.urls["ws"], authenticator=TICKET.of_autobahn(keys)) as callee:
        await register_echo(callee)
        for method, serializer, transport in combinations(ON_CROSSBAR, places):
            async with checks.check(f"{named(method, serializer, transport)}: a call and its result"):
                where = (*places.flags(transport), "--serializer", serializer, *method.flags(directory, keys))
                answer = await expect_result("call", *where, "interop.matrix.echo", "--", *arguments)
                expect_echo(method, answer, values)
        for transport in places.urls:
            async with checks.check(f"on {transport}: an agent joins and answers"):
                await check_agent(places, transport, TICKET.flags(directory, keys))


async def check_agent(places, transport, login):
    _, url, *trusted = places.flags(transport)
    child, ready, _ = await start_wampproc("join", url, *trusted, *login, "--worker", "w2", "--serializer", "cbor")
    async with child:
        expect_equal(ready, url, "URL that is ready")
        call = ("call", *places.flags(transport), *login, "crossbar.worker.w2.get_process_stats")
        expect_equal((await expect_result(*call))["pid"], child.pid, "pid")


async def check_autobahn(checks, places, keys):
    async with await join_as(TICKET, "json", "unix", places, keys) as callee:
        await register_echo(callee)
        for method, serializer, transport in combinations(ON_SERVE, places):
            async with checks.check(f"{named(method, serializer, transport)}: joins, calls"):
                async with await join_as(method, serializer, transport, places, keys) as session:
                    expect_equal(session.joined.result().authmethod, method.method, "authmethod")
                    expect_echo(method, await session.call("interop.matrix.echo", BYTES, *INTEGERS), (BYTES, *INTEGERS))


async def join_as(method, serializer, transport, places, keys):
    """An autobahn-python session."""
    options = {"serializer": OF_AUTOBAHN[serializer], "tls": places.tls(transport)}
    return await join(places.urls[transport], authenticator=method.of_autobahn(keys), **options)


async def check_values(checks, places, keys):
    async with contextlib.AsyncExitStack() as stack:
        sessions = {}
        inboxes = {}
        for _, serializer, transport in combinations((ANONYMOUS,), places):
            session = await join_as(ANONYMOUS, serializer, transport, places, keys)
            sessions[serializer, transport] = await stack.enter_async_context(session)
            inboxes[serializer, transport] = inbox = Inbox(session)
            await inbox.subscribe("interop.matrix.all")
            await session.register(lambda value: value, f"interop.matrix.{serializer}.{transport.replace('+', '_')}")
        for number, ((serializer, transport), session) in enumerate(sessions.items(), 1):
            async with checks.check(f"{serializer} on {transport}: bytes and integers reach everybody as they were"):
                options = PublishOptions(exclude_me=False, acknowledge=True)
                await session.publish("interop.matrix.all", number, BYTES, INTEGERS, options=options)
                for who, inbox in inboxes.items():
                    events = await inbox.have("interop.matrix.all", number)
                    expect_equal(events[number - 1], (number, BYTES, INTEGERS), f"event at {who}")
            async with checks.check(f"{serializer} on {transport}: calls of every other"):
                for other in sessions:
                    procedure = f"interop.matrix.{'.'.join(other).replace('+', '_')}"
                    for value in (BYTES, INTEGERS):
                        expect_equal(await session.call(procedure, value), value, f"by {other}")
        async with checks.check("bytes are a string of JSON's convention for our own client"):
            text = "\0" + base64.b64encode(BYTES).decode()
            await expect_line(text, "call", *places.flags("unix"), "interop.matrix.cbor.unix", json.dumps(text))


async def check_xconn(checks, places, keys):
    # Its JSON knows nothing of bytes.
    values = [*INTEGERS, "é\u0001", [None, {"a": 1.5}]]
    for method, serializer, transport in combinations(ON_SERVE, places, xconn_client.TRANSPORTS):
        authenticator = method.of_xconn(keys)
        if authenticator is None:
            continue
        async with checks.check(f"{named(method, serializer, transport)}: registers, calls, subscribes, publishes"):
            where = (places.urls[transport], serializer, authenticator, places.authority.cert)
            async with xconn_client.joined(*where) as session:
                await xconn_client.check_session(session, "interop.matrix.xconn", values)


async def check_javascript(checks, places, keys):
    who = {"authid": TICKET.authid, "secret": SECRET, "seed": seed(keys), "pubkey": keys.public}
    trusted = {"NODE_EXTRA_CA_CERTS": places.authority.cert}
    await check_script(checks, "matrix.mjs", json.dumps({"urls": places.urls, **who}), env=trusted)
