"""A made invoice written as UBL."""

from decimal import Decimal

from tests.corpus.en16931.facts import EXEMPT, Adjustment, Line, Made, Vat
from tests.unit.invoice.syntax.facts import INV, as_bytes, tag, wrap

_VAT = wrap("cac:TaxScheme", tag("cbc:ID", "VAT"))


def write(made: Made) -> bytes:
    """The document."""
    root = "CreditNote" if made.credit_note else "Invoice"
    spaces = (
        f'xmlns="{INV}{root}-2" xmlns:cac="{INV}CommonAggregateComponents-2" xmlns:cbc="{INV}CommonBasicComponents-2"'
    )
    body = (
        *_head(made, root),
        *_references(made),
        _seller(made),
        _buyer(made),
        _payee() if made.has("payee") else "",
        _agent() if made.has("agent") else "",
        _delivery(made),
        _payment(made),
        wrap("cac:PaymentTerms", tag("cbc:Note", "30 jours")) if made.has("terms") else "",
        *(_adjustment(made, one, on_line=False) for one in made.adjustments),
        *_totals(made),
        *(_line(made, line, root) for line in made.lines),
    )
    return as_bytes(f"<{root} {spaces}>{''.join(body)}</{root}>")


def _head(made: Made, root: str) -> tuple[str, ...]:
    note = "#AAI#Merci" if made.has("subject") else "Merci"
    return (
        tag("cbc:CustomizationID", "urn:cen.eu:en16931:2017"),
        tag("cbc:ProfileID", "P1" if made.has("process") else None),
        tag("cbc:ID", made.number),
        tag("cbc:IssueDate", "2026-11-20"),
        tag("cbc:DueDate", "2026-12-20" if made.has("due_date") and not made.credit_note else None),
        tag(f"cbc:{root}TypeCode", "381" if made.credit_note else "380"),
        tag("cbc:Note", note if made.has("note") else None),
        tag("cbc:TaxPointDate", "2026-11-20" if made.has("tax_point") else None),
        tag("cbc:DocumentCurrencyCode", made.currency),
        tag("cbc:TaxCurrencyCode", made.tax_currency),
        tag("cbc:AccountingCost", "6061" if made.has("accounting") else None),
        tag("cbc:BuyerReference", "DRH" if made.has("reference") else None),
    )


def _references(made: Made) -> tuple[str, ...]:
    code = "3" if made.has("tax_code") else None
    days = made.has("period")
    period = (
        tag("cbc:StartDate", "2026-11-01" if days else None),
        tag("cbc:EndDate", "2026-11-30" if days else None),
        tag("cbc:DescriptionCode", code),
    )
    binary = tag("cbc:EmbeddedDocumentBinaryObject", "QQ==", mimeCode="application/pdf", filename="bl.pdf")
    invoiced = tag("cbc:ID", "OBJ", schemeID="ABZ") + tag("cbc:DocumentTypeCode", "130")
    order = tag("cbc:ID", "CMD1") + tag("cbc:SalesOrderID", "V1" if made.has("sales_order") else None)

    def one(part: str, name: str, inside: str) -> str:
        return wrap(name, inside) if made.has(part) else ""

    return (
        wrap("cac:InvoicePeriod", *period),
        one("order", "cac:OrderReference", order),
        one("preceding", "cac:BillingReference", wrap("cac:InvoiceDocumentReference", tag("cbc:ID", "F0"))),
        one("despatch", "cac:DespatchDocumentReference", tag("cbc:ID", "D1")),
        one("receipt", "cac:ReceiptDocumentReference", tag("cbc:ID", "R1")),
        one("tender", "cac:OriginatorDocumentReference", tag("cbc:ID", "LOT1")),
        one("contract", "cac:ContractDocumentReference", tag("cbc:ID", "M1")),
        one("object", "cac:AdditionalDocumentReference", invoiced),
        one(
            "attachment",
            "cac:AdditionalDocumentReference",
            tag("cbc:ID", "PJ1") + tag("cbc:DocumentDescription", "BL") + wrap("cac:Attachment", binary),
        ),
        one("link", "cac:AdditionalDocumentReference", tag("cbc:ID", "PJ2")),
        "" if made.credit_note else one("project", "cac:ProjectReference", tag("cbc:ID", "PRJ")),
    )


def _address(country: str) -> str:
    return wrap(
        "cac:PostalAddress",
        tag("cbc:StreetName", "1 rue Basse"),
        tag("cbc:CityName", "Foix"),
        wrap("cac:AddressLine", tag("cbc:Line", "Bât. A")),
        wrap("cac:Country", tag("cbc:IdentificationCode", country)),
    )


