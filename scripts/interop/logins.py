"""Logins: our client by every method at a real Crossbar.io; our client, autobahn-python and xconn's client by every method at
`serve --users`."""

import base64
import contextlib
import hashlib
import hmac
import json
import os
import pathlib
import subprocess
import tempfile

from argon2.low_level import Type, hash_secret_raw
from autobahn.wamp.auth import create_authenticator, derive_scram_credential
from autobahn.wamp.cryptosign import CryptosignKey
from autobahn.wamp.types import RegisterOptions
from wampproto.exception import ApplicationError
from xconn import CryptoSignAuthenticator, TicketAuthenticator, WAMPCRAAuthenticator

import processes
import xconn_client
from check import Mismatch, expect, expect_equal
from cli import DONE, REFUSED, cli, expect_exit, expect_result
from client import Refused, join
from vouched import check_vouched

SECRET = "correct horse"
SALT = "0123456789abcdef"


def scram_by_pbkdf2(secret, iterations=4096):
    """What Crossbar.io wants to know of a secret that is hashed by PBKDF2."""
    salted = hashlib.pbkdf2_hmac("sha256", secret.encode(), SALT.encode(), iterations, 32)
    return scram_credential(salted, kdf="pbkdf2", iterations=iterations, memory=512)


def scram_by_argon2(secret, iterations=8, memory=512):
    """The same by Argon2id, of fewer rounds than `derive_scram_credential` takes, which cost a client a second."""
    raw = hash_secret_raw(secret.encode(), SALT.encode(), iterations, memory, 1, 32, Type.ID, version=19)
    salted = base64.b64encode(raw).rstrip(b"=")
    return scram_credential(salted, kdf="argon2id-13", iterations=iterations, memory=memory)


def scram_credential(salted, **how):
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    return {
        **how,
        "salt": SALT.encode().hex(),
        "stored-key": hashlib.sha256(client_key).hexdigest(),
        "server-key": hmac.digest(salted, b"Server Key", "sha256").hex(),
    }


class Keys:
    """An ed25519 key in every format that the client reads, and one that nobody knows."""

    def __init__(self, directory):
        seed = os.urandom(32)
        self.public = CryptosignKey.from_bytes(seed).public_key()
        self.files = {
            "hex": self._file(directory, "key.hex", seed.hex()),
            "base64": self._file(directory, "key.base64", base64.b64encode(seed).decode()),
        }
        self.stranger = self._file(directory, "stranger.hex", os.urandom(32).hex())
        openssh = pathlib.Path(directory) / "id_ed25519"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(openssh)], check=True)
        self.files["OpenSSH"] = str(openssh)
        line = openssh.with_suffix(".pub").read_text().split()[1]
        self.public_of_openssh = base64.b64decode(line)[-32:].hex()

    @staticmethod
    def _file(directory, name, text):
        path = pathlib.Path(directory) / name
        path.touch(mode=0o600)
        path.write_text(text + "\n")
        return str(path)


def secret_file(directory, name, text, mode=0o600):
    path = pathlib.Path(directory) / name
    path.write_text(text + "\n")
    path.chmod(mode)
    return str(path)


def crossbar_auth(keys):
    """Crossbar.io is told of joe by every method, and of a user for each way to keep a secret."""
    role = {"role": "user"}
    salted = {"secret": SECRET, "salt": "pepper", "iterations": 100, "keylen": 32, **role}
    return {
        "ticket": {"type": "static", "principals": {"joe": {"ticket": SECRET, **role}}},
        "wampcra": {"type": "static", "users": {"joe": {"secret": SECRET, **role}, "salted": salted}},
        "scram": {
            "type": "static",
            "principals": {
                "joe": {**derive_scram_credential("joe@example.com", SECRET), **role},
                "pbkdf2": {**scram_by_pbkdf2(SECRET), **role},
            },
        },
        "cryptosign": {
            "type": "static",
            "principals": {"joe": {"authorized_keys": [keys.public, keys.public_of_openssh], **role}},
        },
    }


