"""UBL: what an invoice must hold as a whole, its totals, allowances, charges, payment and references."""

from invoice.en16931.fired import Fired
from invoice.en16931.ubl_facts import Facts
from invoice.en16931.values import ZERO, amount, has_text, more_than_two_decimals, text_of, tidy, to_cents
from invoice.syntax.elements import Document, Element

_TRANSFER = ("30", "58")
# The presence of a text, by the children of the root.
_TEXTS = (("BR-01", "cbc:CustomizationID"), ("BR-02", "cbc:ID"), ("BR-03", "cbc:IssueDate"))
_TOTAL_DECIMALS = (
    ("BR-DEC-09", "cbc:LineExtensionAmount"),
    ("BR-DEC-10", "cbc:AllowanceTotalAmount"),
    ("BR-DEC-11", "cbc:ChargeTotalAmount"),
    ("BR-DEC-12", "cbc:TaxExclusiveAmount"),
    ("BR-DEC-14", "cbc:TaxInclusiveAmount"),
    ("BR-DEC-16", "cbc:PrepaidAmount"),
    ("BR-DEC-17", "cbc:PayableRoundingAmount"),
    ("BR-DEC-18", "cbc:PayableAmount"),
)
_TOTALS = (
    ("BR-12", "cbc:LineExtensionAmount"),
    ("BR-13", "cbc:TaxExclusiveAmount"),
    ("BR-14", "cbc:TaxInclusiveAmount"),
    ("BR-15", "cbc:PayableAmount"),
)
# Of an allowance and of a charge: amount, VAT category, reason (two rules say it), decimals of amount and base.
_ON_DOCUMENT = {
    False: ("BR-31", "BR-32", "BR-33", "BR-CO-21", "BR-DEC-01", "BR-DEC-02"),
    True: ("BR-36", "BR-37", "BR-38", "BR-CO-22", "BR-DEC-05", "BR-DEC-06"),
}


def check(document: Document, facts: Facts, fired: Fired) -> None:
    """Every rule of the whole document."""
    root = document.root
    _present(root, fired)
    _currencies(root, fired, document)
    for element in document.all("cac:LegalMonetaryTotal"):
        _monetary_total(element, facts, fired)
    for indicator in (False, True):
        for element in facts.of_kind(indicator):
            if element.parent is root:
                _adjustment(element, indicator, fired)
    _payment(document, fired)
    _references(document, fired)
    _periods(document, fired)


def _present(root: Element, fired: Fired) -> None:
    for code, tag in _TEXTS:
        if not has_text(root.all(tag)):
            fired.add(code, root)
    if not (has_text(root.all("cbc:InvoiceTypeCode")) or has_text(root.all("cbc:CreditNoteTypeCode"))):
        fired.add("BR-04", root)
    if not has_text(root.all("cbc:DocumentCurrencyCode")):
        fired.add("BR-05", root)
    if not (root.all("cac:InvoiceLine") or root.all("cac:CreditNoteLine")):
        fired.add("BR-16", root)
    if not root.along("cac:TaxTotal", "cac:TaxSubtotal"):
        fired.add("BR-CO-18", root)
    if root.all("cbc:TaxPointDate") and root.along("cac:InvoicePeriod", "cbc:DescriptionCode"):
        fired.add("BR-CO-03", root)
    _named(root, fired)


def _named(root: Element, fired: Fired) -> None:
    for side, name, address in (("Supplier", "BR-06", "BR-08"), ("Customer", "BR-07", "BR-10")):
        party = f"cac:Accounting{side}Party"
        if not has_text(root.along(party, "cac:Party", "cac:PartyLegalEntity", "cbc:RegistrationName")):
            fired.add(name, root)
        if not root.along(party, "cac:Party", "cac:PostalAddress"):
            fired.add(address, root)


def _currencies(root: Element, fired: Fired, document: Document) -> None:
    written = {tax.get("currencyID") for tax in document.under("cac:TaxTotal", "cbc:TaxAmount")}
    for currency in root.all("cbc:TaxCurrencyCode"):
        if currency.text not in written:
            fired.add("BR-53", currency)
    excl = amount(root.along("cac:LegalMonetaryTotal", "cbc:TaxExclusiveAmount"))
    incl = amount(root.along("cac:LegalMonetaryTotal", "cbc:TaxInclusiveAmount"))
    by_currency: dict[str | None, list[Element]] = {}
    for tax in root.along("cac:TaxTotal", "cbc:TaxAmount"):
        by_currency.setdefault(tax.get("currencyID"), []).append(tax)
    for currency in root.all("cbc:DocumentCurrencyCode"):
        own = by_currency.get(currency.text, [])
        if len(own) != 1 or incl != to_cents(excl + amount(own)):
            fired.add("BR-CO-15", root)


