"""CII D16B and D22B (one namespace), Factur-X and ZUGFeRD 2 on it, ZUGFeRD 1 before it, and Chorus Pro's flavour."""

from collections.abc import Mapping, Sequence

from lxml.etree import _Element

from invoice.syntax import codes, values
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
from invoice.syntax.contents import CiiContent, CiiPlans
from invoice.syntax.header import Convert, Header
from invoice.syntax.model import DataFile, Limits
from invoice.syntax.names import CII, ZUGFERD_1
from invoice.syntax.parties import is_chorus, scheme_of
from invoice.syntax.sums import settle_breakdown, settle_payment, settle_regime
from invoice.syntax.tree import Plan, collect, compile_plan, first_text

INVOICE = f"{{{CII['rsm']}}}CrossIndustryInvoice"
INVOICE_1 = f"{{{ZUGFERD_1['rsm']}}}CrossIndustryDocument"

_PARTY = {
    "ram:GlobalID": "id",
    "ram:ID": "id",
    "ram:SpecifiedLegalOrganization/ram:ID": "legal",
    "ram:SpecifiedTaxRegistration/ram:ID": "taxed",
}
_DAY = "udt:DateTimeString"
_PATHS = {
    "{context}/ram:GuidelineSpecifiedDocumentContextParameter/ram:ID": "profile",
    "{context}/ram:BusinessProcessSpecifiedDocumentContextParameter/ram:ID": "process",
    "{document}/ram:ID": "number",
    "{document}/ram:TypeCode": "type_code",
    "{document}/ram:IssueDateTime/" + _DAY: "issue_date",
    "{agreement}/ram:BuyerReference": "buyer_reference",
    "{agreement}/ram:BuyerOrderReferencedDocument/{number}": "engagement",
    "{agreement}/ram:ContractReferencedDocument/{number}": "contract",
    **{"{agreement}/ram:SellerTradeParty/" + path: f"supplier_{key}" for path, key in _PARTY.items()},
    **{"{agreement}/ram:BuyerTradeParty/" + path: f"recipient_{key}" for path, key in _PARTY.items()},
    "{settlement}/ram:InvoiceCurrencyCode": "currency",
    "{settlement}/ram:SpecifiedTradeSettlementPaymentMeans": "means",
    "{settlement}/ram:ApplicableTradeTax": "row",
    "{settlement}/ram:SpecifiedTradePaymentTerms/ram:DueDateDateTime/" + _DAY: "due_date",
    "{settlement}/ram:InvoiceReferencedDocument/{number}": "preceding",
    "{settlement}/{sums}/ram:TaxBasisTotalAmount": "excl",
    "{settlement}/{sums}/ram:TaxTotalAmount": "tax",
    "{settlement}/{sums}/ram:GrandTotalAmount": "incl",
    "{settlement}/{sums}/ram:TotalPrepaidAmount": "prepaid",
    "{settlement}/{sums}/ram:DuePayableAmount": "payable",
}
_WORDS = {
    "context": "rsm:ExchangedDocumentContext",
    "document": "rsm:ExchangedDocument",
    "agreement": "rsm:SupplyChainTradeTransaction/ram:ApplicableHeaderTradeAgreement",
    "settlement": "rsm:SupplyChainTradeTransaction/ram:ApplicableHeaderTradeSettlement",
    "sums": "ram:SpecifiedTradeSettlementHeaderMonetarySummation",
    "number": "ram:IssuerAssignedID",
}
_WORDS_1 = {
    "context": "rsm:SpecifiedExchangedDocumentContext",
    "document": "rsm:HeaderExchangedDocument",
    "agreement": "rsm:SpecifiedSupplyChainTradeTransaction/ram:ApplicableSupplyChainTradeAgreement",
    "settlement": "rsm:SpecifiedSupplyChainTradeTransaction/ram:ApplicableSupplyChainTradeSettlement",
    "sums": "ram:SpecifiedTradeSettlementMonetarySummation",
    "number": "ram:ID",
}
_ROW = {
    "ram:TypeCode": "type",
    "ram:BasisAmount": "base",
    "ram:CalculatedAmount": "amount",
    "ram:RateApplicablePercent": "rate",
    "ram:ApplicablePercent": "rate",
    "ram:CategoryCode": "category",
    "ram:ExemptionReasonCode": "exemption_code",
    "ram:ExemptionReason": "exemption",
    "ram:DueDateTypeCode": "due_code",
}
_MEANS = {
    "ram:TypeCode": "code",
    "ram:PayeePartyCreditorFinancialAccount/ram:IBANID": "iban",
    "ram:PayeePartyCreditorFinancialAccount/ram:ProprietaryID": "account",
    "ram:PayeeSpecifiedCreditorFinancialInstitution/ram:BICID": "bic",
}
_NONE: Sequence[_Element] = ()


