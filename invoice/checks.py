"""Deposit checks of an invoice's header (chorus-pro.md 5 and 6): what refuses it at entry, in words.

An empty answer means that nothing is wrong; every failed rule is listed, not only the first.
"""

from collections.abc import Collection, Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import NamedTuple

import msgspec

from invoice import cadres, hints
from invoice.addressing import Address, Around, decide
from invoice.directory import Service, Structure, Tenant
from invoice.findings import Finding
from invoice.identifiers import InvalidIdentifier, normalise, parse_invoice_number, parse_siret, siren_of
from invoice.labels import FIELD_LABELS
from invoice.messages import finding
from invoice.model import InvoiceHeader
from invoice.money import CURRENCIES, MAX_POSITIONS, TOLERANCE, canonical, has_cents_only, show_amount, show_date
from invoice.references import MAX_REFERENCE
from invoice.sandbox import namespaced

FIRST_DAY = date(2000, 1, 1)
LAST_DAY = date(2099, 12, 31)
MAX_SERVICE_CODE = 100
AMOUNTS = ("total_excl_tax", "tax", "total_incl_tax", "payable")
_REFERENCES = (
    ("service_code", MAX_SERVICE_CODE, "SERVICE_TOO_LONG"),
    ("engagement", MAX_REFERENCE, "ENGAGEMENT_TOO_LONG"),
    ("contract", MAX_REFERENCE, "MARKET_TOO_LONG"),
)


class NumberKey(NamedTuple):
    """What makes an invoice unique (chorus-pro.md 5): issuer's SIREN, year of the invoice date, number as written.

    The number keeps its case: no source says that ``a1`` and ``A1`` are one number.
    """

    issuer: str
    year: int
    number: str


def number_key(header: InvoiceHeader, issuer: str | None = None, *, sandbox: bool = False) -> NumberKey:
    """The uniqueness triplet of an invoice. ``issuer``: the SIRET of who deposits it, where not the supplier."""
    siren = siren_of(normalise(issuer or header.supplier_siret))
    return NumberKey(namespaced(siren, sandbox=sandbox), header.issue_date.year, header.invoice_number.strip())


def number_taken(header: InvoiceHeader, issuer: str | None = None) -> Finding:
    """The refusal of an invoice whose number is taken (chorus-pro.md 6, check 4)."""
    key = number_key(header, issuer)
    return finding("DOUBLON", value=key.number, year=str(key.year), issuer=key.issuer)


def check_deposit(
    header: InvoiceHeader,
    *,
    on: date,
    depositor_structures: Collection[str],
    structure: Structure | None,
    services: Mapping[str, Service],
    tenant: Tenant | None = None,
    supplier_is_public: bool = False,
    around: Around | None = None,
) -> tuple[Finding, ...]:
    """Everything looked at when an invoice is deposited: its header, then its address.

    ``on`` is the Paris day of the deposit. ``structure``, ``services``, ``tenant`` and ``around`` as for
    :func:`invoice.addressing.decide`, whose findings are all kept, the ``ok`` ones too. Refused if one is ``refuse``.
    """
    address = address_of(header, depositor_structures, supplier_is_public=supplier_is_public)
    addressing = decide(address, structure, services, on, tenant=tenant, around=around)
    return (*check_header(header, on=on, depositor_structures=depositor_structures), *addressing.findings)


def address_of(
    header: InvoiceHeader, depositor_structures: Collection[str], *, supplier_is_public: bool = False
) -> Address:
    """The address of a deposited invoice, without the supplier where he is none of the depositor's structures.

    Whoever writes another's SIRET on a page learns nothing about that other's engagements.
    """
    address = Address.of(header, supplier_is_public=supplier_is_public)
    return address if address.supplier in depositor_structures else msgspec.structs.replace(address, supplier=None)


def check_header(header: InvoiceHeader, *, on: date, depositor_structures: Collection[str]) -> tuple[Finding, ...]:
    """The rules that need no directory. ``depositor_structures`` are the SIRETs the depositor may act for."""
    return (
        *_number(header),
        *_dates(header, on),
        *_currency(header),
        *_supplier(header, depositor_structures),
        *_references(header),
        *_amounts(header),
    )


def _number(header: InvoiceHeader) -> Iterator[Finding]:
    value = header.invoice_number
    try:
        parse_invoice_number(value)
    except InvalidIdentifier as error:
        refused = {c for c in value.strip() if not (c.isascii() and (c.isalnum() or c in "-+_/"))}
        characters = ", ".join("espace" if c.isspace() else f"« {c} »" for c in sorted(refused))
        yield finding(error.code, value=value, length=str(len(value.strip())), characters=characters)


