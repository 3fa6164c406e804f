"""From lines to fields: candidates of every page, then one decision per field. Silent rather than wrong. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from contracts.events import ReadField
from services.ocr import parties, totals, values
from services.ocr.candidates import AMOUNTS, SIRETS, Candidate, candidates
from services.ocr.domain import FIELD_NAMES
from services.ocr.layout import Box, Page, Segment, as_shown, lines_of
from services.ocr.scan import Hit, Scan, scan
from services.ocr.titles import kind_of_document, same_kind
from services.ocr.vocabulary import BLOCK_RECIPIENT, DEDUCTION, NO_VAT, TITLE, Keyword, fold

Chosen = dict[str, tuple[Candidate, bool]]
REFERENCES = ("engagement", "contract", "service_code")
APART = 60.0  # points between two labels: farther, they have nothing to do with each other
_EURO = re.compile(r"€|\bEUR\b|\b[Ee]uros?\b")
_OTHER_MONEY = re.compile(r"[$£¥]|\b(?:USD|GBP|CHF|CAD|JPY|CNY|SEK|NOK|DKK|PLN|XPF|XOF|XAF|MAD|TND|AUD|CZK|HUF|RON)\b")
_OTHER_PAPER = re.compile("commande|devis|livraison|marche|contrat|echeance")
_SIGNS = {"$": "USD", "£": "GBP", "¥": "JPY"}
_TOWN = re.compile(r"[A-ZÀ-Ý][\w' -]{1,40}, ?le (?=\d)")


@dataclass(slots=True)
class _Found:
    scans: list[Scan]
    candidates: list[Candidate]

    @property
    def hits(self) -> list[tuple[Scan, Hit]]:
        return [(scanned, hit) for scanned in self.scans for hit in scanned.hits]

    def of(self, *names: str) -> list[Candidate]:
        return [candidate for candidate in self.candidates if candidate.field in names]


def read_fields(pages: Sequence[Page]) -> tuple[ReadField, ...]:
    """The fields that the pages announce, each at most once, in the order of FIELD_NAMES."""
    scans = [scan(page, lines_of(page)) for page in pages]
    found = _Found(scans, [candidate for scanned in scans for candidate in candidates(scanned)])
    chosen: Chosen = {}
    kind = kind_of_document(found.hits, found.of("invoice_number"))
    if kind is not None:
        chosen["type_code"] = kind
    _keep(chosen, "invoice_number", same_kind(found.of("invoice_number"), kind))
    _keep(chosen, "issue_date", _dates(found, chosen.get("invoice_number")))
    for name in REFERENCES:
        _keep(chosen, name, found.of(name))
    chosen |= parties.decide([(c, parties.owner(_scan_of(c, scans), c)) for c in found.of(*SIRETS) if c.value])
    state = _state_recipient(found)
    if state is not None:
        chosen["recipient_state"] = (state, True)
    chosen |= totals.decide(found.of(*AMOUNTS), _facts(found))
    currency = _currency(scans)
    if currency is not None:
        chosen["currency"] = (currency, currency.value == "EUR")
    return tuple(_field(name, *chosen[name]) for name in FIELD_NAMES if name in chosen)


def _field(name: str, candidate: Candidate, sure: bool) -> ReadField:
    return ReadField(
        name=name,
        value=candidate.value,
        confidence="sure" if sure else "unsure",
        page=candidate.page.number,
        box=as_shown(candidate.box, candidate.page),
        keyword=candidate.keyword,
        raw=candidate.raw,
    )


def _scan_of(candidate: Candidate, scans: list[Scan]) -> Scan:
    return next(scanned for scanned in scans if scanned.page is candidate.page)


def _keep(chosen: Chosen, name: str, found: list[Candidate]) -> None:
    """Keep the one value that every keyword of the highest rank announces.

    Two values, or one whose end cannot be told, leave the field empty; a reference, which may be absent from an
    invoice, is then kept as unsure, so that the invoice does not go on without it.
    """
    rank = max((c.rank for c in found), default=0)
    best = [c for c in found if c.rank == rank and not values.is_year(c.value)]
    if best and best[0].value and len({c.value for c in best}) == 1:
        chosen[name] = (best[0], True)
    elif best and name in REFERENCES and rank > 1:
        chosen[name] = (replace(best[0], value=best[0].value or best[0].raw), False)


def _dates(found: _Found, number: tuple[Candidate, bool] | None) -> list[Candidate]:
    """*Date de facture*, ``Facture n° 12 du…``, ``Facture du…``; then *Date* alone and ``Toulouse, le…``."""
    dates = [date for date in found.of("issue_date") if date.rank > 1 or not _of_another_paper(date, found)]
    for scanned, hit in found.hits:
        if hit.keyword.field == TITLE and hit.start < 3:
            dates += _date_behind(scanned.page, hit, hit.end)
    if number is not None:
        end = number[0].hit.segment.text.find(number[0].raw, number[0].hit.end)
        dates += _date_behind(number[0].page, number[0].hit, end + len(number[0].raw)) if end >= 0 else []
    return dates + [date for scanned in found.scans for date in _dated_at(scanned)]


def _of_another_paper(date: Candidate, found: _Found) -> bool:
    """Whether the label left of this *Date* is that of an order, a quotation, a delivery or a contract."""
    hits = _scan_of(date, found.scans).by_line[date.hit.line]
    place = next(index for index, hit in enumerate(hits) if hit is date.hit)
    left = hits[place - 1] if place else None
    if left is None or date.hit.segment.x0 - left.segment.x1 > APART:
        return False
    return left.keyword.field in REFERENCES or _OTHER_PAPER.search(fold(left.words)) is not None


def _date_behind(page: Page, hit: Hit, at: int) -> list[Candidate]:
    """``… du 3 mars 2026``: the date that follows in the sentence."""
    rest = hit.segment.text[at:]
    if not re.match(r"\s*,?\s*(?:du|le|en date du)\b", rest):
        return []
    skipped = len(rest) - len(rest.lstrip(" ,"))
    found = values.read_date(rest[skipped:])
    if found is None:
        return []
    start = at + skipped
    return [_evidence("issue_date", found.text, page, hit.segment, start + found.start, start + found.end, hit)]


def _state_recipient(found: _Found) -> Candidate | None:
    """*Ministère* at the head of a line in a recipient's block (keywords.yaml, ``recipient_siret``: note)."""
    for scanned, hit in found.hits:
        named = hit.keyword.field == "recipient_state" and hit.start < 3
        if named and parties.block(scanned, hit) == BLOCK_RECIPIENT:
            return _evidence("recipient_state", "Ministère", scanned.page, hit.segment, hit.start, hit.end, hit)
    return None


