"""ingest as a process: ``python -m services.ingest``; with arguments, a command of :mod:`services.ingest.cli`."""

import sys

from services.common import persons
from services.common.blobs import Blobs
from services.common.runtime import Runtime, main
from services.common.tenants import TenantWork
from services.ingest import api, due, handlers, rehearsal, rejections
from services.ingest.directory import CatchUp
from services.ingest.dropfolder import DropFolders
from services.ingest.examples import EXAMPLES
from services.ingest.flow_release import Release
from services.ingest.flow_worker import FlowWorker
from services.ingest.originals import Originals
from services.ingest.person_part import PERSON
from services.ingest.settings import IngestSettings
from services.ingest.sweep import Sweep
from services.ingest.tenant_part import PART


async def compose() -> Runtime:
    """Settings, pools, consumer, relay, timers, jobs, web."""
    settings = IngestSettings()
    runtime = Runtime("ingest", settings)
    await runtime.open()
    blobs = Blobs(settings)
    catch_up = CatchUp(runtime.pool, settings.kafka, quiet_seconds=settings.directory_quiet_seconds)
    sweep = Sweep(runtime.pool, blobs, age=settings.sweep_age, every_seconds=settings.sweep_every_seconds)
    runtime.consume(handlers.handle, skips=rejections.of_no_use)
    runtime.relay()
    runtime.timers(due.fire)
    runtime.job("directory", catch_up.run)
    runtime.job("sweep", sweep.run)
    runtime.job("originals", Originals(runtime.pool, blobs).run)
    for number in range(1, settings.flow_workers + 1):
        runtime.job(f"flows-{number}", FlowWorker(runtime.pool, blobs, settings).run)
    runtime.job("release", Release(runtime.pool, settings).run)
    runtime.job("drop", DropFolders(runtime.pool, blobs, settings, runtime.access).run)
    runtime.job("tenants", TenantWork(runtime.pool, "ingest", PART, blobs).run)
    runtime.ready_when(catch_up.problem)
    runtime.on_close(blobs.close)
    app = runtime.web(answer_seconds=None)
    persons.add_routes(app, "ingest", runtime.pool, PERSON)
    rehearsal.add_routes(app, runtime.pool, settings)
    app.state.examples = EXAMPLES
    api.add_routes(app, pool=runtime.pool, api_pool=runtime.api_pool, blobs=blobs, settings=settings)
    return runtime


def run() -> None:
    """Start what the command line asks for."""
    if sys.argv[1:]:
        from services.ingest import cli

        raise SystemExit(cli.main(sys.argv[1:]))
    main(compose)


if __name__ == "__main__":
    run()
