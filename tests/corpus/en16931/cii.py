"""A made invoice written as CII."""

from decimal import Decimal

from tests.corpus.en16931.facts import EXEMPT, Adjustment, Line, Made, Vat
from tests.unit.invoice.syntax.facts import UDT, as_bytes, tag, wrap


def write(made: Made) -> bytes:
    """The document."""
    spaces = (
        f'xmlns:rsm="{UDT}CrossIndustryInvoice:100" '
        f'xmlns:ram="{UDT}ReusableAggregateBusinessInformationEntity:100" '
        f'xmlns:udt="{UDT}UnqualifiedDataType:100"'
    )
    context = wrap(
        "rsm:ExchangedDocumentContext",
        wrap("ram:BusinessProcessSpecifiedDocumentContextParameter", tag("ram:ID", "P1"))
        if made.has("process")
        else "",
        wrap("ram:GuidelineSpecifiedDocumentContextParameter", tag("ram:ID", "urn:cen.eu:en16931:2017")),
    )
    note = tag("ram:Content", "Merci") + tag("ram:SubjectCode", "AAI" if made.has("subject") else None)
    head = wrap(
        "rsm:ExchangedDocument",
        tag("ram:ID", made.number),
        tag("ram:TypeCode", "381" if made.credit_note else "380"),
        wrap("ram:IssueDateTime", day("20261120")),
        wrap("ram:IncludedNote", note) if made.has("note") else "",
    )
    parts = (*(_line(line) for line in made.lines), _agreement(made), _delivery(made), _settlement(made))
    transaction = wrap("rsm:SupplyChainTradeTransaction", *parts)
    return as_bytes(f"<rsm:CrossIndustryInvoice {spaces}>{context}{head}{transaction}</rsm:CrossIndustryInvoice>")


def day(text: str) -> str:
    """A day in format 102."""
    return tag("udt:DateTimeString", text, format="102")


def _vat_number(number: str, scheme: str = "VA") -> str:
    return wrap("ram:SpecifiedTaxRegistration", tag("ram:ID", number, schemeID=scheme))


def _address(country: str) -> str:
    street = tag("ram:PostcodeCode", "09000") + tag("ram:LineOne", "1 rue Basse") + tag("ram:CityName", "Foix")
    return wrap("ram:PostalTradeAddress", street, tag("ram:CountryID", country))


def _agreement(made: Made) -> str:
    binary = tag("ram:AttachmentBinaryObject", "QQ==", mimeCode="application/pdf", filename="bl.pdf")

    def reference(part: str, name: str, number: str, *more: str) -> str:
        return (
            wrap(f"ram:{name}ReferencedDocument", tag("ram:IssuerAssignedID", number), *more) if made.has(part) else ""
        )

    kind = tag("ram:TypeCode", "916")
    return wrap(
        "ram:ApplicableHeaderTradeAgreement",
        tag("ram:BuyerReference", "DRH" if made.has("reference") else None),
        _seller(made),
        _buyer(made),
        wrap(
            "ram:SellerTaxRepresentativeTradeParty",
            tag("ram:Name", "Mandataire"),
            _address("FR"),
            _vat_number("FR99999999999"),
        )
        if made.has("agent")
        else "",
        reference("sales_order", "SellerOrder", "V1"),
        reference("order", "BuyerOrder", "CMD1"),
        reference("contract", "Contract", "M1"),
        reference("attachment", "Additional", "PJ1", kind, tag("ram:Name", "BL"), binary),
        reference("link", "Additional", "PJ2", tag("ram:URIID", "https://x.fr"), kind),
        reference("tender", "Additional", "LOT1", tag("ram:TypeCode", "50")),
        reference("object", "Additional", "OBJ", tag("ram:TypeCode", "130") + tag("ram:ReferenceTypeCode", "ABZ")),
        wrap("ram:SpecifiedProcuringProject", tag("ram:ID", "PRJ"), tag("ram:Name", "Project reference"))
        if made.has("project")
        else "",
    )


def _electronic(number: str) -> str:
    return wrap("ram:URIUniversalCommunication", tag("ram:URIID", number, schemeID="0002"))


