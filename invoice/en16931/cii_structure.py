"""CII: what may stand once only, and what has no place in the core invoice (rules CII-SR and CII-DT)."""

import re
from collections.abc import Iterable, Sequence

from invoice.en16931.cii_facts import (
    ADJUSTMENT,
    LINE,
    SETTLEMENT,
    SUMS,
    TAX,
    TRANSACTION,
    Facts,
)
from invoice.en16931.fired import Fired
from invoice.en16931.values import tidy
from invoice.syntax.elements import Document, Element

_PARAMETER = "ram:GuidelineSpecifiedDocumentContextParameter"
_MEANS = "ram:SpecifiedTradeSettlementPaymentMeans"
_PRODUCT = (TRANSACTION, LINE, "ram:SpecifiedTradeProduct")
_TOTALS = {
    f"ram:{name}Amount": f"CII-SR-{number}"
    for number, name in enumerate(
        (
            *("LineTotal", "ChargeTotal", "AllowanceTotal", "TaxBasisTotal", "Rounding", "GrandTotal", "Information"),
            *("TotalPrepaid", "TotalDiscount", "TotalAllowanceCharge", "DuePayable"),
            *("RetailValueExcludingTaxInformation", "TotalDepositFeeInformation"),
            *("ProductValueExcludingTobaccoTaxInformation", "TotalRetailValueInformation"),
            *("GrossLineTotal", "NetLineTotal", "NetIncludingTaxesLineTotal"),
        ),
        start=477,
    )
}
_DAY_102 = re.compile(r"[ \t\r\n]*\d{4}(?:1[0-2]|0[1-9])(?:3[01]|[12][0-9]|0[1-9])[ \t\r\n]*")


def check(document: Document, facts: Facts, fired: Fired) -> None:
    """Every rule of the shape that is not about one kind of element."""
    root = document.root
    _heads(root, fired)
    _products(root, fired)
    _adjustments(document, fired)
    _agreements(facts, fired)
    _settlements(document, facts, fired)
    for attribute, code in (("languageID", "CII-DT-013"), ("languageLocaleID", "CII-DT-014")):
        if root.get(attribute) is not None:
            fired.add(code, root)
    _one_way_to_pay(document, fired)
    for day in document.all("udt:DateTimeString"):
        if day.get("format") == "102" and not _DAY_102.fullmatch(day.text):
            fired.add("CII-DT-097", day)


def _heads(root: Element, fired: Fired) -> None:
    for context in root.all("rsm:ExchangedDocumentContext"):
        if len(context.all(_PARAMETER)) != 1:
            fired.add("CII-SR-009", context)
        if len(context.along(_PARAMETER, "ram:ID")) != 1:
            fired.add("CII-SR-010", context)
    for head in root.all("rsm:ExchangedDocument"):
        if len(head.all("ram:TypeCode")) != 1:
            fired.add("CII-SR-014", head)


def _products(root: Element, fired: Fired) -> None:
    for product in root.along(*_PRODUCT):
        numbers, origins = product.all("ram:GlobalID"), product.all("ram:OriginTradeCountry")
        if numbers and all(number.get("schemeID") is None for number in numbers):
            fired.add("CII-SR-046", product)
        if origins and len(product.along("ram:OriginTradeCountry", "ram:ID")) != 1:
            fired.add("CII-SR-090", product)
        for detail in product.all("ram:ApplicableProductCharacteristic"):
            if len(detail.all("ram:Description")) != 1:
                fired.add("CII-SR-069", detail)
            if len(detail.all("ram:Value")) != 1:
                fired.add("CII-SR-072", detail)
    for agreement in root.along(TRANSACTION, LINE, "ram:SpecifiedLineTradeAgreement"):
        prices = agreement.along("ram:NetPriceProductTradePrice", "ram:ChargeAmount")
        if len(prices) != 1:
            fired.add("CII-SR-439", agreement)
        if len(prices) > 1:
            fired.add("CII-SR-441", agreement)


def _adjustments(document: Document, fired: Fired) -> None:
    for one in document.all(ADJUSTMENT):
        if not one.all("ram:ChargeIndicator"):
            fired.add("CII-SR-463", one)
        _once(
            one,
            (
                ("ram:RateApplicablePercent", "CII-SR-471"),
                ("ram:CategoryTradeTax", "CII-SR-472"),
                ("ram:ActualAmount", "CII-SR-473"),
            ),
            fired,
        )
    for one in document.under("ram:GrossPriceProductTradePrice", "ram:AppliedTradeAllowanceCharge"):
        _once(one, (("ram:ActualAmount", "CII-SR-440"),), fired)


def _once(element: Element, rules: Iterable[tuple[str, str]], fired: Fired) -> None:
    for tag, code in rules:
        if len(element.all(tag)) > 1:
            fired.add(code, element)


def _agreements(facts: Facts, fired: Fired) -> None:
    for agreement in facts.agreements:
        for party, contact, address in (
            ("ram:SellerTradeParty", "CII-SR-455", "CII-SR-459"),
            ("ram:BuyerTradeParty", "CII-SR-456", "CII-SR-460"),
        ):
            if len(agreement.along(party, "ram:DefinedTradeContact")) > 1:
                fired.add(contact, agreement)
            if len(agreement.along(party, "ram:URIUniversalCommunication")) > 1:
                fired.add(address, agreement)


def _settlements(document: Document, facts: Facts, fired: Fired) -> None:
    due = {code.text for code in document.under(TAX, "ram:DueDateTypeCode")}
    for settlement in facts.settlements:
        if len(settlement.along(TAX, "ram:TaxPointDate")) > 1:
            fired.add("CII-SR-461", settlement)
        if len(due) > 1:
            fired.add("CII-SR-462", settlement)
        if any(_is_transfer_without_account(means) for means in settlement.all(_MEANS)):
            fired.add("CII-SR-470", settlement)
        for sums in settlement.all(SUMS):
            for tag, found in sums.kids.items():
                if len(found) > 1 and tag in _TOTALS:
                    fired.add(_TOTALS[tag], sums)


def _is_transfer_without_account(means: Element) -> bool:
    codes = means.all("ram:TypeCode")
    if not codes or tidy(codes[0].text) not in ("30", "58"):
        return False
    accounts = means.all("ram:PayeePartyCreditorFinancialAccount")
    return not any(account.all("ram:IBANID") or account.all("ram:ProprietaryID") for account in accounts)


def _one_way_to_pay(document: Document, fired: Fired) -> None:
    for tag, code in (("ram:TypeCode", "CII-SR-467"), ("ram:Information", "CII-SR-468")):
        if len({tidy(one.text) for one in document.under(_MEANS, tag)}) > 1:
            fired.add(code, document.root)
    references: Sequence[Element] = list(document.under(SETTLEMENT, "ram:PaymentReference"))
    if len(references) > 1:
        fired.add("CII-SR-469", references[1])