def _dated_at(scanned: Scan) -> list[Candidate]:
    """``Toulouse, le 3 mars 2026``, alone in its place."""
    dates = []
    for index, line in enumerate(scanned.lines):
        for place, segment in enumerate(line.segments):
            town = _TOWN.match(segment.text)
            found = values.read_date(segment.text[town.end() :]) if town else None
            if town is None or found is None or town.end() + found.end < len(segment.text.rstrip(" .")):
                continue
            start = town.end() + found.start
            hit = Hit(Keyword("issue_date", 1, "le"), index, place, segment, town.end() - 3, town.end() - 1, start)
            date = _evidence("issue_date", found.text, scanned.page, segment, start, town.end() + found.end, hit)
            dates.append(replace(date, rank=1))
    return dates


def _evidence(field: str, value: str, page: Page, segment: Segment, start: int, end: int, hit: Hit) -> Candidate:
    box: Box = segment.box(start, end)
    return Candidate(field, value, 2, page, box, segment.text[start:end], hit)


def _facts(found: _Found) -> totals.Facts:
    named = {
        hit.keyword.field for _, hit in found.hits if hit.keyword.field not in AMOUNTS or values.is_blank(hit.tail)
    }
    named |= {candidate.field for candidate in found.candidates}
    no_vat = next(((scanned, hit) for scanned, hit in found.hits if hit.keyword.field == NO_VAT), None)
    untaxed = None
    if no_vat is not None:
        scanned, hit = no_vat
        untaxed = _evidence("tax", "0.00", scanned.page, hit.segment, hit.start, hit.end, hit)
    return totals.Facts(untaxed, DEDUCTION in named or "prepaid" in named, frozenset(named))


def _currency(scans: list[Scan]) -> Candidate | None:
    """EUR where the pages write it and no other currency; else the other one, which a person must look at."""
    found: Candidate | None = None
    for scanned in scans:
        for index, line in enumerate(scanned.lines):
            for place, segment in enumerate(line.segments):
                other = _OTHER_MONEY.search(segment.text)
                match = other or (_EURO.search(segment.text) if found is None else None)
                if match is None:
                    continue
                start, end = match.span()
                hit = Hit(Keyword("currency", 2, "EUR"), index, place, segment, start, end, end)
                code = "EUR" if other is None else _SIGNS.get(match.group(), match.group())
                found = _evidence("currency", code, scanned.page, segment, start, end, hit)
                if other is not None:
                    return found
    return found
