"""`wampproc` as a command: runs it, and what is expected of its exit status and its lines."""

import json

import processes
from check import expect, expect_equal

# Exit codes, as `wampproc --help` has them.
DONE, WAMP_ERROR, USAGE, NO_CONNECTION, REFUSED, TIMED_OUT, LOST = range(7)
WAIT = 10.0


async def cli(*arguments):
    """(exit status, lines of stdout, lines of stderr)."""
    child = await processes.Child.start(processes.WAMPPROC, *arguments)
    async with child:
        status = await child.wait(WAIT)
        return status, child.stdout, child.stderr


async def expect_result(*arguments):
    """Exit 0 and exactly one JSON value on stdout; that value."""
    status, out, err = await cli(*arguments)
    expect_equal(status, DONE, f"exit status ({err})")
    expect_equal(len(out), 1, f"lines of stdout {out}")
    return json.loads(out[0])


async def expect_line(value, *arguments):
    """Exit 0 and exactly this one JSON value on stdout."""
    expect_equal(await expect_result(*arguments), value, "value")


async def expect_exit(status_wanted, *arguments):
    """This exit status and nothing on stdout; the first line of stderr, which says why."""
    status, out, err = await cli(*arguments)
    expect_equal(status, status_wanted, f"exit status ({err})")
    expect_equal(out, [], "stdout")
    expect(err and err[0].strip(), "stderr says nothing")
    return err[0]


def nobody_listens():
    """The URL of a loopback port where nobody listens."""
    return f"ws://127.0.0.1:{processes.free_port()}/ws"
