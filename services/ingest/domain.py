"""What a deposit is, and what becomes of it: pure functions over what was read and what the directory holds."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Literal, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from contracts.events import ClaimCheck, DocumentRead, DocumentSignature, EmbeddedFile, ReadField
from invoice import cadres
from invoice.address import Around
from invoice.cadre_files import Piece, check_file, check_works_client, works_of
from invoice.cadres import Depositor, Given
from invoice.checks import NumberKey, check_deposit, number_key, number_taken
from invoice.directory import Service, Structure, Tenant
from invoice.draft import complete
from invoice.findings import Finding, refusals
from invoice.identifiers import normalise, normalise_code
from invoice.model import InvoiceHeader, Works
from invoice.reading import ACCOMPANYING
from invoice.sandbox import is_sandbox
from invoice.totals import payable_unclear
from invoice.typed import asked_to_wait

PARIS = ZoneInfo("Europe/Paris")


class State(StrEnum):
    """Where a deposit stands."""

    RECEIVED = "received"
    TO_VERIFY = "to_verify"
    SUBMITTED = "submitted"
    REFUSED = "refused"
    DUPLICATE = "duplicate"


LABELS: Mapping[State, str] = MappingProxyType(
    {
        State.RECEIVED: "Reçu",
        State.TO_VERIFY: "À vérifier",
        State.SUBMITTED: "Déposée",
        State.REFUSED: "Refusé",
        State.DUPLICATE: "Doublon",
    }
)

#: What a reading does to a deposit in each state. A duplicate has no document of its own, so nothing can be read of it.
ON_READING: Mapping[State, Literal["apply", "already", "forbidden"]] = MappingProxyType(
    {
        State.RECEIVED: "apply",
        State.TO_VERIFY: "already",
        State.SUBMITTED: "already",
        State.REFUSED: "already",
        State.DUPLICATE: "forbidden",
    }
)

Decided = Literal[State.TO_VERIFY, State.SUBMITTED, State.REFUSED]


class Contents(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was seen in a document beside the values read: see :class:`contracts.events.DocumentRead`."""

    source: Literal["text", "facturx", "ubl", "cii", "cpp"] = "text"
    page_sizes: tuple[tuple[float, float], ...] = ()
    signatures: tuple[DocumentSignature, ...] = ()
    embedded: tuple[EmbeddedFile, ...] = ()
    lines: int = 0

    @classmethod
    def of(cls, read: DocumentRead) -> "Contents":
        """The contents that a reading tells."""
        return cls(
            source=read.source,
            page_sizes=read.page_sizes,
            signatures=read.signatures,
            embedded=read.embedded,
            lines=read.lines,
        )


class Deposit(msgspec.Struct, frozen=True, kw_only=True):
    """A deposit as a reading finds it. ``structures`` are the SIRETs the depositor could act for when depositing,
    ``roles`` those of his token, ``given`` what he said beside the document.
    """

    id: UUID
    state: State
    depositor: str
    contact: str
    structures: tuple[str, ...]
    file_name: str
    received_at: datetime
    document: ClaimCheck
    roles: tuple[str, ...] = ("FOURNISSEUR",)
    given: Given = Given()

    @property
    def by(self) -> Depositor:
        """Who deposited."""
        return Depositor(structures=self.structures, roles=self.roles)

    @property
    def suppliers(self) -> tuple[str, ...]:
        """The SIRETs for which he could deposit as their own supplier."""
        return self.by.at("FOURNISSEUR")


class References(NamedTuple):
    """What an invoice names in the directory, as it is compared: a SIRET, a service code, a number."""

    siret: str
    service: str | None
    engagement: str | None


def references_of(header: InvoiceHeader) -> References:
    """The references of an invoice. One of spaces only counts as not given."""
    service, engagement = normalise_code(header.service_code or ""), normalise_code(header.engagement or "")
    return References(normalise(header.recipient_siret), service or None, engagement or None)


