"""The day of the invoice and the day it falls due, which is never before. Pure."""

import re
from collections.abc import Sequence
from dataclasses import replace

from services.ocr import values
from services.ocr.layout import Segment
from services.ocr.read_candidate import BELOW_IT, Candidate, evidence
from services.ocr.read_places import announced
from services.ocr.scan import Hit, Scan, scan_of
from services.ocr.values import Value
from services.ocr.vocabulary import TITLE, Keyword, fold

APART = 60.0  # points between two labels: farther, they have nothing to do with each other
_OTHER_PAPER = re.compile("commande|devis|livraison|marche|contrat|echeance|engagement")
_TOWN = re.compile(r"(?:(?:(?:Fait|[ÉE]tablie?|[ÉE]mise?) )?à )?[A-ZÀ-Ý][\w' -]{1,40}, ?(?:le )?(?=\d)")
_SHORT = re.compile(r"(Du|Le|DU|LE)(?=\s*(?::|\d|$))")
REFERENCES = ("engagement", "contract", "service_code")


def issue_dates(scans: Sequence[Scan], found: Sequence[Candidate], number: Candidate | None) -> list[Candidate]:
    """*Date de facture*, ``Facture n° 12 du…``, ``Facture du…``; then *Date* alone and ``Toulouse, le…``."""
    dates = [
        date for date in found if date.field == "issue_date" and (date.rank > 1 or not _of_another_paper(scans, date))
    ]
    for scanned in scans:
        for hit in scanned.hits:
            if hit.keyword.field == TITLE and hit.start < 3:
                dates += _date_behind(scanned, hit, hit.segment, hit.end)
        dates += _dated_at(scanned)
        dates += _short_labels(scanned)
    if number is not None:
        scanned = scan_of(scans, number.page)
        dates += _date_behind(scanned, number.hit, number.segment, number.start + len(number.raw))
    return dates


def due_dates(found: Sequence[Candidate], issued: str | None) -> list[Candidate]:
    """The days that the pages give for payment; where several, only those on or after the day of issue count."""
    dates = [date for date in found if date.field == "due_date"]
    later = [date for date in dates if issued is None or date.value >= issued]
    return later or dates


def _of_another_paper(scans: Sequence[Scan], date: Candidate) -> bool:
    """Whether the label left of this *Date* is that of an order, a quotation, a delivery or a contract."""
    scanned = scan_of(scans, date.page)
    hits = scanned.by_line[date.hit.line]
    place = next(index for index, hit in enumerate(hits) if hit is date.hit)
    left = hits[place - 1] if place else None
    if left is None or date.how == BELOW_IT or date.hit.segment.x0 - left.segment.x1 > APART:
        return False
    return left.keyword.field in REFERENCES or _OTHER_PAPER.search(fold(left.words)) is not None


def _date_behind(scanned: Scan, hit: Hit, segment: Segment, at: int) -> list[Candidate]:
    """``… du 3 mars 2026``: the date that follows in the sentence."""
    rest = segment.text[at:]
    if not re.match(r"\s*,?\s*(?:-\s*)?(?:du|le|en date du)\b", rest):
        return []
    skipped = len(rest) - len(rest.lstrip(" ,-"))
    found = values.read_date(rest[skipped:])
    if found is None:
        return []
    date = evidence(scanned, hit, "issue_date", segment, found, offset=at + skipped)
    return [replace(date, rank=2)]


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
            value = Value(found.text, start, town.end() + found.end)
            dates.append(evidence(scanned, hit, "issue_date", segment, value))
    return dates


def _short_labels(scanned: Scan) -> list[Candidate]:
    """``Du : 3 mars 2026`` or ``Le 3 mars 2026`` alone in its cell, or *Du* as the head of one."""
    dates = []
    for index, line in enumerate(scanned.lines):
        for place, segment in enumerate(line.segments):
            label = _SHORT.match(segment.text)
            if label is None:
                continue
            hit = Hit(
                Keyword("issue_date", 1, label.group(1)), index, place, segment, *label.span(1), len(segment.text)
            )
            date = announced(scanned, hit, "issue_date", values.read_date)
            if date is not None and date.value:
                dates.append(date)
    return dates