def _seller(made: Made) -> str:
    outside = "O" in made.codes
    legal = tag("ram:ID", "123456789", schemeID="0002") if made.has("seller_legal") or outside else ""
    legal += tag("ram:TradingBusinessName", "Vendeur" if made.has("seller_name") else None)
    return wrap(
        "ram:SellerTradeParty",
        tag("ram:GlobalID", "12345678900011", schemeID="0009") if made.has("seller_ids") else "",
        tag("ram:Name", "Vendeur SAS"),
        wrap("ram:SpecifiedLegalOrganization", legal),
        wrap("ram:DefinedTradeContact", tag("ram:PersonName", "Eve")) if made.has("contacts") else "",
        _address("FR"),
        _electronic("123456789") if made.has("endpoints") else "",
        "" if outside else _vat_number("FR12345678901"),
        _vat_number("F1", "FC") if made.has("seller_ids") else "",
    )


def _buyer(made: Made) -> str:
    return wrap(
        "ram:BuyerTradeParty",
        tag("ram:GlobalID", "98765432100011", schemeID="0009") if made.has("buyer_id") else "",
        tag("ram:Name", "Acheteur"),
        wrap("ram:SpecifiedLegalOrganization", tag("ram:ID", "987654321", schemeID="0002"))
        if made.has("buyer_legal")
        else "",
        wrap("ram:DefinedTradeContact", tag("ram:PersonName", "Ali")) if made.has("contacts") else "",
        _address("DE" if "K" in made.codes else "FR"),
        _electronic("987654321") if made.has("endpoints") else "",
        "" if "O" in made.codes else _vat_number("DE123456789"),
    )


def _delivery(made: Made) -> str:
    party = wrap(
        "ram:ShipToTradeParty", tag("ram:GlobalID", "L1", schemeID="0088"), tag("ram:Name", "Dépôt"), _address("DE")
    )
    event = wrap("ram:ActualDeliverySupplyChainEvent", wrap("ram:OccurrenceDateTime", day("20261119")))
    return wrap(
        "ram:ApplicableHeaderTradeDelivery",
        party if made.has("delivery_address") else "",
        event if made.has("delivery") else "",
        wrap("ram:DespatchAdviceReferencedDocument", tag("ram:IssuerAssignedID", "D1")) if made.has("despatch") else "",
        wrap("ram:ReceivingAdviceReferencedDocument", tag("ram:IssuerAssignedID", "R1")) if made.has("receipt") else "",
    )


def _payment(made: Made) -> str:
    if made.has("transfer"):
        inside = wrap(
            "ram:PayeePartyCreditorFinancialAccount",
            tag("ram:IBANID", "FR7630006000011234567890189"),
            tag("ram:ProprietaryID", "123"),
        )
        code = "30"
    elif made.has("debit"):
        code, inside = "59", wrap("ram:PayerPartyDebtorFinancialAccount", tag("ram:IBANID", "DE89370400440532013000"))
    elif made.has("card"):
        code, inside = "48", wrap("ram:ApplicableTradeSettlementFinancialCard", tag("ram:ID", "1234"))
    else:
        return ""
    means = tag("ram:TypeCode", code) + tag("ram:Information", "Paiement")
    return wrap("ram:SpecifiedTradeSettlementPaymentMeans", means, inside)


def _category(name: str, vat: Vat) -> str:
    inside = tag("ram:TypeCode", "VAT") + tag("ram:CategoryCode", vat.code)
    return wrap(name, inside, tag("ram:RateApplicablePercent", vat.rate))


def _money(name: str, amount: Decimal | None) -> str:
    return tag(f"ram:{name}Amount", None if amount is None else f"{amount:.2f}")


def _adjustment(one: Adjustment, *, on_line: bool) -> str:
    return wrap(
        "ram:SpecifiedTradeAllowanceCharge",
        wrap("ram:ChargeIndicator", tag("udt:Indicator", str(one.charge).lower())),
        tag("ram:CalculationPercent", one.percent),
        _money("Basis", one.base),
        _money("Actual", one.amount),
        tag("ram:ReasonCode", one.code),
        tag("ram:Reason", one.reason),
        "" if on_line else _category("ram:CategoryTradeTax", one.vat),
    )


def _row(made: Made, vat: Vat, base: Decimal, tax: Decimal) -> str:
    exempt = EXEMPT.get(vat.code)
    return wrap(
        "ram:ApplicableTradeTax",
        _money("Calculated", tax),
        tag("ram:TypeCode", "VAT"),
        tag("ram:ExemptionReason", exempt and "Exonération"),
        _money("Basis", base),
        tag("ram:CategoryCode", vat.code),
        tag("ram:ExemptionReasonCode", exempt),
        tag("ram:DueDateTypeCode", "5" if made.has("tax_code") else None),
        tag("ram:RateApplicablePercent", vat.rate),
    )


