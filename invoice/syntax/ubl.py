"""UBL 2.1 Invoice and CreditNote: EN 16931, Peppol, the French reform, and Chorus Pro's own flavour (E1, E2)."""

from collections.abc import Iterator, Sequence

from lxml.etree import _Element

from invoice.syntax import values
from invoice.syntax.assemble import (
    CHORUS_PROFILE,
    place,
    settle_breakdown_sum,
    settle_cadre,
    settle_common,
    settle_currency,
    settle_tax,
    settle_totals,
    settle_type,
    short_text,
)
from invoice.syntax.contents import UblContent
from invoice.syntax.header import Convert, Header, currency_of
from invoice.syntax.model import DataFile, Limits
from invoice.syntax.names import OASIS, UBL, UBL_LINES
from invoice.syntax.parties import is_chorus
from invoice.syntax.sums import settle_breakdown, settle_payment, settle_regime
from invoice.syntax.tree import Found, collect, compile_plan, first_text

INVOICE = f"{{{OASIS}Invoice-2}}Invoice"
CREDIT_NOTE = f"{{{OASIS}CreditNote-2}}CreditNote"

_SIDES = {"supplier": "cac:AccountingSupplierParty", "recipient": "cac:AccountingCustomerParty"}
_PARTY = {
    "cac:Party/cac:PartyIdentification/cbc:ID": "id",
    "cac:Party/cac:PartyLegalEntity/cbc:CompanyID": "legal",
    "cac:Party/cac:PartyTaxScheme": "taxed",
    "cac:Party/cac:Contact/cbc:ID": "contact",
    "cac:AccountingContact/cbc:ID": "contact",
}
_PLAN = compile_plan(
    {
        "ext:UBLExtensions": "extensions",
        "cbc:CustomizationID": "profile",
        "cbc:ProfileID": "process",
        "cbc:ID": "number",
        "cbc:IssueDate": "issue_date",
        "cbc:DueDate": "due_date",
        "cbc:InvoiceTypeCode": "type_code",
        "cbc:CreditNoteTypeCode": "type_code",
        "cbc:DocumentCurrencyCode": "currency",
        "cbc:BuyerReference": "buyer_reference",
        "cac:InvoicePeriod/cbc:DescriptionCode": "due_code",
        "cac:OrderReference/cbc:ID": "engagement",
        "cac:OrderReference/cbc:SalesOrderID": "sales_order",
        "cac:BillingReference/cac:InvoiceDocumentReference/cbc:ID": "preceding",
        "cac:BillingReference/cac:CreditNoteDocumentReference/cbc:ID": "preceding",
        "cac:ContractDocumentReference/cbc:ID": "contract",
        **{f"{way}/{path}": f"{side}_{key}" for side, way in _SIDES.items() for path, key in _PARTY.items()},
        "cac:PaymentMeans": "means",
        "cac:TaxTotal": "tax_total",
        "cac:LegalMonetaryTotal/cbc:TaxExclusiveAmount": "excl",
        "cac:LegalMonetaryTotal/cbc:TaxInclusiveAmount": "incl",
        "cac:LegalMonetaryTotal/cbc:PrepaidAmount": "prepaid",
        "cac:LegalMonetaryTotal/cbc:PayableAmount": "payable",
    },
    UBL,
)
_TAXED = compile_plan(
    {
        "cbc:CompanyID": "number",
        "cac:TaxScheme/cbc:ID": "scheme",
        "cac:TaxScheme/cbc:TaxTypeCode": "words",
    },
    UBL,
)
_TAX_TOTAL = compile_plan({"cbc:TaxAmount": "tax", "cac:TaxSubtotal": "row"}, UBL)
_ROW = compile_plan(
    {
        "cbc:TaxableAmount": "base",
        "cbc:TaxAmount": "amount",
        "cbc:Percent": "rate",
        "cac:TaxCategory/cbc:ID": "category",
        "cac:TaxCategory/cbc:Percent": "rate",
        "cac:TaxCategory/cbc:TaxExemptionReasonCode": "exemption_code",
        "cac:TaxCategory/cbc:TaxExemptionReason": "exemption",
    },
    UBL,
)
_MEANS = compile_plan(
    {
        "cbc:PaymentMeansCode": "code",
        "cbc:PaymentDueDate": "due_date",
        "cbc:PaymentID": "reference",
        "cac:PayeeFinancialAccount/cbc:ID": "account",
        "cac:PayeeFinancialAccount/cac:FinancialInstitutionBranch/cbc:ID": "bic",
    },
    UBL,
)
_NONE: Sequence[_Element] = ()


