"""One file's bytes in, its verdict out: the offline part of what a deposit is asked. Runs inside a worker process."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal

import msgspec

from invoice import cadres
from invoice.checks import check_header
from invoice.checks_structured import check_structured, say
from invoice.draft import complete
from invoice.en16931 import broken_rules
from invoice.findings import Finding
from invoice.syntax import DataFile, SyntaxRefused, choose, looks_like_xml, parse
from services.ingest.domain import PARIS
from services.ingest.kinds import MAGIC_WITHIN, is_pdf, looks_like

MAX_BYTES: Final = 30_000_000  # what a deposit may weigh
_NOT_A_SYNTAX: Final = "La norme n'a de règles que pour UBL et CII ; ce fichier est d'un autre format."

Verdict = Literal["accepted", "rejected", "warning"]


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict on one file. ``rules`` are the codes that do not hold, ``messages`` a sentence for each."""

    file: str
    verdict: Verdict
    rules: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """A field of an invoice, as :class:`invoice.reading.ReadField` has it."""

    name: str
    value: str
    confidence: Literal["sure", "unsure"]


class NeedsReading(Exception):
    """The file is a PDF that carries no invoice data: its pages have to be read."""


def judge(name: str, data: bytes, *, standard_only: bool) -> Answer:
    """The verdict on a file. Raises NeedsReading."""
    if len(data) > MAX_BYTES:
        return refusal(name, "FILE_TOO_LARGE", f"Le fichier pèse plus de {MAX_BYTES // 1_000_000} Mo.")
    head = data[:MAGIC_WITHIN]
    try:
        if is_pdf(head):
            return _judge_pdf(name, data, standard_only=standard_only)
        if not looks_like_xml(head):
            return refusal(name, "NOT_A_PDF", f"Ni un PDF, ni un XML : le fichier est {looks_like(head)}.")
        if standard_only:
            return _by_standard(name, data)
        return of_findings(name, [found for one in parse(data) for found in _of_data(one)])
    except SyntaxRefused as error:
        return of_findings(name, [error.finding])


def _by_standard(name: str, data: bytes) -> Answer:
    broken = broken_rules(data)
    if broken is None:
        parse(data)  # what is no invoice at all is refused for that
        return refusal(name, "NOT_UBL_NOR_CII", _NOT_A_SYNTAX)
    return of_findings(name, [say(one) for one in broken])


def _judge_pdf(name: str, data: bytes, *, standard_only: bool) -> Answer:
    from services.ingest.check_pdf import embedded  # the library takes a second to load: only where there is a PDF

    files = embedded(data)
    found = choose(files)
    if found is None:
        if standard_only:
            return refusal(name, "NOT_UBL_NOR_CII", "Ce PDF ne porte pas de données de facture (Factur-X).")
        raise NeedsReading
    if standard_only:
        return _by_standard(name, next(content for called, content in files if called[:200] == found.name))
    return of_findings(name, _of_data(found))


def _of_data(data: DataFile) -> list[Finding]:
    """What a structured invoice is refused or warned for."""
    read = [Read(name=one.name, value=one.value, confidence="sure" if one.sure else "unsure") for one in data.fields]
    return [*check_structured(data), *of_fields(read), *data.warnings]


def of_fields(read: Sequence[Read]) -> list[Finding]:
    """What the header is refused or warned for. Whether the supplier is the depositor's, nobody can tell here."""
    suppliers = [field.value for field in read if field.name == "supplier_siret"]
    draft = complete(read, suppliers)
    findings = list(draft.findings)
    if draft.outcome == "refused":
        return [msgspec.structs.replace(one, level="refuse") for one in findings]
    if draft.header is not None:
        today = datetime.now(PARIS).date()
        findings += check_header(draft.header, on=today, depositor_structures=suppliers)
        # A deposit's form may name them: the file is not wrong, but alone it is refused.
        missing = cadres.check_named(cadres.of(draft.header), cadres.NOTHING_GIVEN)
        findings += [msgspec.structs.replace(one, level="warn") for one in missing]
    return findings


def of_findings(name: str, findings: Sequence[Finding]) -> Answer:
    """The verdict that findings make: what is refused first. What is only told has none."""
    told = [one for level in ("refuse", "warn") for one in findings if one.level == level]
    verdict: Verdict = "accepted" if not told else "rejected" if told[0].level == "refuse" else "warning"
    sentences = [one.message if one.action is None else f"{one.message} {one.action}" for one in told]
    return Answer(file=name, verdict=verdict, rules=tuple(one.code for one in told), messages=tuple(sentences))


def refusal(name: str, code: str, message: str) -> Answer:
    """A verdict with one reason."""
    return Answer(file=name, verdict="rejected", rules=(code,), messages=(message,))
