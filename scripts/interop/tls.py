"""TLS beyond what the matrix of all transports shows: certificates that do not do, at a real Crossbar.io and at our router;
clients that show one; other certificates under running sessions.

Needs a binary with the feature `tls`."""

import asyncio
import contextlib
import pathlib
import shutil
import signal
import ssl
import tempfile
import urllib.parse
import warnings

import everywhere
import processes
import xconn_client
from certificates import EXPIRED, HERE, Authority, rfc3339, self_signed
from check import Mismatch, expect, expect_equal
from cli import DONE, NO_CONNECTION, TIMED_OUT, cli
from client import join, trusting
from node_clients import check_script
from xconn import AnonymousAuthenticator

SCHEMES = {"wss": "/ws", "rss": ""}


class Papers:
    """Every certificate of the checks."""

    def __init__(self, directory):
        self.authority = Authority(directory, "authority")
        self.stranger = Authority(directory, "stranger")
        self.shown = {
            "good": self.authority.issue("good", *HERE),
            "expired": self.authority.issue("expired", *HERE, until=EXPIRED),
            "elsewhere": self.authority.issue("elsewhere", "hub.example", "192.0.2.1"),
            "self-signed": self_signed(directory, "self-signed", *HERE),
        }
        self.client = self.authority.issue_to_client("board-7")
        self.unknown = self.stranger.issue_to_client("board-8")
        self.lapsed = self.authority.issue_to_client("board-9", until=EXPIRED)
        self.new = self.stranger.issue("new", *HERE)


async def check_tls(checks):
    with tempfile.TemporaryDirectory(prefix="wampproc-interop-") as directory:
        papers = Papers(directory)
        async with crossbar(directory, papers) as places:
            await check_crossbar(checks.within("crossbar"), places, papers)
        await check_client_certificates(checks.within("serve"), papers)
        await check_refusals(checks.within("serve"), papers)
        await check_reload(checks.within("serve"), pathlib.Path(directory), papers)


@contextlib.asynccontextmanager
async def crossbar(directory, papers):
    """A real Crossbar.io that shows each certificate on ports of its own, and on more of them asks for one: their URLs, by what
    is shown and by scheme. `plain` is without TLS."""
    asking = {"ca_certificates": [papers.authority.cert]}
    shown = {name: (certificate, {}) for name, certificate in papers.shown.items()}
    shown = {**shown, "asks": (papers.shown["good"], asking), "plain": (None, {})}
    ports = iter(processes.free_ports(2 * len(shown)))
    ports = {(name, scheme): next(ports) for name in shown for scheme in SCHEMES}

    def config(_):
        config = processes.crossbar_config(0)
        config["workers"][0]["transports"] = [
            everywhere.crossbar_transport(
                "websocket" if scheme == "wss" else "rawsocket", everywhere.tcp(port, shown[name][0], **shown[name][1])
            )
            for (name, scheme), port in ports.items()
        ]
        return config

    async with await processes.start_crossbar(directory, 0, config):
        yield {
            (name, scheme): f"{scheme}://127.0.0.1:{port}{SCHEMES[scheme]}" for (name, scheme), port in ports.items()
        }


async def called(url, *flags):
    """(exit status, stdout, the lines of stderr) of a call of something that every router has."""
    return await cli("call", "--url", url, "wamp.session.count", *flags)


async def expect_called(url, *flags):
    status, out, err = await called(url, *flags)
    expect_equal((status, len(out)), (DONE, 1), f"status and lines ({err})")
    return err


async def expect_unreachable(sentence, url, *flags):
    """Cannot connect, for exactly this reason and without another word."""
    status, out, err = await called(url, *flags)
    expect_equal((status, out, err), (NO_CONNECTION, [], [f"wampproc: cannot connect: {sentence}"]))