def _tax_scheme(number: str, scheme: str = "VAT") -> str:
    inside = tag("cbc:CompanyID", number) + wrap("cac:TaxScheme", tag("cbc:ID", scheme))
    return wrap("cac:PartyTaxScheme", inside)


def _seller(made: Made) -> str:
    outside = "O" in made.codes
    contact = tag("cbc:Name", "Eve") + tag("cbc:Telephone", "05") + tag("cbc:ElectronicMail", "e@x.fr")
    legal = tag("cbc:RegistrationName", "Vendeur SAS")
    if made.has("seller_legal") or outside:
        legal += tag("cbc:CompanyID", "123456789", schemeID="0002") + tag("cbc:CompanyLegalForm", "SAS")
    party = wrap(
        "cac:Party",
        tag("cbc:EndpointID", "123456789", schemeID="0002") if made.has("endpoints") else "",
        wrap("cac:PartyIdentification", tag("cbc:ID", "12345678900011", schemeID="0009"))
        if made.has("seller_ids")
        else "",
        wrap("cac:PartyIdentification", tag("cbc:ID", "FR99ZZZ", schemeID="SEPA")) if made.has("debit") else "",
        wrap("cac:PartyName", tag("cbc:Name", "Vendeur")) if made.has("seller_name") else "",
        _address("FR"),
        "" if outside else _tax_scheme("FR12345678901"),
        _tax_scheme("F1", "LOC") if made.has("seller_ids") else "",
        wrap("cac:PartyLegalEntity", legal),
        wrap("cac:Contact", contact) if made.has("contacts") else "",
    )
    return wrap("cac:AccountingSupplierParty", party)


def _buyer(made: Made) -> str:
    legal = tag("cbc:RegistrationName", "Acheteur")
    if made.has("buyer_legal"):
        legal += tag("cbc:CompanyID", "987654321", schemeID="0002")
    party = wrap(
        "cac:Party",
        tag("cbc:EndpointID", "987654321", schemeID="0002") if made.has("endpoints") else "",
        wrap("cac:PartyIdentification", tag("cbc:ID", "98765432100011", schemeID="0009"))
        if made.has("buyer_id")
        else "",
        wrap("cac:PartyName", tag("cbc:Name", "Achat")) if made.has("buyer_id") else "",
        _address("DE" if "K" in made.codes else "FR"),
        "" if "O" in made.codes else _tax_scheme("DE123456789"),
        wrap("cac:PartyLegalEntity", legal),
    )
    return wrap("cac:AccountingCustomerParty", party)


def _payee() -> str:
    return wrap(
        "cac:PayeeParty",
        wrap("cac:PartyIdentification", tag("cbc:ID", "11111111100011", schemeID="0009")),
        wrap("cac:PartyName", tag("cbc:Name", "Affactureur")),
        wrap("cac:PartyLegalEntity", tag("cbc:CompanyID", "111111111", schemeID="0002")),
    )


def _agent() -> str:
    name = wrap("cac:PartyName", tag("cbc:Name", "Mandataire"))
    return wrap("cac:TaxRepresentativeParty", name, _address("FR"), _tax_scheme("FR99999999999"))


def _delivery(made: Made) -> str:
    if not (made.has("delivery") or made.has("delivery_address")):
        return ""
    place = wrap("cac:Address", wrap("cac:Country", tag("cbc:IdentificationCode", "DE")))
    return wrap(
        "cac:Delivery",
        tag("cbc:ActualDeliveryDate", "2026-11-19" if made.has("delivery") else None),
        wrap("cac:DeliveryLocation", tag("cbc:ID", "L1", schemeID="0088"), place)
        if made.has("delivery_address")
        else "",
        wrap("cac:DeliveryParty", wrap("cac:PartyName", tag("cbc:Name", "Dépôt"))),
    )


def _payment(made: Made) -> str:
    if made.has("transfer"):
        account = wrap("cac:PayeeFinancialAccount", tag("cbc:ID", "FR7630006000011234567890189"))
        code, inside = "30", account
    elif made.has("debit"):
        payer = wrap("cac:PayerFinancialAccount", tag("cbc:ID", "DE89370400440532013000"))
        code, inside = "59", wrap("cac:PaymentMandate", tag("cbc:ID", "RUM1"), payer)
    elif made.has("card"):
        card = tag("cbc:PrimaryAccountNumberID", "1234") + tag("cbc:NetworkID", "VISA")
        code, inside = "48", wrap("cac:CardAccount", card)
    else:
        return ""
    means = f'<cbc:PaymentMeansCode name="Paiement">{code}</cbc:PaymentMeansCode>' + tag("cbc:PaymentID", "REF1")
    return wrap("cac:PaymentMeans", means, inside)


