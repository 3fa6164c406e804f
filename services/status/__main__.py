"""The status process: ``python -m services.status``."""

from services.common.blobs import Blobs
from services.common.listen import Listener
from services.common.outbox import channel
from services.common.runtime import Runtime, main
from services.common.settings import BlobSettings
from services.common.tenants import TenantWork, not_about_tenants
from services.status import api, api_actions
from services.status.delay_watch import DelayWatch
from services.status.examples import EXAMPLES
from services.status.feed import Feed
from services.status.handlers import handle
from services.status.settings import FEED_KEPT, StatusSettings
from services.status.tenant_part import PART


async def compose() -> Runtime:
    """Settings, pools, consumer, relay, feed and the API."""
    settings = StatusSettings()
    runtime = Runtime("status", settings, keep_sent=FEED_KEPT)
    await runtime.open()
    runtime.consume(handle, skips=not_about_tenants)
    runtime.relay()
    listener = Listener(settings.dsn.get_secret_value(), channel("status") + "_sent")
    feed = Feed(runtime.pool, runtime.api_pool, listener, settings)
    runtime.job("listen", listener.run)
    runtime.job("feed", feed.run)
    runtime.job("delay", DelayWatch(runtime.pool, settings.delay_check_seconds).run)
    blobs = Blobs(BlobSettings())
    runtime.on_close(blobs.close)
    runtime.job("tenants", TenantWork(runtime.pool, "status", PART, blobs).run)
    app = runtime.web()
    app.state.examples = EXAMPLES
    api_actions.add_routes(app, runtime.pool, runtime.api_pool)
    api.add_routes(app, runtime.api_pool, feed, lambda: app.state.server.should_exit)
    return runtime


if __name__ == "__main__":
    main(compose)
