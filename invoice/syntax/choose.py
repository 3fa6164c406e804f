"""Which of the files inside a PDF is the invoice: decided by what they hold, whatever they are called."""

from collections.abc import Iterable

import msgspec

from invoice.findings import Finding
from invoice.messages import finding
from invoice.reading import FIELD_NAMES
from invoice.syntax.encoding import looks_like_xml
from invoice.syntax.header import label
from invoice.syntax.model import DEFAULT, DataFile, Limits, SyntaxRefused
from invoice.syntax.parsing import parse

# The names that the formats prescribe come first where several files hold the same invoice.
_USUAL = ("factur-x.xml", "xrechnung.xml", "zugferd-invoice.xml", "zugferd_invoice.xml")
_ROOTS = (b"CrossIndustryInvoice", b"CrossIndustryDocument", b"xsd:Invoice-2", b"xsd:CreditNote-2", b"CPPFactureMixte")
MAX_FILES = 20
_NOT_AN_INVOICE = "XML_UNKNOWN_ROOT"


def choose(attachments: Iterable[tuple[str, bytes]], *, limits: Limits = DEFAULT) -> DataFile | None:
    """The invoice among the files ``(name, content)`` of a PDF, or None where there is none.

    Files that are not XML, or XML of another kind (an order, a delivery note), are passed over. Where several hold an
    invoice, the one with the usual name counts; if they differ, each field that differs is unsure and a finding names
    it. A file that looks like the invoice and cannot be read raises SyntaxRefused if no other can; else it is named.
    Of more than twenty XML files the rest is not looked at, which a finding says. ``source`` is ``facturx`` for CII,
    ``ubl`` for UBL.
    """
    read: list[DataFile] = []
    refused: list[tuple[str, SyntaxRefused]] = []
    files = sorted((one for one in attachments if looks_like_xml(one[1][:1024])), key=lambda one: _rank(one[0]))
    for name, content in files[:MAX_FILES]:
        try:
            read.extend(_named(found, name) for found in parse(content, limits=limits))
        except SyntaxRefused as error:
            if error.finding.code != _NOT_AN_INVOICE and _claims(name, content):
                refused.append((name, error))
    too_many = [finding("DATA_TOO_MANY_FILES", limit=str(MAX_FILES))] if len(files) > MAX_FILES else []
    if not read:
        if refused:
            raise refused[0][1]
        if too_many:
            raise SyntaxRefused(too_many[0])
        return None
    return _compared(read, [*too_many, *(finding("DATA_FILE_UNREADABLE", value=name[:80]) for name, _ in refused)])


def is_usual(name: str) -> bool:
    """Whether a file is called as the formats prescribe."""
    return _rank(name) < len(_USUAL)


def _claims(name: str, content: bytes) -> bool:
    """Whether a file that cannot be read would be the invoice: by its name, or by what its first bytes name."""
    head = content[:8192].replace(b"\0", b"")  # UTF-16 too
    return is_usual(name) or any(root in head for root in _ROOTS)


def _named(found: DataFile, name: str) -> DataFile:
    source = "facturx" if found.source == "cii" else found.source
    return msgspec.structs.replace(found, name=name[:200], source=source)


def _rank(name: str) -> int:
    lowered = name.lower()
    return _USUAL.index(lowered) if lowered in _USUAL else len(_USUAL)


def _compared(read: list[DataFile], unreadable: list[Finding]) -> DataFile:
    """The first, with the fields that only another has, and a finding for each field in which they differ."""
    first, *others = read
    merged = {datum.name: datum for datum in first.fields}
    differing: dict[str, Finding] = {}
    for other in others:
        theirs = {datum.name: datum for datum in other.fields}
        for name in FIELD_NAMES:
            ours, its = merged.get(name), theirs.get(name)
            if (ours and ours.value) == (its and its.value) or name in differing:
                continue
            seen = "rien" if its is None else f"« {its.value[:80]} »"
            where = f"{seen} dans {(other.name or '')[:80]}"
            value = "" if ours is None else ours.value[:80]
            differing[name] = finding("DATA_FILES_DIFFER", field=name, value=value, label=label(name), other=where)
            merged[name] = msgspec.structs.replace(ours or theirs[name], sure=False)
    return msgspec.structs.replace(
        first,
        fields=tuple(merged[name] for name in FIELD_NAMES if name in merged),
        warnings=(*first.warnings, *(differing[name] for name in FIELD_NAMES if name in differing), *unreadable),
    )
