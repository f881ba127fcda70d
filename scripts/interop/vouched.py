"""Users of `serve` who need no secret, for the kernel says who they are: autobahn-python, and processes of other users."""

import contextlib
import json
import os
import pathlib

from autobahn.wamp.auth import create_authenticator

import processes
from check import expect_equal
from cli import DONE, REFUSED
from client import join

# Nobody's, as far as anybody knows; each is a user with a group of the same number.
STRANGER, PUMP, GROUP = 54321, 54322, 54323


def make_users(directory):
    """A file with rules for the user that this runs as, for another user, and for a group."""
    file = pathlib.Path(directory) / "vouched.json"
    users = {
        "own": {"role": "admin", "local": [{"user": os.geteuid()}]},
        "group": {"role": "admin", "local": [{"group": os.getegid()}, {"group": GROUP}]},
        "pump": {"role": "admin", "local": [{"user": PUMP}]},
    }
    file.write_text(json.dumps({"users": users}))
    file.chmod(0o600)
    return str(file)


@contextlib.asynccontextmanager
async def serve(directory):
    """On a Unix socket that everybody can reach."""
    path = pathlib.Path(directory) / "bus"
    pathlib.Path(directory).chmod(0o755)
    listen = ("--listen", f"unix:{path}", "--socket-mode", "0666")
    child, url, _ = await processes.start_wampproc("serve", *listen, "--users", make_users(directory))
    async with child:
        yield url


async def who_is(url, authenticator=None):
    """(authid, role, method, provider) of a session of autobahn-python."""
    async with await join(url, authenticator=authenticator) as session:
        details = session.joined.result()
        return details.authid, details.authrole, details.authmethod, details.authprovider


async def status_of(url, user):
    """How our client ends as another user."""
    child = await processes.Child.start(processes.WAMPPROC, "call", "--url", url, "wamp.session.count", user=user)
    async with child:
        return await child.wait(10.0)


async def check_vouched(checks, directory):
    async with serve(directory) as url:
        own = ("own", "admin", "anonymous", "local")
        async with checks.check("autobahn-python without a login is who the kernel says"):
            expect_equal(await who_is(url), own, "identity")
        async with checks.check("autobahn-python by anonymous, too"):
            expect_equal(await who_is(url, create_authenticator("anonymous")), own, "identity")
        async with checks.check("of several users the one that autobahn-python asks for"):
            asking = create_authenticator("anonymous", authid="group")
            expect_equal(await who_is(url, asking), ("group", "admin", "anonymous", "local"), "identity")
        if os.geteuid() == 0:
            for user, status in ((STRANGER, REFUSED), (PUMP, DONE), (GROUP, DONE)):
                async with checks.check(f"a process of user {user}"):
                    expect_equal(await status_of(url, user), status, "exit status")
