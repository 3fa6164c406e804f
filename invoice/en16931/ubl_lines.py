"""UBL: what each line must hold, with its allowances and charges."""

from invoice.en16931.fired import Fired
from invoice.en16931.ubl_facts import LINES, Facts
from invoice.en16931.values import double, has_text, is_nil, more_than_two_decimals
from invoice.syntax.elements import Document, Element

# Of an allowance and of a charge: amount, reason (two rules say it), decimals of amount and base.
_ON_LINE = {
    False: ("BR-41", "BR-42", "BR-CO-23", "BR-DEC-24", "BR-DEC-25"),
    True: ("BR-43", "BR-44", "BR-CO-24", "BR-DEC-27", "BR-DEC-28"),
}


def check(document: Document, facts: Facts, fired: Fired) -> None:
    """Every rule of the lines."""
    for line in facts.lines:
        _line(line, fired)
        _item(line, fired)
    for indicator in (False, True):
        for element in facts.of_kind(indicator):
            if element.parent is not None and element.parent.tag in LINES:
                _adjustment(element, indicator, fired)
    for detail in document.all("cac:AdditionalItemProperty"):
        if not (detail.all("cbc:Name") and detail.all("cbc:Value")):
            fired.add("BR-54", detail)


def _line(line: Element, fired: Fired) -> None:
    quantities = line.all("cbc:InvoicedQuantity") or line.all("cbc:CreditedQuantity")
    nets = line.all("cbc:LineExtensionAmount")
    if not has_text(line.all("cbc:ID")):
        fired.add("BR-21", line)
    if not quantities:
        fired.add("BR-22", line)
    units = (*line.all("cbc:InvoicedQuantity"), *line.all("cbc:CreditedQuantity"))
    if all(quantity.get("unitCode") is None for quantity in units):
        fired.add("BR-23", line)
    if not nets:
        fired.add("BR-24", line)
    elif more_than_two_decimals(nets):
        fired.add("BR-DEC-23", line)
    prices = line.along("cac:Price", "cbc:PriceAmount")
    if not prices:
        fired.add("BR-26", line)
    if not any(_is_price(price) for price in prices):
        fired.add("BR-27", line)
    gross = line.along("cac:Price", "cac:AllowanceCharge", "cbc:BaseAmount")
    if gross and not any(_is_price(price) for price in gross):
        fired.add("BR-28", line)


def _item(line: Element, fired: Fired) -> None:
    items = line.all("cac:Item")
    if not has_text([name for item in items for name in item.all("cbc:Name")]):
        fired.add("BR-25", line)
    if not any(
        category.all("cbc:ID") and Facts.is_vat(category)
        for item in items
        for category in item.all("cac:ClassifiedTaxCategory")
    ):
        fired.add("BR-CO-04", line)
    for item in items:
        for code in item.along("cac:CommodityClassification", "cbc:ItemClassificationCode"):
            if code.get("listID") is None:
                fired.add("BR-65", code)
        for number in item.along("cac:StandardItemIdentification", "cbc:ID"):
            if number.get("schemeID") is None:
                fired.add("BR-64", number)


def _adjustment(element: Element, indicator: bool, fired: Fired) -> None:
    missing, reason, also_reason, decimals, base_decimals = _ON_LINE[indicator]
    amounts = element.all("cbc:Amount")
    if not amounts:
        fired.add(missing, element)
    if not (element.all("cbc:AllowanceChargeReason") or element.all("cbc:AllowanceChargeReasonCode")):
        fired.add(reason, element)
        fired.add(also_reason, element)
    if more_than_two_decimals(amounts):
        fired.add(decimals, element)
    if more_than_two_decimals(element.all("cbc:BaseAmount")):
        fired.add(base_decimals, element)


def _is_price(price: Element) -> bool:
    value = double(price.text)
    return value > 0 or is_nil(value)
