"""ingest's web server and its work on flows as one process that a test may kill; settings come from the environment."""

import asyncio

import uvloop

from services.common.blobs import Blobs
from services.common.db import open_pool
from services.common.web import Server, create_app
from services.ingest import flow_api
from services.ingest.dropfolder import DropFolders
from services.ingest.flow_release import Release
from services.ingest.flow_worker import FlowWorker
from services.ingest.settings import IngestSettings


async def _fine() -> str | None:
    return None


async def main() -> None:
    """Serve and work until killed."""
    settings = IngestSettings()
    pool = await open_pool(settings.dsn.get_secret_value(), "ingest")
    api_pool = await open_pool(settings.api_dsn.get_secret_value(), "ingest")
    blobs = Blobs(settings)
    app = create_app("ingest", token_secret=settings.token_secret.get_secret_value(), live=_fine, ready=[])
    flow_api.add_routes(app, api_pool=api_pool, blobs=blobs, settings=settings)
    await asyncio.gather(
        Server(app, settings.host, settings.port, 2).serve(),
        FlowWorker(pool, blobs, settings).run(),
        Release(pool, settings).run(),
        DropFolders(pool, blobs, settings, app.state.access).run(),
    )


if __name__ == "__main__":
    uvloop.run(main())
