"""Which deposits are of a sandbox (:mod:`invoice.sandbox`), before the checks have said to whom they are addressed."""

from collections.abc import Collection, Mapping
from uuid import UUID

import msgspec

from contracts.events import ReadField
from invoice.identifiers import normalise
from invoice.sandbox import PREFIX
from services.common.db import Connection
from services.ingest.domain import Verdict


async def tenants_of(connection: Connection, sirets: Collection[str]) -> dict[str, str]:
    """Of these structures, as people write their SIRETs, those of a sandbox, with their tenant."""
    if not sirets:
        return {}
    rows = await connection.fetch(
        "select owner, data->>'tenant' as tenant from directory_entry where kind = 'structure' and not deleted"
        " and owner = any($1::text[]) and starts_with(data->>'tenant', $2)",
        sorted({normalise(siret) for siret in sirets}),
        PREFIX,
    )
    found = {row["owner"]: row["tenant"] for row in rows}
    return {siret: found[normalise(siret)] for siret in sirets if normalise(siret) in found}


async def told(
    connection: Connection, verdicts: Mapping[UUID, Verdict], read: Mapping[UUID, tuple[ReadField, ...]]
) -> dict[UUID, Verdict]:
    """The verdicts; those that know no tenant yet with the sandbox that the page names, so that they bear its mark."""
    asked = {
        deposit: normalise(field.value)
        for deposit, verdict in verdicts.items()
        if verdict.tenant is None
        for field in read.get(deposit, ())
        if field.name == "recipient_siret"
    }
    found = await tenants_of(connection, set(asked.values()))
    return {
        deposit: msgspec.structs.replace(verdict, tenant=found[asked[deposit]])
        if asked.get(deposit) in found
        else verdict
        for deposit, verdict in verdicts.items()
    }
