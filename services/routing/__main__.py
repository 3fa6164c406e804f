"""The routing process: ``python -m services.routing``; with arguments, its commands (:mod:`services.routing.cli`)."""

import sys

from services.common import persons
from services.common.runtime import Runtime, main
from services.routing import api, cli, reindex
from services.routing.entries import DIRECTORY_LANE
from services.routing.exports import Exports
from services.routing.handlers import Handlers, asked_of
from services.routing.person_part import PERSON
from services.routing.settings import Limits, RoutingSettings
from services.routing.store import Directory


async def compose() -> Runtime:
    """Settings, pools, consumer, both relays, the public export and the API."""
    settings = RoutingSettings()
    runtime = Runtime("routing", settings)
    await runtime.open()
    runtime.consume(Handlers(Directory(settings.directory_cache)), skips=lambda data: asked_of(data) is None)
    runtime.relay()
    runtime.relay(DIRECTORY_LANE, transactional=True)
    exports = Exports(runtime.pool, every_seconds=settings.export_seconds)
    runtime.job("export", exports.run)
    runtime.on_close(exports.close)
    runtime.job("reindex", reindex.once(runtime.pool))
    pools = api.Pools(write=runtime.pool, read=runtime.api_pool)
    app = runtime.web(answer_seconds=settings.answer_seconds)
    persons.add_routes(app, "routing", runtime.pool, PERSON)
    api.add_routes(app, pools, exports, Limits.of(settings))
    return runtime


if __name__ == "__main__":
    if len(sys.argv) > 1:
        raise SystemExit(cli.run(sys.argv[1:]))
    main(compose)