class Version:
    """The names of one generation of CII, compiled once."""

    def __init__(self, namespaces: Mapping[str, str], words: Mapping[str, str]) -> None:
        self.plan: Plan = compile_plan({path.format_map(words): key for path, key in _PATHS.items()}, namespaces)
        self.row = compile_plan(_ROW, namespaces)
        self.means = compile_plan(_MEANS, namespaces)
        transaction = words["agreement"].partition("/")[0].removeprefix("rsm:")
        self.transaction = f"{{{namespaces['rsm']}}}{transaction}"
        self.line = f"{{{namespaces['ram']}}}IncludedSupplyChainTradeLineItem"
        self.contents = CiiPlans(namespaces, words)


VERSIONS = {INVOICE: Version(CII, _WORDS), INVOICE_1: Version(ZUGFERD_1, _WORDS_1)}


def read(root: _Element, limits: Limits) -> DataFile:
    """The invoice of a CII document whose root is one of :data:`VERSIONS`."""
    version = VERSIONS[str(root.tag)]
    found = collect(root, version.plan, {})
    header = Header(found)
    for side in ("supplier", "recipient"):
        taxed = found.get(f"{side}_taxed", _NONE)
        found[f"{side}_vat"] = [element for element in taxed if scheme_of(element) in ("VA", "VAT")]
    profile = short_text(found, "profile") or ""
    own_profile = codes.cadre(profile) is not None  # Chorus Pro has the cadre where the profile belongs
    settle_common(header, _day, chorus_contact=False)
    settle_type(header)
    settle_currency(header, found.get("tax", _NONE))
    settle_totals(header)
    settle_tax(header, found.get("tax", _NONE))
    rows = [collect(element, version.row, {}) for element in found.get("row", _NONE)]
    rows = [row for row in rows if first_text(row, "type") in (None, "VAT")]
    breakdown = settle_breakdown(header, rows)
    settle_breakdown_sum(header, breakdown)
    due = [element for row in rows for element in row.get("due_code", _NONE)]
    settle_regime(header, breakdown, words=None, due=due)
    ways = settle_payment(header, [collect(element, version.means, {}) for element in found.get("means", _NONE)])
    cadre = [("BT-24", profile)] if own_profile else []
    settle_cadre(header, [*cadre, *place(header, "process", "BT-23")])
    if own_profile or (not profile and is_chorus(header)):
        profile = CHORUS_PROFILE
    transaction = root.find(version.transaction)
    return DataFile(
        source="cii",
        profile=profile,
        process=short_text(found, "process"),
        fields=header.fields(),
        lines_count=0 if transaction is None else sum(1 for _ in transaction.iterchildren(version.line)),
        content=CiiContent(root, version.contents, limits),
        warnings=tuple(header.warnings),
        vat_breakdown=breakdown,
        payment_means=ways,
    )


def _day(element: _Element) -> Convert:
    form = element.get("format")
    return lambda text: values.cii_day(text, form)
