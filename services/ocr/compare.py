"""The page against the data: where a page surely shows another value than the data file it carries. Pure."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Final

import msgspec

from contracts.events import ReadCandidate, ReadField
from invoice.findings import Finding
from invoice.identifiers import siren_of, siren_of_vat
from invoice.labels import FIELD_LABELS
from invoice.money import show_amount, show_date
from services.ocr.outcomes import outcome

AMOUNTS: Final = ("total_excl_tax", "tax", "total_incl_tax", "prepaid", "payable")
BREAKDOWN: Final = "vat_breakdown"
#: The fields that are compared, with the code of a difference.
COMPARED: Final[Mapping[str, str]] = {
    **dict.fromkeys((*AMOUNTS, BREAKDOWN), "PAGE_AMOUNT_DIFFERS"),
    "invoice_number": "PAGE_NUMBER_DIFFERS",
    "issue_date": "PAGE_DATE_DIFFERS",
    "supplier_siret": "PAGE_SIRET_DIFFERS",
    "recipient_siret": "PAGE_SIRET_DIFFERS",
    "supplier_iban": "PAGE_IBAN_DIFFERS",
    "type_code": "PAGE_TYPE_DIFFERS",
    "currency": "PAGE_CURRENCY_DIFFERS",
}
#: UNTDID 1001: the documents that give money back.
CREDIT: Final = frozenset({"81", "83", "261", "262", "296", "308", "381", "396", "420", "458", "502", "503", "532"})
_NOWHERE: Final = (0.0, 0.0, 0.0, 0.0)
PageSizes = Sequence[tuple[float, float]]


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """The data's fields with their evidence on the page, and one warning per difference."""

    fields: tuple[ReadField, ...]
    differences: tuple[Finding, ...]


def compare(
    data: Sequence[ReadField], page: Sequence[ReadField], sizes: PageSizes, *, ibans: Collection[str] = ()
) -> Compared:
    """Lay what was read on the page beside the data.

    A field of the data that the page shows too gets the page's place; one that the page surely shows otherwise keeps
    the data's value, with the page's among its candidates. A page that does not show a value, or reads unsurely, is no
    difference; nor is another of several ``ibans`` of the data. ``sizes``: see :class:`Whole.page_sizes`.
    """
    seen = {field.name: field for field in page}
    credit = any(field.name == "type_code" and field.value == "381" for field in data)
    fields, differences = [], []
    for field in data:
        shown = seen.get(field.name)
        if shown is None:
            fields.append(field)
        elif place := _place_of(field, shown, credit):
            fields.append(msgspec.structs.replace(field, page=place.page, box=place.box, raw=place.raw))
        elif field.name in COMPARED and shown.confidence == "sure" and shown.value not in ibans:
            fields.append(msgspec.structs.replace(field, candidates=(_candidate(shown), *shown.candidates)))
            differences.append(_difference(field, shown, sizes, _currency(data)))
        else:
            fields.append(field)
    return Compared(fields=tuple(fields), differences=tuple(differences))


def from_page(data: Sequence[ReadField], page: Sequence[ReadField]) -> Iterator[ReadField]:
    """The fields that the data lack and the page surely shows: what the page only suggests is left out."""
    held = {field.name: field.value for field in data}
    return (
        field
        for field in page
        if field.name not in held and field.confidence == "sure" and not _of_another_party(field, held)
    )


def _of_another_party(field: ReadField, held: Mapping[str, str]) -> bool:
    """Whether a number of a party belongs to another company than the one the data name for it."""
    side, _, kind = field.name.partition("_")
    if kind not in ("siret", "siren", "vat"):
        return False
    sirens = [_siren(other, held[name]) for other in ("siret", "siren", "vat") if (name := f"{side}_{other}") in held]
    return any(siren and siren != _siren(kind, field.value) for siren in sirens)


def _siren(kind: str, value: str) -> str:
    """The SIREN inside a number; empty where there is none, as in a foreign VAT number."""
    return siren_of_vat(value) if kind == "vat" else siren_of(value)


def _place_of(field: ReadField, shown: ReadField, credit: bool) -> ReadField | ReadCandidate | None:
    """Where the page shows this value; what it only considered counts where it is not sure of another."""
    places: tuple[ReadField | ReadCandidate, ...] = (shown, *shown.candidates)
    if field.name in COMPARED and shown.confidence == "sure":
        places = (shown,)
    for place in places:
        if _same(field.name, field.value, place.value, credit):
            return place
    return None


