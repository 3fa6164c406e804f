"""Services as processes of their own, on the real servers and on a test's own database."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

import httpx

from deploy.database import ServiceDsns
from deploy.local import Stack
from deploy.servers.process import launcher
from tests.records import eventually

ROOT = Path(__file__).resolve().parents[1]


def free_port() -> int:
    """A port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


#: Settings of a service that is to do its timed work alone. On the broker there is what earlier tests told: read into
#: a fresh database, it becomes invoices and mails of strangers.
WITHOUT_KAFKA: Final = {"CHORALE_KAFKA": "127.0.0.1:9"}


class Service:
    """``python -m services.<name>``, which a test may signal and kill. ``settings``: variables of its environment."""

    process: asyncio.subprocess.Process

    def __init__(self, name: str, stack: Stack, own: ServiceDsns, **settings: str) -> None:
        self.name = name
        self.port = free_port()
        self.environment = {
            **os.environ,
            **stack.environment(name),
            "CHORALE_DSN": own.worker,
            "CHORALE_API_DSN": own.api,
            "CHORALE_PORT": str(self.port),
            **settings,
        }
        self.url = f"http://127.0.0.1:{self.port}"

    async def start(self, *, quiet: bool = True) -> None:
        """Start it. ``quiet``: what it logs is not shown."""
        self.process = await asyncio.create_subprocess_exec(
            *(*launcher(None), sys.executable, "-m", f"services.{self.name}"),
            cwd=ROOT,
            env=self.environment,
            stdout=asyncio.subprocess.DEVNULL if quiet else None,
        )

    async def ready(self, path: str = "/health/ready", *, within: float = 60) -> None:
        """Wait until a path answers 200."""

        async def answers() -> bool:
            with suppress(httpx.HTTPError):
                async with httpx.AsyncClient(base_url=self.url) as client:
                    return (await client.get(path)).status_code == httpx.codes.OK
            return False

        await eventually(answers, within=within)

    async def stop(self, *, within: float) -> None:
        """End it as an operator does. Raises TimeoutError where it takes longer."""
        with suppress(ProcessLookupError):
            self.process.terminate()
        await asyncio.wait_for(self.process.wait(), within)

    async def kill(self) -> None:
        """End it at once, if it still runs."""
        with suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()


@asynccontextmanager
async def running(name: str, stack: Stack, own: ServiceDsns, **settings: str) -> AsyncIterator[Service]:
    """A service for as long as the test needs it; killed at the end when it still runs."""
    service = Service(name, stack, own, **settings)
    await service.start()
    try:
        yield service
    finally:
        await service.kill()
