"""The parts of the ways out in the notify process: workers, house, folders and the API."""

import asyncio

from fastapi import FastAPI

from services.common import telemetry
from services.common.failures import backoff, is_transient
from services.common.listen import Listener
from services.common.runtime import Runtime
from services.notify import webhook_api
from services.notify.desk import Desk
from services.notify.outgoing_folder import Folder
from services.notify.outgoing_worker import OutgoingWorker
from services.notify.webhook_house import House
from services.notify.webhook_settings import WaysOutSettings
from services.notify.webhook_store import WAKE_CHANNEL
from services.notify.webhook_worker import WebhookWorker


def attach(runtime: Runtime, settings: WaysOutSettings, app: FastAPI, desk: Desk) -> None:
    """Add everything to the runtime and the API to its application."""
    listener = Listener(settings.dsn.get_secret_value(), WAKE_CHANNEL)
    runtime.job("webhook/listen", listener.run)
    runtime.job("webhook/send", WebhookWorker(runtime.pool, listener, settings, desk).run)
    runtime.job("webhook/house", House(runtime.pool, settings.webhook_keep_days, settings.webhook_house_seconds).run)
    folder = None if settings.blobs is None else Folder(settings.blobs)
    if folder is not None:
        _add_folders(runtime, settings, folder)
    webhook_api.add_routes(app, runtime.api_pool, settings, folder)


def _add_folders(runtime: Runtime, settings: WaysOutSettings, folder: Folder) -> None:
    worker = OutgoingWorker(
        runtime.pool, folder, every_seconds=settings.outgoing_every_seconds, lines=settings.outgoing_lines
    )

    async def run() -> None:
        """The store may be away when the service starts: mail and webhooks do not wait for it."""
        for attempt in range(1, 1_000_000):
            try:
                await folder.open()
                break
            except Exception as error:
                if not is_transient(error):
                    raise
                telemetry.logger().warning("outgoing.away", error=type(error).__name__)
                await asyncio.sleep(backoff(attempt, ceiling=30.0))
        await worker.run()

    runtime.job("outgoing", run)
    runtime.on_close(folder.close)