def _category(name: str, vat: Vat, *, row: bool = False) -> str:
    exempt = EXEMPT.get(vat.code) if row else None
    return wrap(
        name,
        tag("cbc:ID", vat.code),
        tag("cbc:Percent", vat.rate),
        tag("cbc:TaxExemptionReasonCode", exempt),
        tag("cbc:TaxExemptionReason", exempt and "Exonération"),
        _VAT,
    )


def _money(made: Made, name: str, amount: Decimal | None) -> str:
    return "" if amount is None else tag(f"cbc:{name}", f"{amount:.2f}", currencyID=made.currency)


def _adjustment(made: Made, one: Adjustment, *, on_line: bool) -> str:
    return wrap(
        "cac:AllowanceCharge",
        tag("cbc:ChargeIndicator", str(one.charge).lower()),
        tag("cbc:AllowanceChargeReasonCode", one.code),
        tag("cbc:AllowanceChargeReason", one.reason),
        tag("cbc:MultiplierFactorNumeric", one.percent),
        _money(made, "Amount", one.amount),
        _money(made, "BaseAmount", one.base),
        "" if on_line else _category("cac:TaxCategory", one.vat),
    )


def _totals(made: Made) -> tuple[str, ...]:
    rows = (
        wrap(
            "cac:TaxSubtotal",
            _money(made, "TaxableAmount", base),
            _money(made, "TaxAmount", tax),
            _category("cac:TaxCategory", vat, row=True),
        )
        for vat, base, tax in made.rows
    )
    other = made.tax_currency
    second = "" if other is None else wrap("cac:TaxTotal", tag("cbc:TaxAmount", "1.00", currencyID=other))
    incl = made.excl + made.tax
    sums = wrap(
        "cac:LegalMonetaryTotal",
        _money(made, "LineExtensionAmount", made.net),
        _money(made, "TaxExclusiveAmount", made.excl),
        _money(made, "TaxInclusiveAmount", incl),
        _money(made, "AllowanceTotalAmount", made.adjusted(False)),
        _money(made, "ChargeTotalAmount", made.adjusted(True)),
        _money(made, "PrepaidAmount", made.prepaid),
        _money(made, "PayableRoundingAmount", made.rounding),
        _money(made, "PayableAmount", incl - (made.prepaid or 0) + (made.rounding or 0)),
    )
    return (wrap("cac:TaxTotal", _money(made, "TaxAmount", made.tax), *rows), second, sums)


def _line(made: Made, line: Line, root: str) -> str:
    kind = "Credited" if root == "CreditNote" else "Invoiced"
    discount = wrap(
        "cac:AllowanceCharge",
        tag("cbc:ChargeIndicator", "false"),
        _money(made, "Amount", Decimal(1)),
        _money(made, "BaseAmount", line.price + 1),
    )
    price = tag("cbc:PriceAmount", str(line.price), currencyID=made.currency)
    extras = _item_extras() if line.full else ""
    period = tag("cbc:StartDate", "2026-11-01") + tag("cbc:EndDate", "2026-11-02")
    return wrap(
        f"cac:{root}Line",
        tag("cbc:ID", str(line.number)),
        tag("cbc:Note", "Urgent" if line.full else None),
        tag(f"cbc:{kind}Quantity", str(line.quantity), unitCode="C62"),
        _money(made, "LineExtensionAmount", line.net),
        wrap("cac:InvoicePeriod", period) if line.full else "",
        wrap("cac:OrderLineReference", tag("cbc:LineID", "1")) if line.full else "",
        wrap("cac:DocumentReference", tag("cbc:ID", "O", schemeID="ABZ") + tag("cbc:DocumentTypeCode", "130"))
        if line.full
        else "",
        *(_adjustment(made, one, on_line=True) for one in line.adjustments),
        wrap(
            "cac:Item",
            tag("cbc:Description", "Un article" if line.full else None),
            tag("cbc:Name", f"Article {line.number}"),
            extras,
            _category("cac:ClassifiedTaxCategory", line.vat),
            wrap("cac:AdditionalItemProperty", tag("cbc:Name", "Taille") + tag("cbc:Value", "M")) if line.full else "",
        ),
        wrap("cac:Price", price, discount if line.full else ""),
    )


def _item_extras() -> str:
    return (
        wrap("cac:StandardItemIdentification", tag("cbc:ID", "4006381333931", schemeID="0160"))
        + wrap("cac:OriginCountry", tag("cbc:IdentificationCode", "FR"))
        + wrap("cac:CommodityClassification", tag("cbc:ItemClassificationCode", "1234", listID="CV"))
    )
