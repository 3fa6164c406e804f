"""The ocr service put together: settings, pools, readers, consumer, dispatcher, relay and the API."""

from services.common import persons
from services.common.blobs import Blobs
from services.common.runtime import Runtime
from services.common.tenants import TenantWork, not_about_structures
from services.ocr import api, trial
from services.ocr.examples import EXAMPLES
from services.ocr.handlers import handle
from services.ocr.jobs import Dispatcher, reader_lost
from services.ocr.pages import Pages, Prune
from services.ocr.person_part import person
from services.ocr.pool import ReaderPool
from services.ocr.recipients import Tell
from services.ocr.settings import OcrSettings
from services.ocr.tenant_part import part


async def compose() -> Runtime:
    """Everything that one process runs."""
    settings = OcrSettings()
    runtime = Runtime("ocr", settings)
    await runtime.open()
    blobs = Blobs(settings)
    readers = _processes(settings, settings.readers, settings.reader_timeout_seconds)
    await readers.start()
    # Pages are drawn by processes of their own: a person who looks waits for no reading, and holds none up.
    painters = _processes(settings, settings.painters, settings.painter_timeout_seconds)
    await painters.start(warm=False)
    dispatcher = Dispatcher(runtime.pool, blobs, readers, settings)
    pages = Pages(runtime.api_pool, blobs, painters, settings)
    runtime.consume(handle, skips=not_about_structures)
    runtime.job("jobs", dispatcher.run)
    runtime.job("recipients", Tell(runtime.pool, readers).run)
    runtime.job("pages", Prune(runtime.pool, blobs, settings).run)
    runtime.job("tenants", TenantWork(runtime.pool, "ocr", part(blobs), blobs).run)
    runtime.relay()
    runtime.ready_when(dispatcher.problem)
    runtime.on_close(readers.stop)
    runtime.on_close(painters.stop)
    runtime.on_close(blobs.close)
    app = runtime.web()
    persons.add_routes(app, "ocr", runtime.pool, person(blobs))
    app.state.examples = EXAMPLES
    api.add_routes(app, runtime.api_pool, pages)
    trial.add_routes(app, readers)
    return runtime


def _processes(settings: OcrSettings, workers: int, timeout: float) -> ReaderPool:
    return ReaderPool(
        workers=workers,
        timeout=timeout,
        memory_mb=settings.reader_memory_mb,
        recycle_after=settings.reader_recycle_after,
        report=reader_lost,
    )
