"""UBL: seller, buyer, payee, tax representative."""

from collections.abc import Sequence

from invoice.en16931.codelists import VAT_PREFIXES_TEXT
from invoice.en16931.fired import Fired
from invoice.en16931.ubl_facts import Facts
from invoice.en16931.values import has_text
from invoice.syntax.elements import Document, Element

_SIDES = (
    ("cac:AccountingSupplierParty", "BR-09", "BR-62"),
    ("cac:AccountingCustomerParty", "BR-11", "BR-63"),
)


def check(document: Document, fired: Fired) -> None:
    """Every rule of the parties."""
    for tag, country, scheme in _SIDES:
        for side in document.all(tag):
            _party(side.all("cac:Party"), country, scheme, fired)
    for supplier in document.all("cac:AccountingSupplierParty"):
        if not _is_identified(supplier):
            fired.add("BR-CO-26", supplier)
    sellers = _Sellers()
    for payee in document.all("cac:PayeeParty"):
        if not _is_another(payee, sellers):
            fired.add("BR-17", payee)
    for agent in document.all("cac:TaxRepresentativeParty"):
        _agent(agent, fired)
    for taxed in document.all("cac:PartyTaxScheme"):
        numbers = taxed.all("cbc:CompanyID")
        if Facts.is_vat(taxed) and (numbers[0].text[:2] if numbers else "") not in VAT_PREFIXES_TEXT:
            fired.add("BR-CO-09", taxed)


def _party(parties: Sequence[Element], country: str, scheme: str, fired: Fired) -> None:
    for party in parties:
        for address in party.all("cac:PostalAddress"):
            if not _has_country(address):
                fired.add(country, address)
        for endpoint in party.all("cbc:EndpointID"):
            if endpoint.get("schemeID") is None:
                fired.add(scheme, endpoint)


def _has_country(address: Element) -> bool:
    return has_text(address.along("cac:Country", "cbc:IdentificationCode"))


def _is_identified(supplier: Element) -> bool:
    return (
        any(one.all("cbc:CompanyID") and Facts.is_vat(one) for one in supplier.along("cac:Party", "cac:PartyTaxScheme"))
        or any(
            number.get("schemeID") != "SEPA"
            for number in supplier.along("cac:Party", "cac:PartyIdentification", "cbc:ID")
        )
        or bool(supplier.along("cac:Party", "cac:PartyLegalEntity", "cbc:CompanyID"))
    )


class _Sellers:
    """The names and numbers of the sellers beside a payee, gathered once for all payees of one holder."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[set[str], set[str]]] = {}

    def beside(self, holder: Element) -> tuple[set[str], set[str]]:
        """The names, and the numbers."""
        found = self._known.get(id(holder))
        if found is None:
            sellers = holder.along("cac:AccountingSupplierParty", "cac:Party")
            names = {name.text for seller in sellers for name in seller.along("cac:PartyName", "cbc:Name")}
            ids = {one.text for seller in sellers for one in seller.along("cac:PartyIdentification", "cbc:ID")}
            found = self._known[id(holder)] = (names, ids)
        return found


def _is_another(payee: Element, sellers: _Sellers) -> bool:
    """Whether the payee has a name, and neither the name nor a number of the seller."""
    names = payee.along("cac:PartyName", "cbc:Name")
    if not names or payee.parent is None:
        return False
    their_names, their_ids = sellers.beside(payee.parent)
    ids = payee.along("cac:PartyIdentification", "cbc:ID")
    return not any(name.text in their_names for name in names) and not any(one.text in their_ids for one in ids)


def _agent(agent: Element, fired: Fired) -> None:
    if not has_text(agent.along("cac:PartyName", "cbc:Name")):
        fired.add("BR-18", agent)
    addresses = agent.all("cac:PostalAddress")
    if not addresses:
        fired.add("BR-19", agent)
    for address in addresses:
        if not _has_country(address):
            fired.add("BR-20", address)
    if not any(one.all("cbc:CompanyID") for one in agent.all("cac:PartyTaxScheme") if Facts.is_vat(one)):
        fired.add("BR-56", agent)
