"""CII: what many rules ask of one document, worked out once."""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from functools import cached_property

from invoice.en16931.values import ZERO, amount, decimal, doubles, rounded_double, total, truth
from invoice.syntax.elements import Document, Element

TRANSACTION = "rsm:SupplyChainTradeTransaction"
AGREEMENT = "ram:ApplicableHeaderTradeAgreement"
DELIVERY = "ram:ApplicableHeaderTradeDelivery"
SETTLEMENT = "ram:ApplicableHeaderTradeSettlement"
SUMS = "ram:SpecifiedTradeSettlementHeaderMonetarySummation"
LINE = "ram:IncludedSupplyChainTradeLineItem"
LINE_SETTLEMENT = "ram:SpecifiedLineTradeSettlement"
LINE_SUMS = "ram:SpecifiedTradeSettlementLineMonetarySummation"
TAX = "ram:ApplicableTradeTax"
ADJUSTMENT_TAX = "ram:CategoryTradeTax"
ADJUSTMENT = "ram:SpecifiedTradeAllowanceCharge"
CATEGORY = "ram:CategoryCode"
CALCULATED = "ram:CalculatedAmount"
RATE = "ram:RateApplicablePercent"
#: The categories that have rules of their own, with the name that these have. Of a tax with two, the first here counts.
FAMILIES = {
    "AE": "AE",
    "L": "AF",
    "M": "AG",
    "E": "E",
    "G": "G",
    "K": "IC",
    "O": "O",
    "S": "S",
    "Z": "Z",
}
Key = tuple[str, Decimal | None]


class Facts:
    """The taxes by where they stand, the sums by category, and who has a VAT number.

    ``adjustments`` are allowances (False) and charges (True) wherever they stand.
    """

    def __init__(self, document: Document) -> None:
        self.document = document
        root = document.root
        self.root = root
        self.agreements = root.along(TRANSACTION, AGREEMENT)
        self.settlements = root.along(TRANSACTION, SETTLEMENT)
        self.sums = [one for settlement in self.settlements for one in settlement.all(SUMS)]
        self.currencies = {one.text for s in self.settlements for one in s.all("ram:InvoiceCurrencyCode")}
        self.tax_currencies = {one.text for s in self.settlements for one in s.all("ram:TaxCurrencyCode")}
        self._others: dict[str, bool] = {}
        self._lines_totals: dict[int, Decimal] = {}
        self.header_taxes = list(document.under(SETTLEMENT, TAX))
        self.line_taxes = list(document.under(LINE_SETTLEMENT, TAX))
        self.adjustments: dict[bool | None, list[Element]] = {False: [], True: [], None: []}
        for one in document.all(ADJUSTMENT):
            for side in sides_of(one):
                self.adjustments[side].append(one)
        self._add_up()
        self._numbers()

    def of_kind(self, charge: bool) -> list[Element]:
        """The allowances or the charges as the rules about one of them see it: what says both is an allowance."""
        if not charge or not self.adjustments[False]:
            return self.adjustments[charge]
        both = {id(one) for one in self.adjustments[False]}
        return [one for one in self.adjustments[True] if id(one) not in both]

    def unreadable(self) -> Iterator[Element]:
        """What cannot be read in one way only where rules of a document need it: an indicator, a type of document."""
        documents = self.document.all("ram:AdditionalReferencedDocument")
        yield from (one for one in documents if len(one.all("ram:TypeCode")) > 1)
        yield from _unreadable(self.document.all("ram:AppliedTradeAllowanceCharge"))
        yield from _unreadable(one for settlement in self.settlements for one in settlement.all(ADJUSTMENT))

    def codes(self, taxes: Sequence[Element]) -> dict[str, int]:
        """How many of the taxes have each category; one with two counts for both."""
        counted: dict[str, int] = {}
        for tax in taxes:
            for code in {one.text for one in tax.all(CATEGORY)}:
                counted[code] = counted.get(code, 0) + 1
        return counted

    def summed(self, code: str, rate: Decimal | None = None) -> tuple[Decimal, Decimal, Decimal]:
        """What lines, charges and allowances of a category (and a rate) make, not rounded."""
        key = (code, rate)
        return tuple(sums.get(key, ZERO) for sums in (self._of_lines, self._of_charges, self._of_allowances))  # type: ignore[return-value]

    @cached_property
    def adjusted(self) -> dict[bool, float]:
        """The sums of the document's allowances (False) and charges (True), in binary floating point, where any is."""
        sums: dict[bool, float] = {}
        for one in (one for settlement in self.settlements for one in settlement.all(ADJUSTMENT)):
            for charge in sides_of(one):
                if charge is not None:
                    sums[charge] = sums.get(charge, 0.0) + doubles(one.all("ram:ActualAmount")[:1])
        return sums

    def lines_total(self, transaction: Element | None) -> Decimal:
        """The sum of the lines of a transaction, added in binary floating point."""
        if transaction is None:
            return ZERO
        if id(transaction) not in self._lines_totals:
            nets = transaction.along(LINE, LINE_SETTLEMENT, LINE_SUMS, "ram:LineTotalAmount")
            self._lines_totals[id(transaction)] = Decimal(doubles(nets))
        return self._lines_totals[id(transaction)]

    @cached_property
    def tax_of_rows(self) -> float:
        """The sum of the VAT breakdown's taxes, rounded, in binary floating point."""
        rows = [tax for settlement in self.settlements for row in settlement.all(TAX) for tax in row.all(CALCULATED)]
        return rounded_double(doubles(rows) * 10 * 10) / 100

    def has_other_than_o(self, tag: str) -> bool:
        """Whether a tax of a name has another category than « not subject to VAT »."""
        if tag not in self._others:
            taxes = self.document.all(tag)
            self._others[tag] = any(one.text != "O" for tax in taxes for one in tax.all(CATEGORY))
        return self._others[tag]

    def _add_up(self) -> None:
        self._of_lines: dict[Key, Decimal] = {}
        self._of_charges: dict[Key, Decimal] = {}
        self._of_allowances: dict[Key, Decimal] = {}
        for settlement in self.root.along(TRANSACTION, LINE, LINE_SETTLEMENT):
            value = total(settlement.along(LINE_SUMS, "ram:LineTotalAmount"))
            _add(self._of_lines, settlement.all(TAX), value)
        for one in (one for settlement in self.settlements for one in settlement.all(ADJUSTMENT)):
            amounts = one.all("ram:ActualAmount")
            value = decimal(amounts[0].text) if amounts else ZERO
            for charge in sides_of(one):
                if charge is not None:
                    _add(self._of_charges if charge else self._of_allowances, one.all(ADJUSTMENT_TAX), value)

    def _numbers(self) -> None:
        """Who has a VAT number (VA), or another tax number (FC); ``any_`` wherever the party stands."""
        document = self.document
        sellers = document.all("ram:SellerTradeParty")
        agents = document.all("ram:SellerTaxRepresentativeTradeParty")
        buyers = document.all("ram:BuyerTradeParty")
        own = {id(agreement) for agreement in self.agreements}
        self.any_seller_taxed = _registered(sellers, "VA", "FC")
        self.any_seller_vat = _registered(sellers, "VA")
        self.any_agent_vat = _registered(agents, "VA")
        self.any_buyer_vat = _registered(buyers, "VA")
        self.any_buyer_legal = any(one.along("ram:SpecifiedLegalOrganization", "ram:ID") for one in buyers)
        self.seller_taxed = _registered([one for one in sellers if id(one.parent) in own], "VA", "FC")
        self.seller_vat = _registered([one for one in sellers if id(one.parent) in own], "VA")
        self.agent_vat = _registered([one for one in agents if id(one.parent) in own], "VA")


