"""Crossbar.io's own NativeProcess as a client of any WAMP router: what wampproc is measured against.

    native_process.py URL [REALM] [--node ID] [--worker ID]

Registers the 15 management procedures as a Crossbar.io worker does, under `crossbar.worker.<worker>.`, then prints
`ready URL REALM` on stdout and serves calls until SIGTERM or until the connection is lost. Logs go to stderr.
"""

import argparse
import sys
import tempfile
from types import SimpleNamespace

from autobahn.twisted.choosereactor import install_reactor

reactor = install_reactor()

import txaio  # noqa: E402
from autobahn.twisted.wamp import ApplicationRunner  # noqa: E402
from autobahn.wamp.serializer import JsonSerializer  # noqa: E402
from autobahn.wamp.types import ComponentConfig  # noqa: E402
from crossbar.common.process import NativeProcess  # noqa: E402
from twisted.internet.defer import inlineCallbacks  # noqa: E402


# As a worker under its node controller: a driver that turns to another peer for a while is not gone.
WITHOUT_PINGS = {"autoPingInterval": 0, "autoPingTimeout": 0, "tcpNoDelay": True}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("url")
    parser.add_argument("realm", nargs="?", default="realm1")
    parser.add_argument("--node", default="node1")
    parser.add_argument("--worker", default="native1")
    return parser.parse_args()


class Native(NativeProcess):
    """NativeProcess unchanged but for saying when it is ready and ending with its connection."""

    @inlineCallbacks
    def onJoin(self, details):
        registrations = yield super().onJoin(details)
        print("ready", self.config.extra.url, self.config.realm, file=sys.__stdout__, flush=True)
        return registrations

    def onDisconnect(self):
        if reactor.running:
            reactor.stop()


def main():
    options = arguments()
    txaio.start_logging(level="warn", out=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="native-process-") as node_directory:
        # What a Crossbar.io node controller hands to its workers.
        options.cbdir = node_directory
        extra = SimpleNamespace(**vars(options))
        runner = ApplicationRunner(
            options.url, options.realm, serializers=[JsonSerializer()], websocket_options=WITHOUT_PINGS
        )
        runner.run(lambda config: Native(ComponentConfig(config.realm, extra)), log_level="warn")


if __name__ == "__main__":
    main()
