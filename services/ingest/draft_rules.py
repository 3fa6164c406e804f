"""What a draft holds and what is to be said of it: pure functions over what was read, typed, and the directory."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Literal

import msgspec

from contracts.events import ReadField
from invoice import cadres
from invoice.cadre_files import Piece, works_of
from invoice.cadres import Depositor, Given
from invoice.checks import AMOUNTS, NumberKey, check_deposit, check_header, number_key, number_taken
from invoice.findings import Finding, refusals
from invoice.identifiers import normalise
from invoice.model import InvoiceHeader, Party, Works
from invoice.money import canonical
from invoice.typed import FIELDS, HEADER_FIELDS, Assembled, Sheet
from services.ingest.domain import Contents, Directory, named_findings, references_of

#: Where a value is from: the page, a data file, a person, the depositor's account, an earlier invoice.
Source = Literal["read", "data", "typed", "account", "kept"]
NOT_KEPT = frozenset(("invoice_number", "issue_date", "due_date", "delivery_date"))


class Filled(msgspec.Struct, frozen=True, kw_only=True):
    """A sheet and where each of its values is from."""

    sheet: Sheet
    sources: dict[str, Source] = msgspec.field(default_factory=dict)


class Examined(msgspec.Struct, frozen=True, kw_only=True):
    """What the checks say. ``header`` is set if and only if the draft may be sent."""

    header: InvoiceHeader | None
    assembled: Assembled
    findings: tuple[Finding, ...]
    works: Works | None = None
    tenant: str | None = None
    iban: str | None = None

    @property
    def given(self) -> Given:
        return self.assembled.given

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """What stays to be said of an invoice that may be sent."""
        return tuple(found for found in self.findings if found.level == "warn")


def prefilled(
    fields: Sequence[ReadField], contents: Contents | None, given: Given, structures: Sequence[str]
) -> Filled:
    """A draft as it is first seen: what was surely read, what the depositor gave, his own SIRET if he has but one.

    A value read without certainty is not filled in: it is shown beside the empty field (chorus-pro.md 7).
    """
    from_data = contents is not None and contents.source != "text"
    values: dict[str, str] = {}
    sources: dict[str, Source] = {}
    for field in fields:
        if field.confidence == "sure" and field.name in FIELDS and field.name not in values:
            values[field.name] = field.value
            sources[field.name] = "data" if from_data else "read"
    if "supplier_siret" not in values and len(structures) == 1:
        values["supplier_siret"], sources["supplier_siret"] = structures[0], "account"
    for name, value in given_values(given).items():
        values[name], sources[name] = value, "typed"
    return Filled(sheet=Sheet(values=values), sources=sources)


def written(fields: Sequence[ReadField], filled: Filled) -> Mapping[str, str]:
    """What stands in a draft; in one that nobody wrote on, what was surely read."""
    return filled.sheet.values or {field.name: field.value for field in fields if field.confidence == "sure"}


def given_values(given: Given) -> dict[str, str]:
    """What was given beside a document, by the names of the form's fields."""
    found: dict[str, str] = {}
    for name, party in cadres.named(given):
        found[f"{name}_siret"] = party.siret
        if party.service is not None:
            found[f"{name}_service"] = party.service
    typed = {"cadre": given.cadre, "works_file": given.works_file, "previous_piece": given.previous_piece}
    found |= {name: value for name, value in typed.items() if value is not None}
    return found | ({"call_off": "oui"} if given.call_off else {})


def copied(header: InvoiceHeader, given: Given, sheet: Sheet | None, *, keep_dates: bool) -> Filled:
    """A draft out of an earlier invoice: everything but its number (decisions.md 7), and its lines where it had any.

    ``keep_dates``: the invoice is made again, so that its dates are shown; a next one has dates of its own.
    """
    values = {**_of_header(header), **given_values(given), **(sheet.values if sheet else {})}
    dropped = frozenset(("invoice_number",)) if keep_dates else NOT_KEPT
    values = {name: value for name, value in values.items() if value and name in FIELDS and name not in dropped}
    sources: dict[str, Source] = dict.fromkeys(values, "kept")
    return Filled(sheet=Sheet(values=values, lines=sheet.lines if sheet else ()), sources=sources)