def _dates(header: InvoiceHeader, on: date) -> Iterator[Finding]:
    day = header.issue_date
    words = {"date": show_date(day), "today": show_date(on)}
    if day < FIRST_DAY:
        yield finding("DATE_TOO_OLD", value=day.isoformat(), **words)
    if day > LAST_DAY:
        yield finding("DATE_TOO_LATE", value=day.isoformat(), **words)
    elif day > on:
        yield finding("DATE_FUTURE", value=day.isoformat(), **words)


def _currency(header: InvoiceHeader) -> Iterator[Finding]:
    if header.currency not in CURRENCIES:
        yield finding("CURRENCY_UNKNOWN", value=header.currency)
    elif header.currency != "EUR":
        yield finding("CURRENCY_FOREIGN", value=header.currency)


def _supplier(header: InvoiceHeader, depositor_structures: Collection[str]) -> Iterator[Finding]:
    """A depositor acts for his own structures only (check 2), and nobody invoices himself.

    A piece of the works supervisor's or client's names the supplier whose works they are, who is none of theirs.
    """
    value = header.supplier_siret
    try:
        siret = parse_siret(value)
    except InvalidIdentifier as error:
        yield finding("SUPPLIER_SIRET_INVALID", value=value, why=hints.why(error))
        return
    if siret not in depositor_structures and cadres.of(header).by == "F":
        yield finding("SUPPLIER_NOT_YOURS", value=value, normalised=siret, siret=siret)
    if siret == normalise(header.recipient_siret):
        yield finding("SUPPLIER_IS_RECIPIENT", value=value, normalised=siret, siret=siret)


def _references(header: InvoiceHeader) -> Iterator[Finding]:
    for name, limit, code in _REFERENCES:
        value: str | None = getattr(header, name)
        if value is None:
            continue
        if len(value) > limit:
            yield finding(code, value=value[:limit], length=str(len(value)))
        if not value.isprintable():
            yield finding("REFERENCE_CHARACTERS", value=value[:limit], field=name, label=FIELD_LABELS[name])


def _amounts(header: InvoiceHeader) -> Iterator[Finding]:
    """Each amount by itself; how they agree is only asked of amounts that are ones."""
    malformed = tuple(f for name in AMOUNTS for f in _amount(header, name))
    if malformed:
        yield from malformed
        return
    yield from _sums(header)
    yield from _payable(header)


def _amount(header: InvoiceHeader, name: str) -> Iterator[Finding]:
    """Two decimals, 19 positions, no sign.

    A credit note carries positive amounts, its type says which way they go: the convention of EN 16931 and of
    Chorus Pro's own formats (chorus-pro.md 19). A zero amount is one; so is a tax of zero (exempt supplies).
    """
    amount: Decimal = getattr(header, name)
    label = FIELD_LABELS[name]
    if not has_cents_only(amount):
        yield finding("AMOUNT_FORM", value=str(amount)[:40], field=name, label=label)
    elif amount.adjusted() >= MAX_POSITIONS or len(canonical(amount)) > MAX_POSITIONS:
        yield finding("AMOUNT_TOO_LONG", value=str(amount)[:40], field=name, label=label)
    elif amount < 0:
        code = "CREDIT_NOTE_NEGATIVE" if header.type_code == "381" else "AMOUNT_NEGATIVE"
        yield finding(code, value=canonical(amount), field=name, label=label)


def _sums(header: InvoiceHeader) -> Iterator[Finding]:
    """Excluding tax + tax = including tax, to one cent."""
    total = header.total_excl_tax + header.tax
    if abs(total - header.total_incl_tax) > TOLERANCE:
        words = {"excl": header.total_excl_tax, "tax": header.tax, "sum": total}
        shown = {name: show_amount(amount, header.currency) for name, amount in words.items()}
        yield finding("SUMS_DISAGREE", value=show_amount(header.total_incl_tax, header.currency), **shown)


def _payable(header: InvoiceHeader) -> Iterator[Finding]:
    """At most the total, nil for an invoice already paid (A2); nil otherwise is odd but not wrong."""
    payable, total = header.payable, header.total_incl_tax
    words = {"value": show_amount(payable, header.currency), "total": show_amount(total, header.currency)}
    if payable - total > TOLERANCE:
        yield finding("PAYABLE_ABOVE_TOTAL", **words)
    elif header.cadre_code == "A2":
        if payable != 0:
            yield finding("ALREADY_PAID_PAYABLE", **words)
        if header.prepaid is not None and abs(header.prepaid - total) > TOLERANCE:
            shown = show_amount(header.prepaid, header.currency)
            yield finding("ALREADY_PAID_PREPAID", value=shown, total=words["total"])
    elif payable == 0 and total != 0:
        yield finding("PAYABLE_ZERO", **words)
