"""Routers that let in by every login on every transport: a real Crossbar.io, and ours."""

import contextlib
import urllib.parse

import processes
from client import trusting

SERIALIZERS = ("json", "msgpack", "cbor")


class Places:
    """Where a router is found: a URL for each transport, and the authority of its certificate."""

    def __init__(self, urls, authority):
        self.urls = urls
        self.authority = authority

    def flags(self, transport):
        """For our own client."""
        trusted = ("--ca", self.authority.cert) if is_secure(transport) else ()
        return ("--url", self.urls[transport], *trusted)

    def tls(self, transport):
        """For autobahn-python."""
        return trusting(self.authority.cert) if is_secure(transport) else None


def is_secure(transport):
    return transport in ("wss", "rss")


def crossbar_transport(kind, endpoint, **more):
    """A listening transport of Crossbar.io's configuration: WebSocket at /ws, or RawSocket."""
    how = {"serializers": list(SERIALIZERS), **more}
    if kind == "rawsocket":
        return {"type": "rawsocket", "endpoint": endpoint, **how}
    return {"type": "web", "endpoint": endpoint, "paths": {"ws": {"type": "websocket", **how}}}


def tcp(port, certificate=None, **tls):
    """A port of Crossbar.io's configuration, with TLS if there is a certificate."""
    endpoint = {"type": "tcp", "interface": "127.0.0.1", "port": port}
    if certificate is not None:
        endpoint["tls"] = {"certificate": certificate.cert, "key": certificate.key, **tls}
    return endpoint


@contextlib.asynccontextmanager
async def crossbar(directory, auth, authority, certificate):
    """A real Crossbar.io with these logins, as Crossbar.io is told of them."""
    ports = dict(zip(("ws", "wss", "rs", "rss"), processes.free_ports(4), strict=True))
    path = directory / "crossbar.sock"
    endpoints = {name: tcp(port, certificate if is_secure(name) else None) for name, port in ports.items()}
    endpoints["unix"] = {"type": "unix", "path": str(path)}

    def config(_):
        config = processes.crossbar_config(0)
        worker = config["workers"][0]
        worker["realms"][0]["roles"][0]["name"] = "user"
        worker["transports"] = [
            crossbar_transport("websocket" if name.startswith("ws") else "rawsocket", endpoint, auth=auth)
            for name, endpoint in endpoints.items()
        ]
        return config

    urls = {name: f"{name}://127.0.0.1:{port}" for name, port in ports.items()}
    urls = {name: url + "/ws" if name.startswith("ws") else url for name, url in urls.items()}
    async with await processes.start_crossbar(directory, 0, config):
        yield Places({**urls, "unix": f"unix://{path}"}, authority)


@contextlib.asynccontextmanager
async def serve(directory, users, authority, certificate=None):
    """Ours: with a certificate on its port, or without, and on a Unix socket."""
    path = directory / f"{'tls' if certificate else 'plain'}.sock"
    flags = ("--tls-cert", certificate.cert, "--tls-key", certificate.key) if certificate else ()
    listen = ("--listen", "127.0.0.1:0", "--listen", f"unix:{path}")
    child, url, _ = await processes.start_wampproc("serve", *listen, "--users", users, *flags)
    place = urllib.parse.urlsplit(url).netloc
    web, raw = ("wss", "rss") if certificate else ("ws", "rs")
    urls = {web: url, raw: f"{raw}://{place}", "unix": f"unix://{path}", "unix+ws": f"unix+ws://{path}"}
    async with child:
        yield Places(urls, authority)
