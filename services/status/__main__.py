"""The status process: ``python -m services.status``.

``… verify FILE|ID`` checks a history, ``… explain ID`` tells an invoice's story.
"""

import sys

from services.common import persons
from services.common.blobs import Blobs
from services.common.listen import Listener
from services.common.outbox import channel
from services.common.runtime import Runtime, main
from services.common.settings import BlobSettings
from services.common.tenants import TenantWork
from services.status import api, api_actions, api_bulk, api_clock, api_inbox, explain, verify
from services.status.bodies import not_kept
from services.status.examples import EXAMPLES
from services.status.feed import Feed
from services.status.folding import Folding
from services.status.handlers import handle
from services.status.person_part import PERSON
from services.status.settings import FEED_KEPT, StatusSettings
from services.status.tenant_part import PART
from services.status.timer_firing import fire


async def compose() -> Runtime:
    """Settings, pools, consumer, relay, feed and the API."""
    settings = StatusSettings()
    runtime = Runtime("status", settings, keep_sent=FEED_KEPT)
    await runtime.open()
    runtime.consume(handle, skips=not_kept)
    runtime.relay()
    listener = Listener(settings.dsn.get_secret_value(), channel("status") + "_sent")
    feed = Feed(runtime.pool, runtime.api_pool, listener, settings)
    runtime.job("listen", listener.run)
    runtime.job("feed", feed.run)
    runtime.timers(fire)
    runtime.job("figures", Folding(runtime.pool, settings.figures_seconds).run)
    blobs = Blobs(BlobSettings())
    runtime.on_close(blobs.close)
    runtime.job("tenants", TenantWork(runtime.pool, "status", PART, blobs).run)
    app = runtime.web()
    persons.add_routes(app, "status", runtime.pool, PERSON)
    app.state.examples = EXAMPLES
    api_actions.add_routes(app, runtime.pool, runtime.api_pool)
    api_bulk.add_routes(app, runtime.pool, runtime.api_pool)
    api_clock.add_routes(app, runtime.pool, runtime.api_pool)
    api_inbox.add_routes(app, runtime.pool, runtime.api_pool, blobs)
    api.add_routes(app, runtime.api_pool, feed, blobs, lambda: app.state.server.should_exit)
    return runtime


if __name__ == "__main__":
    if sys.argv[1:2] == ["verify"]:
        raise SystemExit(verify.run(sys.argv[2:]))
    if sys.argv[1:2] == ["explain"]:
        raise SystemExit(explain.run(sys.argv[2:]))
    main(compose)