def crossbar_config(keys):
    """A configuration that lets its users do everything."""

    def config(port):
        config = processes.crossbar_config(port)
        worker = config["workers"][0]
        worker["realms"][0]["roles"][0]["name"] = "user"
        worker["transports"][0]["paths"]["ws"]["auth"] = crossbar_auth(keys)
        return config

    return config


async def register_whoami(session):
    """A procedure that tells its caller who it is to the router."""

    def whoami(details):
        return [details.caller_authid, details.caller_authrole]

    await session.register(whoami, "interop.whoami", options=RegisterOptions(details_arg="details"))


REFUSES = "wampproc: the router refuses the session:"


class Crossbar:
    """What Crossbar.io says, as our client prints it."""

    ANONYMOUS = (
        f"{REFUSES} wamp.error.no_auth_method: "
        "cannot authenticate [2] using any of the offered authmethods ['anonymous'] (log in with --authid and --secret-file)"
    )
    WRONG = {
        "ticket": "ticket in static WAMP-Ticket authentication is invalid",
        "wampcra": "WAMP-CRA client signature is invalid",
        "scram": "SCRAM authentication failed",
        "cryptosign": "extra.pubkey provided does not match any one of authorized_keys for the principal",
    }

    @classmethod
    def wrong(cls, method):
        return f"{REFUSES} wamp.error.not_authorized: {cls.WRONG[method]}"

    @staticmethod
    def unknown(authid):
        return f'{REFUSES} wamp.error.not_authorized: no principal with authid "{authid}" exists'


class Serve:
    """What ours says. An unknown user looks like a wrong secret."""

    ANONYMOUS = (
        f"{REFUSES} wamp.error.no_auth_method: "
        'expected one of ticket, wampcra, scram, cryptosign among authmethods, got ["anonymous"] (log in with --authid and --secret-file)'
    )

    @classmethod
    def wrong(cls, _):
        return cls.unknown("joe")

    @staticmethod
    def unknown(authid):
        return f"{REFUSES} {denied(authid)}"


def denied(authid):
    return f'wamp.error.authentication_denied: expected the proof of a user, got a wrong one for "{authid}"'


async def check_secret(checks, url, directory, says, name, authid, *arguments):
    """`call` by one method with the right secret, a wrong one, and as nobody; `says` are the router's words."""
    right = secret_file(directory, "right", SECRET)
    wrong = secret_file(directory, "wrong", "Tr0ub4dor&3")
    whoami = ("call", "interop.whoami", "--url", url, *arguments)
    async with checks.check(f"{name}: joins as {authid}"):
        expect_equal(await expect_result(*whoami, "--authid", authid, "--secret-file", right), [authid, "user"])
    async with checks.check(f"{name}: a wrong secret is refused"):
        said = await expect_exit(REFUSED, *whoami, "--authid", authid, "--secret-file", wrong)
        expect_equal(said, says.wrong(name.split(",")[0]), "what is printed")
    async with checks.check(f"{name}: an unknown user is refused"):
        said = await expect_exit(REFUSED, *whoami, "--authid", "nobody", "--secret-file", right)
        expect_equal(said, says.unknown("nobody"), "what is printed")


async def check_keys(checks, url, says, keys):
    """`call` by cryptosign."""
    whoami = ("call", "interop.whoami", "--url", url)
    for name, file in keys.files.items():
        async with checks.check(f"cryptosign, a key as {name}: joins"):
            login = ("--auth", "cryptosign", "--authid", "joe", "--secret-file", file)
            expect_equal(await expect_result(*whoami, *login), ["joe", "user"])
    async with checks.check("cryptosign: the key says who it is, and OpenSSH's format how"):
        expect_equal(await expect_result(*whoami, "--secret-file", keys.files["OpenSSH"]), ["joe", "user"])
    async with checks.check("cryptosign: another key is refused"):
        login = ("--auth", "cryptosign", "--authid", "joe", "--secret-file", keys.stranger)
        expect_equal(await expect_exit(REFUSED, *whoami, *login), says.wrong("cryptosign"), "what is printed")
    async with checks.check("anonymous is refused where nobody may be it"):
        expect_equal(await expect_exit(REFUSED, *whoami), says.ANONYMOUS, "what is printed")


