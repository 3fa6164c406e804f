"""How VAT falls due and how the invoice is paid, where the page says it in words; the account to pay to. Pure."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal

from services.ocr import read_ids
from services.ocr.layout import Segment
from services.ocr.read_blocks import block_of
from services.ocr.read_candidate import BELOW_IT, BESIDE_IT, Candidate, evidence
from services.ocr.scan import Hit, Scan
from services.ocr.values import Value, is_blank
from services.ocr.vocabulary import (
    BLOCK_OTHER,
    BLOCK_RECIPIENT,
    DECOY,
    OTHER_IBAN,
    PAYMENT_MODE,
    REGIMES,
    Keyword,
    fold,
)

UNTAXED = ("FRANCHISE", "AUTOLIQUIDATION", "EXONERATION")  # the first tells more than those after it
_TELLING = re.compile(
    r"(?P<FRANCHISE>\b293\s?-?\s?B\b)|(?P<AUTOLIQUIDATION>auto-?liquid)|(?P<EXONERATION>\bexon[ée]r)"
    r"|(?P<TVA_SUR_DEBIT>\bd[ée]bits?\b)|(?P<TVA_SUR_ENCAISSEMENT>\bencaissements?\b)",
    re.IGNORECASE,
)
_PARTS = ("293", "iquid", "IQUID", "xon", "XON", "bit", "BIT", "aiss", "AISS")  # of those words: a quick look first
_ABOUT_VAT = re.compile(r"\btva\b|t\.v\.a|\btaxes?\b|exigib")
_DEBITED = re.compile(r"debit|prelev|votre|client|payeur|mandat|factor|affactur")
_IBAN_WORD = re.compile(r"I\.?B\.?A\.?N\b", re.IGNORECASE)
_PAYING = re.compile(r"virement|banque|bancaire|domiciliation|coordonnees|regle|compte|rib\b")
NEAR = 2.0  # of a line's height: how far under its label a mode or an account may stand
_MODES = re.compile(
    r"\b(?:(?P<VIREMENT>virements?|virmts?|virt?|transfer)|(?P<PRELEVEMENT>prelevements?|prlvt?|sepa core)"
    r"|(?P<CHEQUE>cheques?|chq)|(?P<ESPECE>especes?|numeraire)"
    r"|(?P<AUTRE>cartes?(?: bancaires?| bleue| achat)?|cb|traites?|lcr|billet a ordre|compensation|paypal|tip"
    r"|paiement en ligne))\b"
)


def regime(scans: Sequence[Scan], tax: Decimal | None) -> Candidate | None:
    """The one regime that the pages name. Regimes without VAT need a tax of zero; the two of its due date exclude."""
    found: dict[str, Candidate] = {}
    for scanned in scans:
        for code, hit in (*_named_regimes(scanned), *_worded_regimes(scanned)):
            if not (code in UNTAXED and tax):
                value = Value(code, hit.start, hit.end)
                found.setdefault(code, evidence(scanned, hit, "vat_regime", hit.segment, value))
    untaxed = [code for code in UNTAXED if code in found]
    if untaxed:
        sure = untaxed[0] == "FRANCHISE" or len(untaxed) == 1
        return found[untaxed[0]] if sure else None
    return next(iter(found.values())) if len(found) == 1 else None


def _named_regimes(scanned: Scan) -> Iterator[tuple[str, Hit]]:
    for hit in scanned.hits:
        code = REGIMES.get(hit.keyword.field)
        if code == "FRANCHISE" and any(c.isdigit() for c in hit.words) and "293" not in hit.segment.text:
            code = "EXONERATION"  # by another article than 293 B
        if code is not None:
            yield code, hit


def _worded_regimes(scanned: Scan) -> Iterator[tuple[str, Hit]]:
    """Sentences about VAT in words of their own, around the word that tells."""
    for index, line in enumerate(scanned.lines):
        for place, segment in enumerate(line.segments):
            if not any(part in segment.text for part in _PARTS):
                continue
            match = _TELLING.search(segment.text)
            if match is None or (scanned.hits_in(index, segment) and _announces_else(scanned.hits_in(index, segment))):
                continue
            article = match.lastgroup == "FRANCHISE"
            if article or _ABOUT_VAT.search(fold(segment.text)):
                keyword = Keyword("vat_regime", 1, match.group())
                yield match.lastgroup or "", Hit(keyword, index, place, segment, *match.span(), match.end())


def _announces_else(hits: Sequence[Hit]) -> bool:
    return any(hit.keyword.field in (*REGIMES, DECOY) for hit in hits)


def modes(scans: Sequence[Scan]) -> list[Candidate]:
    """The ways to pay that a label announces; one with an empty value where it announces several."""
    return [candidate for scanned in scans for hit in scanned.hits if (candidate := _mode(scanned, hit)) is not None]


def _mode(scanned: Scan, hit: Hit) -> Candidate | None:
    if hit.keyword.field == "due_date" and fold(hit.words).startswith("prel"):
        value = Value("PRELEVEMENT", hit.start, hit.end)
        return replace(evidence(scanned, hit, PAYMENT_MODE, hit.segment, value), rank=1)
    if hit.keyword.field != PAYMENT_MODE:
        return None
    inline = _one_mode(hit.segment.text, hit.end)
    if inline is not None:
        return evidence(scanned, hit, PAYMENT_MODE, hit.segment, inline)
    if not is_blank(hit.tail):
        return None
    for segment, how in _cells_after(scanned, hit):
        value_there = _one_mode(segment.text, 0)
        if value_there is not None:
            return evidence(scanned, hit, PAYMENT_MODE, segment, value_there, how=how)
    return None


def _cells_after(scanned: Scan, hit: Hit) -> Iterator[tuple[Segment, float]]:
    """The next cell of the line, and the first one below the label."""
    for segment in scanned.lines[hit.line].segments[hit.place + 1 : hit.place + 2]:
        yield segment, BESIDE_IT
    for line in scanned.lines[hit.line + 1 : hit.line + 4]:
        if hit.segment.y0 - line.y1 > NEAR * hit.segment.height:
            return
        for segment in line.segments:
            if segment.x0 < hit.segment.x1 and segment.x1 > hit.segment.x0:
                yield segment, BELOW_IT
                return


def _one_mode(text: str, start: int) -> Value | None:
    """The mode named in ``text`` from ``start`` on; an empty value for several."""
    found = list(_MODES.finditer(fold(text), start))
    if not found:
        return None
    codes = {match.lastgroup or "" for match in found}
    return Value(codes.pop() if len(codes) == 1 else "", found[0].start(), found[0].end())


def ibans(scans: Sequence[Scan]) -> list[Candidate]:
    """Accounts that may be the supplier's: not the recipient's own, not a factor's."""
    return [candidate for scanned in scans for candidate in _ibans(scanned)]


