"""What the replica knows of the invoices of a batch: parties, references, and what may have been meant instead.

Each question is one statement for the whole batch, by index, whatever the size of the directory.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from uuid import UUID

import msgspec

from invoice.address import PUBLIC_INVOICES_SERVICE, Address, Around
from invoice.checks import address_of
from invoice.directory import Engagement, Service, Structure
from invoice.findings import Finding
from invoice.identifiers import normalise, siren_of
from invoice.model import InvoiceHeader
from invoice.suggestions import Facts, can_be_suggested, suggest, to_ask
from services.common.db import Connection
from services.ingest import directory
from services.ingest.domain import Directory, References, Verdict, references_of

#: How many structures of one body, and how many engagements of one supplier, are looked through for a suggestion.
SIBLINGS = 100
ENGAGEMENTS = 200

_structure = msgspec.json.Decoder(Structure).decode
_service = msgspec.json.Decoder(Service).decode
_engagement = msgspec.json.Decoder(Engagement).decode

_REFERENCES = (
    "select e.kind, e.owner, e.name, e.data"
    " from unnest($1::text[], $2::text[], $3::text[]) as asked(siren, kind, name)"
    " join directory_entry e on left(e.owner, 9) = asked.siren and e.name = asked.name and e.kind = asked.kind"
    " where e.kind in ('service', 'engagement') and not e.deleted"
)
_SIBLINGS = (
    "select s.owner, s.data from unnest($1::text[]) as asked(siren) cross join lateral"
    " (select owner, data from directory_entry where kind = 'structure' and not deleted"
    f"  and left(owner, 9) = asked.siren order by owner limit {SIBLINGS}) s"
)
_STRUCTURES = (
    "select owner, data from directory_entry where kind = 'structure' and not deleted and owner = any($1::text[])"
)
_ENGAGEMENTS = (
    "select e.data from unnest($1::text[], $2::text[]) as asked(siret, supplier) cross join lateral"
    " (select data from directory_entry where kind = 'engagement' and not deleted and owner = asked.siret"
    "  and supplier = asked.supplier and coalesce(data->>'open', 'true') = 'true'"
    f"  order by entry limit {ENGAGEMENTS}) e"
)

_SUSPENDED = "select owner from directory_entry where kind = 'tenant' and (deleted or data->>'active' = 'false')"


class Case(msgspec.Struct, frozen=True):
    """An invoice as it was judged: on which day, for whom the depositor acts, and the texts that stand on it."""

    header: InvoiceHeader
    on: date
    structures: tuple[str, ...]
    texts: tuple[str, ...] = ()

    def address(self, known: Directory) -> Address:
        """The address as the rules saw it."""
        public = normalise(self.header.supplier_siret) in known.structures
        return address_of(self.header, self.structures, supplier_is_public=public)


async def load(connection: Connection, headers: Sequence[InvoiceHeader], others: Collection[str] = ()) -> Directory:
    """What the deposit checks of a batch need, with what is known under each invoice's references.

    ``others``: SIRETs of further structures asked about.
    Of a body's services only the one named is read, unless there is something to say about the others.
    """
    references = {references_of(header) for header in headers}
    sirets = {r.siret for r in references} | {normalise(header.supplier_siret) for header in headers} | {*others}
    named = sorted({(r.siret, r.service) for r in references if r.service is not None})
    known = await directory.load(connection, (), sirets, named)
    listed = {r.siret for r in references if _asks_for_the_list(r, known)}
    if listed:
        services = {**known.services, **await directory.services_of(connection, listed)}
        known = msgspec.structs.replace(known, services=services)
    return msgspec.structs.replace(known, around=await _around(connection, references, known))


def _asks_for_the_list(references: References, known: Directory) -> bool:
    """Whether a sentence about the service may name others: it is missing, not found, or perhaps closed."""
    structure = known.structures.get(references.siret)
    if structure is None:
        return False
    if references.service is None:
        return structure.parameters.service_required or structure.parameters.service_or_engagement
    service = known.services.get(references.siret, {}).get(references.service)
    plain = service is not None and service.active and service.valid_from is None and service.valid_to is None
    return not plain or references.service == PUBLIC_INVOICES_SERVICE


async def _around(
    connection: Connection, references: Collection[References], known: Directory
) -> Mapping[References, Around]:
    """Engagements under the numbers, services that only other budgets have, budgets of SIRETs that nobody has."""
    asked = {
        (siren_of(r.siret), kind, name)
        for r in references
        for kind, name in (("engagement", r.engagement), ("service", _not_own(r, known)))
        if name is not None
    }
    services: dict[tuple[str, str], list[Service]] = {}
    engagements: dict[tuple[str, str], list[Engagement]] = {}
    if asked:
        for row in await connection.fetch(_REFERENCES, *_columns(asked)):
            key = siren_of(row["owner"]), row["name"]
            if row["kind"] == "service":
                services.setdefault(key, []).append(_service(row["data"]))
            else:
                engagements.setdefault(key, []).append(_engagement(row["data"]))
    owners = {s.siret for found in services.values() for s in found}
    owners |= {e.siret for found in engagements.values() for e in found}
    structures = await _structures(connection, owners, known)
    unknown = {siren_of(r.siret) for r in references if r.siret not in known.structures}
    siblings = await _siblings(connection, unknown)
    return {
        r: Around.of(
            r.siret,
            services=services.get((siren_of(r.siret), r.service or ""), ()),
            engagements=engagements.get((siren_of(r.siret), r.engagement or ""), ()),
            structures=structures,
            budgets={} if r.siret in known.structures else siblings.get(siren_of(r.siret), {}),
        )
        for r in references
    }


def _not_own(references: References, known: Directory) -> str | None:
    """The service code, where the recipient does not publish it itself."""
    own = known.services.get(references.siret, {})
    return None if references.service is None or references.service in own else references.service


def _columns(rows: Collection[tuple[str, ...]]) -> list[list[str]]:
    """Rows as the arrays that ``unnest`` takes."""
    return [list(column) for column in zip(*sorted(rows), strict=True)]


async def _structures(connection: Connection, sirets: Collection[str], known: Directory) -> dict[str, Structure]:
    missing = sorted(siret for siret in sirets if siret not in known.structures)
    rows = await connection.fetch(_STRUCTURES, missing) if missing else []
    return {**known.structures, **{row["owner"]: _structure(row["data"]) for row in rows}}


async def _siblings(connection: Connection, sirens: Iterable[str]) -> dict[str, dict[str, Structure]]:
    """Structures of these SIRENs, some of each."""
    asked = sorted(siren for siren in set(sirens) if len(siren) == 9 and siren.isascii() and siren.isdigit())
    found: dict[str, dict[str, Structure]] = {}
    for row in await connection.fetch(_SIBLINGS, asked) if asked else []:
        found.setdefault(siren_of(row["owner"]), {})[row["owner"]] = _structure(row["data"])
    return found


async def suggested(
    connection: Connection, verdicts: Mapping[UUID, tuple[Case, Verdict]], known: Directory
) -> dict[UUID, Verdict]:
    """The verdicts, those whose address failed with what may have been meant. Nothing is looked up where none did."""
    failed = {id_: case for id_, (case, verdict) in verdicts.items() if any(map(can_be_suggested, verdict.findings))}
    if not failed:
        return {id_: verdict for id_, (_, verdict) in verdicts.items()}
    asked = [(case.address(known), verdicts[id_][1].findings) for id_, case in failed.items()]
    answers = await _facts(connection, asked, known)
    return {
        id_: _with_suggestions(case, verdict, answers, known) if id_ in failed else verdict
        for id_, (case, verdict) in verdicts.items()
    }


def _with_suggestions(case: Case, verdict: Verdict, answers: Facts, known: Directory) -> Verdict:
    findings = suggest(
        case.address(known),
        verdict.findings,
        case.on,
        answers,
        around=known.around.get(references_of(case.header)),
        texts=case.texts,
    )
    return msgspec.structs.replace(verdict, findings=findings)


async def _facts(
    connection: Connection, failed: Sequence[tuple[Address, Sequence[Finding]]], known: Directory
) -> Facts:
    """What :func:`invoice.suggestions.suggest` asks for these invoices: near SIRETs, budgets, own open engagements."""
    asked = to_ask(failed)
    structures = await _structures(connection, asked.sirets, known)
    for siblings in (await _siblings(connection, asked.sirens)).values():
        structures.update(siblings)
    engagements = await connection.fetch(_ENGAGEMENTS, *_columns(asked.owners)) if asked.owners else []
    suspended = await connection.fetch(_SUSPENDED) if asked.sirens else []
    return Facts.of(
        structures.values(),
        known.services,
        (_engagement(row["data"]) for row in engagements),
        (row["owner"] for row in suspended),
    )