async def check_sources(checks, url, directory):
    """Where the secret comes from."""
    whoami = ("call", "interop.whoami", "--url", url)
    async with checks.check("the secret from the environment"):
        child = await processes.Child.start(
            processes.WAMPPROC, *whoami, "--authid", "joe", "--secret-env", "WHAT", env={"WHAT": SECRET}
        )
        async with child:
            status = await child.wait()
            expect_equal((status, child.stdout), (DONE, ['["joe","user"]']), f"status and lines ({child.stderr})")
    async with checks.check("a file that others can read is refused, unless they may"):
        open_to_all = secret_file(directory, "open", SECRET, 0o644)
        login = (*whoami, "--authid", "joe", "--secret-file", open_to_all)
        status, _, err = await cli(*login)
        expect_equal(status, 2, f"exit status ({err})")
        expect_equal(await expect_result(*login, "--insecure-permissions"), ["joe", "user"])


async def check_agent(checks, url, directory):
    """`join` by a login."""
    right = secret_file(directory, "right", SECRET)
    wrong = secret_file(directory, "wrong", "Tr0ub4dor&3")
    login = ("join", url, "--auth", "scram", "--authid", "joe", "--worker", "pump", "--secret-file")
    async with checks.check("join by scram is ready"):
        child, _, _ = await processes.start_wampproc(*login, right)
        async with child:
            call = ("call", "crossbar.worker.pump.uptime", "--url", url, "--authid", "joe", "--secret-file", right)
            expect(await expect_result(*call) > 0, "no uptime")
    async with checks.check("join with a wrong secret ends at once"):
        expect_equal(await expect_exit(REFUSED, *login, wrong), Crossbar.wrong("scram"), "what is printed")


async def join_as_joe(url, name, secret, key, authid="joe"):
    """An autobahn-python session by one method."""
    arguments = {
        "ticket": {"authid": authid, "ticket": secret},
        "wampcra": {"authid": authid, "secret": secret},
        "scram": {"authid": authid, "password": secret},
        "cryptosign": {"authid": authid, "privkey": key},
    }
    return await join(url, authenticator=create_authenticator(name, **arguments[name]))


async def check_autobahn(checks, url, name, keys):
    """autobahn-python by one method at `serve --users`: the right secret, a wrong one, nobody."""
    key, other = (pathlib.Path(file).read_text().strip() for file in (keys.files["hex"], keys.stranger))
    async with checks.check(f"autobahn-python by {name}: joins as joe"):
        async with await join_as_joe(url, name, SECRET, key) as session:
            details = session.joined.result()
            expect_equal((details.authid, details.authrole, details.authmethod), ("joe", "user", name))
    for what, secret, private, authid in (
        ("a wrong secret", "Tr0ub4dor&3", other, "joe"),
        ("an unknown user", SECRET, key, "nobody"),
    ):
        async with checks.check(f"autobahn-python by {name}: {what} is refused"):
            try:
                await join_as_joe(url, name, secret, private, authid)
            except Refused as refused:
                expect_equal(str(refused), denied(authid), "what it is told")
            else:
                raise Mismatch("expected a refusal, got a session")


def make_users(directory, keys, anonymous=None):
    """A file of users, made by our own commands but for its roles; perhaps a role for who does not log in."""
    file = pathlib.Path(directory) / "users.json"
    allow = ["call", "register", "subscribe", "publish"]
    roles = {"user": [{"uri": "", "match": "prefix", "allow": allow, "disclose": ["caller"]}]}
    file.write_text(json.dumps({"roles": roles, "users": {}}))
    file.chmod(0o600)
    passwd = (processes.WAMPPROC, "passwd", str(file), "--ticket", "--role")
    for authid, role in (("joe", "user"), ("olga", "observer")):
        subprocess.run([*passwd, role, authid], input=SECRET + "\n", text=True, check=True)
    users = json.loads(file.read_text())
    users["users"]["joe"]["cryptosign"] = [keys.public, keys.public_of_openssh]
    if anonymous is not None:
        users["anonymous"] = anonymous
    file.write_text(json.dumps(users))
    return str(file)


@contextlib.asynccontextmanager
async def serve(users):
    child, url, _ = await processes.start_wampproc("serve", "--listen", "127.0.0.1:0", "--users", users)
    async with child:
        yield url


