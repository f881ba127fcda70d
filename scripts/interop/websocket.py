"""The WebSocket layer, frame by frame: the cases of the Autobahn test suite, as kosoku runs them, on the server's end and on
the client's. The peer under test is `tests/echo.rs`, which is built on the layer that carries WAMP. The cases about compression
are left out: it is not offered."""

import os
import pathlib
import sys
import tempfile

from check import expect_equal
from processes import HERE, Child, free_port

# Its own process: the cases bring pieces of an autobahn of their own.
KOSOKU = str(pathlib.Path(sys.executable).parent / "kosoku")
ECHO = os.environ.get("WAMPPROC_ECHO", str(HERE.parent.parent / "target" / "debug" / "examples" / "echo"))
CASES = 301
# All cases on one end, some of which send megabytes in small pieces.
DEADLINE = 300.0


async def kosoku(mode, address, directory):
    without_compression = ("-x", "12.*", "-x", "13.*")
    return await Child.start(KOSOKU, "-m", mode, "-p", "8", *without_compression, "-o", directory, address)


async def check_websocket(checks):
    with tempfile.TemporaryDirectory(prefix="wampproc-interop-") as directory:
        async with checks.check(f"the server's end passes the {CASES} cases", DEADLINE):
            async with await Child.start(ECHO, "serve") as echo:
                word, address = (await echo.line(lambda line: True)).split(" ")
                expect_equal(word, "ready", "first word")
                async with await kosoku("fuzzingclient", address, directory) as suite:
                    await judge(suite)
        async with checks.check(f"the client's end passes the {CASES} cases", DEADLINE):
            address = f"127.0.0.1:{free_port()}"
            async with await kosoku("fuzzingserver", address, directory) as suite:
                await suite.line(lambda line: "listening" in line, suite.stderr)
                async with await Child.start(ECHO, "run", address, "wampproc") as echo:
                    expect_equal(await echo.wait(DEADLINE), 0, f"exit status ({echo.stderr})")
                    await judge(suite)


async def judge(suite):
    """The suite says last how many passed, or on stderr which failed."""
    await suite.wait(DEADLINE)
    expect_equal((suite.stdout or suite.stderr)[-1], f"{CASES} cases passed", f"last line ({suite.stderr[-3:]})")