def read(root: _Element, limits: Limits) -> DataFile:
    """The invoice of a UBL document whose root is :data:`INVOICE` or :data:`CREDIT_NOTE`."""
    found = collect(root, _PLAN, {})
    header = Header(found)
    means = [collect(element, _MEANS, {}) for element in found.get("means", _NONE)]
    if first_text(found, "due_date") is None:  # a credit note has no other place for it
        found["due_date"] = [element for row in means for element in row.get("due_date", _NONE)]
    words = _tax_schemes(header)
    _no_order(found)
    category = _category(found)
    chorus = category is not None or is_chorus(header)
    settle_common(header, _day, chorus_contact=chorus)
    settle_type(header, credit_note=root.tag == CREDIT_NOTE)
    settle_currency(header, found.get("payable", _NONE))
    settle_totals(header)
    breakdown = settle_breakdown(header, _taxes(header))
    settle_breakdown_sum(header, breakdown)
    settle_regime(header, breakdown, words=words, due=found.get("due_code", _NONE))
    ways = settle_payment(header, means)
    cadre = [("BT-23", category)] if category is not None else []
    settle_cadre(header, [*cadre, *place(header, "process", "BT-23")])
    return DataFile(
        source="ubl",
        profile=short_text(found, "profile") or (CHORUS_PROFILE if chorus else ""),
        process=short_text(found, "process"),
        fields=header.fields(),
        lines_count=sum(1 for _ in root.iterchildren(*UBL_LINES)),
        content=UblContent(root, limits),
        warnings=tuple(header.warnings),
        vat_breakdown=breakdown,
        payment_means=ways,
    )


def _day(_: _Element) -> Convert:
    return values.iso_day


def _tax_schemes(header: Header) -> str | None:
    """Keep the VAT numbers only; answers Chorus Pro's words for the supplier's VAT regime, if any."""
    words: str | None = None
    for side in _SIDES:
        for scheme in header.found.get(f"{side}_taxed", _NONE):
            within = collect(scheme, _TAXED, {})
            kind = first_text(within, "scheme")
            if kind is None or kind.upper() == "VAT":
                header.found.setdefault(f"{side}_vat", []).extend(within.get("number", _NONE))
            if side == "supplier" and words is None:
                words = first_text(within, "words")
    return words


def _no_order(found: Found) -> None:
    """Peppol writes ``NA`` for the order where only the seller's own order number is known."""
    if "sales_order" in found and first_text(found, "engagement") == "NA":
        del found["engagement"]


def _category(found: Found) -> str | None:
    """Chorus Pro's cadre: ``CategoryCode``, somewhere in an extension, in a namespace of its own."""
    for extensions in found.get("extensions", _NONE):
        for element in extensions.iter("{*}CategoryCode"):
            text = (element.text or "").strip()
            if text:
                return text[:40]
    return None


def _taxes(header: Header) -> Iterator[Found]:
    """Settle the tax, and give the rows of the totals that are in the invoice's currency."""
    totals = [collect(element, _TAX_TOTAL, {}) for element in header.found.get("tax_total", _NONE)]
    settle_tax(header, [element for total in totals for element in total.get("tax", _NONE)])
    currency = header.value("currency")
    for total in totals:
        written = {currency_of(element) for element in total.get("tax", _NONE)}
        if len(totals) > 1 and currency is not None and not written <= {currency, ""}:
            continue
        for row in total.get("row", _NONE):
            yield collect(row, _ROW, {})
