"""The status process: ``python -m services.status``."""

from services.common.listen import Listener
from services.common.outbox import channel
from services.common.runtime import Runtime, main
from services.status import api
from services.status.delay_watch import DelayWatch
from services.status.feed import Feed
from services.status.handlers import handle
from services.status.settings import FEED_KEPT, StatusSettings


async def compose() -> Runtime:
    """Settings, pools, consumer, relay, feed and the API."""
    settings = StatusSettings()
    runtime = Runtime("status", settings, keep_sent=FEED_KEPT)
    await runtime.open()
    runtime.consume(handle)
    runtime.relay()
    listener = Listener(settings.dsn.get_secret_value(), channel("status") + "_sent")
    feed = Feed(runtime.pool, runtime.api_pool, listener, settings)
    runtime.job("listen", listener.run)
    runtime.job("feed", feed.run)
    runtime.job("delay", DelayWatch(runtime.pool, settings.delay_check_seconds).run)
    app = runtime.web()
    api.add_routes(app, runtime.api_pool, feed, lambda: app.state.server.should_exit)
    return runtime


if __name__ == "__main__":
    main(compose)
