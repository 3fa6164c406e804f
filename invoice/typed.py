"""An invoice as a person types it: every value as text until it is read, so that what is half written can be kept.

:func:`assemble` reads a :class:`Sheet`: the invoice where nothing is missing, what is wrong field by field otherwise,
and in any case an invoice to run the other checks on, so that they answer while somebody types.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any, TypeVar, get_args

import msgspec
from stdnum import iban

from invoice import cadre_form, hints
from invoice.cadres import Given
from invoice.checks import AMOUNTS
from invoice.findings import Finding
from invoice.identifiers import InvalidIdentifier, parse_siret
from invoice.labels import FIELD_LABELS
from invoice.messages import finding
from invoice.model import InvoiceHeader, PaymentMode, TypeCode, VatRegime
from invoice.money import TOLERANCE, parse_amount, show_amount
from invoice.typed_lines import Computed, Line, compute

T = TypeVar("T")
MAX_TEXT = 1024
MAX_LINES = 1000
#: What may be typed beside the cadre's own fields, with its longest length.
HEADER_FIELDS: Mapping[str, int] = MappingProxyType(
    {
        **dict.fromkeys(("invoice_number", "issue_date", "due_date", "delivery_date", "type_code", "currency"), 40),
        **dict.fromkeys(("supplier_siret", "recipient_siret", "supplier_iban", "vat_regime", "payment_mode"), 60),
        **dict.fromkeys(("service_code", "engagement", "contract", "preceding_invoice"), 100),
        **dict.fromkeys((*AMOUNTS, "prepaid"), 40),
        **dict.fromkeys(("supplier_name", "recipient_name"), 99),
        **dict.fromkeys(("supplier_address", "recipient_address"), 400),
        **dict.fromkeys(("exemption_reason", "note"), MAX_TEXT),
    }
)
CADRE_FIELDS = tuple(name for name in cadre_form.FIELDS if name != "as_draft")
FIELDS: Mapping[str, int] = MappingProxyType({**HEADER_FIELDS, **dict.fromkeys(CADRE_FIELDS, 200)})
_MANDATORY = ("invoice_number", "issue_date", "supplier_siret", "recipient_siret")
_TODAY = date(2000, 1, 1)
_FRENCH_DATE = ("%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y")


class Sheet(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What stands in the form. ``values`` by the names of :data:`FIELDS`; an empty text counts as not given."""

    values: dict[str, str] = msgspec.field(default_factory=dict)
    lines: tuple[Line, ...] = ()

    def get(self, name: str) -> str:
        """The value without spaces around it; empty where there is none."""
        return self.values.get(name, "").strip()


