"""UBL: the VAT breakdown and the rules of each VAT category."""

from collections.abc import Iterable
from decimal import Decimal

from invoice.en16931.fired import Fired
from invoice.en16931.ubl_facts import LINES, Category, Facts
from invoice.en16931.values import (
    HUNDRED,
    ONE,
    amount,
    double,
    is_nil,
    more_than_two_decimals,
    rounded,
    text_of,
    to_cents,
    total,
)
from invoice.syntax.elements import Document, Element

#: The code of a category and the name that its rules have.
FAMILIES = {
    "S": "S",
    "Z": "Z",
    "E": "E",
    "AE": "AE",
    "K": "IC",
    "G": "G",
    "O": "O",
    "L": "AF",
    "M": "AG",
}
_TAXED = ("S", "L", "M")


def check(document: Document, facts: Facts, fired: Fired) -> None:
    """Every rule of VAT."""
    for taxes in facts.root.all("cac:TaxTotal"):
        rows = taxes.all("cac:TaxSubtotal")
        added = total(part for row in rows for part in row.all("cbc:TaxAmount"))
        if rows and amount(taxes.all("cbc:TaxAmount")) != to_cents(added):
            fired.add("BR-CO-14", taxes)
    for row in document.under("cac:TaxTotal", "cac:TaxSubtotal"):
        _row(row, fired)
    used = {one.code for one in (*facts.categories, *facts.classified)}
    for code in used & FAMILIES.keys():
        _family(code, facts, fired)
    for one in facts.breakdown:
        if one.is_vat and one.code in FAMILIES:
            _breakdown(one, facts, fired)
    _lines(facts, fired)
    _adjustments(facts, fired)
    if "O" in used:
        _nothing_else(facts, fired)
    if "B" in used:
        _split_payment(document, facts, fired)
    if any(one.is_vat and one.code == "K" for one in facts.breakdown):
        _delivery(facts, fired)


def _row(row: Element, fired: Fired) -> None:
    bases, taxes = row.all("cbc:TaxableAmount"), row.all("cbc:TaxAmount")
    if not bases:
        fired.add("BR-45", row)
    elif more_than_two_decimals(bases):
        fired.add("BR-DEC-19", row)
    if not taxes:
        fired.add("BR-46", row)
    elif more_than_two_decimals(taxes):
        fired.add("BR-DEC-20", row)
    categories = [one for one in row.all("cac:TaxCategory") if Facts.is_vat(one)]
    rates = [rate for one in categories for rate in one.all("cbc:Percent")]
    if not any(one.all("cbc:ID") for one in categories):
        fired.add("BR-47", row)
    if not rates and not any(text_of(one.all("cbc:ID")) == "O" for one in categories):
        fired.add("BR-48", row)
    if not _is_rate_of(amount(bases), rates, amount(taxes)):
        fired.add("BR-CO-17", row)


def _is_rate_of(base: Decimal, rates: list[Element], tax: Decimal) -> bool:
    """Whether the tax is the base at the rate, within one unit of the currency; nil where the rate is."""
    rate = amount(rates)
    if not rates or rounded(rate) == 0:
        return rounded(tax) == 0
    return _within_one(abs(tax), to_cents(abs(base) * (rate / HUNDRED)))


def _within_one(value: Decimal, expected: Decimal) -> bool:
    return value - ONE < expected and value + ONE > expected


def _family(code: str, facts: Facts, fired: Fired) -> None:
    """Whether a category that is used stands in the breakdown, and whether the parties have the numbers it asks for."""
    name, root = FAMILIES[code], facts.root
    used = [one for one in facts.classified if one.code == code and one.is_vat]
    if not _stands_in_breakdown(code, facts):
        fired.add(f"BR-{name}-01", root)
    if not _numbers_hold(code, facts):
        if used or (code == "S" and any(one.code == "S" for one in facts.classified)):
            fired.add(f"BR-{name}-02", root)
        for indicator, number in ((False, "03"), (True, "04")):
            found = [one for one in facts.adjusting[indicator] if one.code == code and one.is_vat]
            if code == "O":
                found = [one for one in found if _of_document(one, root)]
            if code == "L" and indicator:
                found = [one for one in found if one.raw == "L"]
            if found:
                fired.add(f"BR-{name}-{number}", root)
    elif code == "S" and not used and any(one.code == "S" for one in facts.classified):
        fired.add("BR-S-02", root)


def _of_document(one: Category, root: Element) -> bool:
    return one.element.parent is not None and one.element.parent.parent is root


def _stands_in_breakdown(code: str, facts: Facts) -> bool:
    adjusting = [one for ones in facts.adjusting.values() for one in ones if one.code == code]
    classified = [one for one in facts.classified if one.code == code]
    rows = [one for one in facts.breakdown if one.code == code]
    if code == "S":
        return bool(rows) == bool(adjusting or classified)
    if code in _TAXED:
        if any(one.is_vat for one in (*adjusting, *classified)):
            return any(one.raw == code and (one.is_vat or code == "L") for one in rows)
        return not any(one.is_vat for one in rows)
    if any(one.is_vat and one.code == code for one in (*facts.categories, *classified)):
        return sum(one.is_vat for one in rows) == 1
    return True


