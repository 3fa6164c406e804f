"""CII: the VAT breakdown and the rules of each VAT category."""

from collections.abc import Mapping
from decimal import Decimal

from invoice.en16931.cii_facts import (
    ADJUSTMENT,
    ADJUSTMENT_TAX,
    CALCULATED,
    CATEGORY,
    DELIVERY,
    FAMILIES,
    LINE,
    RATE,
    TAX,
    TRANSACTION,
    Facts,
    has_code,
    is_vat,
    sides_of,
)
from invoice.en16931.fired import Fired
from invoice.en16931.values import (
    HUNDRED,
    ONE,
    amount,
    decimal,
    double,
    is_nil,
    more_than_two_decimals,
    rounded,
    rounded_double,
    same,
    tidy,
    to_cents,
)
from invoice.syntax.elements import Document, Element

_TAXED = ("S", "L", "M")
# The official rules for these categories stand on the whole row, where they hide the rules of every row.
_HIDING = ("L", "M", "O")


def check(document: Document, facts: Facts, fired: Fired) -> None:
    """Every rule of VAT."""
    for row in facts.header_taxes:
        if not _is_hidden(row):
            _row(row, fired)
            if document.all("ram:TaxPointDate") and document.all("ram:DueDateTypeCode"):
                fired.add("BR-CO-03", row)
        for category in row.all(CATEGORY):
            _breakdown(row, category.text, facts, fired)
    _used(facts, fired)
    _lines(facts, fired)
    _adjustments(document, facts, fired)
    if any(one.text == "B" for one in document.all(CATEGORY)):
        if any(country.text != "IT" for country in document.all("ram:CountryID")):
            fired.add("BR-B-01", facts.root)
        if any(one.text == "S" for one in document.all(CATEGORY)):
            fired.add("BR-B-02", facts.root)


def _is_hidden(row: Element) -> bool:
    return is_vat(row) and _in_transaction(row) and any(has_code(row, code) for code in _HIDING)


def _in_transaction(row: Element) -> bool:
    settlement = row.parent
    return settlement is not None and settlement.parent is not None and settlement.parent.tag == TRANSACTION


def _row(row: Element, fired: Fired) -> None:
    bases, taxes, rates = row.all("ram:BasisAmount"), row.all(CALCULATED), row.all(RATE)
    if not bases:
        fired.add("BR-45", row)
    elif more_than_two_decimals(bases):
        fired.add("BR-DEC-19", row)
    if not taxes:
        fired.add("BR-46", row)
    elif more_than_two_decimals(taxes):
        fired.add("BR-DEC-20", row)
    vat = is_vat(row)
    if not (vat and row.all(CATEGORY)):
        fired.add("BR-47", row)
    if not (vat and (rates or has_code(row, "O"))):
        fired.add("BR-48", row)
    if not _is_rate_of(amount(bases), rates[0] if rates and _is_vat_tidy(row) else None, amount(taxes)):
        fired.add("BR-CO-17", row)


def _is_vat_tidy(row: Element) -> bool:
    kinds = row.all("ram:TypeCode")
    return bool(kinds) and tidy(kinds[0].text.upper()) == "VAT"


def _is_rate_of(base: Decimal, rate: Element | None, tax: Decimal) -> bool:
    """Whether the tax is the base at the rate, within one unit of the currency; nil where the rate is."""
    value = None if rate is None else decimal(rate.text)
    if value is None or rounded(value) == 0:
        return rounded(tax) == 0
    expected = to_cents(abs(base) * (value / HUNDRED))
    return abs(tax) - ONE <= expected and abs(tax) + ONE >= expected


def _used(facts: Facts, fired: Fired) -> None:
    """Whether a category that is used stands in the breakdown, once where it bears no rate."""
    rows, lines = facts.codes(facts.header_taxes), facts.codes(facts.line_taxes)
    adjusting = facts.codes(facts.document.all(ADJUSTMENT_TAX))
    for code in (rows.keys() | lines.keys() | adjusting.keys()) & FAMILIES.keys():
        if not _stands(code, rows, lines, adjusting):
            fired.add(f"BR-{FAMILIES[code]}-01", facts.root)


def _stands(code: str, rows: Mapping[str, int], lines: Mapping[str, int], adjusting: Mapping[str, int]) -> bool:
    row, line, adjustment = rows.get(code, 0), lines.get(code, 0), adjusting.get(code, 0)
    if code in _TAXED:
        return (not line or line + row >= 2) and (not adjustment or adjustment + row >= 2)
    if row == 1:
        return bool(line or adjustment)
    return not row and (code == "O" or not (line or adjustment))


def _numbers_hold(code: str, facts: Facts) -> bool:
    if code == "O":
        return not (facts.seller_vat or facts.agent_vat or facts.any_buyer_vat)
    if code in ("G", "K"):
        return (facts.any_seller_vat or facts.any_agent_vat) and (code == "G" or facts.any_buyer_vat)
    if code == "AE":
        seller = facts.any_seller_taxed or facts.any_agent_vat
        return seller and (facts.any_buyer_vat or facts.any_buyer_legal)
    return facts.seller_taxed or facts.agent_vat