def _ibans(scanned: Scan) -> Iterator[Candidate]:
    for index, line in enumerate(scanned.lines):
        for place, segment in enumerate(line.segments):
            for value in read_ids.find_ibans(segment.text):
                if _of_others(scanned, index, place, value):
                    continue
                label = _label(scanned, index, place, value)
                if label is None and not (value.text.startswith("FR") and _to_pay_to(scanned, index, place, value)):
                    continue
                keyword = Keyword("supplier_iban", 2, "IBAN")
                hit = label or Hit(keyword, index, place, segment, value.start, value.start + 2, value.end)
                yield evidence(scanned, hit, "supplier_iban", segment, value)


def _to_pay_to(scanned: Scan, index: int, place: int, value: Value) -> bool:
    """Whether an account without the word IBAN stands alone, or behind words about paying."""
    segment = scanned.lines[index].segments[place]
    before = segment.text[: value.start].strip(" :-")
    if not before and place:
        before = scanned.lines[index].segments[place - 1].text
    return not before or _PAYING.search(fold(before)) is not None


def _label(scanned: Scan, index: int, place: int, value: Value) -> Hit | None:
    """The word IBAN before the number, in the cell left of it, or over it."""
    segments = scanned.lines[index].segments
    before = [(index, place, segments[place], value.start)]
    before += [(index, at, segments[at], len(segments[at].text)) for at in range(place - 1, -1, -1)]
    if index:
        before += [(index - 1, at, s, len(s.text)) for at, s in enumerate(scanned.lines[index - 1].segments)]
    for line, at, segment, end in before:
        word = _IBAN_WORD.search(segment.text, 0, end)
        if word is not None:
            return Hit(Keyword("supplier_iban", 2, "IBAN"), line, at, segment, *word.span(), word.end())
    return None


def _of_others(scanned: Scan, index: int, place: int, value: Value) -> bool:
    """Whether the words around it, or its block, make it the account of the recipient or of a third."""
    segment = scanned.lines[index].segments[place]
    left = scanned.lines[index].segments[place - 1].text if place else ""
    if _DEBITED.search(fold(left)) or _DEBITED.search(fold(segment.text[: value.start])):
        return True
    for line in (index, index - 1):
        for hit in scanned.by_line.get(line, ()):
            if hit.keyword.field == OTHER_IBAN and (line < index or hit.place < place or hit.start < value.start):
                return True
    return block_of(scanned, index, segment) in (BLOCK_RECIPIENT, BLOCK_OTHER)
