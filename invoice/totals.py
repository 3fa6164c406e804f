"""The amounts of a document: three totals that agree and a net à payer that is explained (decisions.md 19)."""

from collections.abc import Iterable
from decimal import Decimal

import msgspec

from invoice.findings import Finding
from invoice.labels import FIELD_LABELS
from invoice.messages import finding
from invoice.model import TypeCode
from invoice.money import TOLERANCE, canonical, parse_amount, show_amount
from invoice.reading import Reading


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """The totals of an invoice, positive, in its currency. ``payable`` is the net à payer, ``prepaid`` as read."""

    excl: Decimal
    tax: Decimal
    incl: Decimal
    payable: Decimal
    prepaid: Decimal | None = None


def payable_unclear(read: Iterable[str]) -> tuple[Finding, ...]:
    """A finding where a total was read without a net à payer; ``read`` are the names of the fields read.

    A reader gives the total as net à payer where nothing on the page can lie between the two. Where it gives none,
    something is added or deducted behind the total, and nobody may take the one for the other (decisions.md 19).
    """
    names = set(read)
    unclear = "total_incl_tax" in names and "payable" not in names
    return (finding("PAYABLE_UNCLEAR"),) if unclear else ()


def read_totals(reading: Reading, type_code: TypeCode, currency: str, *, already_paid: bool = False) -> Totals | None:
    """The totals as read, or None with findings. The sum must hold to one cent (chorus-pro.md 5).

    ``already_paid``: the cadre says so (A2), and a net à payer of nothing is what it should be.
    """
    excl = reading.take("total_excl_tax", parse_amount)
    tax = reading.take("tax", parse_amount)
    incl = reading.take("total_incl_tax", parse_amount)
    payable = reading.take("payable", parse_amount, mandatory=False)
    prepaid = reading.take("prepaid", parse_amount, mandatory=False)
    if excl is None or tax is None or incl is None:
        return None
    if type_code == "381" and max(excl, tax, incl) <= 0 and incl < 0:
        # A credit note is often printed with a sign; as data its type says the direction (chorus-pro.md 19).
        excl, tax, incl = -excl, -tax, -incl
        payable = None if payable is None else abs(payable)
        prepaid = None if prepaid is None else abs(prepaid)
        reading.add("CREDIT_NOTE_SIGN")
    if abs(excl + tax - incl) > TOLERANCE:
        words = {"excl": show_amount(excl, currency), "tax": show_amount(tax, currency)}
        reading.add("SUMS_DISAGREE", value=show_amount(incl, currency), sum=show_amount(excl + tax, currency), **words)
    if payable is None and reading.is_read("payable"):
        return None
    payable = Decimal(0) if already_paid and payable == 0 else _payable(reading, incl, payable, prepaid, currency)
    if payable is None:
        return None
    totals = Totals(excl=excl, tax=tax, incl=incl, payable=payable, prepaid=prepaid)
    _signs(reading, totals, type_code)
    return totals


def _payable(
    reading: Reading, total: Decimal, payable: Decimal | None, prepaid: Decimal | None, currency: str
) -> Decimal | None:
    """The net à payer: as read and explained, else the total when nothing was read that says otherwise."""
    paid = Decimal(0) if prepaid is None else prepaid
    words = {"total": show_amount(total, currency), "prepaid": show_amount(paid, currency)}
    if payable is None and paid != 0:
        reading.add("PAYABLE_NOT_READ", **words)
    elif payable is None:
        reading.add("PAYABLE_FROM_TOTAL", value=show_amount(total, currency))
        return total
    elif payable == 0 and total != 0:
        reading.add("PAYABLE_ZERO", value=show_amount(payable, currency), **words)
    elif abs(total - paid - payable) > TOLERANCE:
        code = "PAYABLE_UNEXPLAINED" if payable != total else "PREPAID_UNEXPLAINED"
        reading.add(code, value=show_amount(payable, currency), **words)
    return payable


def _signs(reading: Reading, totals: Totals, type_code: TypeCode) -> None:
    """A negative amount that is left is either a credit note that does not say so, or a misreading."""
    code = "CREDIT_NOTE_NEGATIVE" if type_code == "381" else "AMOUNT_NEGATIVE"
    named = (
        ("total_excl_tax", totals.excl),
        ("tax", totals.tax),
        ("total_incl_tax", totals.incl),
        ("payable", totals.payable),
    )
    for name, amount in named:
        if amount < 0:
            reading.add(code, field=name, value=canonical(amount), label=FIELD_LABELS[name])
