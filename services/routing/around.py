"""What the directory knows under the references of a batch of invoices: one statement, by index.

The same question as ingest asks of its replica, so that both decide alike.
"""

from collections.abc import Collection, Mapping
from typing import NamedTuple

import msgspec

from invoice.address import Around
from invoice.directory import Engagement, Service, Structure
from invoice.identifiers import normalise, normalise_code, siren_of
from services.common.db import Connection
from services.routing.domain import Asked, Bodies

_SIBLINGS = 100  # structures of one body that are looked through where a SIRET is nobody's
_FOUND = f"""
with asked as (select * from unnest($1::text[], $2::text[], $3::text[]) a(siren, kind, name)),
found as (
    select 'service' as kind, v.siret, v.code as name, v.entry from asked a
    join service v on left(v.siret, 9) = a.siren and v.code = a.name where a.kind = 'service'
    union all
    select 'engagement', g.siret, g.number, g.entry from asked a
    join engagement g on left(g.siret, 9) = a.siren and g.number = a.name where a.kind = 'engagement'),
siblings as (
    select s.siret, s.entry from asked a cross join lateral (
        select siret, entry from structure
        where siret between a.siren || '00000' and a.siren || '99999' order by siret limit {_SIBLINGS}) s
    where a.kind = 'siblings')
select 'version' as kind, '' as siret, null as name, coalesce(max(version), 0)::text as entry from directory_history
union all select kind, siret, name, entry::text from found
union all select 'structure', siret, null, entry::text from siblings
union all select 'structure', siret, null, entry::text from structure where siret in (select siret from found)
"""
_structure = msgspec.json.Decoder(Structure).decode
_service = msgspec.json.Decoder(Service).decode
_engagement = msgspec.json.Decoder(Engagement).decode


class References(NamedTuple):
    """What an invoice names in the directory, as it is compared: a SIRET, a service code, a number."""

    siret: str
    service: str | None
    engagement: str | None


def references_of(asked: Asked) -> References:
    """The references of an invoice. One of spaces only counts as not given."""
    header = asked.invoice
    service, engagement = normalise_code(header.service_code or ""), normalise_code(header.engagement or "")
    return References(normalise(header.recipient_siret), service or None, engagement or None)


class Found(msgspec.Struct, frozen=True):
    """What stands around the references, and the version of the directory that says so."""

    version: int
    around: Mapping[References, Around]


class _Rows(msgspec.Struct):
    version: int = 0
    structures: dict[str, Structure] = {}
    services: dict[tuple[str, str], list[Service]] = {}
    engagements: dict[tuple[str, str], list[Engagement]] = {}


async def look_around(connection: Connection, references: Collection[References], bodies: Bodies) -> Found:
    """Engagements under the numbers, services that only other budgets have, budgets of SIRETs that nobody has."""
    asked = sorted({question for r in references for question in _questions(r, bodies)})
    rows = _Rows()
    for row in await connection.fetch(_FOUND, *([one[n] for one in asked] for n in range(3))):
        match row["kind"]:
            case "version":
                rows.version = int(row["entry"])
            case "structure":
                rows.structures[row["siret"]] = _structure(row["entry"])
            case "service":
                rows.services.setdefault((siren_of(row["siret"]), row["name"]), []).append(_service(row["entry"]))
            case "engagement":
                key = siren_of(row["siret"]), row["name"]
                rows.engagements.setdefault(key, []).append(_engagement(row["entry"]))
    return Found(rows.version, {r: _one(r, rows, unknown=bodies.get(r.siret) is None) for r in references})


def _questions(references: References, bodies: Bodies) -> list[tuple[str, str, str]]:
    siren = siren_of(references.siret)
    if not (len(siren) == 9 and siren.isascii() and siren.isdigit()):
        return []
    body = bodies.get(references.siret)
    asked = []
    if references.engagement is not None:
        asked.append((siren, "engagement", references.engagement))
    if references.service is not None and (body is None or references.service not in body.services):
        asked.append((siren, "service", references.service))
    if body is None:
        asked.append((siren, "siblings", ""))
    return asked


def _one(references: References, rows: _Rows, *, unknown: bool) -> Around:
    siren = siren_of(references.siret)
    numbered = rows.engagements.get((siren, references.engagement or ""), [])
    elsewhere = tuple(e for e in numbered if e.siret != references.siret)
    coded = tuple(s for s in rows.services.get((siren, references.service or ""), ()) if s.siret != references.siret)
    owners = {*(e.siret for e in elsewhere), *(s.siret for s in coded)}
    return Around(
        engagement=next((e for e in numbered if e.siret == references.siret), None),
        siblings={
            siret: structure
            for siret, structure in rows.structures.items()
            if siret in owners or (unknown and siren_of(siret) == siren)
        },
        services=coded,
        engagements=elsewhere,
    )
