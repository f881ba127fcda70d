"""Starts Crossbar.io's router and xconn's (if its program is given), and has the bench drive them beside ours.

    python bench_routers.py [XCONN_ROUTER]

Each is ended with this program, by its id.
"""

import asyncio
import json
import pathlib
import sys
import tempfile

from processes import HERE, Child, crossbar_config, free_port, start_crossbar

ROOT = HERE.parent.parent


async def listening(port, timeout=20.0):
    async with asyncio.timeout(timeout):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            return


async def start_xconn(program, directory, port):
    """A router of one realm that lets everybody do everything."""
    permission = {"uri": "", "match": "prefix", "allow_call": True, "allow_register": True}
    permission |= {"allow_publish": True, "allow_subscribe": True}
    config = {
        "version": "1",
        "realms": [{"name": "realm1", "roles": [{"name": "anonymous", "permissions": [permission]}]}],
        "transports": [
            {"type": "websocket", "listener": "tcp", "address": f"127.0.0.1:{port}", "serializers": ["json", "msgpack", "cbor"]}
        ],
        "authenticators": {"anonymous": [{"authid": "anonymous", "realm": "realm1", "role": "anonymous"}]},
    }
    path = pathlib.Path(directory) / "xconn.yaml"
    # JSON is YAML.
    path.write_text(json.dumps(config))
    child = await Child.start(program, "start", "--config-file", str(path))
    await listening(port)
    return child


async def main():
    routers = []
    with tempfile.TemporaryDirectory() as directory:
        port = free_port()
        child = await start_crossbar(directory, port, crossbar_config)
        routers.append(["crossbar", f"ws://127.0.0.1:{port}/ws", child])
        if len(sys.argv) > 1:
            port = free_port()
            routers.append(["xconn", f"ws://127.0.0.1:{port}/ws", await start_xconn(sys.argv[1], directory, port)])
        flags = [word for name, url, child in routers for word in ("--router", name, url, str(child.pid))]
        bench = ["cargo", "bench", "--locked", "--features", "full", "--bench", "routers", "--", *flags]
        process = await asyncio.create_subprocess_exec(*bench, cwd=ROOT)
        status = await process.wait()
        for _, _, child in routers:
            await child.stop()
    sys.exit(status)


asyncio.run(main())
