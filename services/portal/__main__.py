"""The portal process: ``python -m services.portal``; with arguments, its commands (:mod:`services.portal.cli`)."""

import sys
from collections.abc import Sequence

from services.common.blobs import Blobs
from services.common.deliver import Tx
from services.common.runtime import Runtime, main
from services.common.tenants import TenantWork
from services.common.timers import Timer
from services.portal import (
    api,
    member_timers,
    pages,
    saved_searches,
    software_examples,
    software_notices,
    solicitation_timers,
    structure_directory,
    structure_handlers,
)
from services.portal.account_chores import Chores
from services.portal.account_examples import EXAMPLES
from services.portal.parts import assemble, begin
from services.portal.settings import PortalSettings
from services.portal.solicitation_chores import SolicitationChores
from services.portal.structure_parts import Papers
from services.portal.tenant_part import PART


async def compose() -> Runtime:
    """Settings, pools, consumer, relay, timers, workers and the API."""
    settings = PortalSettings()
    runtime = Runtime("portal", settings)
    await runtime.open()
    parts = assemble(settings, runtime.pool, runtime.api_pool)
    await begin(parts)

    async def fire(tx: Tx, due: Sequence[Timer]) -> None:
        await software_notices.fire(tx, due, parts.mailing)
        await member_timers.fire(tx, due, parts.mailing)
        await solicitation_timers.fire(tx, due)

    runtime.consume(structure_handlers.handle, skips=structure_directory.not_kept)
    runtime.relay(transactional=True)
    runtime.timers(fire)
    blobs = Blobs(settings)
    runtime.on_close(blobs.close)
    runtime.on_close(parts.passwords.close)
    runtime.job("mailing", parts.mailing.run)
    runtime.job("wishes", parts.wishes.run)
    runtime.job("people", parts.people.run)
    runtime.job("tenants", TenantWork(runtime.pool, "portal", PART, blobs).run)
    runtime.job("papers", Papers(runtime.pool, blobs).run)
    runtime.job("solicitations", SolicitationChores(runtime.pool, blobs).run)
    runtime.job("chores", Chores(parts).run)
    app = runtime.web()
    app.state.examples = {**EXAMPLES, **software_examples.EXAMPLES, **saved_searches.EXAMPLES}
    api.add_routes(app, parts, blobs, app.state.usage)
    runtime.on_close(pages.add_pages(app, parts).services.close)
    return runtime


def run() -> None:
    """Start what the command line asks for."""
    if sys.argv[1:]:
        from services.portal import cli

        raise SystemExit(cli.main(sys.argv[1:]))
    main(compose)


if __name__ == "__main__":
    run()
