"""The supervision process: ``python -m services.supervision``; ``… rebuild`` makes its windows again."""

import sys

from services.common import inbox, telemetry
from services.common.loops import every, until_done
from services.common.runtime import Runtime, main
from services.supervision import api, rebuild
from services.supervision.counting import Counting
from services.supervision.examples import EXAMPLES
from services.supervision.lag import Lag
from services.supervision.neighbours import Neighbours
from services.supervision.settings import SupervisionSettings
from services.supervision.streams import Streams, StreamSettings
from services.supervision.watch import Watch

_PRUNE_SECONDS = 600.0


async def compose() -> Runtime:
    """Settings, pools, streams, the watch and the API."""
    settings = SupervisionSettings()
    runtime = Runtime("supervision", settings)
    await runtime.open()

    async def forget_lost() -> int:
        async with runtime.pool.acquire() as connection:
            return await rebuild.forget_lost(settings, connection)

    forgotten = await until_done(forget_lost, "places.failed")
    if forgotten:
        telemetry.logger().warning("places.forgotten", partitions=forgotten)
    linger = settings.batch_linger_ms / 1000
    streams = Streams(
        StreamSettings(
            kafka=settings.kafka,
            batch_size=settings.batch_size,
            linger=linger,
            commit_seconds=settings.commit_seconds,
        ),
        Counting(runtime.pool),
    )

    async def ready() -> str | None:
        return streams.problem

    async def prune() -> None:
        async with runtime.pool.acquire() as connection:
            await inbox.prune(connection, settings.inbox_days)

    async def pruning() -> None:
        await every(_PRUNE_SECONDS, prune, "sweep.failed")

    runtime.ready_when(ready)
    runtime.follow_accounts()
    runtime.relay()  # what is no account is parked, and mirrored as everywhere
    runtime.job("streams", streams.run)
    runtime.job("prune", pruning)
    lag, neighbours = Lag(settings.kafka), Neighbours(settings.service_urls)
    watch = Watch(runtime.pool, runtime.api_pool, lag, neighbours, settings.watch_seconds, settings.sample_seconds)
    runtime.job("watch", watch.run)
    runtime.on_close(lag.close)
    runtime.on_close(neighbours.close)
    app = runtime.web()
    app.state.examples = EXAMPLES
    api.add_routes(app, runtime.api_pool, watch, neighbours)
    return runtime


if __name__ == "__main__":
    if sys.argv[1:2] == ["rebuild"]:
        raise SystemExit(rebuild.run())
    main(compose)
