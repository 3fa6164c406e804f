"""CII: what each line must hold; seller, payee and tax representative."""

from invoice.en16931.cii_facts import (
    AGREEMENT,
    LINE,
    LINE_SETTLEMENT,
    LINE_SUMS,
    SETTLEMENT,
    TAX,
    TRANSACTION,
    is_vat,
)
from invoice.en16931.codelists import VAT_PREFIXES_CII
from invoice.en16931.fired import Fired
from invoice.en16931.values import double, has_text, is_nil, more_than_two_decimals, tidy
from invoice.syntax.elements import Document, Element

_PRICES = ("ram:SpecifiedLineTradeAgreement", "ram:NetPriceProductTradePrice", "ram:ChargeAmount")
_GROSS = ("ram:SpecifiedLineTradeAgreement", "ram:GrossPriceProductTradePrice", "ram:ChargeAmount")


def check(document: Document, fired: Fired) -> None:
    """Every rule of the lines and of the parties that are not the buyer."""
    broken_down = any(one.along(SETTLEMENT, TAX) for one in document.all(TRANSACTION))
    for line in document.all(LINE):
        _line(line, fired)
        _product(line, fired)
        if not broken_down:
            fired.add("BR-CO-18", line)
    for detail in document.all("ram:ApplicableProductCharacteristic"):
        if not (detail.all("ram:Description") and detail.all("ram:Value")):
            fired.add("BR-54", detail)
    for classified in document.all("ram:DesignatedProductClassification"):
        codes = classified.all("ram:ClassCode")
        if codes and not (len(codes) == 1 and tidy(codes[0].get("listID") or "")):
            fired.add("BR-65", classified)
    _seller(document, fired)
    _payees(document, fired)
    _agents(document, fired)


def _line(line: Element, fired: Fired) -> None:
    if not has_text(line.along("ram:AssociatedDocumentLineDocument", "ram:LineID")):
        fired.add("BR-21", line)
    quantities = line.along("ram:SpecifiedLineTradeDelivery", "ram:BilledQuantity")
    if not quantities:
        fired.add("BR-22", line)
    if all(quantity.get("unitCode") is None for quantity in quantities):
        fired.add("BR-23", line)
    nets = line.along(LINE_SETTLEMENT, LINE_SUMS, "ram:LineTotalAmount")
    if not nets:
        fired.add("BR-24", line)
    elif more_than_two_decimals(nets):
        fired.add("BR-DEC-23", line)
    prices = line.along(*_PRICES)
    if not prices:
        fired.add("BR-26", line)
    if not any(_is_price(price) for price in prices):
        fired.add("BR-27", line)
    gross = line.along(*_GROSS)
    if gross and not any(_is_price(price) for price in gross):
        fired.add("BR-28", line)
    if not any(is_vat(tax) and tax.all("ram:CategoryCode") for tax in line.along(LINE_SETTLEMENT, TAX)):
        fired.add("BR-CO-04", line)


def _product(line: Element, fired: Fired) -> None:
    products = line.all("ram:SpecifiedTradeProduct")
    if not has_text([name for product in products for name in product.all("ram:Name")]):
        fired.add("BR-25", line)
    numbers = [number for product in products for number in product.all("ram:GlobalID")]
    schemes = [scheme for number in numbers if (scheme := number.get("schemeID")) is not None]
    if numbers and not (len(schemes) == 1 and tidy(schemes[0])):
        fired.add("BR-64", line)


def _seller(document: Document, fired: Fired) -> None:
    for seller in document.all("ram:SellerTradeParty"):
        registered = seller.along("ram:SpecifiedTaxRegistration", "ram:ID")
        if not (
            seller.all("ram:ID")
            or seller.all("ram:GlobalID")
            or seller.along("ram:SpecifiedLegalOrganization", "ram:ID")
            or any(number.get("schemeID") == "VA" for number in registered)
        ):
            fired.add("BR-CO-26", seller)
    for number in document.under("ram:SpecifiedTaxRegistration", "ram:ID"):
        if number.get("schemeID") == "VA" and number.text[:2] not in VAT_PREFIXES_CII:
            fired.add("BR-CO-09", number)


def _payees(document: Document, fired: Fired) -> None:
    sellers: dict[int, tuple[set[str], set[str], set[str]]] = {}
    for payee in document.all("ram:PayeeTradeParty"):
        holder = payee.parent.parent if payee.parent is not None else None
        key = id(holder)
        if key not in sellers:
            found = [] if holder is None else holder.along(AGREEMENT, "ram:SellerTradeParty")
            sellers[key] = _marks(found)
        ours = _marks([payee])
        if not ours[0] or any(mine & theirs for mine, theirs in zip(ours, sellers[key], strict=True)):
            fired.add("BR-17", payee)


def _marks(parties: list[Element]) -> tuple[set[str], set[str], set[str]]:
    """The names, the numbers and the legal numbers of parties."""
    return (
        {one.text for party in parties for one in party.all("ram:Name")},
        {one.text for party in parties for one in party.all("ram:ID")},
        {one.text for party in parties for one in party.along("ram:SpecifiedLegalOrganization", "ram:ID")},
    )


def _agents(document: Document, fired: Fired) -> None:
    for agent in document.all("ram:SellerTaxRepresentativeTradeParty"):
        addresses = agent.all("ram:PostalTradeAddress")
        numbers = agent.along("ram:SpecifiedTaxRegistration", "ram:ID")
        if not has_text(agent.all("ram:Name")):
            fired.add("BR-18", agent)
        if not addresses:
            fired.add("BR-19", agent)
        if not has_text([one for address in addresses for one in address.all("ram:CountryID")]):
            fired.add("BR-20", agent)
        if not has_text([number for number in numbers if number.get("schemeID") == "VA"]):
            fired.add("BR-56", agent)


def _is_price(price: Element) -> bool:
    value = double(price.text)
    return value > 0 or is_nil(value)