NOT_TRUSTED = (
    "expected a certificate by an authority that is trusted here, got one by another (--ca, of clients --tls-client-ca)"
)
REFUSES = "the peer refuses TLS with us:"
NONE_SHOWN = f"{REFUSES} it expects a certificate of ours, and got none"
NOT_BELIEVED = f"{REFUSES} it does not trust the authority that issued our certificate"
LAPSED = f"{REFUSES} our certificate has expired"


async def check_crossbar(checks, places, papers):
    good = ("--ca", papers.authority.cert)
    late = f"expected a certificate that is still valid, got one that expired on {rfc3339(EXPIRED)} (it is "
    for scheme in SCHEMES:
        cases = (
            ("an authority that this system does not know", "good", (), NOT_TRUSTED),
            ("another authority than --ca", "good", ("--ca", papers.stranger.cert), NOT_TRUSTED),
            (
                "another host",
                "elsewhere",
                good,
                "expected a certificate of 127.0.0.1, got one of hub.example, 192.0.2.1",
            ),
            (
                "self-signed",
                "self-signed",
                good,
                "expected a certificate of an end, got one of an authority (make it with basicConstraints=CA:FALSE)",
            ),
            ("without a certificate of ours, where one is asked for", "asks", good, NONE_SHOWN),
            ("with one of ours by another authority", "asks", (*good, *shows(papers.unknown)), NOT_BELIEVED),
            ("with one of ours that has expired", "asks", (*good, *shows(papers.lapsed)), LAPSED),
        )
        for what, name, flags, sentence in cases:
            async with checks.check(f"{scheme}: {what}: exit 3 and the exact reason"):
                await expect_unreachable(sentence, places[name, scheme], *flags)
        async with checks.check(f"{scheme}: expired: exit 3, since when, and what our clock says"):
            status, out, err = await called(places["expired", scheme], *good)
            expect_equal((status, out, len(err)), (NO_CONNECTION, [], 1), f"status and lines ({err})")
            expect(err[0].startswith(f"wampproc: cannot connect: {late}") and err[0].endswith("Z here)"), err[0])
        async with checks.check(f"{scheme}: with a certificate of ours, where one is asked for: a result"):
            expect_equal(await expect_called(places["asks", scheme], *good, *shows(papers.client)), [], "stderr")
        for name in papers.shown:
            async with checks.check(f"{scheme}: {name}, with --tls-insecure: a result, and a loud warning"):
                await expect_insecure(places[name, scheme])
        async with checks.check(f"{scheme}: by the host's name"):
            url = places["good", scheme].replace("127.0.0.1", "localhost")
            expect_equal(await expect_called(url, *good), [], "stderr")
    await check_confusion(checks, places, good)
    await check_retries(checks, places, good, late)


def shows(certificate):
    return ("--cert", certificate.cert, "--key", certificate.key)


async def expect_insecure(url):
    err = await expect_called(url, "--tls-insecure")
    said = [line.split(" ", 1)[1] for line in err]
    wanted = [
        "WARN wampproc::cli::tls: --tls-insecure: nobody checks who the router is",
        "WARN wampproc::transport::tls::client: "
        "127.0.0.1: nobody checks the router's certificate: this connection is not secure",
    ]
    expect_equal(said, wanted, "lines of stderr after the time")


async def check_confusion(checks, places, good):
    """TLS to a port without, and the other way round."""
    async with checks.check("wss to a port without TLS: exit 5 in time, and what it waited for"):
        status, out, err = await called(places["plain", "wss"], *good, "--timeout", "1s")
        sentence = "wampproc: cannot connect: the peer took too long to agree on TLS"
        expect_equal((status, out, err), (TIMED_OUT, [], [sentence]))
    async with checks.check("ws to a port with TLS: exit 3"):
        sentence = "expected a WebSocket upgrade to WAMP, got the end of the connection"
        await expect_unreachable(sentence, places["good", "wss"].replace("wss:", "ws:"))