def _of_header(header: InvoiceHeader) -> dict[str, str]:
    found = {name: getattr(header, name, None) for name in HEADER_FIELDS}
    amounts = {name: canonical(value) for name, value in found.items() if isinstance(value, Decimal)}
    days = {name: day.isoformat() for name, day in found.items() if isinstance(day, date)}
    texts = {name: value for name, value in found.items() if isinstance(value, str)}
    return {**texts, **amounts, **days, "cadre": header.cadre_code}


def examine(
    assembled: Assembled,
    by: Depositor,
    *,
    on: date,
    known: Directory,
    pieces: Mapping[str, Piece],
    own: str,
    number_is_taken: bool = False,
) -> Examined:
    """All that can be said of what is written so far. ``number_is_taken``: somebody has it; ``own``: the draft's id."""
    header = assembled.provisional
    said = tuple(found for found in _checks(header, assembled, by, on, known) if found.level in ("warn", "refuse"))
    named = named_findings(header, assembled.given, by, known, pieces) if "cadre" not in assembled.absent else ()
    known_already = {(found.code, found.field) for found in assembled.findings}
    findings = (
        *assembled.findings,
        *((number_taken(header, cadres.issuer(header, assembled.given)),) if number_is_taken else ()),
        *(found for found in (*said, *named) if (found.code, found.field) not in known_already),
    )
    ready = assembled.header if not refusals(findings) else None
    return Examined(
        iban=assembled.iban,
        header=ready,
        assembled=assembled,
        findings=findings,
        works=None if ready is None else works_of(ready, assembled.given, pieces, own),
        tenant=tenant_of(assembled, known),
    )


def tenant_of(assembled: Assembled, known: Directory) -> str | None:
    """Whose body the draft is addressed to, as far as it says."""
    structure = known.structures.get(normalise(assembled.provisional.recipient_siret))
    return structure.tenant if structure else None


def _checks(
    header: InvoiceHeader, assembled: Assembled, by: Depositor, on: date, known: Directory
) -> tuple[Finding, ...]:
    """The deposit checks, without what they say of fields that are empty or unreadable: that is said already."""
    if "recipient_siret" in assembled.absent:
        found = check_header(header, on=on, depositor_structures=by.at("FOURNISSEUR"))
    else:
        recipient = normalise(header.recipient_siret)
        structure = known.structures.get(recipient)
        found = check_deposit(
            header,
            on=on,
            depositor_structures=by.at("FOURNISSEUR"),
            structure=structure,
            services=known.services.get(recipient, {}),
            tenant=known.tenants.get(structure.tenant) if structure else None,
            supplier_is_public=normalise(header.supplier_siret) in known.structures,
            around=known.around.get(references_of(header)),
        )
    silent = set(assembled.absent)
    if silent & set(AMOUNTS):
        silent |= set(AMOUNTS)  # how amounts agree is only asked where all are there
    return tuple(each for each in found if each.field not in silent)


def with_history(examined: Examined, said: tuple[Finding, ...]) -> Examined:
    """What the supplier's earlier invoices say in addition; one of their refusals holds the draft back."""
    if not said:
        return examined
    header = None if refusals(said) else examined.header
    return msgspec.structs.replace(examined, header=header, findings=(*examined.findings, *said))


def comparable(examined: Examined) -> bool:
    """Whether enough is written to compare it with earlier invoices."""
    needed = {"invoice_number", "issue_date", "supplier_siret", "total_incl_tax"}
    return examined.tenant is not None and not needed & examined.assembled.absent


def sendable(assembled: Assembled, by: Depositor) -> bool:
    """Whether the asker may deposit in the name of whom this is issued; if not, nothing of the issuer's is told him."""
    return normalise(cadres.issuer(assembled.provisional, assembled.given)) in by.structures


def number_of(assembled: Assembled, *, sandbox: bool) -> NumberKey | None:
    """The number that this invoice would take; None where it takes none, or is not known yet."""
    needed = {"invoice_number", "issue_date", "supplier_siret"}
    if needed & assembled.absent or cadres.of(assembled.provisional).unnumbered:
        return None
    issuer = cadres.issuer(assembled.provisional, assembled.given)
    return number_key(assembled.provisional, issuer, sandbox=sandbox)


def taken(examined: Examined) -> Finding:
    """The refusal of a number that somebody took between the checks and the sending."""
    header = examined.assembled.provisional
    return number_taken(header, cadres.issuer(header, examined.given))


def others_asked(assembled: Assembled) -> list[str]:
    """SIRETs beside recipient and supplier that the directory is asked about."""
    moa: Party | None = assembled.given.moa
    return [] if moa is None else [moa.siret]