def _period(part: bool) -> str:
    if not part:
        return ""
    start, end = wrap("ram:StartDateTime", day("20261101")), wrap("ram:EndDateTime", day("20261130"))
    return wrap("ram:BillingSpecifiedPeriod", start, end)


def _settlement(made: Made) -> str:
    incl = made.excl + made.tax
    sums = wrap(
        "ram:SpecifiedTradeSettlementHeaderMonetarySummation",
        _money("LineTotal", made.net),
        _money("ChargeTotal", made.adjusted(True)),
        _money("AllowanceTotal", made.adjusted(False)),
        _money("TaxBasisTotal", made.excl),
        tag("ram:TaxTotalAmount", f"{made.tax:.2f}", currencyID=made.currency),
        tag("ram:TaxTotalAmount", "1.00", currencyID=made.tax_currency) if made.tax_currency else "",
        _money("Rounding", made.rounding),
        _money("GrandTotal", incl),
        _money("TotalPrepaid", made.prepaid),
        _money("DuePayable", incl - (made.prepaid or 0) + (made.rounding or 0)),
    )
    payee = wrap(
        "ram:PayeeTradeParty",
        tag("ram:ID", "P1"),
        tag("ram:Name", "Affactureur"),
        wrap("ram:SpecifiedLegalOrganization", tag("ram:ID", "111111111", schemeID="0002")),
    )
    terms = tag("ram:Description", "30 jours") + wrap("ram:DueDateDateTime", day("20261220"))
    return wrap(
        "ram:ApplicableHeaderTradeSettlement",
        tag("ram:PaymentReference", "REF1"),
        tag("ram:TaxCurrencyCode", made.tax_currency),
        tag("ram:InvoiceCurrencyCode", made.currency),
        payee if made.has("payee") else "",
        _payment(made),
        *(_row(made, *row) for row in made.rows),
        _period(made.has("period")),
        *(_adjustment(one, on_line=False) for one in made.adjustments),
        wrap("ram:SpecifiedTradePaymentTerms", terms) if made.has("terms") else "",
        sums,
        wrap("ram:InvoiceReferencedDocument", tag("ram:IssuerAssignedID", "F0")) if made.has("preceding") else "",
    )


def _line(line: Line) -> str:
    gross = wrap(
        "ram:GrossPriceProductTradePrice",
        tag("ram:ChargeAmount", str(line.price + 1)),
        wrap(
            "ram:AppliedTradeAllowanceCharge",
            wrap("ram:ChargeIndicator", tag("udt:Indicator", "false")),
            tag("ram:ActualAmount", "1.00"),
        ),
    )
    return wrap(
        "ram:IncludedSupplyChainTradeLineItem",
        wrap(
            "ram:AssociatedDocumentLineDocument",
            tag("ram:LineID", str(line.number)),
            wrap("ram:IncludedNote", tag("ram:Content", "Urgent")) if line.full else "",
        ),
        wrap(
            "ram:SpecifiedTradeProduct",
            _product_extras() if line.full else "",
            tag("ram:Name", f"Article {line.number}"),
            _product_details() if line.full else "",
        ),
        wrap(
            "ram:SpecifiedLineTradeAgreement",
            gross if line.full else "",
            wrap("ram:NetPriceProductTradePrice", tag("ram:ChargeAmount", str(line.price))),
        ),
        wrap("ram:SpecifiedLineTradeDelivery", tag("ram:BilledQuantity", str(line.quantity), unitCode="C62")),
        wrap(
            "ram:SpecifiedLineTradeSettlement",
            _category("ram:ApplicableTradeTax", line.vat),
            _period(line.full),
            *(_adjustment(one, on_line=True) for one in line.adjustments),
            wrap("ram:SpecifiedTradeSettlementLineMonetarySummation", _money("LineTotal", line.net)),
        ),
    )


def _product_extras() -> str:
    return tag("ram:GlobalID", "4006381333931", schemeID="0160") + tag("ram:SellerAssignedID", "A1")


def _product_details() -> str:
    return (
        wrap("ram:ApplicableProductCharacteristic", tag("ram:Description", "Taille"), tag("ram:Value", "M"))
        + wrap("ram:DesignatedProductClassification", tag("ram:ClassCode", "1234", listID="CV"))
        + wrap("ram:OriginTradeCountry", tag("ram:ID", "FR"))
    )
