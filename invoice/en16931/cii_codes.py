"""CII: codes that must be in their list (rules BR-CL)."""

from collections.abc import Collection, Iterable

from invoice.en16931 import codelists as lists
from invoice.en16931.cii_facts import Facts
from invoice.en16931.fired import Fired
from invoice.en16931.values import tidy
from invoice.syntax.elements import Document, Element

_TEXTS: tuple[tuple[str, str, Collection[str]], ...] = (
    ("ram:InvoiceCurrencyCode", "BR-CL-04", lists.CURRENCIES),
    ("ram:TaxCurrencyCode", "BR-CL-05", lists.CURRENCIES),
    ("ram:DueDateTypeCode", "BR-CL-06", lists.TAX_POINTS_CII),
    ("ram:ReferenceTypeCode", "BR-CL-07", lists.OBJECT_SCHEMES),
    ("ram:SubjectCode", "BR-CL-08", lists.SUBJECTS_CII),
    ("ram:CountryID", "BR-CL-14", lists.COUNTRIES_CII),
)
_TEXTS_UNDER: tuple[tuple[str, str, str, Collection[str]], ...] = (
    ("rsm:ExchangedDocument", "ram:TypeCode", "BR-CL-01", lists.ALL_TYPES),
    ("ram:SpecifiedTradeSettlementPaymentMeans", "ram:TypeCode", "BR-CL-16", lists.PAYMENT_MEANS),
    ("ram:CategoryTradeTax", "ram:CategoryCode", "BR-CL-17", lists.VAT_CATEGORIES),
    ("ram:ApplicableTradeTax", "ram:CategoryCode", "BR-CL-18", lists.VAT_CATEGORIES),
)
_ATTRIBUTES: tuple[tuple[str | None, str, str, str, Collection[str]], ...] = (
    (None, "ram:TaxTotalAmount", "currencyID", "BR-CL-03", lists.CURRENCIES),
    (None, "ram:ClassCode", "listID", "BR-CL-13", lists.ITEM_CLASSES),
    ("ram:SpecifiedTradeProduct", "ram:GlobalID", "schemeID", "BR-CL-21", lists.IDENTIFIER_SCHEMES),
    (None, "ram:BasisQuantity", "unitCode", "BR-CL-23", lists.UNITS),
    (None, "ram:BilledQuantity", "unitCode", "BR-CL-23", lists.UNITS),
    ("ram:URIUniversalCommunication", "ram:URIID", "schemeID", "BR-CL-25", lists.ADDRESS_SCHEMES),
)


def check(document: Document, facts: Facts, fired: Fired) -> None:
    """Every rule of the code lists."""
    for tag, code, known in _TEXTS:
        _texts(document.all(tag), code, known, fired)
    for parent, tag, code, known in _TEXTS_UNDER:
        if document.all(parent):
            _texts(document.under(parent, tag), code, known, fired)
    for holder, tag, attribute, code, known in _ATTRIBUTES:
        _attributes(document.all(tag) if holder is None else document.under(holder, tag), attribute, code, known, fired)
    for indicator, code, known in ((False, "BR-CL-19", lists.ALLOWANCES), (True, "BR-CL-20", lists.CHARGES)):
        _texts((reason for one in facts.of_kind(indicator) for reason in one.all("ram:ReasonCode")), code, known, fired)
    _exemptions(document, fired)
    for attached in document.all("ram:AttachmentBinaryObject"):
        kind = attached.get("mimeCode")
        if kind is not None and kind not in lists.MEDIA_TYPES:
            fired.add("BR-CL-24", attached)
    _parties(document, fired)
    for number in document.all("ram:ID"):
        _number(number, fired)


def _exemptions(document: Document, fired: Fired) -> None:
    for reason in document.all("ram:ExemptionReasonCode"):
        if tidy(reason.text.upper()) not in lists.EXEMPTIONS:
            fired.add("BR-CL-22", reason)


def _attributes(elements: Iterable[Element], attribute: str, code: str, known: Collection[str], fired: Fired) -> None:
    for element in elements:
        written = element.get(attribute)
        if written is not None and written not in known and tidy(written) not in known:
            fired.add(code, element)


def _texts(elements: Iterable[Element], code: str, known: Collection[str], fired: Fired) -> None:
    for element in elements:
        if element.text not in known and tidy(element.text) not in known:
            fired.add(code, element)


def _parties(document: Document, fired: Fired) -> None:
    """Which rule the scheme of an identifier comes under depends on what stands above it."""
    for number in document.all("ram:GlobalID"):
        scheme = number.get("schemeID")
        if scheme is None or tidy(scheme) in lists.IDENTIFIER_SCHEMES:
            continue
        above = [one.tag for one in number.above()]
        if "ram:SpecifiedTradeProduct" not in above and "ram:ShipToTradeParty" not in above:
            fired.add("BR-CL-10", number)
        elif above[:2] == ["ram:ShipToTradeParty", "ram:ApplicableHeaderTradeDelivery"]:
            fired.add("BR-CL-26", number)


def _number(number: Element, fired: Fired) -> None:
    """A number with a scheme that is no tax number, else the country of an origin, which CII calls a number too."""
    scheme = number.get("schemeID")
    if scheme is not None and not any(one.tag == "ram:SpecifiedTaxRegistration" for one in number.above()):
        if tidy(scheme) not in lists.IDENTIFIER_SCHEMES:
            fired.add("BR-CL-11", number)
        return
    origin = number.parent is not None and number.parent.tag == "ram:OriginTradeCountry"
    if origin and tidy(number.text) not in lists.COUNTRIES_CII:
        fired.add("BR-CL-15", number)
