"""What every syntax has in common: the fields whose meaning does not depend on where they stand."""

from collections.abc import Callable, Sequence
from decimal import Decimal

from lxml.etree import _Element

from invoice.money import TOLERANCE
from invoice.syntax import codes, values
from invoice.syntax.header import Header, currency_of
from invoice.syntax.model import VatLine
from invoice.syntax.parties import settle_party, settle_service
from invoice.syntax.tree import Found, first_text

Day = Callable[[_Element], Callable[[str], str]]
_NONE: Sequence[_Element] = ()
CHORUS_PROFILE = "chorus-pro"


def settle_common(header: Header, day: Day, *, chorus_contact: bool) -> None:
    """Settle number, days, type, currency, parties, references. ``day`` gives the conversion of one date element."""
    found = header.found
    header.take("invoice_number", "BT-1", found.get("number", _NONE), values.token)
    header.each("issue_date", "BT-2", found.get("issue_date", _NONE), day)
    header.each("due_date", "BT-9", found.get("due_date", _NONE), day)
    header.take("type_code", "BT-3", found.get("type_code", _NONE), values.token)
    header.take("currency", "BT-5", found.get("currency", _NONE), values.currency)
    settle_party(header, "supplier")
    settle_party(header, "recipient")
    settle_service(header, contact=chorus_contact)
    header.take("engagement", "BT-13", found.get("engagement", _NONE), values.token)
    header.take("contract", "BT-12", found.get("contract", _NONE), values.token)
    header.take("preceding_invoice", "BT-25", found.get("preceding", _NONE), values.token)


def settle_totals(header: Header) -> None:
    """Settle the amounts that stand in one place each; the tax has rules of its own in each syntax."""
    found = header.found
    header.money("total_excl_tax", "BT-109", found.get("excl", _NONE))
    header.money("total_incl_tax", "BT-112", found.get("incl", _NONE))
    header.money("prepaid", "BT-113", found.get("prepaid", _NONE))
    header.money("payable", "BT-115", found.get("payable", _NONE))


def settle_tax(header: Header, elements: Sequence[_Element]) -> None:
    """Settle BT-110: the total in the invoice's currency, not the one that may stand beside it in another (BT-111)."""
    currency = header.value("currency")
    own = [e for e in elements if currency_of(e) in ("", currency)]
    header.money("tax", "BT-110", own or elements)


def settle_currency(header: Header, amounts: Sequence[_Element]) -> None:
    """An invoice that names its currency on the amounts only: given, unsure, rather than taken for euros."""
    if header.value("currency") is not None:
        return
    written = {currency_of(e) for e in amounts} - {""}
    if written:
        code = min(written)
        header.set("currency", code, "currencyID", code, sure=False)


def settle_type(header: Header, *, credit_note: bool = False) -> None:
    """The type (BT-3): kept as written; of a document that calls itself a credit note, 381."""
    written = header.value("type_code")
    if credit_note and written in (None, "380"):
        header.set("type_code", "381", "BT-3", written or "CreditNote", sure=written is None)
        if written is not None:
            header.warn("DATA_CREDIT_NOTE_TYPE", value=written)
    elif written is not None and written not in codes.OWN_TYPES:
        known = written in codes.TYPES
        header.warn("DATA_TYPE_NOT_SERVED" if known else "DATA_TYPE_UNKNOWN", value=written)


def settle_cadre(header: Header, places: Sequence[tuple[str, str]]) -> None:
    """The cadre, from the first place that names one: ``(term, text)`` each. A process that is none is passed over."""
    named = [(term, text, value) for term, text in places if (value := codes.cadre(text)) is not None]
    if not named:
        return
    term, text, value = named[0]
    others = [other for _, other, meant in named if meant != value]
    header.set("cadre", value, term, text, sure=not others)
    if others:
        shown = ", ".join(f"« {code} »" for code in (text, *others))
        header.warn("CADRES_DIFFER", value=text, values=shown)


def place(header: Header, key: str, term: str) -> list[tuple[str, str]]:
    """A text found, with its term, for :func:`settle_cadre`; empty where there is none."""
    text = first_text(header.found, key)
    return [] if text is None else [(term, text)]


def short_text(found: Found, key: str) -> str | None:
    """A text found, cut to what a name or an address may take."""
    text = first_text(found, key)
    return None if text is None else text[: values.MAX_TEXT]


def settle_breakdown_sum(header: Header, lines: Sequence[VatLine]) -> None:
    """The amounts of the breakdown make the total of the tax (EN 16931, BR-CO-14), or the breakdown is unsure."""
    tax = header.value("tax")
    if tax is None or header.value("vat_breakdown") is None:
        return
    total = sum((line.amount for line in lines), Decimal(0))
    if abs(total - Decimal(tax)) > TOLERANCE:
        header.warn("DATA_BREAKDOWN_SUM", value=values.show(total), tax=tax)
        header.doubt("vat_breakdown")
