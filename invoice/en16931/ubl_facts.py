"""UBL: what many rules ask of one document, worked out once."""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from invoice.en16931.values import ZERO, amount, day, not_before, tidy, total, truth
from invoice.syntax.elements import Document, Element

LINES = ("cac:InvoiceLine", "cac:CreditNoteLine")
#: The categories that have rules of their own.
CODES = frozenset({"S", "Z", "E", "AE", "K", "G", "O", "L", "M"})


class Category:
    """A VAT category where it is used: its code as written and tidy, whether its scheme is VAT, its rates."""

    __slots__ = ("code", "element", "is_vat", "raw")

    def __init__(self, element: Element) -> None:
        ids = element.all("cbc:ID")
        self.element = element
        self.raw = ids[0].text if len(ids) == 1 else None
        self.code = tidy(self.raw) if self.raw is not None else ""
        self.is_vat = Facts.is_vat(element)

    @property
    def rate(self) -> Decimal:
        """Its rate, not-a-number where there is none."""
        return amount(self.element.all("cbc:Percent"))


class Facts:
    """The categories by where they stand, the sums by category, and who has a VAT number.

    ``adjustments`` are allowances (False) and charges (True) wherever they stand.
    """

    def __init__(self, document: Document) -> None:
        self.document = document
        root = document.root
        self.root = root
        self.lines = [line for tag in LINES for line in document.all(tag)]
        self.lines_total = total(part for line in self.lines for part in line.all("cbc:LineExtensionAmount"))
        self.adjustments: dict[bool | None, list[Element]] = {False: [], True: [], None: []}
        for element in document.all("cac:AllowanceCharge"):
            for side in sides_of(element):
                self.adjustments[side].append(element)
        self.categories = [Category(one) for one in document.all("cac:TaxCategory")]
        self.classified = [Category(one) for one in document.all("cac:ClassifiedTaxCategory")]
        self.breakdown = [
            one
            for one in self.categories
            if (row := one.element.parent) is not None
            and row.tag == "cac:TaxSubtotal"
            and (taxes := row.parent) is not None
            and taxes.tag == "cac:TaxTotal"
            and taxes.parent is root
        ]
        self.adjusting: dict[bool | None, list[Category]] = {False: [], True: [], None: []}
        for one in self.categories:
            holder = one.element.parent
            if holder is not None and holder.tag == "cac:AllowanceCharge":
                for side in sides_of(holder):
                    self.adjusting[side].append(one)
        self._beside: dict[tuple[int, bool], Decimal] | None = None
        self._numbers()
        self._add_up()

    def _numbers(self) -> None:
        """Who has a VAT number, or another number that a rule takes for one."""
        document = self.document
        parties = ("cac:Party", "cac:PartyTaxScheme")
        suppliers = [s for one in document.all("cac:AccountingSupplierParty") for s in one.along(*parties)]
        buyers = [s for one in document.all("cac:AccountingCustomerParty") for s in one.along(*parties)]
        agents = document.under("cac:TaxRepresentativeParty", "cac:PartyTaxScheme")
        self.supplier_taxed = any(one.all("cbc:CompanyID") for one in suppliers)
        self.supplier_vat = any(one.all("cbc:CompanyID") for one in suppliers if self.is_vat(one))
        self.agent_vat = any(one.all("cbc:CompanyID") for one in agents if self.is_vat(one))
        self.buyer_vat = any(one.all("cbc:CompanyID") for one in buyers if self.is_vat(one))
        self.buyer_legal = any(
            one.along("cac:Party", "cac:PartyLegalEntity", "cbc:CompanyID")
            for one in document.all("cac:AccountingCustomerParty")
        )

    def summed(self, tag: str, code: str, rate: Decimal | None = None) -> Decimal:
        """What the lines of a name, the charges and the allowances of the document make for a category and a rate."""
        key = (code, rate)
        return self._sums[tag].get(key, ZERO) + self._sums[""].get(key, ZERO)

    def used(self, tag: str, code: str, rate: Decimal) -> bool:
        """Whether a line of a name, or an allowance or charge anywhere, has a category and a rate."""
        return (code, rate) in self._sums[tag] or (code, rate) in self._anywhere

    def beside(self, holder: Element | None, indicator: bool) -> Decimal | None:
        """The sum of the allowances or charges that an element holds; None where it holds none."""
        if self._beside is None:
            self._beside = {}
            for kind in (False, True):
                for one in self.adjustments[kind]:
                    key = (id(one.parent), kind)
                    self._beside[key] = self._beside.get(key, ZERO) + total(one.all("cbc:Amount"))
        return self._beside.get((id(holder), indicator))

    def _add_up(self) -> None:
        """The sums by category, and by category and rate: of each kind of line, and ("") of charges less allowances."""
        self._sums: dict[str, dict[tuple[str, Decimal | None], Decimal]] = {tag: {} for tag in (*LINES, "")}
        self._anywhere: set[tuple[str, Decimal | None]] = set()
        for tag in LINES:
            sums = self._sums[tag]
            for line in self.document.all(tag):
                own = line.parent is self.root
                value = total(line.all("cbc:LineExtensionAmount")) if own else ZERO
                for key in _keys(line.along("cac:Item", "cac:ClassifiedTaxCategory")):
                    sums[key] = sums.get(key, ZERO) + value
        sums = self._sums[""]
        for indicator, ones in self.adjustments.items():
            for one in ones:
                keys = _keys(one.all("cac:TaxCategory"))
                self._anywhere.update(keys)
                if indicator is None or one.parent is not self.root:
                    continue
                value = total(one.all("cbc:Amount"))
                for key in keys:
                    sums[key] = sums.get(key, ZERO) + (value if indicator else -value)

    def of_kind(self, charge: bool) -> list[Element]:
        """The allowances or the charges as the rules about one of them see it: what says both is an allowance."""
        if not charge or not self.adjustments[False]:
            return self.adjustments[charge]
        both = {id(one) for one in self.adjustments[False]}
        return [one for one in self.adjustments[True] if id(one) not in both]

    def unreadable(self) -> Iterator[Element]:
        """What cannot be read in one way only where rules of a document need it: a category, a scheme, an indicator."""
        classified = self.document.all("cac:ClassifiedTaxCategory")
        agents = self.document.under("cac:TaxRepresentativeParty", "cac:PartyTaxScheme")
        yield from (one for one in (*classified, *agents) if len(one.all("cac:TaxScheme")) > 1)
        for tag in ("cac:ClassifiedTaxCategory", "cac:TaxCategory", "cac:TaxScheme"):
            yield from (one for one in self.document.all(tag) if len(one.all("cbc:ID")) > 1)
        yield from _unreadable(self.document.all("cac:AllowanceCharge"))

    @staticmethod
    def is_vat(element: Element) -> bool:
        """Whether the tax scheme of a category or of a party is VAT."""
        for scheme in element.all("cac:TaxScheme"):
            ids = scheme.all("cbc:ID")
            if len(ids) == 1 and ((text := ids[0].text) == "VAT" or tidy(text.upper()) == "VAT"):
                return True
        return False

    @staticmethod
    def in_order(starts: Sequence[Element], ends: Sequence[Element]) -> bool:
        """Whether a period ends on or after the day on which it starts."""
        return not_before(day(ends), day(starts))


def _keys(categories: Sequence[Element]) -> set[tuple[str, Decimal | None]]:
    """Every category used, without a rate and with each rate used: the two may stand in different elements."""
    codes = {tidy(ids[0].text) for one in categories if len(ids := one.all("cbc:ID")) == 1} & CODES
    rates = {rate for one in categories if not (rate := amount(one.all("cbc:Percent"))).is_nan()}
    return {(code, rate) for code in codes for rate in (None, *rates)}


def _unreadable(adjustments: Iterable[Element]) -> Iterator[Element]:
    """What says neither true nor false where it has to say one."""
    for one in adjustments:
        for said in one.all("cbc:ChargeIndicator"):
            if truth(said.text) is None:
                yield said


def sides_of(adjustment: Element) -> tuple[bool | None, ...]:
    """Whether it is a charge (True) or an allowance (False); what says both is both, and None where it says neither.

    What stands behind a text that is neither true nor false is not looked at.
    """
    said: set[bool | None] = set()
    for one in adjustment.all("cbc:ChargeIndicator"):
        value = truth(one.text)
        if value is None:
            break
        said.add(value)
    return tuple(said) or (None,)
