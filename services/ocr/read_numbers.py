"""The number of the document beside its title: ``Facture F-12``, *FACTURE* over ``N° 12``, *Numéro* over 12. Pure."""

import re
from collections.abc import Iterator
from dataclasses import replace

from services.ocr import values
from services.ocr.layout import Segment
from services.ocr.read_candidate import BELOW_IT, Candidate, evidence
from services.ocr.read_places import BELOW, alone, announced
from services.ocr.scan import Hit, Scan
from services.ocr.vocabulary import Keyword, fold, tokens_of

_WORDS_AND_NUMBER = re.compile(r"(?:\s+[a-zà-ÿ']+){1,4}\s+(?:n\s?[°º]|no\.?|num[ée]ro)\s*:?\s*", re.IGNORECASE)
_DATED = re.compile(r"\bdu\s+\d{1,2}[ /.-]\S+(?:\s\S+)?\s*$")
FAR_IN, BARE = 12, 10  # characters: what may stand before a title, and how long *Numéro :* is
_NUMBER_LABELS = ("n°", "ref", "reference")


def titled_number(scanned: Scan, hit: Hit) -> list[Candidate]:
    """``FACTURE`` as a title, with its number beside or below (``N° 12``), or right behind it (``Facture F-12``)."""
    if hit.start > 2:
        return _after_colon(scanned, hit)
    if values.is_blank(_DATED.sub("", fold(hit.tail))) and hit.limit == len(hit.segment.text):
        for line, segment in _next_to(scanned, hit):
            number = _numbered(scanned, hit, line, segment)
            if number is not None:
                return [number]
        return []
    tail = _WORDS_AND_NUMBER.match(hit.tail)  # « Facture de travaux n° 12 »
    at = hit.end + (tail.end() if tail else 0)
    value = values.read_number(hit.segment.text[at : hit.limit])
    if tail is not None and value is not None and value.text:
        return [replace(evidence(scanned, hit, "invoice_number", hit.segment, value, offset=at), rank=1)]
    if value is None or not value.text or values.is_year(value.text) or hit.tail.lstrip()[:1].islower():
        return []
    found = evidence(scanned, hit, "invoice_number", hit.segment, value, offset=hit.end)
    found.rank = 1
    return [found]


def _after_colon(scanned: Scan, hit: Hit) -> list[Candidate]:
    """``Note / Facture : 12``."""
    value = values.read_number(hit.tail) if hit.tail.lstrip().startswith(":") and hit.start < FAR_IN else None
    if value is None or not value.text:
        return []
    return [replace(evidence(scanned, hit, "invoice_number", hit.segment, value, offset=hit.end), rank=1)]


def bare_number(scanned: Scan, line: int, place: int, segment: Segment) -> Candidate | None:
    """*Numéro* or *N°* as the head of a cell in a row that also gives the date."""
    tokens = tokens_of(segment.text)
    if len(tokens) != 1 or tokens[0].text != "n°" or line in scanned.table_heads:
        return None
    if not any(hit.keyword.field == "issue_date" for hit in scanned.by_line.get(line, ())):
        return None
    label = Hit(Keyword("invoice_number", 1, "N°"), line, place, segment, 0, len(segment.text), len(segment.text))
    return announced(scanned, label, "invoice_number", values.read_number)


def _next_to(scanned: Scan, hit: Hit) -> Iterator[tuple[int, Segment]]:
    for segment in scanned.lines[hit.line].segments[hit.place + 1 : hit.place + 2]:
        yield hit.line, segment
    for index, line in enumerate(scanned.lines[hit.line + 1 :], hit.line + 1):
        if hit.segment.y0 - line.y1 > BELOW * hit.segment.height:
            return
        for segment in line.segments:
            if segment.x0 < hit.segment.x1 and segment.x1 > hit.segment.x0:
                yield index, segment
                return


def _numbered(scanned: Scan, hit: Hit, line: int, segment: Segment) -> Candidate | None:
    """``N° 12``, ``Réf. 12``, ``Numéro`` with 12 beside or below it, or 12 alone, next to the title."""
    first = tokens_of(segment.words[0].text)
    others = scanned.hits_in(line, segment)
    if not first or any(found.start < 3 for found in others):
        return None
    if first[0].text not in _NUMBER_LABELS:
        value = values.read_number(segment.text)
        if value is None or len(value.text) < 3 or values.is_year(value.text) or not alone(segment.text, value):
            return None
        return replace(evidence(scanned, hit, "invoice_number", segment, value, how=BELOW_IT), rank=1)
    limit = min((found.start for found in others), default=len(segment.text))
    place = next(i for i, s in enumerate(scanned.lines[line].segments) if s is segment)
    label = Hit(Keyword("invoice_number", 2, "N°"), line, place, segment, 0, first[0].end, limit)
    found = announced(scanned, label, "invoice_number", values.read_number)
    return None if found is None or not found.value else replace(found, hit=hit)
