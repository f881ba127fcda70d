"""A bare WebSocket end that plays the router to one agent: shows each message on the wire, in its order."""

import asyncio
import itertools
import json

from websockets.asyncio.server import serve

HELLO, WELCOME, ABORT, GOODBYE, ERROR, PUBLISH, PUBLISHED = 1, 2, 3, 6, 8, 16, 17
REGISTER, REGISTERED, INVOCATION, YIELD = 64, 65, 68, 70

ROLES = {
    "broker": {"features": {"publisher_exclusion": True, "publisher_identification": True}},
    "dealer": {"features": {"caller_identification": True, "progressive_call_results": True, "call_canceling": True}},
}
NEVER_SENT = "the agent sent no message in time"


class Peer:
    """One connection of an agent."""

    def __init__(self, socket):
        self._socket = socket
        self._requests = itertools.count(1)
        self._publications = itertools.count(1)
        self.procedures = {}  # URI: registration id
        self.register_options = {}  # URI: options
        self.hello = None

    async def receive(self):
        return json.loads(await self._socket.recv(decode=True))

    async def send(self, *message):
        await self._socket.send(json.dumps(message))

    async def send_text(self, text):
        await self._socket.send(text)

    async def drop(self):
        """Ends the TCP connection with no close handshake."""
        self._socket.transport.abort()

    def fall_silent(self):
        """Reads no more, so that not even a ping is answered; the connection stays open."""
        self._socket.transport.pause_reading()

    async def welcome(self):
        self.hello = await self.receive()
        await self.send(WELCOME, 1, {"roles": ROLES, "realm": self.hello[1], "authid": "wire", "authrole": "anonymous"})

    async def abort(self, reason):
        self.hello = await self.receive()
        await self.send(ABORT, {"message": "refused by the check"}, reason)

    async def register(self, count):
        """Grants registrations until there are `count`."""
        while len(self.procedures) < count:
            kind, request, options, uri = await self.receive()
            if kind != REGISTER:
                raise RuntimeError(f"expected REGISTER, got message type {kind}")
            self.procedures[uri] = 1000 + len(self.procedures)
            self.register_options[uri] = options
            await self.send(REGISTERED, request, self.procedures[uri])

    async def refuse_register(self, error):
        _, request, _, uri = await self.receive()
        await self.send(ERROR, REGISTER, request, {}, error, [f"procedure '{uri}' is registered already"])

    async def invoke(self, uri, args=(), kwargs=None, details=None):
        """Sends one INVOCATION; every message up to and with its YIELD or ERROR, PUBLISH answered if asked for."""
        request = await self.send_invocation(uri, args, kwargs, details)
        messages = []
        while True:
            message = await self.receive()
            messages.append(message)
            if message[0] == PUBLISH and message[2].get("acknowledge"):
                await self.send(PUBLISHED, message[1], next(self._publications))
            final = message[0] == YIELD and not message[2].get("progress")
            if (final and message[1] == request) or (message[0] == ERROR and message[2] == request):
                return messages

    async def send_invocation(self, uri, args=(), kwargs=None, details=None):
        request = next(self._requests)
        message = [INVOCATION, request, self.procedures[uri], details or {}]
        if args or kwargs:
            message.append(list(args))
        if kwargs:
            message.append(kwargs)
        await self.send(*message)
        return request


class MiniRouter:
    """Listens on a loopback port; hands each connection out as a Peer."""

    def __init__(self):
        self._peers = asyncio.Queue()
        self._server = None

    async def __aenter__(self):
        async def accepted(socket):
            await self._peers.put(Peer(socket))
            await socket.wait_closed()

        self._server = await serve(
            accepted, "127.0.0.1", 0, subprotocols=["wamp.2.json"], compression=None, ping_interval=None
        )
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"ws://127.0.0.1:{port}/ws"
        return self

    async def __aexit__(self, *_):
        self._server.close()
        await self._server.wait_closed()

    async def peer(self):
        """The next agent that connects."""
        return await self._peers.get()
