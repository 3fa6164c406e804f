"""Deposit checks of an invoice's header (chorus-pro.md 5 and 6): what refuses it at entry, in words.

An empty answer means that nothing is wrong; every failed rule is listed, not only the first.
"""

from collections.abc import Collection, Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import NamedTuple

import msgspec

from invoice import hints
from invoice.addressing import Address, Around, decide
from invoice.directory import Service, Structure, Tenant
from invoice.findings import Finding
from invoice.identifiers import InvalidIdentifier, normalise, parse_invoice_number, parse_siret, siren_of
from invoice.labels import FIELD_LABELS
from invoice.messages import finding
from invoice.model import InvoiceHeader
from invoice.money import CURRENCIES, MAX_POSITIONS, TOLERANCE, canonical, has_cents_only, show_amount, show_date
from invoice.references import MAX_REFERENCE

FIRST_DAY = date(2000, 1, 1)
LAST_DAY = date(2099, 12, 31)
MAX_SERVICE_CODE = 100
AMOUNTS = ("total_excl_tax", "tax", "total_incl_tax", "payable")
SERVED_CADRES = {
    "A1_FACTURE_FOURNISSEUR": "facture",
    "A2_FACTURE_FOURNISSEUR_DEJA_PAYEE": "facture déjà payée",
}
_STATE_CADRES = {"A3": "mémoire de frais de justice", "A21": "demande de remboursement de taxe sur les carburants"}
_WORKS = (*range(4, 9), 10, 11, *range(13, 21), *range(22, 26))  # chorus-pro.md 8.2
_LATER_CADRES = {
    "A9": "facture d'un sous-traitant en paiement direct",
    "A12": "facture d'un cotraitant",
    **{f"A{number}": "pièce d'un marché de travaux" for number in _WORKS},
}
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


def number_key(header: InvoiceHeader) -> NumberKey:
    """The uniqueness triplet of an invoice."""
    issuer = siren_of(normalise(header.supplier_siret))
    return NumberKey(issuer, header.issue_date.year, header.invoice_number.strip())


def number_taken(header: InvoiceHeader) -> Finding:
    """The refusal of an invoice whose number is taken (chorus-pro.md 6, check 4)."""
    key = number_key(header)
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


def check_cadre(code: str) -> tuple[Finding, ...]:
    """Whether a cadre de facturation is served here; ``code`` in short (``A3``) or as the API writes it.

    A3 and A21 are refused in their own words (decisions.md 24), S5 by the norm (chorus-pro.md 8.3); pieces of sub- and
    co-contractors and of works are not taken yet. Anything else but A1 and A2 is unknown (chorus-pro.md 8).
    """
    short = code.partition("_")[0].upper()
    if short == "S5":
        return (finding("CADRE_FORBIDDEN", value=short),)
    if short in _LATER_CADRES:
        return (finding("CADRE_LATER", value=short, label=_LATER_CADRES[short]),)
    if short in _STATE_CADRES:
        return (finding("CADRE_NOT_SERVED", value=short, label=_STATE_CADRES[short]),)
    if code in SERVED_CADRES or (short == code.upper() and short in ("A1", "A2")):
        return ()
    return (finding("CADRE_UNKNOWN", value=code),)


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
    """A depositor acts for his own structures only (check 2), and nobody invoices himself."""
    value = header.supplier_siret
    try:
        siret = parse_siret(value)
    except InvalidIdentifier as error:
        yield finding("SUPPLIER_SIRET_INVALID", value=value, why=hints.why(error))
        return
    if siret not in depositor_structures:
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
    elif header.cadre == "A2_FACTURE_FOURNISSEUR_DEJA_PAYEE":
        if payable != 0:
            yield finding("ALREADY_PAID_PAYABLE", **words)
    elif payable == 0 and total != 0:
        yield finding("PAYABLE_ZERO", **words)
