"""The methods to log in, as each client is told of them."""

import pathlib

from autobahn.wamp.auth import create_authenticator
from xconn import AnonymousAuthenticator, CryptoSignAuthenticator, TicketAuthenticator, WAMPCRAAuthenticator

from logins import SECRET, secret_file


class Method:
    """How one user logs in. `name` tells it from the others; `method` is WAMP's name of it."""

    def __init__(self, name, method, authid=None):
        self.name = name
        self.method = method
        self.authid = authid

    def flags(self, directory, keys):
        """For our own client."""
        if self.method == "anonymous":
            return ()
        key = self.method == "cryptosign"
        file = keys.files["hex"] if key else secret_file(directory, "right", SECRET)
        return ("--auth", self.method, "--authid", self.authid, "--secret-file", file)

    def of_autobahn(self, keys):
        arguments = {
            "anonymous": {},
            "ticket": {"ticket": SECRET},
            "wampcra": {"secret": SECRET},
            "scram": {"password": SECRET},
            "cryptosign": {"privkey": seed(keys)},
        }[self.method]
        authid = {} if self.authid is None else {"authid": self.authid}
        return create_authenticator(self.method, **authid, **arguments)

    def of_xconn(self, keys):
        """None: it does not know the method."""
        if self.method == "anonymous":
            return AnonymousAuthenticator("")
        known = {"ticket": TicketAuthenticator, "wampcra": WAMPCRAAuthenticator, "cryptosign": CryptoSignAuthenticator}
        if self.method not in known:
            return None
        return known[self.method](self.authid, seed(keys) if self.method == "cryptosign" else SECRET, {})


def seed(keys):
    return pathlib.Path(keys.files["hex"]).read_text().strip()


ANONYMOUS, TICKET = Method("anonymous", "anonymous"), Method("ticket", "ticket", "joe")
CRYPTOSIGN = Method("cryptosign", "cryptosign", "joe")
# joe has them all; there are users beside him for the ways to keep a secret.
ON_CROSSBAR = (
    ANONYMOUS,
    TICKET,
    Method("wampcra, plain", "wampcra", "joe"),
    Method("wampcra, salted", "wampcra", "salted"),
    Method("scram, argon2", "scram", "joe"),
    Method("scram, pbkdf2", "scram", "pbkdf2"),
    CRYPTOSIGN,
)
ON_SERVE = (
    ANONYMOUS,
    TICKET,
    Method("wampcra", "wampcra", "joe"),
    Method("scram", "scram", "joe"),
    CRYPTOSIGN,
)
