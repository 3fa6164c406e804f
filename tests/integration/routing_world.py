"""The routing service's API on a fresh database, without a process of its own."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx
import msgspec

from deploy.database import ServiceDsns
from services.common.auth import Principal, mint
from services.common.db import Pool, migrate, open_pool
from services.common.web import create_app
from services.routing import api
from services.routing.api import Pools
from services.routing.exports import Exports
from services.routing.settings import Limits

SECRET = "a-secret-for-the-tests-of-routing-only"
PAGE = "https://factures.example/deposer"


class World(msgspec.Struct, frozen=True):
    """``pool`` is the worker's, ``read`` that of the API role; ``client`` speaks to the API."""

    pool: Pool
    read: Pool
    client: httpx.AsyncClient
    exports: Exports


async def _fine() -> str | None:
    return None


@asynccontextmanager
async def routing_world(
    dsns: Mapping[str, ServiceDsns], *, limit: int = 2**20, messages_url: str = ""
) -> AsyncIterator[World]:
    """Migrated, open, closed at the end."""
    await migrate(dsns["routing"].worker, "routing", "services.routing")
    pool = await open_pool(dsns["routing"].worker, "routing")
    read = await open_pool(dsns["routing"].api, "routing")
    app = create_app("routing", token_secret=SECRET, live=_fine, ready=[])
    exports = Exports(pool)
    limits = Limits(
        import_lines=limit, import_json=limit, search_seconds=5, deposit_page=PAGE, messages_url=messages_url
    )
    api.add_routes(app, Pools(write=pool, read=read), exports, limits)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        yield World(pool, read, client, exports)
    await exports.close()
    await read.close()
    await pool.close()


def bearer(*roles: str, tenants: tuple[str, ...] = (), structures: tuple[str, ...] = ()) -> dict[str, str]:
    """The header of somebody called Agnès."""
    principal = Principal(subject="agnès", roles=roles, tenants=tenants, structures=structures)
    return {"authorization": f"Bearer {mint(SECRET, principal)}"}


OPERATOR = bearer("OPERATEUR")
