"""BR-FR-CPRO-01 to 44: what the norm asks of a file to a public buyer beside EN 16931, from ``data/cpro.yaml``.

They bind a file that names a cadre of the reform (BT-23); one of the historic circuit is not made to them
(chorus-pro.md 1). Those that need the directory are asked with the addressing rules, as for every way in.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Literal

import msgspec

from invoice import packaged
from invoice.findings import Finding
from invoice.syntax.elements import Document, Element

_REFORM = re.compile(r"[BSM][1-9]")
_TRADE = "rsm:SupplyChainTradeTransaction/ram:ApplicableHeaderTrade"
_WORDS = {
    "agreement": f"{_TRADE}Agreement",
    "delivery": f"{_TRADE}Delivery",
    "settlement": f"{_TRADE}Settlement",
    "line": "rsm:SupplyChainTradeTransaction/ram:IncludedSupplyChainTradeLineItem",
}
_UBL_SELLER, _CII_SELLER = "cac:AccountingSupplierParty/cac:Party", "{agreement}/ram:SellerTradeParty"
_SHOWN = 80


class Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule. ``by``: the checks that answer for it. Else ``message`` and ``fix`` are said when it does not hold.

    ``max``: characters at the most at the end of the paths, of the text or of an ``attribute``; ``once``: elements
    there, one at the most; ``scheme`` and ``form``: what the seller's number of a scheme looks like.
    """

    rule: str
    message: str = ""
    fix: str = ""
    level: Literal["refuse", "warn"] = "refuse"
    by: tuple[str, ...] = ()
    max: int | None = None
    once: bool = False
    attribute: str | None = None
    scheme: str | None = None
    form: str | None = None
    ubl: tuple[str, ...] = ()
    cii: tuple[str, ...] = ()


ROWS: Mapping[str, Row] = MappingProxyType(msgspec.convert(packaged.load("cpro.yaml"), dict[str, Row]))
SOURCE = "BR-FR-CPRO, chorus-pro.md 6"


def binds(process: str | None) -> bool:
    """Whether a process (BT-23) is a cadre of the reform."""
    return process is not None and _REFORM.fullmatch(process.strip()) is not None


def broken(document: Document, process: str) -> tuple[Finding, ...]:
    """The rules that a UBL or CII document of the reform breaks, each once."""
    found = dict(_all(document, process.strip()))
    return tuple(_finding(code, found[code]) for code in ROWS if code in found)


def _finding(code: str, where: Element) -> Finding:
    row = ROWS[code]
    value = "" if where.kids else "".join(c if c.isprintable() else " " for c in where.text[:_SHOWN]).strip()
    line = f" (ligne {where.line} du fichier)" if where.line else ""
    said = row.message.removesuffix(".") + line + "."
    return Finding(code=code, level=row.level, message=said, action=row.fix, value=value or None)


def _all(document: Document, process: str) -> Iterator[tuple[str, Element]]:
    is_cii = document.root.tag.startswith("rsm:")
    for code, row in ROWS.items():
        for path in row.cii if is_cii else row.ubl:
            yield from ((code, where) for where in _too_much(row, _at(document, path)))
    sellers = _at(document, _CII_SELLER if is_cii else _UBL_SELLER)
    numbers = [number for seller in sellers for number in _numbers(seller)]
    for code, row in ROWS.items():
        for number in numbers:
            if row.form and number.get("schemeID") == row.scheme and not re.fullmatch(row.form, number.text.strip()):
                yield code, number
    yield from _parties(document, sellers, is_cii=is_cii)
    yield from _contract(document, is_cii=is_cii)
    if process in ("S3", "S6") and not _agents(document, is_cii=is_cii):
        yield "BR-FR-CPRO-21", document.root


def _at(document: Document, path: str) -> list[Element]:
    return document.root.along(*path.format_map(_WORDS).split("/"))


def _too_much(row: Row, elements: Sequence[Element]) -> Sequence[Element]:
    if row.once:
        return elements[1:2]
    if row.max is None:
        return ()
    texts = (((one.get(row.attribute) or "") if row.attribute else one.text).strip() for one in elements)
    return [one for one, text in zip(elements, texts, strict=True) if len(text) > row.max]


def _numbers(party: Element) -> Sequence[Element]:
    """The identifiers of a party, but not its legal registration."""
    return (*party.along("cac:PartyIdentification", "cbc:ID"), *party.all("ram:GlobalID"), *party.all("ram:ID"))


def _has(numbers: Sequence[Element], scheme: str) -> bool:
    return any(number.get("schemeID") == scheme for number in numbers)


def _is_company_without_site(party: Element) -> bool:
    """A SIREN is given, and no SIRET."""
    legal = (
        *party.along("cac:PartyLegalEntity", "cbc:CompanyID"),
        *party.along("ram:SpecifiedLegalOrganization", "ram:ID"),
    )
    return _has(legal, "0002") and not _has((*_numbers(party), *legal), "0009")


def _parties(document: Document, sellers: Sequence[Element], *, is_cii: bool) -> Iterator[tuple[str, Element]]:
    buyers = _at(document, "{agreement}/ram:BuyerTradeParty" if is_cii else "cac:AccountingCustomerParty/cac:Party")
    payees = _at(document, "{settlement}/ram:PayeeTradeParty" if is_cii else "cac:PayeeParty")
    for code, parties in (
        ("BR-FR-CPRO-09", sellers),
        ("BR-FR-CPRO-17", payees),
        ("BR-FR-CPRO-18", _agents(document, is_cii=is_cii)),
    ):
        yield from ((code, party) for party in parties if _is_company_without_site(party))
    yield from (("BR-FR-CPRO-10", buyer) for buyer in buyers if not _has(_numbers(buyer), "0009"))


def _agents(document: Document, *, is_cii: bool) -> Sequence[Element]:
    return _at(document, "{agreement}/ram:SalesAgentTradeParty" if is_cii else f"{_UBL_SELLER}/cac:AgentParty")


def _contract(document: Document, *, is_cii: bool) -> Iterator[tuple[str, Element]]:
    place = "{agreement}/ram:ContractReferencedDocument" if is_cii else "cac:ContractDocumentReference"
    for kind in _at(document, place + ("/ram:ReferenceTypeCode" if is_cii else "/cbc:DocumentType")):
        if kind.text.strip() not in ("MARCHE", "CONTRAT"):
            yield "BR-FR-CPRO-01", kind
    before = "{settlement}/ram:InvoiceReferencedDocument" if is_cii else "cac:BillingReference"
    yield from (("BR-FR-CPRO-20", one) for one in _at(document, before)[1:2])
