"""The clients of Node: runs each and counts the checks that it reports (see check.mjs)."""

import json

import processes

CLIENTS = {"autobahn-js": "autobahn_js.mjs", "wampy.js": "wampy_js.mjs"}


async def check_node(checks, target):
    for name, script in CLIENTS.items():
        await check_script(checks.within(name), script, target.url, target.prefix)


async def check_script(checks, script, *arguments, env=None):
    async with await processes.Child.start("node", str(processes.HERE / script), *arguments, env=env) as child:
        status = await child.wait(300)
        for line in child.stdout:
            count(checks, line)
        if status != 0 or not child.stdout:
            checks.fail("the client ended early", f"status {status}, stderr {child.stderr[:12]}")


def count(checks, line):
    try:
        report = json.loads(line)
        name, error = report["check"], report["error"]
    except (ValueError, KeyError, TypeError):
        checks.fail("the client's report", f"unforeseen line {line!r}")
        return
    if error is None:
        checks.passed(name)
    else:
        checks.fail(name, error)