async def check_xconn(checks, url, name, keys):
    """xconn's client with a wrong secret."""
    authenticator = {
        "ticket": TicketAuthenticator("joe", "Tr0ub4dor&3", {}),
        "wampcra": WAMPCRAAuthenticator("joe", "Tr0ub4dor&3", {}),
        "cryptosign": CryptoSignAuthenticator("joe", pathlib.Path(keys.stranger).read_text().strip(), {}),
    }[name]
    async with checks.check(f"xconn by {name}: a wrong secret is refused"):
        try:
            async with xconn_client.joined(url, "json", authenticator):
                raise Mismatch("expected a refusal, got a session")
        except ApplicationError as error:
            expect_equal(error.message, "wamp.error.authentication_denied", "error")


async def check_serve(checks, directory, keys):
    """Our router by our client, by autobahn-python and by xconn's client. Each method gets a router of its own, for the failures
    of one would slow down the next."""
    users = make_users(directory, keys)
    for name in ("ticket", "wampcra", "scram", "cryptosign"):
        async with serve(users) as url:
            await check_autobahn(checks, url, name, keys)
        if name != "scram":
            async with serve(users) as url:
                await check_xconn(checks, url, name, keys)
        async with serve(users) as url, await join_as_joe(url, "ticket", SECRET, None) as session:
            await register_whoami(session)
            if name == "cryptosign":
                await check_keys(checks, url, Serve, keys)
                await check_sources(checks, url, directory)
            else:
                await check_secret(checks, url, directory, Serve, name, "joe", "--auth", name)
    async with serve(users) as url:
        observer = ("--url", url, "--authid", "olga", "--secret-file", secret_file(directory, "right", SECRET))
        async with checks.check("an observer calls what reads, and nothing else"):
            await expect_result("call", "crossbar.worker.wampproc.get_process_stats", *observer)
            said = await expect_exit(1, "call", "crossbar.worker.wampproc.set_cpu_affinity", "[0]", *observer)
            expect("wamp.error.not_authorized" in said, said)
        async with checks.check("an observer subscribes to events, and publishes none"):
            topic = "crossbar.worker.wampproc.on_process_stats"
            said = await expect_exit(1, "publish", topic, "--ack", *observer)
            expect("wamp.error.not_authorized" in said, said)
            child = await processes.Child.start(processes.WAMPPROC, "subscribe", topic, "--count", "1", *observer)
            async with child, await join_as_joe(url, "ticket", SECRET, None) as session:
                await session.call("crossbar.worker.wampproc.set_process_stats_monitoring", 0.2)
                expect_equal(await child.wait(), DONE, "exit status")


@contextlib.asynccontextmanager
async def crossbar(directory, keys):
    port = processes.free_port()
    async with await processes.start_crossbar(directory, port, crossbar_config(keys)):
        yield f"ws://127.0.0.1:{port}/ws"


async def check_crossbar(checks, directory, keys):
    """A real Crossbar.io by our client."""
    async with crossbar(directory, keys) as url, await join_as_joe(url, "ticket", SECRET, None) as session:
        await register_whoami(session)
        for name, authid, arguments in (
            ("ticket", "joe", ("--auth", "ticket")),
            ("wampcra, plain", "joe", ("--auth", "wampcra")),
            ("wampcra, salted", "salted", ("--auth", "wampcra")),
            ("wampcra, by default", "joe", ()),
            ("scram, argon2", "joe", ("--auth", "scram")),
            ("scram, pbkdf2", "pbkdf2", ("--auth", "scram")),
        ):
            await check_secret(checks, url, directory, Crossbar, name, authid, *arguments)
        await check_keys(checks, url, Crossbar, keys)
        await check_sources(checks, url, directory)
        await check_agent(checks, url, directory)


async def check_logins(checks):
    with tempfile.TemporaryDirectory(prefix="wampproc-interop-") as directory:
        keys = Keys(directory)
        await check_serve(checks.within("serve"), directory, keys)
        await check_vouched(checks.within("serve, no secret"), directory)
        await check_crossbar(checks.within("crossbar"), directory, keys)
