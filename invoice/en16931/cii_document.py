"""CII: what an invoice must hold as a whole, its totals, allowances, charges, payment and references."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from invoice.en16931.cii_facts import (
    ADJUSTMENT_TAX,
    CATEGORY,
    DELIVERY,
    LINE,
    LINE_SETTLEMENT,
    SETTLEMENT,
    SUMS,
    TRANSACTION,
    Facts,
    is_vat,
)
from invoice.en16931.fired import Fired
from invoice.en16931.values import (
    amount,
    decimal,
    double,
    has_text,
    more_than_two_decimals,
    rounded_double,
    same,
    tidy,
    to_cents,
)
from invoice.syntax.elements import Document, Element

_TRANSFER = ("30", "58")
_TOTALS = (
    ("BR-12", "ram:LineTotalAmount"),
    ("BR-13", "ram:TaxBasisTotalAmount"),
    ("BR-14", "ram:GrandTotalAmount"),
    ("BR-15", "ram:DuePayableAmount"),
)
_TOTAL_DECIMALS = (
    ("BR-DEC-09", "ram:LineTotalAmount"),
    ("BR-DEC-10", "ram:AllowanceTotalAmount"),
    ("BR-DEC-11", "ram:ChargeTotalAmount"),
    ("BR-DEC-12", "ram:TaxBasisTotalAmount"),
    ("BR-DEC-14", "ram:GrandTotalAmount"),
    ("BR-DEC-16", "ram:TotalPrepaidAmount"),
    ("BR-DEC-17", "ram:RoundingAmount"),
    ("BR-DEC-18", "ram:DuePayableAmount"),
)
# Of an allowance and of a charge of the document: amount, VAT category, reason (two rules say it), decimals of both.
_ON_DOCUMENT: Mapping[str, tuple[str, str | None, str, str, str, str]] = {
    "false": ("BR-31", "BR-32", "BR-33", "BR-CO-21", "BR-DEC-01", "BR-DEC-02"),
    "true": ("BR-36", "BR-37", "BR-38", "BR-CO-22", "BR-DEC-05", "BR-DEC-06"),
}
# The same on a line, where no rule asks for a category.
_ON_LINE: Mapping[str, tuple[str, str | None, str, str, str, str]] = {
    "false": ("BR-41", None, "BR-42", "BR-CO-23", "BR-DEC-24", "BR-DEC-25"),
    "true": ("BR-43", None, "BR-44", "BR-CO-24", "BR-DEC-27", "BR-DEC-28"),
}
_ADJUSTMENTS: Mapping[str, Mapping[str, tuple[str, str | None, str, str, str, str]]] = {
    SETTLEMENT: _ON_DOCUMENT,
    LINE_SETTLEMENT: _ON_LINE,
}


def check(document: Document, facts: Facts, fired: Fired) -> None:
    """Every rule of the whole document."""
    _present(document.root, facts, fired)
    _including_tax(facts, fired)
    for element in document.all(SUMS):
        _monetary_total(element, facts, fired)
        _sums(element, facts, fired)
    for ones in facts.adjustments.values():
        for one in ones:
            _adjustment(one, fired)
    _payment(document, fired)
    _references(document, fired)
    _periods(document, fired)


def _present(root: Element, facts: Facts, fired: Fired) -> None:
    document = root.all("rsm:ExchangedDocument")
    context = ("rsm:ExchangedDocumentContext", "ram:GuidelineSpecifiedDocumentContextParameter", "ram:ID")
    days = [day for one in document for day in one.along("ram:IssueDateTime", "udt:DateTimeString")]
    texts = (
        ("BR-01", root.along(*context)),
        ("BR-02", [number for one in document for number in one.all("ram:ID")]),
        ("BR-03", [day for day in days if day.get("format") == "102"]),
        ("BR-04", [kind for one in document for kind in one.all("ram:TypeCode")]),
        ("BR-05", [one for settlement in facts.settlements for one in settlement.all("ram:InvoiceCurrencyCode")]),
    )
    for code, found in texts:
        if not has_text(found):
            fired.add(code, root)
    for tag, name, address, country, scheme in (
        ("ram:SellerTradeParty", "BR-06", "BR-08", "BR-09", "BR-62"),
        ("ram:BuyerTradeParty", "BR-07", "BR-10", "BR-11", "BR-63"),
    ):
        parties = [party for agreement in facts.agreements for party in agreement.all(tag)]
        addresses = [one for party in parties for one in party.all("ram:PostalTradeAddress")]
        if not has_text([one for party in parties for one in party.all("ram:Name")]):
            fired.add(name, root)
        if not addresses:
            fired.add(address, root)
        if not has_text([one for place in addresses for one in place.all("ram:CountryID")]):
            fired.add(country, root)
        _electronic_address(parties, scheme, fired)
    if not facts.document.all(LINE):
        fired.add("BR-16", root)


def _electronic_address(parties: Sequence[Element], code: str, fired: Fired) -> None:
    ways = [ways for party in parties if (ways := party.all("ram:URIUniversalCommunication"))]
    schemes = [one.get("schemeID") for way in ways for one in way[0].all("ram:URIID")]
    given = [scheme for scheme in schemes if scheme is not None]
    if ways and not (len(given) == 1 and tidy(given[0])):
        fired.add(code, ways[0][0])


def _including_tax(facts: Facts, fired: Fired) -> None:
    """Total excluding tax and tax make the total including it; or there is no tax at all."""
    incl = _first(facts.sums, "ram:GrandTotalAmount")
    excl = _first(facts.sums, "ram:TaxBasisTotalAmount")
    taxes: dict[str | None, list[Element]] = {}
    for one in (tax for sums in facts.sums for tax in sums.all("ram:TaxTotalAmount")):
        taxes.setdefault(one.get("currencyID"), []).append(one)
    for currency in facts.currencies:
        own = taxes.get(currency, [])
        if not (len(own) == 1 and incl == to_cents(excl + decimal(own[0].text))) and incl != excl:
            fired.add("BR-CO-15", facts.root)


def _first(holders: Sequence[Element], tag: str) -> Decimal:
    """The first amount of a name below several elements."""
    found = [one for holder in holders for one in holder.all(tag)[:1]]
    return decimal(found[0].text) if found else decimal("")


def _monetary_total(element: Element, facts: Facts, fired: Fired) -> None:
    for code, tag in _TOTALS:
        if not element.all(tag):
            fired.add(code, element)
    for code, tag in _TOTAL_DECIMALS:
        if more_than_two_decimals(element.all(tag)):
            fired.add(code, element)
    _tax_totals(element, facts, fired)


def _tax_totals(element: Element, facts: Facts, fired: Fired) -> None:
    taxes = element.all("ram:TaxTotalAmount")
    by_currency = [(tax, tax.get("currencyID")) for tax in taxes]
    if facts.tax_currencies:
        written = {currency for _, currency in by_currency}
        if not written & facts.tax_currencies or facts.tax_currencies & facts.currencies:
            fired.add("BR-53", element)
        if taxes and not any(c in facts.tax_currencies and _has_cents(tax) for tax, c in by_currency):
            fired.add("BR-DEC-15", element)
    if taxes and not any(c not in facts.currencies or _has_cents(tax) for tax, c in by_currency):
        fired.add("BR-DEC-13", element)
    for tax, currency in by_currency:
        if currency is not None and currency in facts.currencies and not same(double(tax.text), facts.tax_of_rows):
            fired.add("BR-CO-14", tax)


def _has_cents(tax: Element) -> bool:
    value = double(tax.text)
    return same(value, rounded_double(value * 100) / 100)


def _sums(element: Element, facts: Facts, fired: Fired) -> None:
    lines = amount(element.all("ram:LineTotalAmount"))
    transaction = element.parent.parent if element.parent is not None else None
    if lines != to_cents(facts.lines_total(transaction)):
        fired.add("BR-CO-10", element)
    for code, tag, charge in (
        ("BR-CO-11", "ram:AllowanceTotalAmount", False),
        ("BR-CO-12", "ram:ChargeTotalAmount", True),
    ):
        added = facts.adjusted.get(charge)
        given = element.all(tag)
        if (given or added is not None) and not any(same(double(one.text), _cents(added or 0.0)) for one in given):
            fired.add(code, element)
    charges, allowances = element.all("ram:ChargeTotalAmount"), element.all("ram:AllowanceTotalAmount")
    expected = _one(element, "ram:LineTotalAmount")
    if allowances:
        expected -= decimal(allowances[0].text)
    if charges:
        expected += decimal(charges[0].text)
    if _one(element, "ram:TaxBasisTotalAmount") != to_cents(expected):
        fired.add("BR-CO-13", element)
    due = _one(element, "ram:GrandTotalAmount")
    if element.all("ram:TotalPrepaidAmount"):
        due -= _one(element, "ram:TotalPrepaidAmount")
    if element.all("ram:RoundingAmount"):
        due += _one(element, "ram:RoundingAmount")
    if _one(element, "ram:DuePayableAmount") != due:
        fired.add("BR-CO-16", element)


def _one(element: Element, tag: str) -> Decimal:
    return _first((element,), tag)


def _cents(value: float) -> float:
    return rounded_double(value * 10 * 10) / 100


def _adjustment(element: Element, fired: Fired) -> None:
    holder = element.parent
    if holder is None or holder.tag not in _ADJUSTMENTS:
        return
    table = _ADJUSTMENTS[holder.tag]
    for indicator in element.all("ram:ChargeIndicator"):
        said = {one.text for one in indicator.all("udt:Indicator")}
        word = next((word for word in table if word in said), None)  # what says both is an allowance
        if word is None:
            continue
        missing, category, reason, also_reason, decimals, base_decimals = table[word]
        amounts = element.all("ram:ActualAmount")
        if not amounts:
            fired.add(missing, element)
        if category and not any(one.all(CATEGORY) and is_vat(one) for one in element.all(ADJUSTMENT_TAX)):
            fired.add(category, element)
        if not (element.all("ram:Reason") or element.all("ram:ReasonCode")):
            fired.add(reason, element)
            fired.add(also_reason, element)
        if more_than_two_decimals(amounts[:1]):
            fired.add(decimals, element)
        if more_than_two_decimals(element.all("ram:BasisAmount")):
            fired.add(base_decimals, element)


def _payment(document: Document, fired: Fired) -> None:
    for means in document.all("ram:SpecifiedTradeSettlementPaymentMeans"):
        codes = means.all("ram:TypeCode")
        if not codes:
            fired.add("BR-49", means)
        if any(code.text in _TRANSFER for code in codes):
            for account in means.all("ram:PayeePartyCreditorFinancialAccount"):
                ibans, others = account.all("ram:IBANID"), account.all("ram:ProprietaryID")
                if not (has_text(ibans) or has_text(others)):
                    fired.add("BR-50", account)
                if not (ibans or others):
                    fired.add("BR-61", account)
    for card in document.all("ram:ApplicableTradeSettlementFinancialCard"):
        numbers = card.all("ram:ID")
        if len(numbers) > 1 or (numbers and len(tidy(numbers[0].text)) > 10):
            fired.add("BR-51", card)


def _references(document: Document, fired: Fired) -> None:
    root = document.root
    for piece in document.all("ram:AdditionalReferencedDocument"):
        if not has_text(piece.all("ram:IssuerAssignedID")):
            fired.add("BR-52", piece)
    for reference in root.along(TRANSACTION, SETTLEMENT, "ram:InvoiceReferencedDocument"):
        if not has_text(reference.all("ram:IssuerAssignedID")):
            fired.add("BR-55", reference)
    for delivery in root.along(TRANSACTION, DELIVERY):
        addresses = delivery.along("ram:ShipToTradeParty", "ram:PostalTradeAddress")
        if addresses and not has_text([one for place in addresses for one in place.all("ram:CountryID")]):
            fired.add("BR-57", delivery)


def _periods(document: Document, fired: Fired) -> None:
    for holder, order, empty in ((LINE_SETTLEMENT, "BR-30", "BR-CO-20"), (SETTLEMENT, "BR-29", "BR-CO-19")):
        for period in document.under(holder, "ram:BillingSpecifiedPeriod"):
            starts, ends = period.all("ram:StartDateTime"), period.all("ram:EndDateTime")
            if not (starts or ends):
                fired.add(empty, period)
            if starts and ends and not _in_order(starts, ends):
                fired.add(order, period)


def _in_order(starts: Sequence[Element], ends: Sequence[Element]) -> bool:
    """Days written AAAAMMJJ compare as texts."""
    first, last = _days(starts), _days(ends)
    return bool(first and last) and max(last) >= min(first)


def _days(moments: Sequence[Element]) -> list[str]:
    return [day.text for moment in moments for day in moment.all("udt:DateTimeString") if day.get("format") == "102"]
