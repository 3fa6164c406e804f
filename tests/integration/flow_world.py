"""Flows in the test's own process: sent over HTTP, worked on step by step."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import httpx

from deploy.database import ServiceDsns
from deploy.local import Stack
from services.common.auth import Principal
from services.ingest.dropfolder import DropFolders
from services.ingest.flow_release import Release
from services.ingest.flow_worker import FlowWorker
from tests.integration.ingest_world import World, open_world, supplier
from tests.unit.ingest.samples import directory_events

TUS = {"Tus-Resumable": "1.0.0"}


class Flows:
    """A world with the work on flows at hand."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.worker = FlowWorker(world.pool, world.blobs, world.settings)
        self.release = Release(world.pool, world.settings)
        self.folders = DropFolders(world.pool, world.blobs, world.settings, world.identity)

    async def post(self, content: Any, name: str = "flux.zip", principal: Principal | None = None) -> httpx.Response:
        """Send a flow in one request."""
        return await self.world.client.post(
            "/api/v1/flows", params={"name": name}, content=content, headers=self.world.headers(principal)
        )

    async def send(self, content: bytes, **more: Any) -> UUID:
        """Send a flow, which must be taken; returns its id."""
        answer = await self.post(content, **more)
        assert answer.status_code == 201, answer.text
        return UUID(answer.json()["id"])

    async def get(self, path: str, principal: Principal | None = None, **more: Any) -> httpx.Response:
        """Ask below ``/api/v1/flows``."""
        return await self.world.client.get(f"/api/v1/flows{path}", headers=self.world.headers(principal), **more)

    async def work(self, rounds: int = 200) -> None:
        """Check, read, release and finish all there is."""
        while await self.worker.once():
            pass
        for _ in range(rounds):
            if not await self.release.once():
                return
        raise AssertionError("the release does not come to an end")

    async def through(self, content: bytes, **more: Any) -> dict[str, Any]:
        """Send a flow, work on it, and show it."""
        flow = await self.send(content, **more)
        await self.work()
        return await self.show(flow)

    async def show(self, flow: UUID) -> dict[str, Any]:
        """A flow as its depositor sees it."""
        found: dict[str, Any] = (await self.get(f"/{flow}")).json()
        return found

    async def items(self, flow: Any) -> list[dict[str, Any]]:
        """Its items."""
        found: list[dict[str, Any]] = (await self.get(f"/{flow}/items", params={"limit": 1000})).json()["items"]
        return found

    async def upload(self, size: int, principal: Principal | None = None) -> str:
        """Begin a resumable upload; returns its address."""
        headers = {**self.world.headers(principal), **TUS, "Upload-Length": str(size)}
        answer = await self.world.client.post("/api/v1/flows/uploads", headers=headers)
        assert answer.status_code == 201, answer.text
        return answer.headers["Location"]

    async def patch(
        self, address: str, offset: int, content: Any, principal: Principal | None = None
    ) -> httpx.Response:
        """Go on with an upload."""
        headers = {
            **self.world.headers(principal),
            **TUS,
            "Upload-Offset": str(offset),
            "Content-Type": "application/offset+octet-stream",
        }
        return await self.world.client.patch(address, content=content, headers=headers)

    async def offset(self, address: str, principal: Principal | None = None) -> int:
        """How much of an upload is durable."""
        answer = await self.world.client.head(address, headers={**self.world.headers(principal), **TUS})
        assert answer.status_code == 200, answer.status_code
        return int(answer.headers["Upload-Offset"])


@asynccontextmanager
async def open_flows(stack: Stack, dsns: Mapping[str, ServiceDsns], **more: Any) -> AsyncIterator[Flows]:
    """A world with a directory."""
    given = {"flow_segment_bytes": 65_536, "flow_pack_bytes": 65_536, **more}
    async with open_world(stack, dsns, **given) as world:
        await world.take(*directory_events())
        await world.pool.execute("insert into directory_read_to_end default values")
        yield Flows(world)


__all__ = ["TUS", "Flows", "open_flows", "supplier"]