async def check_retries(checks, places, good, late):
    async with checks.check("join where the certificate has expired: it says so, tries again, and ends when told to"):
        flags = (*good, "--reconnect-initial", "100ms", "--reconnect-absent", "100ms", "--log-level", "debug")
        agent = await processes.Child.start(processes.WAMPPROC, "join", places["expired", "wss"], *flags)
        async with agent:
            await agent.line(lambda _: sum(late in line for line in agent.stderr) >= 3, agent.stderr)
            agent.signal(signal.SIGTERM)
            expect_equal((await agent.wait(), agent.stdout), (DONE, []), "exit status and stdout")


@contextlib.asynccontextmanager
async def serve(certificate, *flags):
    """Ours, with TLS: the process and its URLs by scheme."""
    flags = ("--tls-cert", certificate.cert, "--tls-key", certificate.key, *flags)
    child, url, _ = await processes.start_wampproc("serve", "--listen", "127.0.0.1:0", *flags)
    async with child:
        yield child, {"wss": url, "rss": url.replace("wss:", "rss:").removesuffix("/ws")}


VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


def of_version(version, context):
    context.minimum_version = context.maximum_version = version
    return context


async def expect_alert(reason, url, context):
    """The handshake is refused by this alert; with TLS 1.3 a client reads it only after its own end of it."""
    address = urllib.parse.urlsplit(url)
    try:
        reader, writer = await asyncio.open_connection(address.hostname, address.port, ssl=context)
        with contextlib.closing(writer):
            got = await reader.read()
    except ssl.SSLError as error:
        expect_equal(error.reason, reason, "alert")
    else:
        raise Mismatch(f"expected the alert {reason}, got {got!r}")


async def expect_session(url, context):
    async with await join(url, tls=context) as session:
        expect(await session.call("wamp.session.count") >= 2, "no sessions")


async def check_client_certificates(checks, papers):
    """With --tls-client-ca."""
    ca = papers.authority.cert
    async with serve(papers.shown["good"], "--tls-client-ca", ca) as (_, urls):
        for scheme, url in urls.items():
            for name, version in VERSIONS.items():
                where = f"autobahn-python on {scheme}, TLS {name}"
                async with checks.check(f"{where}: shows its certificate, calls"):
                    await expect_session(url, of_version(version, trusting(ca, papers.client)))
                for what, shown, reason in (
                    ("none", None, "TLSV13_ALERT_CERTIFICATE_REQUIRED"),
                    ("another authority's", papers.unknown, "TLSV1_ALERT_UNKNOWN_CA"),
                    ("one that has expired", papers.lapsed, "SSLV3_ALERT_CERTIFICATE_EXPIRED"),
                ):
                    async with checks.check(f"{where}: shows {what}: {reason}"):
                        await expect_alert(reason, url, of_version(version, trusting(ca, shown)))
            async with checks.check(f"our client on {scheme}: shows one that has expired: exit 3 and the exact reason"):
                await expect_unreachable(LAPSED, url, "--ca", ca, *shows(papers.lapsed))
        client = papers.client
        await check_script(checks, "tls.mjs", urls["wss"], ca, client.cert, client.key)


async def check_refusals(checks, papers):
    """Clients that go away in the handshake are logged, and nobody else notices."""
    async with serve(papers.shown["good"]) as (router, urls):
        for scheme, url in urls.items():
            async with checks.check(f"{scheme}: clients that do not trust us, and say so or just go, are logged"):
                await expect_unreachable(NOT_TRUSTED, url, "--ca", papers.stranger.cert)
                await logged(router, NOT_BELIEVED)
                await expect_distrust(url, papers.stranger)
                await logged(router, "expected a TLS handshake, got the end of the connection")
        async with checks.check("a client of TLS 1.1 is refused, and logged by what was expected"):
            with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
                old = of_version(ssl.TLSVersion.TLSv1_1, trusting(papers.authority.cert))
            old.set_ciphers("ALL:@SECLEVEL=0")
            await expect_alert("SSLV3_ALERT_HANDSHAKE_FAILURE", urls["wss"], old)
            await logged(router, "no TLS that both ends can speak: expected TLS 1.2 or 1.3, got an older version")
        async with checks.check("the next is served"):
            await expect_session(urls["wss"], trusting(papers.authority.cert))


