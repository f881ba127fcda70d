"""A WAMP client of bare messages, for what a library would not send."""

import contextlib
import json

from websockets.asyncio.client import connect

HELLO, WELCOME, ABORT, GOODBYE, ERROR = 1, 2, 3, 6, 8
CALL, CANCEL, RESULT = 48, 49, 50

CALLER_ROLES = {
    "caller": {"features": {"call_canceling": True, "call_timeout": True, "progressive_call_results": True}},
    "callee": {},
    "subscriber": {},
    "publisher": {},
}


class RawClient:
    """One connection; `open` joins it."""

    def __init__(self, socket):
        self._socket = socket

    @classmethod
    @contextlib.asynccontextmanager
    async def connected(cls, url, **options):
        """Connected, with nothing said yet."""
        options = {"subprotocols": ["wamp.2.json"], "compression": None, "ping_interval": None, **options}
        async with connect(url, **options) as socket:
            yield cls(socket)

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, url, realm="realm1", **options):
        async with cls.connected(url, **options) as client:
            await client.send(HELLO, realm, {"roles": CALLER_ROLES})
            client.welcome = await client.receive()
            if client.welcome[0] != WELCOME:
                raise RuntimeError(f"expected WELCOME, got {client.welcome}")
            yield client

    async def send(self, *message):
        await self._socket.send(json.dumps(message))

    async def send_text(self, text):
        """Bytes too, which need not be UTF-8."""
        await self._socket.send(text, text=True)

    async def send_bytes(self, data):
        await self._socket.send(data)

    async def receive(self):
        return json.loads(await self._socket.recv(decode=True))

    async def receive_bytes(self):
        return await self._socket.recv(decode=False)

    async def closed(self):
        """Waits for the end of the connection; the WebSocket close code."""
        await self._socket.wait_closed()
        return self._socket.close_code
