"""Facts written as CII."""

import base64
from dataclasses import dataclass

from tests.unit.invoice.syntax.facts import CUSTOMIZATION, UDT, Facts, as_bytes, tag, wrap


@dataclass(frozen=True)
class Names:
    """What the two generations of CII call the same things."""

    rsm: str
    version: tuple[str, str]
    root: str
    context: str
    document: str
    transaction: str
    trade: str
    line: str
    sums: str
    line_sums: str
    percent: str
    number: str


CURRENT = Names(
    rsm=f"{UDT}CrossIndustryInvoice:100",
    version=("100", "100"),
    root="rsm:CrossIndustryInvoice",
    context="rsm:ExchangedDocumentContext",
    document="rsm:ExchangedDocument",
    transaction="rsm:SupplyChainTradeTransaction",
    trade="ram:ApplicableHeaderTrade",
    line="ram:SpecifiedLineTrade",
    sums="ram:SpecifiedTradeSettlementHeaderMonetarySummation",
    line_sums="ram:SpecifiedTradeSettlementLineMonetarySummation",
    percent="ram:RateApplicablePercent",
    number="ram:IssuerAssignedID",
)
ZUGFERD_1 = Names(
    rsm="urn:ferd:CrossIndustryDocument:invoice:1p0",
    version=("12", "15"),
    root="rsm:CrossIndustryDocument",
    context="rsm:SpecifiedExchangedDocumentContext",
    document="rsm:HeaderExchangedDocument",
    transaction="rsm:SpecifiedSupplyChainTradeTransaction",
    trade="ram:ApplicableSupplyChainTrade",
    line="ram:SpecifiedSupplyChainTrade",
    sums="ram:SpecifiedTradeSettlementMonetarySummation",
    line_sums="ram:SpecifiedTradeSettlementMonetarySummation",
    percent="ram:ApplicablePercent",
    number="ram:ID",
)


def cii(facts: Facts, *, chorus: str | None = None, zugferd_1: bool = False) -> bytes:
    """CII D16B; with ``chorus`` (the cadre) Chorus Pro's flavour; or ZUGFeRD 1."""
    names = ZUGFERD_1 if zugferd_1 else CURRENT
    # Chorus Pro's flavour and ZUGFeRD 1 know one place for the service.
    alone = chorus is not None or zugferd_1
    process = tag("ram:ID", None if chorus else facts.process)
    context = wrap(
        names.context,
        wrap("ram:BusinessProcessSpecifiedDocumentContextParameter", process),
        wrap("ram:GuidelineSpecifiedDocumentContextParameter", tag("ram:ID", chorus or CUSTOMIZATION)),
    )
    document = wrap(
        names.document,
        tag("ram:ID", facts.number),
        tag("ram:TypeCode", facts.type_code),
        wrap("ram:IssueDateTime", _day(facts.issue_date)),
        *(
            wrap("ram:IncludedNote", tag("ram:Content", text), tag("ram:SubjectCode", subject))
            for subject, text in facts.notes
        ),
    )
    inside = (_lines(facts, names), _agreement(facts, names, chorus, alone=alone), _settlement(facts, names))
    spaces = (
        f'xmlns:rsm="{names.rsm}" xmlns:ram="{UDT}ReusableAggregateBusinessInformationEntity:{names.version[0]}" '
        f'xmlns:udt="{UDT}UnqualifiedDataType:{names.version[1]}"'
    )
    body = f"{facts.extra}{context}{document}{wrap(names.transaction, *inside)}"
    return as_bytes(f"<{names.root} {spaces}>{body}</{names.root}>")


def _day(text: str | None) -> str:
    return tag("udt:DateTimeString", text and text.replace("-", ""), format="102")