def _numbers_hold(code: str, facts: Facts) -> bool:
    if code == "O":
        return not (facts.supplier_vat or facts.agent_vat or facts.buyer_vat)
    if code in ("G", "K"):
        return (facts.supplier_vat or facts.agent_vat) and (code == "G" or facts.buyer_vat)
    seller = facts.supplier_taxed or facts.agent_vat
    return seller and (code != "AE" or facts.buyer_vat or facts.buyer_legal)


def _breakdown(one: Category, facts: Facts, fired: Fired) -> None:
    """One row of the document's breakdown: its base is what its category makes, its tax and its reason fit."""
    element, code, name = one.element, one.code, FAMILIES[one.code]
    row = element.parent
    assert row is not None
    bases = row.all("cbc:TaxableAmount")
    base, tax = amount(bases), amount(row.all("cbc:TaxAmount"))
    reasons = bool(element.all("cbc:TaxExemptionReason") or element.all("cbc:TaxExemptionReasonCode"))
    if code in _TAXED:
        base_holds = all(_makes_rate(code, amount([rate]), bases, facts) for rate in element.all("cbc:Percent"))
        tax_holds = _within_one(abs(tax), to_cents(abs(base) * (one.rate / HUNDRED)))
    else:
        base_holds = any(facts.document.all(tag) and base == facts.summed(tag, code) for tag in LINES)
        tax_holds = tax == 0
    if not base_holds:
        fired.add(f"BR-{name}-08", row)
    if not tax_holds:
        fired.add(f"BR-{name}-09", row)
    if reasons is (code in _TAXED or code == "Z"):
        fired.add(f"BR-{name}-10", row)


def _makes_rate(code: str, rate: Decimal, bases: Iterable[Element], facts: Facts) -> bool:
    """Whether the base is what lines, charges and allowances of a category and rate make, within one unit.

    The base is counted in binary floating point, as the official rule has it: a hundredth at the border depends on it.
    """
    texts = [one.text for one in bases]
    base = double(texts[0]) if len(texts) == 1 else double("")
    for tag in LINES:
        if code == "S":
            if not facts.used(tag, code, rate):
                continue
        elif not facts.document.all(tag):
            continue
        added = facts.summed(tag, code, rate)
        if Decimal(base - 1) < added and Decimal(base + 1) > added:
            return True
    return False


def _lines(facts: Facts, fired: Fired) -> None:
    for one in facts.classified:
        item = one.element.parent
        if not one.is_vat or one.code not in FAMILIES or item is None or item.tag != "cac:Item":
            continue
        if item.parent is not None and item.parent.tag in LINES and not _rate_holds(one):
            fired.add(f"BR-{FAMILIES[one.code]}-05", item.parent)


def _adjustments(facts: Facts, fired: Fired) -> None:
    for indicator, number in ((False, "06"), (True, "07")):
        kept = {id(one) for one in facts.of_kind(indicator)}
        for one in facts.adjusting[indicator]:
            if id(one.element.parent) in kept and one.is_vat and one.code in FAMILIES and not _rate_holds(one):
                fired.add(f"BR-{FAMILIES[one.code]}-{number}", one.element)


def _rate_holds(one: Category) -> bool:
    """What a category says of the rate: more than nil, nil or more, nil, or none at all."""
    rates = one.element.all("cbc:Percent")
    if one.code == "O":
        return not rates
    if one.code == "S":
        return any(double(rate.text) > 0 for rate in rates)
    if one.code in _TAXED:
        return any((value := double(rate.text)) > 0 or is_nil(value) for rate in rates)
    return one.rate == 0


def _nothing_else(facts: Facts, fired: Fired) -> None:
    """Where the breakdown says « not subject to VAT », nothing else is."""
    if not any(one.is_vat and one.code == "O" for one in facts.breakdown):
        return
    for number, used in (
        ("11", facts.breakdown),
        ("12", facts.classified),
        ("13", facts.adjusting[False]),
        ("14", facts.adjusting[True]),
    ):
        if any(one.is_vat and one.code != "O" for one in used):
            fired.add(f"BR-O-{number}", facts.root)


def _split_payment(document: Document, facts: Facts, fired: Fired) -> None:
    """Italy's split payment (B): inside Italy only, and not beside the standard rate."""
    used = {one.raw for one in (*facts.categories, *facts.classified)}
    if "B" in used and any(code.text != "IT" for code in document.all("cbc:IdentificationCode")):
        fired.add("BR-B-01", facts.root)
    own = [one for ones in facts.adjusting.values() for one in ones if _of_document(one, facts.root)]
    here = {one.raw for one in (*facts.breakdown, *own, *facts.classified)}
    if {"B", "S"} <= here:
        fired.add("BR-B-02", facts.root)


def _delivery(facts: Facts, fired: Fired) -> None:
    """Goods inside the Union: when and where they were delivered."""
    root = facts.root
    days = root.along("cac:Delivery", "cbc:ActualDeliveryDate")
    if not (any(len(day.text) > 1 for day in days) or any(period.kids for period in root.all("cac:InvoicePeriod"))):
        fired.add("BR-IC-11", root)
    countries = root.along(
        "cac:Delivery", "cac:DeliveryLocation", "cac:Address", "cac:Country", "cbc:IdentificationCode"
    )
    if not any(len(country.text) > 1 for country in countries):
        fired.add("BR-IC-12", root)