async def expect_distrust(url, authority):
    try:
        await expect_session(url, trusting(authority.cert))
    except ssl.SSLCertVerificationError:
        return
    raise Mismatch("expected that it does not trust us, got a session")


async def logged(router, sentence):
    await router.line(lambda line: line.endswith(sentence), router.stderr)


class Shown:
    """The files that a router reads again; which certificate is in them changes."""

    def __init__(self, directory, certificate):
        self.cert, self.key = str(directory / "shown.pem"), str(directory / "shown.key")
        self.put(certificate)

    def put(self, certificate):
        shutil.copy(certificate.cert, self.cert)
        shutil.copy(certificate.key, self.key)


async def check_reload(checks, directory, papers):
    """SIGHUP with sessions of every kind."""
    old, new = papers.shown["good"], papers.new
    shown = Shown(directory, old)
    async with serve(shown) as (router, urls), contextlib.AsyncExitStack() as stack:
        sessions = {}
        for scheme, url in urls.items():
            session = await join(url, tls=trusting(papers.authority.cert))
            sessions[f"autobahn-python on {scheme}"] = await stack.enter_async_context(session)
        xconn = xconn_client.joined(urls["wss"], "cbor", AnonymousAuthenticator(""), papers.authority.cert)
        sessions["xconn on wss"] = await stack.enter_async_context(xconn)
        join_flags = ("--ca", papers.authority.cert, "--no-retry", "--worker", "w2")
        agent, _, _ = await processes.start_wampproc("join", urls["rss"], *join_flags)
        await stack.enter_async_context(agent)
        async with checks.check("SIGHUP: new connections see the other certificate"):
            shown.put(new)
            await reload(router)
            for scheme in SCHEMES:
                await expect_unreachable(NOT_TRUSTED, urls[scheme], "--ca", papers.authority.cert)
                await expect_called(urls[scheme], "--ca", papers.stranger.cert)
        for name, session in sessions.items():
            async with checks.check(f"SIGHUP: {name} goes on, and so does our agent"):
                await session.call("crossbar.worker.w2.utcnow")
        async with checks.check("SIGHUP 20 times while clients come and call: all are served"):
            await check_crowd(shown, router, urls, papers, sessions)
        async with checks.check("SIGHUP where the file is no certificate: an ERROR in the log, and the old one stays"):
            pathlib.Path(shown.cert).write_text("none\n")
            router.signal(signal.SIGHUP)
            wanted = "the certificates stay as they were: --tls-cert: expected a certificate in PEM, got none"
            line = await router.line(lambda line: "certificates stay" in line, router.stderr)
            _, level, _, sentence = line.split(" ", 3)
            expect_equal((level, sentence), ("ERROR", wanted), "line of the log")
            await expect_called(urls["wss"], "--ca", papers.stranger.cert)


async def reload(router):
    """Comes back when the certificates were read again once more."""
    def times():
        return sum("the certificates were read again" in line for line in router.stderr)

    before = times()
    router.signal(signal.SIGHUP)
    await router.line(lambda _: times() > before, router.stderr)


async def check_crowd(shown, router, urls, papers, sessions):
    both = trusting(papers.authority.cert)
    both.load_verify_locations(papers.stranger.cert)
    done = asyncio.Event()

    async def come_and_call(url):
        while not done.is_set():
            await expect_session(url, both)

    async def keep_calling(session):
        while not done.is_set():
            await session.call("crossbar.worker.w2.utcnow")

    async with asyncio.TaskGroup() as group:
        for url in urls.values():
            group.create_task(come_and_call(url))
        for session in sessions.values():
            group.create_task(keep_calling(session))
        for number in range(20):
            shown.put(papers.new if number % 2 else papers.shown["good"])
            await reload(router)
        done.set()
