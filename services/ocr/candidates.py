"""For each keyword of a page the value that it announces."""

from collections.abc import Iterator
from dataclasses import replace

from services.ocr import read_ids, values
from services.ocr.read_amounts import announced_amount
from services.ocr.read_candidate import Candidate, evidence
from services.ocr.read_numbers import BARE, bare_number, titled_number
from services.ocr.read_places import Reader, announced
from services.ocr.scan import Hit, Scan
from services.ocr.vocabulary import AMOUNTS, DEDUCTION, RCS, SIREN, SIRET, TITLE, VAT, VAT_BASE, Keyword

READERS: dict[str, Reader] = {
    "invoice_number": values.read_number,
    "preceding_invoice": values.read_number,
    "issue_date": values.read_date,
    "due_date": values.read_due_date,
    "engagement": values.read_reference,
    "contract": values.read_reference,
    "service_code": values.read_service,
}
SIRETS = ("recipient_siret", "supplier_siret", SIRET)
SIRENS = ("recipient_siren", "supplier_siren", SIREN, RCS)
VATS = ("recipient_vat", "supplier_vat", VAT)
# What may stand behind a company's number, and the field that it is then: people write a SIREN behind « SIRET ».
COMPANY: dict[str, tuple[tuple[str, Reader], ...]] = {
    **{
        siret: ((siret, values.read_siret), (siren, read_ids.read_siren), (siren, read_ids.read_misprinted_siret))
        for siret, siren in zip(SIRETS, SIRENS[:3], strict=True)
    },
    **{
        siren: ((siren, read_ids.read_siren), (siret, values.read_siret))
        for siret, siren in zip(SIRETS, SIRENS[:3], strict=True)
    },
    RCS: ((RCS, read_ids.read_registration),),
    **{vat: ((vat, read_ids.read_vat),) for vat in VATS},
}


def candidates(scanned: Scan) -> list[Candidate]:
    """The values announced on one page, each by its own hit."""
    found: list[Candidate | None] = []
    for hit in scanned.hits:
        name = hit.keyword.field
        if name in COMPANY or (name == "tax" and read_ids.read_vat(hit.tail)):  # « TVA : FR12… »
            found.append(_company(scanned, hit))
        elif name == TITLE:
            found += titled_number(scanned, hit)
        elif hit.line in scanned.table_heads:
            continue
        elif name == "service_code" and hit.words.lower() == "service":
            found.append(_service(scanned, hit))
        elif name in READERS:
            found.append(_demoted(hit, announced(scanned, hit, name, READERS[name])))
        elif name in AMOUNTS or name == DEDUCTION:
            found.append(announced_amount(scanned, hit, name))
        elif name == VAT_BASE:  # « Base HT » may stand for the total: only a sum can tell
            base = announced_amount(scanned, hit, "total_excl_tax")
            found.append(None if base is None else replace(base, rank=0))
    for line, row in enumerate(scanned.lines):
        found += [bare_number(scanned, line, at, s) for at, s in enumerate(row.segments) if len(s.text) < BARE]
    return [candidate for candidate in found if candidate is not None] + list(_vats_anywhere(scanned))


def _service(scanned: Scan, hit: Hit) -> Candidate | None:
    """*Service* alone announces a code only behind a colon at the head of its text, and what looks like one."""
    candidate = announced(scanned, hit, "service_code", values.read_service)
    if candidate is None or hit.start > 2:
        return None
    coded = hit.tail.lstrip().startswith(":") or any(c.isdigit() or c in "_-" for c in candidate.value)
    return candidate if coded else None


def _demoted(hit: Hit, candidate: Candidate | None) -> Candidate | None:
    """A label in the middle of a sentence says less than one that begins its text; a day (*Prochaine facture le…*)
    is then another's.
    """
    before = hit.segment.text[: hit.start].rstrip()
    if candidate is None or hit.start < 3 or not before[-1:].isalpha():
        return candidate
    return None if candidate.field == "issue_date" else replace(candidate, rank=min(candidate.rank, 1))


def _company(scanned: Scan, hit: Hit) -> Candidate | None:
    for field, read in COMPANY.get(hit.keyword.field, COMPANY[VAT]):
        found = announced(scanned, hit, field, read)
        if found is not None and found.value:
            found.misprinted = read is read_ids.read_misprinted_siret
            return found
    return _registered_before(scanned, hit) if hit.keyword.field == RCS else None


def _registered_before(scanned: Scan, hit: Hit) -> Candidate | None:
    """``123 456 789 RCS Toulouse``."""
    found = read_ids.last_siren(hit.segment.text[: hit.start])
    return None if found is None else evidence(scanned, hit, RCS, hit.segment, found)


def _vats_anywhere(scanned: Scan) -> Iterator[Candidate]:
    """French VAT numbers tell themselves by their form and key, with a label or without."""
    for index, line in enumerate(scanned.lines):
        for place, segment in enumerate(line.segments):
            for value in read_ids.find_vats(segment.text):
                keyword = Keyword(VAT, 1, "FR")
                hit = Hit(keyword, index, place, segment, value.start, value.start + 2, value.end)
                yield evidence(scanned, hit, VAT, segment, value)