def _add(sums: dict[Key, Decimal], taxes: Sequence[Element], value: Decimal) -> None:
    """Add to each category used, without a rate and with each rate used: the two may stand in different elements."""
    codes = {one.text for tax in taxes for one in tax.all(CATEGORY)} & FAMILIES.keys()
    rates = {rate for tax in taxes if not (rate := amount(tax.all(RATE))).is_nan()}
    for code in codes:
        keys: list[Key] = [(code, None), *((code, rate) for rate in rates)]
        for key in keys:
            sums[key] = sums.get(key, ZERO) + value


def _registered(parties: Sequence[Element], *schemes: str) -> bool:
    return any(
        number.get("schemeID") in schemes
        for party in parties
        for number in party.along("ram:SpecifiedTaxRegistration", "ram:ID")
    )


def _unreadable(adjustments: Iterable[Element]) -> Iterator[Element]:
    """What says neither true nor false where it has to say one."""
    for one in adjustments:
        for said in one.along("ram:ChargeIndicator", "udt:Indicator"):
            if truth(said.text) is None:
                yield said


def sides_of(adjustment: Element) -> tuple[bool | None, ...]:
    """Whether it is a charge (True) or an allowance (False); what says both is both, and None where it says neither.

    What stands behind a text that is neither true nor false is not looked at.
    """
    said: set[bool | None] = set()
    for one in adjustment.along("ram:ChargeIndicator", "udt:Indicator"):
        value = truth(one.text)
        if value is None:
            break
        said.add(value)
    return tuple(said) or (None,)


def is_vat(tax: Element) -> bool:
    """Whether a tax says that it is VAT, whatever the case."""
    kinds = tax.all("ram:TypeCode")
    return len(kinds) == 1 and kinds[0].text.upper() == "VAT"


def has_code(tax: Element, code: str) -> bool:
    """Whether a tax has a category."""
    return any(one.text == code for one in tax.all(CATEGORY))
