"""Who looks at supervision, and dead letters of status for them, for tests."""

import asyncpg
import msgspec

from contracts.envelope import encode, headers
from contracts.events import StatusChanged
from deploy.database import ServiceDsns
from services.common import deadletter
from services.common.auth import Principal
from services.common.deadletter import Reason
from services.common.record import Record, read
from tests.records import event
from tests.supervised import example

OPERATOR = Principal(subject="op", roles=("OPERATEUR",))
VILLE = Principal(subject="ada", roles=("TENANT_ADMIN",), tenants=("ville",))
BOTH = Principal(subject="eve", roles=("TENANT_ADMIN",), tenants=("ville", "departement"))
STRANGERS = (
    Principal(subject="s", roles=("FOURNISSEUR",), structures=("73282932000074",)),
    Principal(subject="g", roles=("GESTIONNAIRE",), structures=("22060001900016",), tenants=("ville",)),
    Principal(subject="n", tenants=("ville",)),
    Principal(subject="r", roles=("TENANT_ADMIN",)),
)


async def park(own: ServiceDsns, key: str, *reasons: tuple[str, str], tenant: str | None = None) -> None:
    """Letters of one key in status's own table: a rule that refuses, and what came behind it."""
    connection = await asyncpg.connect(own.worker, server_settings={"search_path": "status"})
    try:
        for offset, (kind, reason) in enumerate(reasons or (("rejected", "TEST_RULE"), ("behind", "BEHIND"))):
            found = msgspec.structs.replace(event(example(StatusChanged, "minimal"), key), tenant=tenant)
            record = Record(
                topic="chorale.lifecycle.v1",
                partition=0,
                offset=offset,
                key=key.encode(),
                headers=headers(found),
                value=encode(found.data),
            )
            await deadletter.park(connection, "status", [(read(record), Reason(kind, reason, "detail"))])
    finally:
        await connection.close()