def _monetary_total(element: Element, facts: Facts, fired: Fired) -> None:
    for code, tag in _TOTALS:
        if not element.all(tag):
            fired.add(code, element)
    for code, tag in _TOTAL_DECIMALS:
        if more_than_two_decimals(element.all(tag)):
            fired.add(code, element)
    lines = amount(element.all("cbc:LineExtensionAmount"))
    if lines != to_cents(facts.lines_total):
        fired.add("BR-CO-10", element)
    for code, tag, indicator in (
        ("BR-CO-11", "cbc:AllowanceTotalAmount", False),
        ("BR-CO-12", "cbc:ChargeTotalAmount", True),
    ):
        given = element.all(tag)
        added = facts.beside(element.parent, indicator)
        if (given or added is not None) and amount(given) != to_cents(added or ZERO):
            fired.add(code, element)
    _excluding_tax(element, fired)
    _payable(element, fired)


def _excluding_tax(element: Element, fired: Fired) -> None:
    lines = amount(element.all("cbc:LineExtensionAmount"))
    charges, allowances = element.all("cbc:ChargeTotalAmount"), element.all("cbc:AllowanceTotalAmount")
    expected = lines
    if charges:
        expected += amount(charges)
    if allowances:
        expected -= amount(allowances)
    if charges or allowances:
        expected = to_cents(expected)
    if amount(element.all("cbc:TaxExclusiveAmount")) != expected:
        fired.add("BR-CO-13", element)


def _payable(element: Element, fired: Fired) -> None:
    payable, due = amount(element.all("cbc:PayableAmount")), amount(element.all("cbc:TaxInclusiveAmount"))
    prepaid, rounding = element.all("cbc:PrepaidAmount"), element.all("cbc:PayableRoundingAmount")
    if prepaid:
        due = to_cents(due - amount(prepaid))
    if rounding:
        payable = to_cents(payable - amount(rounding))
    if payable != due:
        fired.add("BR-CO-16", element)


def _adjustment(element: Element, indicator: bool, fired: Fired) -> None:
    missing, category, reason, also_reason, decimals, base_decimals = _ON_DOCUMENT[indicator]
    amounts = element.all("cbc:Amount")
    if not amounts:
        fired.add(missing, element)
    if not any(one.all("cbc:ID") for one in element.all("cac:TaxCategory") if Facts.is_vat(one)):
        fired.add(category, element)
    if not (element.all("cbc:AllowanceChargeReason") or element.all("cbc:AllowanceChargeReasonCode")):
        fired.add(reason, element)
        fired.add(also_reason, element)
    if more_than_two_decimals(amounts):
        fired.add(decimals, element)
    if more_than_two_decimals(element.all("cbc:BaseAmount")):
        fired.add(base_decimals, element)


def _payment(document: Document, fired: Fired) -> None:
    for means in document.all("cac:PaymentMeans"):
        codes = means.all("cbc:PaymentMeansCode")
        accounts = means.all("cac:PayeeFinancialAccount")
        if not codes:
            fired.add("BR-49", means)
        if text_of(codes) in _TRANSFER and not any(account.all("cbc:ID") for account in accounts):
            fired.add("BR-61", means)
        if any(code.text in _TRANSFER for code in codes):
            for account in accounts:
                if not has_text(account.all("cbc:ID")):
                    fired.add("BR-50", account)
        for number in means.along("cac:CardAccount", "cbc:PrimaryAccountNumberID"):
            if len(tidy(number.text)) > 10:
                fired.add("BR-51", number)


def _references(document: Document, fired: Fired) -> None:
    for piece in document.all("cac:AdditionalDocumentReference"):
        if not has_text(piece.all("cbc:ID")):
            fired.add("BR-52", piece)
    for reference in document.all("cac:BillingReference"):
        if not reference.along("cac:InvoiceDocumentReference", "cbc:ID"):
            fired.add("BR-55", reference)
    for place in document.under("cac:DeliveryLocation", "cac:Address"):
        location = place.parent
        if location is None or location.parent is None or location.parent.tag != "cac:Delivery":
            continue
        if not place.along("cac:Country", "cbc:IdentificationCode"):
            fired.add("BR-57", place)


def _periods(document: Document, fired: Fired) -> None:
    for period in document.all("cac:InvoicePeriod"):
        parent = period.parent
        if parent is not None and parent.tag in ("cac:InvoiceLine", "cac:CreditNoteLine"):
            order, empty, codes = "BR-30", "BR-CO-20", False
        else:
            order, empty, codes = "BR-29", "BR-CO-19", bool(period.all("cbc:DescriptionCode"))
        starts, ends = period.all("cbc:StartDate"), period.all("cbc:EndDate")
        if starts and ends and not Facts.in_order(starts, ends):
            fired.add(order, period)
        if not (starts or ends or codes):
            fired.add(empty, period)
