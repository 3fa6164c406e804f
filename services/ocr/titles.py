"""Invoice or credit note? The title says so, and the numbers that belong to it follow."""

import re
from collections.abc import Sequence

from services.ocr.layout import Segment
from services.ocr.read_candidate import Candidate, evidence
from services.ocr.scan import Hit, Scan
from services.ocr.values import Value
from services.ocr.vocabulary import DECOY, TITLE, fold

TALLER = 1.15  # a title this much taller than another one outweighs it
TITLE_WORDS = 8
INVOICE, CREDIT_NOTE, OTHER = "380", "381", ""

_SPECIAL = ("facture d'acompte", "facture proforma", "facture pro forma", "facture rectificative", "devis")


_SPECIAL_TITLE = re.compile(rf"(?:{'|'.join(_SPECIAL)})(?:\s*n\s?[°o]\.?)?")
_SPECIAL_HEADS = ("d'acompte", "proforma", "pro forma", "pro-forma", "rectificative")


def _goes_on(scanned: Scan, hit: Hit) -> tuple[str | None, Segment]:
    """The kind that the words after *Facture* make of it, and where they stand: behind it or, in a wide title that
    was cut, in the next cell (*Facture | d'avoir*).
    """
    rest, segment = hit.segment.text[hit.end :].strip(), hit.segment
    following = scanned.lines[hit.line].segments[hit.place + 1 : hit.place + 2]
    if not rest and following and abs(following[0].height - segment.height) < 1:
        segment = following[0]
        rest = segment.text
    if fold(rest).startswith(("d'avoir", "avoir")):
        return CREDIT_NOTE, segment
    return (OTHER if fold(rest).startswith(_SPECIAL_HEADS) else None), segment


def kind_of_document(hits: Sequence[tuple[Scan, Hit]], numbers: Sequence[Candidate]) -> tuple[Candidate, bool] | None:
    """380 or 381 (chorus-pro.md 6) by the tallest title, with whether it is sure.

    Titles of both kinds that are equally tall give an unsure credit note: a person must look. A kind that this
    reader does not tell (*facture d'acompte*, *proforma*) gives an unsure invoice.
    """
    titles = [hit for _, hit in hits if _is_title(hit)]
    titles += [number.hit for number in numbers if number.value and number.hit.keyword.field != TITLE]
    tallest = max((hit.segment.height for hit in titles), default=0.0)
    leading = [hit for hit in titles if hit.segment.height * TALLER >= tallest and _kind(hit) is not None]
    if not leading:
        return None
    pages = {id(other.segment): scanned for scanned, other in hits}
    continued = {id(hit): _goes_on(pages[id(hit.segment)], hit) for hit in leading}
    kind_of = {id(hit): continued[id(hit)][0] or _kind(hit) for hit in leading}
    kinds = set(kind_of.values())
    kind = CREDIT_NOTE if CREDIT_NOTE in kinds else INVOICE
    hit = next(hit for hit in leading if kind_of[id(hit)] in (kind, OTHER))
    segment = continued[id(hit)][1]
    cut = continued[id(hit)][0] is not None and segment is not hit.segment
    start, end = (0, len(segment.text)) if cut else (hit.start, hit.end)
    return evidence(
        pages[id(hit.segment)], hit, TITLE, segment if cut else hit.segment, Value(kind, start, end)
    ), kinds == {kind}


def same_kind(numbers: list[Candidate], kind: tuple[Candidate, bool] | None) -> list[Candidate]:
    """The numbers announced by the document's own kind: on a credit note, a *Facture n°* is the one it corrects."""
    if kind is None or not kind[1]:
        return numbers
    return [number for number in numbers if _kind(number.hit) in (kind[0].value, None)]


def preceding_invoices(
    found: Sequence[Candidate], kind: tuple[Candidate, bool] | None, number: str | None
) -> list[Candidate]:
    """The invoices that this one says it corrects; on a credit note, an invoice number that is not its own too."""
    named = [c for c in found if c.field == "preceding_invoice" and c.value != number]
    if named or kind is None or not kind[1] or kind[0].value != CREDIT_NOTE:
        return named
    return [c for c in found if c.field == "invoice_number" and _kind(c.hit) == INVOICE and c.value != number]


def _is_title(hit: Hit) -> bool:
    """*Facture*, *Avoir* at the start of a short text; *avoir* in small letters is the verb."""
    if hit.start > 2 or len(hit.segment.words) > TITLE_WORDS or not hit.words[:1].isupper():
        return False
    return hit.keyword.field == TITLE or (
        hit.keyword.field == DECOY and _SPECIAL_TITLE.fullmatch(fold(hit.words)) is not None
    )


def _kind(hit: Hit) -> str | None:
    """The kind that the words name; None where they fit every kind."""
    words = fold(hit.words)
    if words.startswith(_SPECIAL):
        return OTHER
    if "avoir" in words or "credit" in words:  # note de crédit
        return CREDIT_NOTE
    return INVOICE if any(word in words for word in ("facture", "invoice", "honoraires", "fact")) else None
