"""Processes of the tests on a running stack: killed, frozen and asked for their health."""

import asyncio
import json
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from deploy.database import ServiceDsns
from deploy.local import Stack
from deploy.servers.base import ChildServer
from deploy.servers.ports import LOOPBACK
from deploy.servers.process import Command
from deploy.servers.workspace import ROOT

PATIENCE = 60.0


class Process(ChildServer):
    """``python -m tests.integration.plumbing.<module>``."""

    stop_grace = 15.0

    def __init__(self, stack: Stack, module: str, *arguments: str, env: Mapping[str, str] | None = None) -> None:
        super().__init__(stack.workspace, f"{module}-{uuid.uuid4().hex[:8]}")
        self._argv = [sys.executable, "-m", f"tests.integration.plumbing.{module}", *arguments]
        self.env = dict(env or {})

    def prepare(self) -> None:
        """It keeps nothing on disk."""

    def command(self) -> Command:
        return Command(self._argv, env=self.env, cwd=ROOT)

    def ready(self) -> bool:
        return self.alive

    @property
    def output(self) -> str:
        """Everything it has written."""
        return self.workspace.log(self.name).read_text(errors="replace")


class Hop(Process):
    """The tests' service, consuming ``topic``."""

    def __init__(self, stack: Stack, dsns: ServiceDsns, topic: str, **settings: str) -> None:
        self.port = stack.workspace.ports.free()
        env = stack.environment("notify") | {
            "CHORALE_DSN": dsns.worker,
            "CHORALE_API_DSN": dsns.api,
            "CHORALE_PORT": str(self.port),
            "CHORALE_TOPIC": topic,
            "CHORALE_GROUP": f"test-{uuid.uuid4().hex}",
        }
        super().__init__(stack, "service", env=env | {f"CHORALE_{name.upper()}": to for name, to in settings.items()})

    def new_group(self) -> None:
        """From the next start on it reads the topic again from its beginning."""
        self.env["CHORALE_GROUP"] = f"test-{uuid.uuid4().hex}"

    def health(self) -> tuple[int, dict[str, Any]]:
        """Status and body of ``/health/ready``; 0 while nothing answers."""
        try:
            with urllib.request.urlopen(f"http://{LOOPBACK}:{self.port}/health/ready", timeout=2) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)
        except OSError:
            return 0, {}

    def ready(self) -> bool:
        return self.health()[0] != 0


async def until(done: Callable[[], Awaitable[bool]], what: str, process: Process | None = None) -> None:
    """Wait until ``done`` says so; fails with the process's last lines."""
    deadline = time.monotonic() + PATIENCE
    while not await done():
        if time.monotonic() > deadline:
            raise AssertionError(f"not in {PATIENCE:.0f} s: {what}\n{process.output[-3000:] if process else ''}")
        await asyncio.sleep(0.05)
