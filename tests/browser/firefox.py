"""Debian's Firefox for the browser tests, driven by WebDriver BiDi, which Playwright speaks and every Firefox answers.

Playwright sends one command that Firefox's long-term release does not know yet (media features, for light and dark). So
Playwright starts this program in place of Firefox: it starts Firefox and passes everything on between the two, but
answers that one command itself. Without it Firefox looks as its own settings say, which is light.

``python -m tests.browser.firefox install`` installs Firefox where there is none and that is possible.
"""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType, web

NAMES: Final = ("firefox-esr", "firefox")
ASK: Final = "Firefox was not found: type 'apt-get install -y firefox-esr' (Debian), or set CHORALE_FIREFOX."
UNKNOWN: Final = frozenset({"emulation.setMediaFeaturesOverride"})
_LISTENS: Final = re.compile(r"WebDriver BiDi listening on (ws://\S+)")
_MESSAGE: Final = 256 * 1024 * 1024


def find() -> Path | None:
    """The program, None where there is none."""
    given = os.environ.get("CHORALE_FIREFOX")
    found = given or next((path for name in NAMES if (path := shutil.which(name))), None)
    return Path(found) if found else None


def wrapped(folder: Path) -> Path:
    """A program that Playwright may start in place of Firefox."""
    made = folder / "firefox"
    root = Path(__file__).parents[2]
    made.write_text(f'#!/bin/sh\nPYTHONPATH="{root}" exec "{sys.executable}" -m tests.browser.firefox "$@"\n')
    made.chmod(0o755)
    return made


async def _between(asked: web.WebSocketResponse, firefox: ClientWebSocketResponse) -> None:
    """What Playwright sends, to Firefox, but for what Firefox does not know."""
    async for message in asked:
        if message.type is not WSMsgType.TEXT:
            break
        said = json.loads(message.data)
        if said.get("method") in UNKNOWN:
            await asked.send_str(json.dumps({"type": "success", "id": said["id"], "result": {}}))
        else:
            await firefox.send_str(message.data)
    await firefox.close()


async def _back(firefox: ClientWebSocketResponse, asked: web.WebSocketResponse) -> None:
    async for message in firefox:
        if message.type is not WSMsgType.TEXT:
            break
        await asked.send_str(message.data)
    await asked.close()


def _relay(address: str) -> web.Application:
    async def relay(request: web.Request) -> web.WebSocketResponse:
        asked = web.WebSocketResponse(max_msg_size=_MESSAGE)
        await asked.prepare(request)
        async with (
            ClientSession() as session,
            session.ws_connect(f"{address}{request.path}", max_msg_size=_MESSAGE) as firefox,
        ):
            await asyncio.gather(_between(asked, firefox), _back(firefox, asked))
        return asked

    app = web.Application()
    app.router.add_get("/{path:.*}", relay)
    return app


async def run(arguments: list[str]) -> int:
    """Firefox, until it ends; its exit code."""
    program = find()
    if program is None:
        print(ASK, file=sys.stderr)
        return 1
    firefox = await asyncio.create_subprocess_exec(str(program), *arguments, stderr=asyncio.subprocess.PIPE)
    assert firefox.stderr is not None
    runner: web.AppRunner | None = None
    async for line in firefox.stderr:
        text = line.decode(errors="replace").rstrip()
        found = _LISTENS.search(text)
        if found:
            runner = web.AppRunner(_relay(found[1]))
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            host, port = runner.addresses[0][:2]
            text = f"WebDriver BiDi listening on ws://{host}:{port}"
        print(text, file=sys.stderr, flush=True)
    code = await firefox.wait()
    if runner is not None:
        await runner.cleanup()
    return code


def install() -> int:
    """0 once it is there."""
    if find() is None and os.geteuid() == 0 and shutil.which("apt-get"):
        settings = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-qq"], check=False, env=settings)
        command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "firefox-esr"]
        subprocess.run(command, check=False, env=settings)
    if find() is None:
        print(ASK, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(install() if sys.argv[1:] == ["install"] else asyncio.run(run(sys.argv[1:])))
