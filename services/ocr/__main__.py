"""The ocr process: ``python -m services.ocr``."""

from services.common.blobs import Blobs
from services.common.runtime import Runtime, main
from services.ocr import api
from services.ocr.handlers import handle
from services.ocr.jobs import Dispatcher, reader_lost
from services.ocr.pool import ReaderPool
from services.ocr.settings import OcrSettings


async def compose() -> Runtime:
    """Settings, pools, readers, consumer, dispatcher, relay and the API."""
    settings = OcrSettings()
    runtime = Runtime("ocr", settings)
    await runtime.open()
    blobs = Blobs(settings)
    readers = ReaderPool(
        workers=settings.readers,
        timeout=settings.reader_timeout_seconds,
        memory_mb=settings.reader_memory_mb,
        recycle_after=settings.reader_recycle_after,
        report=reader_lost,
    )
    await readers.start()
    dispatcher = Dispatcher(runtime.pool, blobs, readers, settings)
    runtime.consume(handle)
    runtime.job("jobs", dispatcher.run)
    runtime.relay()
    runtime.ready_when(dispatcher.problem)
    runtime.on_close(readers.stop)
    runtime.on_close(blobs.close)
    api.add_routes(runtime.web(), runtime.api_pool)
    return runtime


if __name__ == "__main__":
    main(compose)
