"""The notify process: ``python -m services.notify``; with arguments, its commands (:mod:`services.notify.cli`)."""

import sys
from datetime import timedelta

from services.common import persons
from services.common.blobs import Blobs
from services.common.listen import Listener
from services.common.runtime import Runtime, main
from services.common.settings import BlobSettings
from services.common.tenants import TenantWork, not_about_structures
from services.notify import api, cli, webhook_parts
from services.notify.bounces import Bounces
from services.notify.chores import Chores
from services.notify.desk import Desk
from services.notify.examples import EXAMPLES
from services.notify.gatherer import Gatherer
from services.notify.handlers import Handlers
from services.notify.person_part import PERSON
from services.notify.recap import Recap
from services.notify.settings import NotifySettings
from services.notify.store import WAKE_CHANNEL
from services.notify.tenant_part import part
from services.notify.worker import Worker


async def compose() -> Runtime:
    """Settings, pools, consumer, relay, mail worker and the API."""
    settings = NotifySettings()
    runtime = Runtime("notify", settings)
    await runtime.open()
    desk = Desk(settings.mail_domain, settings.limits)
    runtime.consume(Handlers(desk), skips=not_about_structures)
    runtime.relay()
    listener = Listener(settings.dsn.get_secret_value(), WAKE_CHANNEL)
    runtime.job("listen", listener.run)
    runtime.job("mail", Worker(runtime.pool, listener, settings).run)
    runtime.job("gather", Gatherer(runtime.pool, settings.mail_domain).run)
    runtime.job("chores", Chores(runtime.pool, desk, timedelta(hours=settings.takeover_hours)).run)
    runtime.job("recap", Recap(runtime.pool, desk).run)
    blobs = Blobs(BlobSettings())
    runtime.on_close(blobs.close)
    runtime.job("tenants", TenantWork(runtime.pool, "notify", part(blobs), blobs).run)
    bounces = Bounces(runtime.pool, desk, settings.token_secret.get_secret_value())
    secret = settings.bounce_secret.get_secret_value() if settings.bounce_secret else None
    app = runtime.web()
    persons.add_routes(app, "notify", runtime.pool, PERSON)
    app.state.examples = EXAMPLES
    api.add_routes(app, runtime.api_pool, bounces, secret, pool=runtime.pool, mail_domain=settings.mail_domain)
    webhook_parts.attach(runtime, settings, app, desk)
    return runtime


if __name__ == "__main__":
    if len(sys.argv) > 1:
        raise SystemExit(cli.run(sys.argv[1:]))
    main(compose)