def _same(name: str, data: str, page: str, credit: bool) -> bool:
    if data == page:
        return True
    if name in AMOUNTS:
        return _same_amount(data, page, credit)
    if name == BREAKDOWN:
        return _by_rate(data, credit) == _by_rate(page, credit)
    if name == "invoice_number":
        return _bare(data) == _bare(page)
    if name == "type_code":
        return (data in CREDIT) == (page in CREDIT)
    return False


def _same_amount(data: str, page: str, credit: bool) -> bool:
    """To the cent; a credit note's page may print the sign that its data leave out (chorus-pro.md 19)."""
    try:
        one, other = Decimal(data), Decimal(page)
    except InvalidOperation:
        return False
    return one == other or (credit and abs(one) == abs(other))


def _by_rate(breakdown: str, credit: bool) -> dict[Decimal, tuple[Decimal, Decimal]]:
    """Base and tax of each rate: data may split a rate by category, and name rates of which nothing is due."""
    found: dict[Decimal, tuple[Decimal, Decimal]] = {}
    for row in breakdown.split(";"):
        try:
            rate, base, amount = map(Decimal, row.split())
        except (ValueError, InvalidOperation):
            continue
        before = found.get(rate, (Decimal(0), Decimal(0)))
        found[rate] = before[0] + base, before[1] + amount
    signed = {rate: (abs(base), abs(tax)) if credit else (base, tax) for rate, (base, tax) in found.items()}
    return {rate: sums for rate, sums in signed.items() if sums[1]}


def _bare(number: str) -> str:
    """A number without case and spaces: a page may break or space it as it likes."""
    return "".join(number.split()).casefold()


def _candidate(shown: ReadField) -> ReadCandidate:
    return ReadCandidate(
        value=shown.value,
        page=shown.page,
        box=shown.box,
        keyword=shown.keyword,
        raw=shown.raw,
        score=1.0 if shown.score is None else shown.score,
    )


def _currency(data: Sequence[ReadField]) -> str:
    return next((field.value for field in data if field.name == "currency"), "EUR")


def _difference(field: ReadField, shown: ReadField, sizes: PageSizes, currency: str) -> Finding:
    return outcome(
        COMPARED[field.name],
        field=field.name,
        value=field.value,
        normalised=shown.value,
        label=FIELD_LABELS[field.name],
        place=place_in_words(shown, sizes),
        page_value=_shown(field.name, shown.value, currency),
        data_value=_shown(field.name, field.value, currency),
    )


def _shown(name: str, value: str, currency: str) -> str:
    """A canonical value for people; one that is not canonical stays as it is."""
    try:
        if name in AMOUNTS:
            return show_amount(Decimal(value), currency)
        if name == BREAKDOWN:
            return ", ".join(_rate_shown(row.split(), currency) for row in value.split(";"))
        if name == "type_code":
            return "avoir" if value in CREDIT else "facture"
        if name == "issue_date":
            return show_date(date.fromisoformat(value))
    except (ValueError, InvalidOperation):
        return value
    return value


def _rate_shown(row: Sequence[str], currency: str) -> str:
    rate, base, tax = map(Decimal, row)
    shown = f"{rate.normalize():f}".replace(".", ",")
    return f"{show_amount(tax, currency)} à {shown} % de {show_amount(base, currency)}"


def place_in_words(field: ReadField, sizes: PageSizes) -> str:
    """Where a person looks for it: ``page 2, en bas à droite``."""
    words = f"page {field.page}"
    if field.box == _NOWHERE or not 1 <= field.page <= len(sizes):
        return words
    width, height = sizes[field.page - 1]
    if width <= 0 or height <= 0:
        return words
    across = _third((field.box[0] + field.box[2]) / 2 / width, "à gauche", "au centre", "à droite")
    upward = _third((field.box[1] + field.box[3]) / 2 / height, "en bas", "au milieu", "en haut")
    return f"{words}, {upward} {across}"


def _third(share: float, low: str, middle: str, high: str) -> str:
    return low if share < 1 / 3 else high if share > 2 / 3 else middle
