"""Counted checks: one line each on stdout, `ok NAME` or `FAILED NAME: what was expected and what came`.

`interop.sh` counts those lines, so nothing else may print lines that begin so.
"""

import asyncio
import contextlib
import traceback

# No single check may hang the run: a peer that never answers is a failure after this many seconds.
DEADLINE = 20.0


class Mismatch(Exception):
    """What was got is not what was expected."""


class Checks:
    """Counts checks; `within` gives a view that counts into the same totals under a longer name."""

    def __init__(self, name="", totals=None):
        self._name = name
        self._totals = totals if totals is not None else {"ok": 0, "FAILED": 0}

    def within(self, name):
        return Checks(f"{self._name}{name}: ", self._totals)

    @property
    def failed(self):
        return self._totals["FAILED"]

    def passed(self, name):
        self._report("ok", name)

    def fail(self, name, detail):
        self._report("FAILED", f"{name}: {detail}")

    def _report(self, word, text):
        self._totals[word] += 1
        print(word, f"{self._name}{text}".replace("\n", " | "), flush=True)

    @contextlib.asynccontextmanager
    async def check(self, name, deadline=DEADLINE):
        """One check: passed when the body ends, failed when it raises or is not done in time."""
        try:
            async with asyncio.timeout(deadline):
                yield
        except TimeoutError:
            self.fail(name, f"not done within {deadline:g} s")
        except Mismatch as mismatch:
            self.fail(name, mismatch)
        except Exception as error:  # an unforeseen error fails this check and the others still run
            self.fail(name, f"{describe(error)} (line {line_of(error)})")
        else:
            self.passed(name)


def describe(error):
    return f"{type(error).__name__}: {error}"


def line_of(error):
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "/interop/" in frame.filename]
    frames = [frame for frame in frames if "site-packages" not in frame.filename]
    return " < ".join(f"{frame.filename.rsplit('/', 1)[1]}:{frame.lineno}" for frame in reversed(frames[-2:]))


def expect(condition, message):
    if not condition:
        raise Mismatch(message)


def expect_equal(got, want, what="value"):
    if got != want:
        raise Mismatch(f"{what}: expected {want!r}, got {got!r}")


def expect_type(value, *types, what="value"):
    """The exact type: a bool is no int and an int no float, as JSON and the contract have it."""
    if type(value) not in types:
        names = " or ".join(t.__name__ for t in types)
        raise Mismatch(f"{what}: expected {names}, got {type(value).__name__} {value!r}")


def expect_keys(mapping, keys):
    """These keys, all of them, no others, in this order."""
    expect_type(mapping, dict)
    expect_equal(list(mapping), list(keys), "keys in order")


def expect_between(value, low, high, what="value"):
    if not low <= value <= high:
        raise Mismatch(f"{what}: expected {low!r} to {high!r}, got {value!r}")
