"""The currency that the pages write. Pure."""

import re
from collections import Counter
from collections.abc import Sequence

from services.ocr.read_candidate import Candidate, evidence
from services.ocr.scan import Hit, Scan
from services.ocr.values import Value
from services.ocr.vocabulary import Keyword, fold

_MONEY = re.compile(
    r"(?P<euro>€|\bEUR\b|\b[Ee]uros?\b|\bEUROS?\b)"
    r"|(?P<XPF>\bF\.?\s?CFP\b|\bFCFP\b|(?<=\d )CFP\b)|(?P<XOF>\bF\.?\s?CFA\b|\bFCFA\b)"
    r"|(?P<CHF>(?<=\d )(?:SFr|Fr)s?\b)|(?P<USD>\b[Dd]ollars?\b)|(?P<GBP>\b[Ll]ivres? sterling\b)"
    r"|[$£¥]|\b(?:USD|GBP|CHF|CAD|JPY|CNY|SEK|NOK|DKK|PLN|XPF|XOF|XAF|MAD|TND|AUD|CZK|HUF|RON)\b"
)
_HINT = re.compile(r"[€$£¥]|[A-Z]{3}|[Ee]uro|[Dd]ollar|sterling|\d S?Fr")
_THOUSANDS = re.compile(r"\ben\s+(?:k\s?€|keuros?\b|milliers\s+d.euros?\b|millions\s+d.euros?\b|m€)")
_ANNOUNCED = re.compile(r"devise|monnaie|currency|montants? (?:exprimes? )?en\b")
_BESIDES = re.compile(r"contre-?valeur|indicati|taux de change|cours du|conversion")
_KEYWORD = Keyword("currency", 2, "EUR")
_SIGNS = {"$": "USD", "£": "GBP", "¥": "JPY"}


def currency(scans: Sequence[Scan]) -> Candidate | None:
    """The currency that the pages write; where they write several, the most frequent, which is sure for EUR only.

    A mention of another currency (*contre-valeur*) weighs nothing against amounts in euros.
    """
    weights = Counter[str]()
    first: dict[str, tuple[Scan, Hit]] = {}
    for scanned in scans:
        for index, line in enumerate(scanned.lines):
            for place, segment in enumerate(line.segments):
                if _HINT.search(segment.text) is None:
                    continue
                weight = _weight(segment.text)
                for match in _MONEY.finditer(segment.text):
                    code = _code(match)
                    weights[code] += weight
                    if code not in first and weight:
                        first[code] = (scanned, Hit(_KEYWORD, index, place, segment, *match.span(), match.end()))
    if not first:
        return None
    code = max(first, key=lambda code: (weights[code], code != "EUR"))
    scanned, hit = first[code]
    return evidence(scanned, hit, "currency", hit.segment, Value(code, hit.start, hit.end))


def in_thousands(scans: Sequence[Scan]) -> bool:
    """Whether the pages say that their amounts are in thousands: *montants en k€*."""
    return any(
        "€" in segment.text or "uro" in segment.text.lower()
        for scanned in scans
        for line in scanned.lines
        for segment in line.segments
        if _THOUSANDS.search(fold(segment.text)) is not None
    )


def _code(match: "re.Match[str]") -> str:
    if match.lastgroup == "euro":
        return "EUR"
    return match.lastgroup or _SIGNS.get(match.group(), match.group())


def _weight(text: str) -> int:
    """How much a mention says: *Devise : EUR* more than an amount, a *contre-valeur* nothing."""
    folded = fold(text)
    if _BESIDES.search(folded):
        return 0
    return 5 if _ANNOUNCED.match(folded) else 1
