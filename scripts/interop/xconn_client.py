"""xconn's client as a session to check with."""

import asyncio
import contextlib
import os

from check import expect_equal
from xconn import CBORSerializer, JSONSerializer, MsgPackSerializer
from xconn.async_session import AsyncSession
from xconn.joiner import AsyncRawSocketJoiner, AsyncWebsocketsJoiner
from xconn.types import Result

SERIALIZERS = {"json": JSONSerializer, "msgpack": MsgPackSerializer, "cbor": CBORSerializer}
# Its `rss` is spoken without TLS.
TRANSPORTS = ("ws", "wss", "rs", "unix", "unix+ws")


@contextlib.contextmanager
def trusting(authority):
    """What it cannot be told: it trusts whom OpenSSL trusts."""
    before = os.environ.get("SSL_CERT_FILE")
    os.environ["SSL_CERT_FILE"] = authority
    try:
        yield
    finally:
        if before is None:
            del os.environ["SSL_CERT_FILE"]
        else:
            os.environ["SSL_CERT_FILE"] = before


@contextlib.asynccontextmanager
async def joined(url, serializer, authenticator, authority=None):
    """A joined session; `authority` is for `wss`. Its own `connect` for asyncio knows fewer URLs than its joiners."""
    joiner = AsyncWebsocketsJoiner if "ws" in url.split(":")[0] else AsyncRawSocketJoiner
    with trusting(authority) if authority else contextlib.nullcontext():
        async with asyncio.timeout(10):
            joined = await joiner(authenticator, SERIALIZERS[serializer]()).join(url, "realm1")
    session = AsyncSession(joined)
    try:
        yield session
    finally:
        # It prints that the router has hung up.
        with contextlib.redirect_stdout(None):
            await session.leave()


async def check_session(session, prefix, values):
    """What goes through a session as callee, caller, subscriber and publisher, in both directions."""
    events = asyncio.get_running_loop().create_future()

    async def echo(invocation):
        return Result(invocation.args, invocation.kwargs)

    async def heard(event):
        events.set_result((event.args, event.kwargs))

    registration = await session.register(f"{prefix}.echo", echo)
    result = await session.call(f"{prefix}.echo", values, {"values": values})
    expect_equal((result.args, result.kwargs), (values, {"values": values}), "result")
    subscription = await session.subscribe(f"{prefix}.topic", heard)
    options = {"acknowledge": True, "exclude_me": False}
    await session.publish(f"{prefix}.topic", values, {"values": values}, options)
    expect_equal(await events, (values, {"values": values}), "event")
    await subscription.unsubscribe()
    await registration.unregister()
