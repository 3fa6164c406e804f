"""Amounts chosen together: excl. tax + tax = incl. tax, to the cent (keywords.yaml, ``payable``: check).

Only amounts that this sum confirms are sure. A sum that fails, or that cannot be made, leaves them unsure; two
different amounts for one field leave it empty unless the sum picks one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import product
from typing import NamedTuple

from invoice.money import TOLERANCE, canonical
from services.ocr.candidates import Candidate

Chosen = dict[str, tuple[Candidate, bool]]


class Facts(NamedTuple):
    """What the pages say besides the amounts. ``no_vat`` is where they say that no VAT is due.

    ``named`` holds the amounts that a keyword announces, readable or not.
    """

    no_vat: Candidate | None
    deductions: bool
    named: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Triple:
    excl: Candidate
    tax: Candidate
    incl: Candidate

    @property
    def amounts(self) -> tuple[str, str, str]:
        return (self.excl.value, self.tax.value, self.incl.value)


def decide(found: Sequence[Candidate], facts: Facts) -> Chosen:
    """The amounts, each with whether it is sure."""
    by_field = {
        name: _best([c for c in found if c.field == name])
        for name in ("total_excl_tax", "tax", "total_incl_tax", "payable", "prepaid")
    }
    if "total_incl_tax" not in facts.named:
        by_field["total_incl_tax"] = by_field["payable"]
    chosen = _totals(by_field, facts)
    return chosen | _payable(by_field, chosen, facts)


def amount(candidate: Candidate) -> Decimal:
    """The canonical value as a number."""
    return Decimal(candidate.value)


def _best(found: list[Candidate]) -> list[Candidate]:
    """The candidates of the highest rank, each amount once."""
    readable = [c for c in found if c.value]
    rank = max((c.rank for c in readable), default=0)
    return list({c.value: c for c in reversed(readable) if c.rank == rank}.values())[::-1]


def _totals(by_field: dict[str, list[Candidate]], facts: Facts) -> Chosen:
    names = ("total_excl_tax", "tax", "total_incl_tax")
    triples = _triples(by_field, facts)
    if len({triple.amounts for triple in triples}) == 1:
        triple = triples[0]
        chosen = zip(names, (triple.excl, triple.tax, triple.incl), strict=True)
        return {name: (candidate, _alone(by_field[name], candidate)) for name, candidate in chosen}
    return {name: (found[0], False) for name in names if len(found := by_field[name]) == 1 and found[0].field == name}


def _alone(found: list[Candidate], candidate: Candidate) -> bool:
    """Whether no amount of the same rank is greater: lesser ones are subtotals beside the total that adds up."""
    return all(abs(amount(other)) <= abs(amount(candidate)) for other in found)


def _triples(by_field: dict[str, list[Candidate]], facts: Facts) -> list[_Triple]:
    taxes = list(by_field["tax"])
    if len(taxes) > 1 and all(tax.rank == 1 for tax in taxes):
        taxes.append(_summed(taxes))
    if not taxes and facts.no_vat is not None:
        taxes = [facts.no_vat]
    return [
        _Triple(excl, tax, incl)
        for excl, tax, incl in product(by_field["total_excl_tax"], taxes, by_field["total_incl_tax"])
        if abs(amount(excl) + amount(tax) - amount(incl)) <= TOLERANCE
    ]


def _summed(taxes: list[Candidate]) -> Candidate:
    """One row of VAT per rate and no total: their sum, with the box around them."""
    first = taxes[0]
    same_page = [tax.box for tax in taxes if tax.page is first.page]
    x0, y0, x1, y1 = zip(*same_page, strict=True)
    total = sum((amount(tax) for tax in taxes), Decimal(0))
    raw = " + ".join(tax.raw for tax in taxes)
    return replace(first, value=canonical(total), box=(min(x0), min(y0), max(x1), max(y1)), raw=raw)


def _payable(by_field: dict[str, list[Candidate]], chosen: Chosen, facts: Facts) -> Chosen:
    """*Net à payer*: as announced; equal to the total where nothing on the pages could lie between the two.

    Where something could, the best there is stands as unsure, so that nobody takes the total for it.
    """
    incl = chosen.get("total_incl_tax")
    announced = by_field["payable"]
    if incl is None:
        return {"payable": (announced[0], False)} if len(announced) == 1 else {}
    if len(announced) != 1:
        plain = not (announced or facts.deductions or "payable" in facts.named or by_field["prepaid"])
        return {"payable": (announced[0] if announced else incl[0], incl[1] and plain)}
    payable = announced[0]
    prepaid = _prepaid(by_field["prepaid"], amount(incl[0]) - amount(payable))
    explained = amount(payable) == amount(incl[0]) or prepaid is not None
    result: Chosen = {"payable": (payable, incl[1] and explained)}
    if prepaid is not None:
        result["prepaid"] = (prepaid, incl[1])
    return result


def _prepaid(found: list[Candidate], difference: Decimal) -> Candidate | None:
    """What was paid before, where it explains the difference between the total and what is payable."""
    for candidate in found:
        if abs(amount(candidate)) == abs(difference):
            return replace(candidate, value=canonical(difference))
    return None
