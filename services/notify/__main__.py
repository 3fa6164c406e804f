"""The notify process: ``python -m services.notify``; with arguments, its commands (:mod:`services.notify.cli`)."""

import sys

from services.common.blobs import Blobs
from services.common.listen import Listener
from services.common.runtime import Runtime, main
from services.common.settings import BlobSettings
from services.common.tenants import TenantWork, not_about_structures
from services.notify import api, cli
from services.notify.examples import EXAMPLES
from services.notify.handlers import Handlers
from services.notify.settings import NotifySettings
from services.notify.store import WAKE_CHANNEL
from services.notify.tenant_part import PART
from services.notify.worker import Worker


async def compose() -> Runtime:
    """Settings, pools, consumer, relay, mail worker and the API."""
    settings = NotifySettings()
    runtime = Runtime("notify", settings)
    await runtime.open()
    runtime.consume(Handlers(settings.mail_domain), skips=not_about_structures)
    runtime.relay()
    listener = Listener(settings.dsn.get_secret_value(), WAKE_CHANNEL)
    runtime.job("listen", listener.run)
    runtime.job("mail", Worker(runtime.pool, listener, settings).run)
    blobs = Blobs(BlobSettings())
    runtime.on_close(blobs.close)
    runtime.job("tenants", TenantWork(runtime.pool, "notify", PART, blobs).run)
    app = runtime.web()
    app.state.examples = EXAMPLES
    api.add_routes(app, runtime.api_pool)
    return runtime


if __name__ == "__main__":
    if len(sys.argv) > 1:
        raise SystemExit(cli.run(sys.argv[1:]))
    main(compose)
