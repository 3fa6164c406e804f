"""Amounts chosen together: excl. tax + tax = incl. tax, to the cent (keywords.yaml, ``payable``: check).

Only amounts that this sum confirms are sure. A sum that fails, or that cannot be made, leaves them unsure; two
different amounts for one field leave it empty unless the sum picks one. Common words (*Total*, *HT*) announce an
amount only where the sum confirms it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import combinations, product
from typing import NamedTuple

from invoice.money import TOLERANCE, canonical
from services.ocr.read_candidate import Candidate

Chosen = dict[str, tuple[Candidate, bool]]
TOTALS = ("total_excl_tax", "tax", "total_incl_tax")
HIGHEST_RATE = Decimal("0.35")  # of tax: no rate was ever higher in France
MAX_DIFFERENT = 40  # amounts that may stand for one field
MAX_PARTS = 8  # deductions or rates that may be added up


class Facts(NamedTuple):
    """What the pages say besides the amounts. ``no_vat`` is where they say that no VAT is due.

    ``named`` holds the amounts that a keyword announces, readable or not; ``after`` are the amounts that stand right
    after a total incl. tax, whatever announces them.
    """

    no_vat: Candidate | None
    deductions: bool
    named: frozenset[str]
    after: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Triple:
    excl: Candidate
    tax: Candidate
    incl: Candidate

    @property
    def amounts(self) -> tuple[str, str, str]:
        return (self.excl.value, self.tax.value, self.incl.value)

    @property
    def score(self) -> float:
        return self.excl.score + self.tax.score + self.incl.score


Pools = dict[str, list[Candidate]]


Printed = Callable[[str, Decimal, Sequence[Candidate]], Candidate | None]


def decide(found: Sequence[Candidate], facts: Facts, printed: Printed | None = None) -> Chosen:
    """The amounts, each with whether it is sure.

    ``printed`` finds an amount near others on the page: the third one of a sum, where unknown words announce it.
    """
    by_field = {name: _best(found, name) for name in (*TOTALS, "payable", "prepaid")}
    if "total_incl_tax" not in facts.named:
        by_field["total_incl_tax"] = by_field["payable"]
    chosen = _totals(by_field, facts)
    if len(chosen) < len(TOTALS) or not all(sure for _, sure in chosen.values()):
        chosen = _wider(found, facts) or _without_total(found, by_field, facts) or chosen
    if printed is not None and len(chosen) == len(TOTALS) - 1:
        chosen = _completed(chosen, printed) or chosen
    if facts.no_vat is not None and "total_excl_tax" not in chosen:
        chosen = _untaxed(found, facts.no_vat) or chosen
    deducted = [c for c in found if c.field == "deduction" and c.value]
    if "tax" in chosen:
        chosen["tax"] = (_printed_whole(chosen["tax"][0], found), chosen["tax"][1])
    chosen = chosen | _payable(by_field, chosen, facts, deducted)
    return {name: pair for name, pair in chosen.items() if pair[0].raw}


def _printed_whole(tax: Candidate, found: Sequence[Candidate]) -> Candidate:
    """For a sum of rates, the place where the page prints that sum, if a tax is announced there."""
    if " + " not in tax.raw:
        return tax
    return next((c for c in found if c.field == "tax" and c.value == tax.value), tax)


def amount(candidate: Candidate) -> Decimal:
    """The canonical value as a number."""
    return Decimal(candidate.value)


def _best(found: Iterable[Candidate], name: str) -> list[Candidate]:
    """The candidates of the highest rank, each amount once."""
    readable = [c for c in found if c.field == name and c.value]
    rank = max((c.rank for c in readable), default=0)
    return _once([c for c in readable if c.rank == rank and rank > 0])


def _once(found: Sequence[Candidate]) -> list[Candidate]:
    """Each amount once, the first that announces it; none where they are too many to mean anything."""
    different = list({c.value: c for c in reversed(found)}.values())[::-1]
    return different if len(different) <= MAX_DIFFERENT else []


def _totals(by_field: Pools, facts: Facts) -> Chosen:
    triples = _triples(by_field, facts)
    if len({triple.amounts for triple in triples}) == 1:
        return _chosen(triples[0], by_field)
    return {name: (found[0], False) for name in TOTALS if len(found := by_field[name]) == 1 and found[0].field == name}


def _chosen(triple: _Triple, by_field: Pools) -> Chosen:
    chosen = zip(TOTALS, (triple.excl, triple.tax, triple.incl), strict=True)
    return {name: (candidate, _alone(by_field[name], candidate)) for name, candidate in chosen}


def _wider(found: Sequence[Candidate], facts: Facts) -> Chosen | None:
    """With the words of lower ranks too, where exactly one set of amounts adds up."""
    for least in (1, 0):
        pools = {name: _once([c for c in found if c.field == name and c.value and c.rank >= least]) for name in TOTALS}
        pools["total_incl_tax"] = _once(
            pools["total_incl_tax"] + [c for c in found if c.field == "payable" and c.value and c.rank >= least]
        )
        triples = [triple for triple in _triples(pools, facts) if amount(triple.excl) != 0]
        if len({triple.amounts for triple in triples}) == 1:
            best = max(triples, key=lambda triple: triple.score)
            return _chosen(best, {name: [c for c in pools[name] if c.rank > 0] for name in TOTALS})
        if triples:
            return None
    return None


def _without_total(found: Sequence[Candidate], by_field: Pools, facts: Facts) -> Chosen | None:
    """Where no total incl. tax is printed: excl. tax + tax must be what is payable with what was paid or held back.

    The sum itself stands nowhere: it is worked with, as a candidate without ``raw``, and not given.
    """
    paid = [c for c in found if c.field in ("prepaid", "deduction") and c.value]
    if not paid or any(c.field == "total_incl_tax" and c.value and c.rank > 0 for c in found):
        return None
    sums = [
        replace(payable, field="total_incl_tax", value=canonical(amount(payable) + abs(amount(part))), raw="")
        for payable, part in product(by_field["payable"], paid)
    ]
    bases = [c for c in found if c.field == "total_excl_tax" and c.value]
    pools = by_field | {"total_excl_tax": _once(bases), "total_incl_tax": _once(sums)}
    triples = _triples(pools, facts)
    return _chosen(triples[0], pools) if len({triple.amounts for triple in triples}) == 1 else None


def _completed(chosen: Chosen, printed: Printed) -> Chosen | None:
    """Two amounts that their words announce, and between them the one that makes the sum with them."""
    [missing] = [name for name in TOTALS if name not in chosen]
    known = {name: amount(candidate) for name, (candidate, _) in chosen.items()}
    if missing == "total_incl_tax":
        value = known["total_excl_tax"] + known["tax"]
    else:
        value = known["total_incl_tax"] - sum(known[name] for name in known if name != "total_incl_tax")
    third = printed(missing, value, [candidate for candidate, _ in chosen.values()]) if value else None
    return (
        None if third is None else {name: (pair[0], True) for name, pair in chosen.items()} | {missing: (third, True)}
    )


def _untaxed(found: Sequence[Candidate], no_vat: Candidate) -> Chosen | None:
    """Where no VAT is due and one total is printed, it is the total with and without tax."""
    if any(c.value and c.field not in ("total_incl_tax", "payable") for c in found):
        return None
    for rank in (2, 1, 0):
        totals = _once([c for c in found if c.field in ("total_incl_tax", "payable") and c.value and c.rank == rank])
        if len(totals) == 1:
            sure = rank > 0
            return {"total_excl_tax": (totals[0], sure), "tax": (no_vat, sure), "total_incl_tax": (totals[0], sure)}
        if totals:
            return None
    return None


def _alone(found: Sequence[Candidate], candidate: Candidate) -> bool:
    """Whether no amount of the same rank is greater: lesser ones are subtotals beside the total that adds up."""
    return all(abs(amount(other)) <= abs(amount(candidate)) for other in found if other.rank >= candidate.rank)


def _triples(by_field: Pools, facts: Facts) -> list[_Triple]:
    taxes = list(by_field["tax"])
    if 1 < len(taxes) <= MAX_PARTS and all(tax.rank == 1 or "%" in tax.hit.tail for tax in taxes):
        taxes.append(_summed(taxes))
    if facts.no_vat is not None and all(tax.rank == 0 for tax in taxes):
        taxes.append(facts.no_vat)
    return [
        _Triple(excl, tax, incl)
        for excl, tax, incl in product(by_field["total_excl_tax"], taxes, by_field["total_incl_tax"])
        if abs(amount(excl) + amount(tax) - amount(incl)) <= TOLERANCE
        and abs(amount(tax)) <= HIGHEST_RATE * abs(amount(excl)) + TOLERANCE
    ]


def _summed(parts: Sequence[Candidate]) -> Candidate:
    """Several rows and no total: their sum, with the box around them."""
    first = parts[0]
    same_page = [part.box for part in parts if part.page is first.page]
    x0, y0, x1, y1 = zip(*same_page, strict=True)
    total = sum((amount(part) for part in parts), Decimal(0))
    raw = " + ".join(part.raw for part in parts)
    return replace(first, value=canonical(total), box=(min(x0), min(y0), max(x1), max(y1)), raw=raw)


def _payable(by_field: Pools, chosen: Chosen, facts: Facts, deducted: Sequence[Candidate]) -> Chosen:
    """*Net à payer*: as announced; equal to the total where nothing on the pages could lie between the two.

    Where something could, the best there is stands as unsure, so that nobody takes the total for it.
    """
    incl = chosen.get("total_incl_tax")
    announced = by_field["payable"]
    if incl is None:
        return {"payable": (announced[0], False)} if len(announced) == 1 else {}
    if not announced:
        if facts.after - {incl[0].value}:
            return {}  # something is deducted or added in words that this reader does not know
        plain = not (facts.deductions or "payable" in facts.named or by_field["prepaid"])
        return {"payable": (incl[0], incl[1] and plain)}
    explained = [(c, _prepaid(by_field["prepaid"], amount(incl[0]) - amount(c))) for c in announced]
    paid = [(c, prepaid) for c, prepaid in explained if prepaid is not None and amount(prepaid) != 0]
    equal = [(c, prepaid) for c, prepaid in explained if amount(c) == amount(incl[0])]
    if len(paid) == 1 or (not paid and len(equal) == 1):
        payable, prepaid = (paid or equal)[0]
    elif len(announced) == 1:
        payable, prepaid = announced[0], None
        sure = incl[1] and _explained(deducted, by_field["prepaid"], amount(incl[0]) - amount(payable))
        return {"payable": (payable, sure)}
    else:
        return {"payable": (announced[0], False)}
    result: Chosen = {"payable": (payable, incl[1])}
    if prepaid is not None:
        result["prepaid"] = (prepaid, incl[1])
    return result


def _prepaid(found: Sequence[Candidate], difference: Decimal) -> Candidate | None:
    """What was paid before, in one amount or several, where it explains the difference."""
    for candidate in found:
        if abs(amount(candidate)) == abs(difference):
            return replace(candidate, value=canonical(difference))
    if 1 < len(found) <= MAX_PARTS and sum(abs(amount(c)) for c in found) == abs(difference):
        return replace(_summed(found), value=canonical(difference))
    return None


def _explained(deducted: Sequence[Candidate], prepaid: Sequence[Candidate], difference: Decimal) -> bool:
    """Whether some of the deductions on the pages make up the difference between the total and what is payable."""
    parts = _once([*deducted, *prepaid])[:MAX_PARTS]
    return any(
        sum(abs(amount(part)) for part in some) == abs(difference)
        for size in range(1, len(parts) + 1)
        for some in combinations(parts, size)
    )
