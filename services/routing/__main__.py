"""The routing process: ``python -m services.routing``."""

from services.common.runtime import Runtime, main
from services.routing import api
from services.routing.handlers import Handlers
from services.routing.load import DIRECTORY_LANE
from services.routing.settings import RoutingSettings
from services.routing.store import Directory


async def compose() -> Runtime:
    """Settings, pools, consumer, both relays and the API."""
    settings = RoutingSettings()
    runtime = Runtime("routing", settings)
    await runtime.open()
    runtime.consume(Handlers(Directory(settings.directory_cache)))
    runtime.relay()
    runtime.relay(DIRECTORY_LANE, transactional=True)
    api.add_routes(runtime.web(), runtime.pool, runtime.api_pool, settings.import_limit_mb * 1024 * 1024)
    return runtime


if __name__ == "__main__":
    main(compose)
