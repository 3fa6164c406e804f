"""What may have been meant where a decision fails: looked up for the invoices that fail, and for those only."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec

from invoice.address import Around
from invoice.directory import Engagement, Structure
from invoice.suggestions import Facts, can_be_suggested, suggest, to_ask
from services.common.db import Connection
from services.routing.around import References, references_of
from services.routing.domain import Bodies, address_of
from services.routing.store import Decided

_SIBLINGS, _OPEN = 100, 200  # structures of one body, and engagements of one supplier, that are looked through
_STRUCTURES = f"""
select entry from structure where siret = any ($1::text[])
union all
select s.entry from unnest($2::text[]) asked(siren) cross join lateral (
    select entry from structure where siret between asked.siren || '00000' and asked.siren || '99999'
    order by siret limit {_SIBLINGS}) s
"""
_ENGAGEMENTS = f"""
select e.entry from unnest($1::text[], $2::text[]) asked(siret, supplier) cross join lateral (
    select entry from engagement g
    where g.siret = asked.siret and g.open
        and g.supplier between asked.supplier || '00000' and asked.supplier || '99999'
    order by g.number limit {_OPEN}) e
"""
_SUSPENDED = "select id from tenant where entry ->> 'active' = 'false'"
_structure = msgspec.json.Decoder(Structure).decode
_engagement = msgspec.json.Decoder(Engagement).decode


async def with_suggestions(
    connection: Connection, decided: Mapping[UUID, Decided], bodies: Bodies, around: Mapping[References, Around]
) -> dict[UUID, Decided]:
    """The decisions, those that fail with what may have been meant. Nothing is looked up where none did."""
    failed = [d for d in decided.values() if any(map(can_be_suggested, d.routing.decision.findings))]
    if not failed:
        return dict(decided)
    facts = await _facts(connection, failed, bodies)
    better = {d.event: _better(d, facts, bodies, around[references_of(d.asked)]) for d in failed}
    return {**decided, **better}


def _better(decided: Decided, facts: Facts, bodies: Bodies, around: Around) -> Decided:
    routing = decided.routing
    findings = suggest(address_of(decided.asked, bodies), routing.decision.findings, routing.on, facts, around=around)
    decision = msgspec.structs.replace(routing.decision, findings=findings)
    return msgspec.structs.replace(decided, routing=msgspec.structs.replace(routing, decision=decision))


async def _facts(connection: Connection, failed: Sequence[Decided], bodies: Bodies) -> Facts:
    asked = to_ask((address_of(one.asked, bodies), one.routing.decision.findings) for one in failed)
    sirens = sorted(filter(_is_siren, asked.sirens))
    structures = await connection.fetch(_STRUCTURES, sorted(asked.sirets), sirens)
    engagements = await connection.fetch(_ENGAGEMENTS, *zip(*sorted(asked.owners), strict=True)) if asked.owners else []
    suspended = await connection.fetch(_SUSPENDED) if asked.sirens else []
    return Facts.of(
        (_structure(row["entry"]) for row in structures),
        {siret: body.services for siret, body in bodies.items() if body is not None},
        (_engagement(row["entry"]) for row in engagements),
        (row["id"] for row in suspended),
    )


def _is_siren(text: str) -> bool:
    return len(text) == 9 and text.isascii() and text.isdigit()