class Directory(msgspec.Struct, frozen=True, kw_only=True):
    """The part of the directory that a batch needs: structures by SIRET, their services by code, tenants by id.

    ``around`` is what is known under the references of each invoice, by :func:`references_of`.
    """

    structures: Mapping[str, Structure] = MappingProxyType({})
    services: Mapping[str, Mapping[str, Service]] = MappingProxyType({})
    tenants: Mapping[str, Tenant] = MappingProxyType({})
    around: Mapping[References, Around] = MappingProxyType({})


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """An invoice completed from its reading, whose deposit checks are still to be made."""

    header: InvoiceHeader
    findings: tuple[Finding, ...]

    def sirets(self) -> tuple[str, str]:
        """Whose entries of the directory the checks need: the recipient's and the supplier's."""
        return normalise(self.header.recipient_siret), normalise(self.header.supplier_siret)


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What is decided on a deposit. ``header`` is set if and only if it is submitted; ``tenant`` where it is known.

    ``findings`` are what the depositor reads: reasons, warnings and what was filled in, never the rules that passed.
    """

    state: Decided
    findings: tuple[Finding, ...]
    header: InvoiceHeader | None = None
    invoice_number: str | None = None
    tenant: str | None = None
    works: Works | None = None

    @property
    def reasons(self) -> tuple[Finding, ...]:
        """Why it was refused, or why it waits."""
        if self.state is State.REFUSED:
            return refusals(self.findings) or self.findings
        return self.findings

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """What an accepted invoice should still be told about."""
        return tuple(f for f in self.findings if f.level == "warn")


def paris_day(instant: datetime) -> date:
    """The legal day of an instant."""
    return instant.astimezone(PARIS).date()


def of_unreadable(reasons: Sequence[Finding]) -> Verdict:
    """What cannot be opened, is encrypted, too big or hostile is refused (decisions.md 20)."""
    return Verdict(state=State.REFUSED, findings=tuple(reasons))


def of_reading(read: DocumentRead, structures: Sequence[str], given_cadre: str | None = None) -> Verdict | Candidate:
    """What a reading alone decides, or the invoice to check.

    A page on which nothing is recognised waits for a person (decisions.md 20); so does whatever is missing or unsure
    (decisions.md 19), and amounts that differ between the page and the data; the State as recipient is refused, and a
    cadre that is not served (decisions.md 24). A data file that breaks a rule of its format is refused; what else the
    reader warns of is told with the rest.
    """
    number = read_number(read.fields)
    if refusals(read.warnings):  # the rules of a data file, which the reader asks where the file is
        return Verdict(state=State.REFUSED, findings=read.warnings, invoice_number=number)
    if read.empty is not None:
        return Verdict(state=State.TO_VERIFY, findings=(read.empty, *read.warnings), invoice_number=number)
    draft = complete(read.fields, structures, given_cadre=given_cadre)
    if draft.outcome == "refused":
        return Verdict(state=State.REFUSED, findings=draft.findings, invoice_number=number)
    unclear = payable_unclear(field.name for field in read.fields)
    said = (found for found in draft.findings if not unclear or found.code != "PAYABLE_FROM_TOTAL")
    findings = (*said, *unclear, *read.warnings)
    if draft.header is None or unclear or any(holds(warning) for warning in read.warnings):
        return Verdict(state=State.TO_VERIFY, findings=findings, invoice_number=number)
    return Candidate(header=draft.header, findings=findings)


def judge(
    candidate: Candidate, deposit: Deposit, directory: Directory, pieces: Mapping[str, Piece] = MappingProxyType({})
) -> Verdict:
    """The deposit checks (decisions.md 14, 21, 23), as of the Paris day of the deposit. The number is not taken yet.

    A supplier who is none of the depositor's structures waits for a person: a machine may have misread it. What the
    depositor himself gave is not misread: where it does not do, the deposit is refused. ``pieces``: those referred to.
    """
    header = candidate.header
    recipient, supplier = candidate.sirets()
    structure = directory.structures.get(recipient)
    looked_at = check_deposit(
        header,
        on=paris_day(deposit.received_at),
        depositor_structures=deposit.suppliers,
        structure=structure,
        services=directory.services.get(recipient, {}),
        tenant=directory.tenants.get(structure.tenant) if structure else None,
        supplier_is_public=supplier in directory.structures,
        around=directory.around.get(references_of(header)),
    )
    named = named_findings(header, deposit.given, deposit.by, directory, pieces)
    said = (*candidate.findings, *(f for f in looked_at if f.level in ("warn", "refuse")), *named)
    number = header.invoice_number
    if any(f.code == "SUPPLIER_NOT_YOURS" for f in said) and not refusals(named):
        softened = tuple(msgspec.structs.replace(f, level="warn") if f.level == "refuse" else f for f in said)
        return Verdict(state=State.TO_VERIFY, findings=softened, invoice_number=number)
    tenant = structure.tenant if structure else None
    if refusals(said):
        return Verdict(state=State.REFUSED, findings=said, invoice_number=number, tenant=tenant)
    works = works_of(header, deposit.given, pieces, str(deposit.id))
    return Verdict(
        state=State.SUBMITTED, findings=said, header=header, invoice_number=number, tenant=tenant, works=works
    )


def named_findings(
    header: InvoiceHeader, given: Given, by: Depositor, directory: Directory, pieces: Mapping[str, Piece]
) -> tuple[Finding, ...]:
    """What is to be said of the companies and pieces that the deposit names beside supplier and recipient."""
    return (
        *cadres.check_parties(header, given, by),
        *check_file(header, given, by, pieces),
        *(() if given.moa is None else check_works_client(given.moa, directory.structures.get(given.moa.siret))),
    )


def claims(accepted: Mapping[UUID, tuple[Deposit, Verdict]]) -> dict[NumberKey, UUID]:
    """Which deposit asks for which number; of several that ask for the same one, the first received wins."""
    found: dict[NumberKey, UUID] = {}
    for deposit, verdict in sorted(accepted.values(), key=lambda pair: (pair[0].received_at, pair[0].id)):
        if verdict.header is not None and numbered(verdict):
            issuer = cadres.issuer(verdict.header, deposit.given)
            found.setdefault(number_key(verdict.header, issuer, sandbox=is_sandbox(verdict.tenant)), deposit.id)
    return found


def numbered(verdict: Verdict) -> bool:
    """Whether an accepted deposit takes a number: all do but a request for direct payment (chorus-pro.md 8.3)."""
    return verdict.header is not None and not cadres.of(verdict.header).unnumbered


def refused_number(verdict: Verdict, given: Given) -> Verdict:
    """The verdict on an invoice that was acceptable but for its number, which is taken (decisions.md 14)."""
    assert verdict.header is not None
    return Verdict(
        state=State.REFUSED,
        findings=(number_taken(verdict.header, cadres.issuer(verdict.header, given)), *verdict.findings),
        invoice_number=verdict.invoice_number,
        tenant=verdict.tenant,
    )


def held(candidate: Candidate) -> Verdict:
    """A document that could go on alone waits: its depositor wants to read it over first."""
    findings = (asked_to_wait(), *candidate.findings)
    return Verdict(state=State.TO_VERIFY, findings=findings, invoice_number=candidate.header.invoice_number)


def holds(warning: Finding) -> bool:
    """Whether a remark on a reading keeps the invoice from being submitted without a person.

    It does where the page shows something else than the data, where data cannot be read or contradict themselves, and
    where not every file was looked at.
    """
    if warning.code == "TOO_MANY_FILES":
        return True
    return warning.code.startswith(("DATA_", "PAGE_")) and warning.level == "warn" and warning.field not in ACCOMPANYING


def read_number(fields: Sequence[ReadField]) -> str | None:
    """The invoice number as read, sure or not: a person recognises his invoice by it."""
    return next((field.value for field in fields if field.name == "invoice_number"), None)
