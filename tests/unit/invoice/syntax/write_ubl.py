"""Facts written as UBL."""

import base64

from tests.unit.invoice.syntax.facts import CUSTOMIZATION, INV, Facts, as_bytes, tag, wrap

_DUE = {"5": "3", "72": "432"}  # UNCL 2475 as UNCL 2005
_REGIMES = {"5": "TVA DEBIT", "72": "TVA ENCAISSEMENT"}


def ubl(facts: Facts, *, root: str = "Invoice", chorus: str | None = None) -> bytes:
    """UBL; ``chorus`` is the cadre of Chorus Pro's own flavour, with its places and schemes."""
    is_invoice = root == "Invoice"
    body = (
        facts.extra,
        _category(chorus),
        tag("cbc:CustomizationID", None if chorus else CUSTOMIZATION),
        tag("cbc:ProfileID", None if chorus else facts.process),
        tag("cbc:ID", facts.number),
        tag("cbc:IssueDate", facts.issue_date),
        tag("cbc:DueDate", facts.due_date if is_invoice else None),
        tag(f"cbc:{root}TypeCode", facts.type_code),
        *(tag("cbc:Note", f"#{subject}#{text}" if subject else text) for subject, text in facts.notes),
        tag("cbc:DocumentCurrencyCode", facts.currency),
        tag("cbc:BuyerReference", None if chorus else facts.reference),
        wrap("cac:InvoicePeriod", tag("cbc:DescriptionCode", _DUE.get(facts.due_code or ""))),
        wrap("cac:OrderReference", tag("cbc:ID", facts.engagement)),
        wrap("cac:BillingReference", wrap("cac:InvoiceDocumentReference", tag("cbc:ID", facts.preceding))),
        wrap("cac:ContractDocumentReference", tag("cbc:ID", facts.contract)),
        *(_attachment(*attachment) for attachment in facts.attachments),
        _party("cac:AccountingSupplierParty", facts, "supplier", chorus),
        _party("cac:AccountingCustomerParty", facts, "recipient", chorus),
        wrap(
            "cac:PaymentMeans",
            tag("cbc:PaymentMeansCode", facts.means),
            tag("cbc:PaymentDueDate", None if is_invoice else facts.due_date),
            wrap("cac:PayeeFinancialAccount", tag("cbc:ID", facts.iban)) if facts.means else "",
        ),
        _totals(facts),
        _lines(facts, "InvoiceLine" if is_invoice else "CreditNoteLine", "Invoiced" if is_invoice else "Credited"),
    )
    spaces = (
        f'xmlns="{INV}{root}-2" xmlns:cac="{INV}CommonAggregateComponents-2" '
        f'xmlns:cbc="{INV}CommonBasicComponents-2" xmlns:ext="{INV}CommonExtensionComponents-2"'
    )
    return as_bytes(f"<{root} {spaces}>{''.join(body)}</{root}>")


def _category(chorus: str | None) -> str:
    if chorus is None:
        return ""
    inside = f'<a:FactureExtension xmlns:a="urn:AIFE:Facture:Extension"><a:CategoryCode>{chorus}</a:CategoryCode>'
    content = f"<ext:ExtensionContent>{inside}</a:FactureExtension></ext:ExtensionContent>"
    return f"<ext:UBLExtensions><ext:UBLExtension>{content}</ext:UBLExtension></ext:UBLExtensions>"


def _party(name: str, facts: Facts, side: str, chorus: str | None) -> str:
    siret, siren, vat = (getattr(facts, f"{side}_{kind}") for kind in ("siret", "siren", "vat"))
    identified = tag("cbc:ID", siret, **({"schemeName": "1"} if chorus else {"schemeID": "0009"}))
    service = facts.service if side == "recipient" else None
    words = _REGIMES.get(facts.due_code or "") if chorus and side == "supplier" else None
    scheme = wrap("cac:TaxScheme", tag("cbc:ID", None if chorus else "VAT"), tag("cbc:TaxTypeCode", words))
    return wrap(
        name,
        wrap(
            "cac:Party",
            wrap("cac:PartyIdentification", identified),
            wrap("cac:PartyIdentification", tag("cbc:ID", None if chorus else service, schemeID="0224")),
            wrap("cac:PartyTaxScheme", tag("cbc:CompanyID", vat), scheme if vat or words else ""),
            wrap("cac:PartyLegalEntity", tag("cbc:CompanyID", siren, schemeID="0002")),
        ),
        wrap("cac:AccountingContact", tag("cbc:ID", service if chorus else None)),
    )


def _totals(facts: Facts) -> str:
    cur = {"currencyID": facts.currency}
    rows = (
        wrap(
            "cac:TaxSubtotal",
            tag("cbc:TaxableAmount", base, **cur),
            tag("cbc:TaxAmount", amount, **cur),
            wrap(
                "cac:TaxCategory",
                tag("cbc:ID", category),
                tag("cbc:Percent", rate),
                tag("cbc:TaxExemptionReasonCode", facts.exemption),
            ),
        )
        for category, rate, base, amount in facts.rows
    )
    return wrap("cac:TaxTotal", tag("cbc:TaxAmount", facts.tax, **cur), *rows) + wrap(
        "cac:LegalMonetaryTotal",
        tag("cbc:TaxExclusiveAmount", facts.excl, **cur),
        tag("cbc:TaxInclusiveAmount", facts.incl, **cur),
        tag("cbc:PrepaidAmount", facts.prepaid, **cur),
        tag("cbc:PayableAmount", facts.payable, **cur),
    )


def _lines(facts: Facts, line: str, kind: str) -> str:
    return "".join(
        f'<cac:{line}><cbc:ID>{n}</cbc:ID><cbc:{kind}Quantity unitCode="C62">{n}.5</cbc:{kind}Quantity>'
        f'<cbc:LineExtensionAmount currencyID="EUR">{n}0.00</cbc:LineExtensionAmount>'
        f"<cac:Item><cbc:Name>Article {n}</cbc:Name><cac:ClassifiedTaxCategory><cbc:ID>S</cbc:ID>"
        f"<cbc:Percent>20</cbc:Percent></cac:ClassifiedTaxCategory></cac:Item>"
        f"<cac:Price><cbc:PriceAmount>{n}.123456</cbc:PriceAmount></cac:Price></cac:{line}>"
        for n in range(1, facts.lines + 1)
    )


def _attachment(name: str, media_type: str, content: bytes) -> str:
    encoded = base64.encodebytes(content).decode()
    binary = tag("cbc:EmbeddedDocumentBinaryObject", encoded, mimeCode=media_type, filename=name)
    return wrap("cac:AdditionalDocumentReference", tag("cbc:ID", "PJ"), wrap("cac:Attachment", binary))