class Assembled(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a sheet.

    ``header`` is set if and only if nothing is missing or malformed. ``provisional`` is the same with neutral values
    in the fields of ``absent``, for the rules that look at the others. ``computed``: what the lines come to.
    """

    header: InvoiceHeader | None
    provisional: InvoiceHeader
    absent: frozenset[str]
    given: Given
    findings: tuple[Finding, ...]
    computed: Computed | None
    iban: str | None = None


def asked_to_wait() -> Finding:
    """Why a document that could have gone on alone waits: its depositor wants to read it over first."""
    return finding("DRAFT_ASKED")


def assemble(sheet: Sheet, *, with_document: bool) -> Assembled:
    """Read a sheet. Without a document of its own it needs lines; with one, the totals alone will do (chorus-pro 5)."""
    reader = _Reader(sheet)
    given, wrong = cadre_form.read_form({name: sheet.values.get(name, "") for name in CADRE_FIELDS})
    cadre = given.cadre or "A1"
    regime = reader.regime()
    computed = compute(sheet.lines, regime)
    reader.findings += computed.findings
    if not sheet.lines and not with_document:
        reader.add("FORM_LINES_MISSING")
    if not with_document:
        reader.findings += _payment(sheet)
    reader.findings += _lengths(sheet)
    amounts = _amounts(reader, computed, already_paid=cadre == "A2")
    number = reader.take("invoice_number", str)
    day = reader.take("issue_date", parse_day)
    supplier, recipient = reader.take("supplier_siret", parse_siret), reader.take("recipient_siret", parse_siret)
    zero = Decimal(0)
    provisional = InvoiceHeader(
        invoice_number=number or "X",
        issue_date=day or _TODAY,
        supplier_siret=supplier or "",
        recipient_siret=recipient or "",
        total_excl_tax=amounts.get("total_excl_tax", zero),
        tax=amounts.get("tax", zero),
        total_incl_tax=amounts.get("total_incl_tax", zero),
        payable=amounts.get("payable", zero),
        type_code=reader.type_code(),
        currency=sheet.get("currency").upper() or "EUR",
        service_code=sheet.get("service_code") or None,
        engagement=sheet.get("engagement") or None,
        contract=sheet.get("contract") or None,
        cadre="A2_FACTURE_FOURNISSEUR_DEJA_PAYEE" if cadre == "A2" else "A1_FACTURE_FOURNISSEUR",
        due_date=reader.take("due_date", parse_day, mandatory=False),
        prepaid=amounts.get("prepaid"),
        vat_regime=regime,
        payment_mode=reader.payment_mode(),
        preceding_invoice=sheet.get("preceding_invoice") or None,
        frame=None if cadre in ("A1", "A2") else cadre,
    )
    findings = (*reader.findings, *wrong)
    whole = not reader.absent and not any(found.level == "refuse" for found in findings)
    return Assembled(
        header=provisional if whole else None,
        provisional=provisional,
        absent=frozenset(reader.absent),
        given=given,
        findings=findings,
        computed=computed if sheet.lines else None,
        iban=_account(sheet),
    )


def parse_day(text: str) -> date:
    """``2026-03-02`` or, as people write it, ``02/03/2026``. Raises ValueError."""
    for form in _FRENCH_DATE:
        try:
            return datetime.strptime(text, form).date()  # noqa: DTZ007  (a day has no zone)
        except ValueError:
            continue
    return date.fromisoformat(text)


_FORMS: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("issue_date", "due_date", "delivery_date"), "une date, par exemple 02/03/2026"),
        **dict.fromkeys((*AMOUNTS, "prepaid"), "un montant avec deux décimales au plus, par exemple 1 234,56"),
        "vat_regime": "l'un de : " + ", ".join(get_args(VatRegime)),
        "payment_mode": "l'un de : " + ", ".join(get_args(PaymentMode)),
        "type_code": "380 (facture) ou 381 (avoir)",
    }
)


class _Reader:
    """Takes values one at a time, with a finding for each that cannot be used, and the names of those that are not."""

    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet
        self.findings: list[Finding] = []
        self.absent: set[str] = set()

    def add(self, code: str, *, field: str | None = None, value: str | None = None, **words: str) -> None:
        self.findings.append(finding(code, field=field, value=value, **words))

    def take(self, name: str, parse: Callable[[str], T], *, mandatory: bool = True) -> T | None:
        text = self.sheet.get(name)
        if text:
            return self._parsed(name, text, parse, mandatory)
        if mandatory:
            self.absent.add(name)
            self.add("FORM_MISSING", field=name, label=FIELD_LABELS[name])
        return None

    def _parsed(self, name: str, text: str, parse: Callable[[str], T], mandatory: bool) -> T | None:
        try:
            return parse(text)
        except (InvalidIdentifier, ValueError) as error:
            self.absent.update({name} if mandatory else ())
            if isinstance(error, InvalidIdentifier):
                code = "DEST_SIRET_INVALID" if name == "recipient_siret" else "SUPPLIER_SIRET_INVALID"
                self.add(code, value=text, why=hints.why(error))
            else:
                self.add("FORM_MALFORMED", field=name, value=text[:60], label=FIELD_LABELS[name], form=_FORMS[name])
            return None

    def regime(self) -> VatRegime | None:
        """The regime of VAT, where it is one."""
        found: VatRegime | None = self._choice("vat_regime", VatRegime)
        return found

    def payment_mode(self) -> PaymentMode | None:
        """The means of payment, where it is one."""
        found: PaymentMode | None = self._choice("payment_mode", PaymentMode)
        return found

    def type_code(self) -> TypeCode:
        """The type of the piece; an invoice where nothing is given."""
        found: TypeCode | None = self._choice("type_code", TypeCode)
        return found or "380"

    def _choice(self, name: str, kind: Any) -> Any:
        """One of the values of a ``Literal``; None where nothing is given, or something else."""
        text = self.sheet.get(name).upper()
        if not text:
            return None
        try:
            return msgspec.convert(text, kind)
        except msgspec.ValidationError:
            self.add("FORM_MALFORMED", field=name, value=text[:60], label=FIELD_LABELS[name], form=_FORMS[name])
            return None


def _amounts(reader: _Reader, computed: Computed, *, already_paid: bool) -> dict[str, Decimal]:
    """The totals: what the lines come to where there are some, each typed one checked against it; else as typed."""
    found: dict[str, Decimal] = {}
    prepaid = reader.take("prepaid", parse_amount, mandatory=False)
    if prepaid is not None:
        found["prepaid"] = prepaid
    if not reader.sheet.lines:
        for name in AMOUNTS:
            amount = reader.take(name, parse_amount)
            if amount is not None:
                found[name] = amount
        return found
    payable = Decimal(0) if already_paid else computed.incl - (prepaid or Decimal(0))
    sums = {
        "total_excl_tax": computed.excl,
        "tax": computed.tax,
        "total_incl_tax": computed.incl,
        "payable": payable,
    }
    for name, amount in sums.items():
        typed = reader.take(name, parse_amount, mandatory=False)
        if typed is not None and abs(typed - amount) > TOLERANCE:
            words = {"label": FIELD_LABELS[name], "computed": show_amount(amount)}
            reader.add("FORM_TOTAL_DIFFERS", field=name, value=show_amount(typed), **words)
    return {**found, **sums}


def _payment(sheet: Sheet) -> Iterator[Finding]:
    """The account that a transfer goes to, and why there is no VAT where there is none."""
    account = sheet.get("supplier_iban")
    if account and _account(sheet) is None:
        yield finding("FORM_IBAN", value=account[:60])
    if not account and sheet.get("payment_mode").upper() == "VIREMENT":
        yield finding("FORM_IBAN_MISSING")
    regime = sheet.get("vat_regime").upper()
    if regime == "EXONERATION" and not sheet.get("exemption_reason"):
        yield finding("FORM_EXEMPTION_REASON")


def _account(sheet: Sheet) -> str | None:
    """The account as it is compared; None where there is none, or none that is well formed."""
    text = sheet.get("supplier_iban")
    return iban.compact(text) if text and iban.is_valid(text) else None


def _lengths(sheet: Sheet) -> Iterator[Finding]:
    for name, limit in HEADER_FIELDS.items():
        length = len(sheet.get(name))
        if length > limit:
            words = {"label": FIELD_LABELS[name], "length": str(length), "limit": str(limit)}
            yield finding("FORM_TOO_LONG", field=name, **words)
