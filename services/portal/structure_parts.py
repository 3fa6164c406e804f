"""The parts of structures, memberships and rights in the portal process: routes, sweeping of papers, republication."""

import asyncio
from collections.abc import Iterable
from typing import Final
from uuid import uuid4

from fastapi import APIRouter, FastAPI

from services.common import clock, telemetry
from services.common.blobs import Blobs
from services.common.db import Pool
from services.common.deliver import transaction
from services.common.failures import is_transient
from services.common.trace import RequestCause
from services.portal import (
    member_administrators_api,
    member_invitation_sign_up,
    member_invitations_api,
    member_requests_api,
    members_api,
    proof,
    proofs_api,
    rights,
    structure_successions_api,
    structures_api,
)
from services.portal.member_desk import Desk
from services.portal.parts import Parts
from services.portal.structure_examples import EXAMPLES

_HOURLY: Final = 3600.0
_AT_ONCE: Final = 200


def add_routes(app: FastAPI, parts: Parts, blobs: Blobs) -> None:
    """Serve structures and memberships on ``app``."""
    router, desk = APIRouter(prefix="/api/v1/accounts", tags=["structures"]), Desk(parts.pool, parts.mailing)
    structures_api.add_routes(router, parts, desk)
    structure_successions_api.add_routes(router, parts, desk)
    members_api.add_routes(router, parts, desk)
    member_requests_api.add_routes(router, parts, desk)
    member_invitations_api.add_routes(router, parts, desk)
    member_invitation_sign_up.add_routes(router, parts)
    member_administrators_api.add_routes(router, parts)
    proofs_api.add_routes(router, parts, desk, blobs)
    app.include_router(router)
    app.state.examples = {**getattr(app.state, "examples", {}), **EXAMPLES}


class Papers:
    """Erases the files of proofs at their term."""

    def __init__(self, pool: Pool, blobs: Blobs) -> None:
        self._pool = pool
        self._blobs = blobs

    async def run(self) -> None:
        """Look every hour, until cancelled."""
        while True:
            try:
                erased = await proof.sweep(self._pool, self._blobs, clock.now())
                if erased:
                    telemetry.logger().info("proofs.erased", files=erased)
            except Exception as error:
                if not is_transient(error):
                    telemetry.logger().exception("proofs.failed")
            await asyncio.sleep(_HOURLY)


async def republish(pool: Pool, subjects: Iterable[str] | None = None) -> int:
    """Publish whatever differs from what was published last, of these subjects or of all; returns how many did."""
    if subjects is None:
        async with pool.acquire() as connection:
            subjects = await rights.everybody(connection)
    asked, changed = list(subjects), 0
    for start in range(0, len(asked), _AT_ONCE):
        async with transaction(pool, "portal") as tx:
            changed += len(await rights.publish(tx, asked[start : start + _AT_ONCE], RequestCause(uuid4())))
    return changed
