"""Invoice or credit note? The title says so, and the numbers that belong to it follow."""

from collections.abc import Sequence

from services.ocr.candidates import Candidate
from services.ocr.scan import Hit, Scan
from services.ocr.vocabulary import DECOY, TITLE, fold

TALLER = 1.15  # a title this much taller than another one outweighs it
TITLE_WORDS = 8
INVOICE, CREDIT_NOTE, OTHER = "380", "381", ""

_SPECIAL = ("facture d'acompte", "facture proforma", "facture pro forma", "facture rectificative", "devis")


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
    kinds = {_kind(hit) for hit in leading}
    kind = CREDIT_NOTE if CREDIT_NOTE in kinds else INVOICE
    hit = next(hit for hit in leading if _kind(hit) in (kind, OTHER))
    page = next(scanned.page for scanned, other in hits if other is hit)
    return Candidate(TITLE, kind, 2, page, hit.segment.box(hit.start, hit.end), hit.words, hit), kinds == {kind}


def same_kind(numbers: list[Candidate], kind: tuple[Candidate, bool] | None) -> list[Candidate]:
    """The numbers announced by the document's own kind: on a credit note, a *Facture n°* is the one it corrects."""
    if kind is None or not kind[1]:
        return numbers
    return [number for number in numbers if _kind(number.hit) in (kind[0].value, None)]


def _is_title(hit: Hit) -> bool:
    """*Facture*, *Avoir* at the start of a short text; *avoir* in small letters is the verb."""
    if hit.start > 2 or len(hit.segment.words) > TITLE_WORDS or not hit.words[:1].isupper():
        return False
    return hit.keyword.field == TITLE or (hit.keyword.field == DECOY and fold(hit.words).startswith(_SPECIAL))


def _kind(hit: Hit) -> str | None:
    """The kind that the words name; None where they fit every kind."""
    words = fold(hit.words)
    if words.startswith(_SPECIAL):
        return OTHER
    if "avoir" in words or "credit" in words:
        return CREDIT_NOTE
    return INVOICE if "facture" in words else None
