"""From lines to fields: candidates of every page, then one decision for all. Silent rather than wrong. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from functools import partial

from contracts.events import ReadField
from invoice.money import canonical
from invoice.reading import FIELD_NAMES
from services.ocr import parties, read_breakdown, read_dates, read_terms, totals, values
from services.ocr.candidates import COMPANY, candidates
from services.ocr.known import Known
from services.ocr.layout import Page, lines_of
from services.ocr.read_amounts import amounts_after, printed_near, printed_on
from services.ocr.read_blocks import block
from services.ocr.read_candidate import Candidate, evidence
from services.ocr.read_currency import currency, in_thousands
from services.ocr.read_dates import REFERENCES
from services.ocr.read_scores import scored
from services.ocr.scan import Scan, scan, scan_of
from services.ocr.titles import kind_of_document, preceding_invoices, same_kind
from services.ocr.values import Value
from services.ocr.vocabulary import AMOUNTS, BLOCK_RECIPIENT, DEDUCTION, NO_VAT

Chosen = dict[str, tuple[Candidate, bool]]
MAX_NUMBERS = 200  # numbers of companies that are weighed; a page has ten


class _Found:
    """The pages, what their keywords announce, and what is chosen of it so far."""

    def __init__(self, scans: list[Scan], known: Known | None) -> None:
        self.scans = scans
        self.known = known
        self.candidates = [candidate for scanned in scans for candidate in candidates(scanned)]
        self.chosen: Chosen = {}

    def of(self, *names: str) -> list[Candidate]:
        return [candidate for candidate in self.candidates if candidate.field in names]

    def value(self, name: str) -> str | None:
        return self.chosen[name][0].value if name in self.chosen else None

    def number(self, name: str) -> Decimal | None:
        return Decimal(self.chosen[name][0].value) if name in self.chosen else None

    def keep(self, name: str, found: Sequence[Candidate]) -> None:
        """Keep the one value that every keyword of the highest rank announces.

        Two values, or one whose end cannot be told, leave the field empty; a reference, which may be absent from an
        invoice, is then kept as unsure, so that the invoice does not go on without it.
        """
        rank = max((c.rank for c in found), default=0)
        best = [c for c in found if c.rank == rank and not _only_a_year(c)]
        if best and best[0].value and len({c.value for c in best}) == 1:
            self.chosen[name] = (best[0], True)
        elif best and name in REFERENCES and rank > 1:
            self.chosen[name] = (replace(best[0], value=best[0].value or best[0].raw), False)


def read_fields(pages: Sequence[Page], *, known: Known | None = None) -> tuple[ReadField, ...]:
    """The fields that the pages announce, each at most once, in the order of FIELD_NAMES.

    ``known`` are the recipients of the directory; without them the page alone decides.
    """
    found = _Found([scan(page, lines_of(page)) for page in pages], known)
    _document(found)
    _parties(found)
    _references(found)
    _amounts(found)
    _terms(found)
    return tuple(scored(name, *found.chosen[name], found.candidates) for name in FIELD_NAMES if name in found.chosen)


def totals_missing(pages: Sequence[Page]) -> bool:
    """Whether these pages tell no sure total: then it may stand on the last page."""
    found = _Found([scan(page, lines_of(page)) for page in pages], None)
    _amounts(found)
    return not any(found.chosen.get(name, (None, False))[1] for name in ("total_excl_tax", "total_incl_tax"))


def _document(found: _Found) -> None:
    """Kind, number and dates."""
    hits = [(scanned, hit) for scanned in found.scans for hit in scanned.hits]
    numbers = found.of("invoice_number")
    kind = kind_of_document(hits, numbers)
    if kind is not None:
        found.chosen["type_code"] = kind
    found.keep("invoice_number", same_kind(numbers, kind))
    number = found.chosen.get("invoice_number")
    found.keep("issue_date", read_dates.issue_dates(found.scans, found.candidates, number[0] if number else None))
    issued = found.value("issue_date")
    found.keep("due_date", read_dates.due_dates(found.candidates, issued))
    due = found.chosen.get("due_date")
    if due is not None and issued is not None and due[0].value < issued:
        found.chosen["due_date"] = (due[0], False)
    found.keep("preceding_invoice", preceding_invoices(found.candidates, kind, found.value("invoice_number")))


def _references(found: _Found) -> None:
    for name in REFERENCES:
        found.keep(name, found.of(name))
    fits = found.known.fits_engagement(found.value("recipient_siret") or "") if found.known is not None else None
    if fits is not None and "engagement" in found.chosen and not found.chosen["engagement"][1]:
        # Several orders stand on the page: one of the recipient's own shape is the one to look at.
        own = [c for c in found.of("engagement") if c.value and fits(c.value)]
        if own and len({c.value for c in own}) == 1:
            found.chosen["engagement"] = (own[0], False)


def _parties(found: _Found) -> None:
    numbers = [candidate for candidate in found.candidates if candidate.field in COMPANY][:MAX_NUMBERS]
    found.chosen |= parties.decide(parties.mentions(found.scans, numbers, found.known))
    for scanned in found.scans:
        for hit in scanned.hits:
            # keywords.yaml, recipient_siret: « Ministère » at the head of a line in a recipient's block
            if hit.keyword.field == "recipient_state" and hit.start < 3 and block(scanned, hit) == BLOCK_RECIPIENT:
                state = evidence(scanned, hit, hit.keyword.field, hit.segment, Value("Ministère", hit.start, hit.end))
                found.chosen.setdefault("recipient_state", (state, True))


def _amounts(found: _Found) -> None:
    """Totals and VAT by rate: the rows of rates may say what the totals are, and the totals which rows count."""
    rows = read_breakdown.rows(found.scans)
    announced = found.of(*AMOUNTS, "deduction") + _summed(found.scans, rows)
    found.chosen |= totals.decide(announced, _facts(found), partial(printed_near, found.scans))
    if "total_excl_tax" in found.chosen and "tax" in found.chosen:
        (excl, excl_sure), (tax, tax_sure) = found.chosen["total_excl_tax"], found.chosen["tax"]
        breakdown = read_breakdown.decide(found.scans, rows, excl, tax)
        if breakdown is not None:
            found.chosen["vat_breakdown"] = (breakdown, excl_sure and tax_sure)
    money = currency(found.scans)
    if money is not None:
        found.chosen["currency"] = (money, money.value == "EUR" and not in_thousands(found.scans))


def _summed(scans: Sequence[Scan], rows: Sequence[read_breakdown.Row]) -> list[Candidate]:
    """What the rows of rates add up to, as weak candidates for the totals."""
    added = read_breakdown.sums(rows)
    if added is None:
        return []
    row, *amounts = added
    scanned = scan_of(scans, row.page)
    result = []
    for name, amount, box in zip(("total_excl_tax", "tax"), amounts, row.boxes[1:], strict=True):
        value = row.value._replace(text=canonical(amount))
        somewhere = printed_on(scanned, name, amount)
        result.append(somewhere or replace(evidence(scanned, row.hit, name, row.segment, value), rank=0, box=box))
    return result


def _only_a_year(candidate: Candidate) -> bool:
    """Whether a number is more likely the year of a sentence: it has the form of one, and the sentence goes on."""
    rest = candidate.segment.text[candidate.start + len(candidate.raw) :]
    return values.is_year(candidate.value) and (candidate.rank < 2 or any(c.isalpha() for c in rest))


def _facts(found: _Found) -> totals.Facts:
    hits = [(scanned, hit) for scanned in found.scans for hit in scanned.hits]
    named = {hit.keyword.field for _, hit in hits if hit.keyword.field not in AMOUNTS or values.is_blank(hit.tail)}
    named |= {candidate.field for candidate in found.candidates}
    untaxed = None
    for scanned, hit in hits:
        if hit.keyword.field in NO_VAT and untaxed is None:
            untaxed = evidence(scanned, hit, "tax", hit.segment, Value("0.00", hit.start, hit.end))
    after = [
        value
        for candidate in found.of("total_incl_tax")[: totals.MAX_DIFFERENT]
        if candidate.rank > 0 and candidate.value
        for value in amounts_after(scan_of(found.scans, candidate.page), candidate)
    ]
    return totals.Facts(untaxed, DEDUCTION in named or "prepaid" in named, frozenset(named), frozenset(after))


def _terms(found: _Found) -> None:
    """VAT regime, way to pay, account."""
    tax = found.number("tax")
    regime = read_terms.regime(found.scans, tax)
    if regime is not None:
        found.chosen["vat_regime"] = (regime, True)
    found.keep("payment_mode", read_terms.modes(found.scans))
    found.keep("supplier_iban", read_terms.ibans(found.scans))