def _lines(facts: Facts, fired: Fired) -> None:
    for tax in facts.line_taxes:
        line = tax.parent.parent if tax.parent is not None else None
        if line is None or line.tag != LINE or line.parent is None or line.parent.tag != TRANSACTION:
            continue
        _use(tax, "02", "05", facts, fired)


def _adjustments(document: Document, facts: Facts, fired: Fired) -> None:
    for tax in document.under(ADJUSTMENT, ADJUSTMENT_TAX):
        assert tax.parent is not None
        sides = sides_of(tax.parent)
        if False in sides:  # of both, the official rules look at the allowance only
            _use(tax, "03", "06", facts, fired)
        elif True in sides:
            _use(tax, "04", "07", facts, fired)


def _use(tax: Element, numbers: str, rates: str, facts: Facts, fired: Fired) -> None:
    """One use of a category: the parties have the numbers it asks for, and its rate fits."""
    if not is_vat(tax):
        return
    code = next((code for code in FAMILIES if has_code(tax, code)), None)
    if code is None:
        return
    if not _numbers_hold(code, facts):
        fired.add(f"BR-{FAMILIES[code]}-{numbers}", tax)
    if not _rate_holds(code, tax):
        fired.add(f"BR-{FAMILIES[code]}-{rates}", tax)


def _rate_holds(code: str, tax: Element) -> bool:
    """What a category says of the rate: more than nil, nil or more, nil, or none at all."""
    rates = tax.all(RATE)
    if code == "O":
        return not rates
    if code in ("S", "L"):
        return any(_double(rate) > 0 for rate in rates)
    if code == "M":
        return any(value > 0 or is_nil(value) for value in map(_double, rates))
    return any(is_nil(_double(rate)) for rate in rates)


def _double(element: Element) -> float:
    return double(element.text)


def _breakdown(row: Element, code: str, facts: Facts, fired: Fired) -> None:
    """One row of the breakdown: its base is what its category makes, its tax and its reason fit."""
    # The rules of S and Z ask neither where the settlement stands nor for which tax the row is.
    if code not in FAMILIES or (code not in ("S", "Z") and not (is_vat(row) and _in_transaction(row))):
        return
    name = FAMILIES[code]
    if not _base_holds(row, code, facts):
        fired.add(f"BR-{name}-08", row)
    if not _tax_holds(row, code):
        fired.add(f"BR-{name}-09", row)
    reasons = bool(row.all("ram:ExemptionReason") or row.all("ram:ExemptionReasonCode"))
    if reasons is (code in _TAXED or code == "Z"):
        fired.add(f"BR-{name}-10", row)
    if code == "O":
        _nothing_else(facts, fired)
    if code == "K":
        _delivery(row, facts, fired)


def _base_holds(row: Element, code: str, facts: Facts) -> bool:
    bases = [double(base.text) for base in row.all("ram:BasisAmount")]
    if code in ("L", "M"):
        return True  # the official rule looks for the rate where it cannot stand
    if code == "S":
        return all(
            any(same(base, _made(facts, code, rate)) for base in bases)
            for rate in (decimal(one.text) for one in row.all(RATE))
        )
    made = _made(facts, code)
    if code == "O":
        return any(same(base, made) for base in bases)
    return len(bases) == 1 and bases[0] - 1 < made and bases[0] + 1 > made


def _made(facts: Facts, code: str, rate: Decimal | None = None) -> float:
    lines, charges, allowances = facts.summed(code, rate)
    return float(to_cents(lines) + to_cents(charges) - to_cents(allowances))


def _tax_holds(row: Element, code: str) -> bool:
    taxes = row.all(CALCULATED)
    if code in ("L", "M"):
        return True  # the official rule asks nothing
    if code != "S":
        return any(is_nil(_double(tax)) for tax in taxes)
    rates = row.all(RATE)
    if len(rates) != 1:
        return False
    expected = rounded_double(float(abs(amount(row.all("ram:BasisAmount")))) * double(rates[0].text)) / 100
    tax = abs(amount(taxes))
    return float(tax - ONE) < expected and float(tax + ONE) > expected


def _nothing_else(facts: Facts, fired: Fired) -> None:
    """Where the breakdown says « not subject to VAT », nothing else is."""
    for tag, numbers in ((TAX, ("11", "12")), (ADJUSTMENT_TAX, ("13", "14"))):
        if facts.has_other_than_o(tag):
            for number in numbers:
                fired.add(f"BR-O-{number}", facts.root)


def _delivery(row: Element, facts: Facts, fired: Fired) -> None:
    """Goods inside the Union: when and where they were delivered."""
    delivered = ("ram:ActualDeliverySupplyChainEvent", "ram:OccurrenceDateTime", "udt:DateTimeString")
    periods = [] if row.parent is None else row.parent.all("ram:BillingSpecifiedPeriod")
    if not facts.root.along(TRANSACTION, DELIVERY, *delivered) and not any(
        period.all("ram:StartDateTime") or period.all("ram:EndDateTime") for period in periods
    ):
        fired.add("BR-IC-11", row)
    place = ("ram:ShipToTradeParty", "ram:PostalTradeAddress", "ram:CountryID")
    if not facts.root.along(TRANSACTION, DELIVERY, *place):
        fired.add("BR-IC-12", row)
