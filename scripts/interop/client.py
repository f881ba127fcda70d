"""A stock autobahn-python session to check with: nothing here knows what is being checked."""

import asyncio
import ssl
import urllib.parse

import txaio

txaio.use_asyncio()

from autobahn.asyncio.rawsocket import WampRawSocketClientFactory  # noqa: E402
from autobahn.asyncio.wamp import ApplicationSession  # noqa: E402
from autobahn.asyncio.websocket import WampWebSocketClientFactory  # noqa: E402
from autobahn.wamp.exception import ApplicationError  # noqa: E402
from autobahn.wamp.serializer import JsonSerializer  # noqa: E402
from autobahn.wamp.types import (  # noqa: E402
    CallOptions,
    ComponentConfig,
    PublishOptions,
    SubscribeOptions,
)

from check import Mismatch, expect, expect_equal  # noqa: E402


def quiet_about_lost_transports(loop, context):
    """An asyncio exception handler: autobahn answers calls of a session that is gone, and trips over that."""
    tripped = isinstance(context.get("exception"), (AttributeError, ApplicationError))
    if not tripped and "was destroyed" not in context["message"]:
        loop.default_exception_handler(context)


class Refused(Exception):
    """The router did not let the session in."""


class Session(ApplicationSession):
    """`joined` gives the WELCOME's details, `left` the reason of the end."""

    def __init__(self, realm, authenticator=None):
        super().__init__(ComponentConfig(realm=realm))
        self._authenticator = authenticator
        loop = asyncio.get_running_loop()
        self.joined = loop.create_future()
        self.left = loop.create_future()

    def onConnect(self):
        if self._authenticator is None:
            return super().onConnect()
        who, method = self._authenticator._args, self._authenticator.name
        extra = self._authenticator.authextra
        self.join(self.config.realm, [method], who.get("authid"), who.get("authrole"), extra)

    def onChallenge(self, challenge):
        return self._authenticator.on_challenge(self, challenge)

    def onWelcome(self, welcome):
        if self._authenticator is not None:
            return self._authenticator.on_welcome(self, welcome.authextra)

    def onJoin(self, details):
        self.joined.set_result(details)

    def onLeave(self, details):
        if not self.joined.done():
            self.joined.set_exception(Refused(f"{details.reason}: {details.message}"))
        if not self.left.done():
            self.left.set_result(details)
        self.disconnect()

    def onDisconnect(self):
        if not self.joined.done():
            self.joined.set_exception(Refused("disconnected"))
        if not self.left.done():
            self.left.set_result(None)

    def onUserError(self, fail, msg):
        pass

    @property
    def id(self):
        return self.joined.result().session

    async def result(self, procedure, *args, **kwargs):
        """The one positional value of a result; anything beside it is a mismatch."""
        answer = await self.call(procedure, *args, **kwargs, options=CallOptions(details=True))
        expect_equal(len(answer.results), 1, "positional results")
        expect(not answer.kwresults, f"keyword results: expected none, got {answer.kwresults!r}")
        return answer.results[0]

    async def barrier(self):
        """Comes back when everything that the router sent to this session before has arrived."""
        await self.publish("interop.barrier", options=PublishOptions(acknowledge=True))

    async def close(self):
        if self.is_attached():
            self.leave()
            await asyncio.wait_for(asyncio.shield(self.left), 5.0)

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        await self.close()


async def join(url, realm="realm1", timeout=10.0, authenticator=None, serializer=JsonSerializer, tls=None):
    """A joined session, by one of autobahn's authenticators, or anonymous. The URL is one that wampproc takes, or
    `unix+ws:///PATH`; `tls` is what `trusting` gives."""
    session = Session(realm, authenticator)
    txaio.config.loop = asyncio.get_running_loop()
    async with asyncio.timeout(timeout):
        await _connect(url, session, serializer(), tls)
        await asyncio.shield(session.joined)
    return session


def trusting(authority, shown=None):
    """TLS that trusts the authority of this file alone, and shows that certificate."""
    context = ssl.create_default_context(cafile=authority)
    if shown is not None:
        context.load_cert_chain(shown.cert, shown.key)
    return context


async def _connect(url, session, serializer, tls):
    loop = asyncio.get_running_loop()
    address = urllib.parse.urlsplit(url)
    if address.scheme in ("ws", "wss", "unix+ws"):
        web = url if address.scheme != "unix+ws" else "ws://localhost/ws"
        factory = WampWebSocketClientFactory(lambda: session, url=web, serializers=[serializer])
    else:
        factory = WampRawSocketClientFactory(lambda: session, serializer=serializer)
    if address.scheme.startswith("unix"):
        await loop.create_unix_connection(factory, address.path)
    else:
        await loop.create_connection(factory, address.hostname, address.port, ssl=tls)


class Inbox:
    """The events that a session got, in order: (topic, args, kwargs, details)."""

    def __init__(self, session):
        self.session = session
        self.events = []
        self._grown = asyncio.Condition()

    async def subscribe(self, topic, match="exact"):
        async def received(*args, details, **kwargs):
            async with self._grown:
                self.events.append((details.topic or topic, args, kwargs, details))
                self._grown.notify_all()

        options = SubscribeOptions(match=match, details_arg="details")
        return await self.session.subscribe(received, topic, options=options)

    async def until(self, enough, timeout=10.0):
        """Waits until `enough(events)` holds."""
        try:
            async with asyncio.timeout(timeout), self._grown:
                await self._grown.wait_for(lambda: enough(self.events))
        except TimeoutError:
            topics = [topic for topic, *_ in self.events]
            raise Mismatch(f"waited {timeout:g} s in vain for events; had {topics}") from None

    async def have(self, topic, count=1):
        """Waits until there are so many events of one topic; their arguments."""
        await self.until(lambda events: len(self.of(topic)) >= count)
        return self.of(topic)

    def of(self, topic):
        """The arguments of the events of one topic."""
        return [args for got, args, _, _ in self.events if got == topic]

    def clear(self):
        self.events.clear()


async def expect_error(answer, uri):
    """The ERROR that a call is answered with; its URI must be `uri`."""
    try:
        value = await answer
    except ApplicationError as error:
        expect_equal(error.error, uri, f"error URI (arguments {error.args!r})")
        return error
    raise Mismatch(f"expected the error {uri}, got the result {value!r}")