def _agreement(facts: Facts, names: Names, chorus: str | None, *, alone: bool) -> str:
    return wrap(
        f"{names.trade}Agreement",
        tag("ram:BuyerReference", facts.service if alone else facts.reference),
        _party("ram:SellerTradeParty", facts, "supplier", chorus, None),
        _party("ram:BuyerTradeParty", facts, "recipient", chorus, None if alone else facts.service),
        wrap("ram:BuyerOrderReferencedDocument", tag(names.number, facts.engagement)),
        wrap("ram:ContractReferencedDocument", tag(names.number, facts.contract)),
        *(
            wrap(
                "ram:AdditionalReferencedDocument",
                tag("ram:IssuerAssignedID", "PJ"),
                tag("ram:AttachmentBinaryObject", base64.b64encode(data).decode(), mimeCode=kind, filename=name),
            )
            for name, kind, data in facts.attachments
        ),
    )


def _party(name: str, facts: Facts, side: str, chorus: str | None, service: str | None) -> str:
    siret, siren, vat = (getattr(facts, f"{side}_{kind}") for kind in ("siret", "siren", "vat"))
    legal = tag("ram:ID", siret, schemeID="1") if chorus else tag("ram:ID", siren, schemeID="0002")
    return wrap(
        name,
        tag("ram:GlobalID", None if chorus else siret, schemeID="0009"),
        tag("ram:GlobalID", service, schemeID="0224"),
        wrap("ram:SpecifiedLegalOrganization", legal),
        wrap("ram:SpecifiedTaxRegistration", tag("ram:ID", vat, schemeID="VA")),
    )


def _settlement(facts: Facts, names: Names) -> str:
    account = wrap("ram:PayeePartyCreditorFinancialAccount", tag("ram:IBANID", facts.iban)) if facts.means else ""
    return wrap(
        f"{names.trade}Settlement",
        tag("ram:InvoiceCurrencyCode", facts.currency),
        wrap("ram:SpecifiedTradeSettlementPaymentMeans", tag("ram:TypeCode", facts.means), account),
        *(
            wrap(
                "ram:ApplicableTradeTax",
                tag("ram:CalculatedAmount", amount),
                tag("ram:TypeCode", "VAT"),
                tag("ram:BasisAmount", base),
                tag("ram:CategoryCode", category),
                tag("ram:ExemptionReasonCode", facts.exemption),
                tag("ram:DueDateTypeCode", facts.due_code),
                tag(names.percent, rate),
            )
            for category, rate, base, amount in facts.rows
        ),
        wrap("ram:SpecifiedTradePaymentTerms", wrap("ram:DueDateDateTime", _day(facts.due_date))),
        wrap(
            names.sums,
            tag("ram:TaxBasisTotalAmount", facts.excl),
            tag("ram:TaxTotalAmount", facts.tax, currencyID=facts.currency),
            tag("ram:GrandTotalAmount", facts.incl),
            tag("ram:TotalPrepaidAmount", facts.prepaid),
            tag("ram:DuePayableAmount", facts.payable),
        ),
        wrap("ram:InvoiceReferencedDocument", tag(names.number, facts.preceding)),
    )


def _lines(facts: Facts, names: Names) -> str:
    percent, sums, line = names.percent, names.line_sums, names.line
    return "".join(
        "<ram:IncludedSupplyChainTradeLineItem>"
        f"<ram:AssociatedDocumentLineDocument><ram:LineID>{n}</ram:LineID></ram:AssociatedDocumentLineDocument>"
        f"<ram:SpecifiedTradeProduct><ram:Name>Article {n}</ram:Name></ram:SpecifiedTradeProduct>"
        f"<{line}Agreement><ram:NetPriceProductTradePrice><ram:ChargeAmount>{n}.123456</ram:ChargeAmount>"
        f"</ram:NetPriceProductTradePrice></{line}Agreement>"
        f'<{line}Delivery><ram:BilledQuantity unitCode="C62">{n}.5</ram:BilledQuantity></{line}Delivery>'
        f"<{line}Settlement><ram:ApplicableTradeTax><ram:CategoryCode>S</ram:CategoryCode><{percent}>20</{percent}>"
        f"</ram:ApplicableTradeTax><{sums}><ram:LineTotalAmount>{n}0.00</ram:LineTotalAmount></{sums}>"
        f"</{line}Settlement></ram:IncludedSupplyChainTradeLineItem>"
        for n in range(1, facts.lines + 1)
    )
