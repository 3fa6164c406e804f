"""CII: what each kind of element may hold, by the end of its name (rules CII-DT)."""

from collections.abc import Collection, Iterable
from functools import lru_cache

from invoice.en16931.cii_facts import LINE, TRANSACTION
from invoice.en16931.fired import Fired
from invoice.syntax.elements import Document, Element

_KINDS = ("ID", "Amount", "Quantity", "ReferencedDocument", "TradeTax")
# Attributes that have no place on any identifier, and on the four identifiers of the core that have no scheme.
_ON_ID = ("schemeName", "schemeAgencyName", "schemeDataURI", "schemeURI")
_ON_PLAIN_ID = (*_ON_ID, "schemeID", "schemeAgencyID", "schemeVersionID")
_PLAIN_IDS = (
    ("rsm:ExchangedDocumentContext", "ram:GuidelineSpecifiedDocumentContextParameter", "ram:ID"),
    ("rsm:ExchangedDocument", "ram:ID"),
    (TRANSACTION, LINE, "ram:AssociatedDocumentLineDocument", "ram:LineID"),
    (TRANSACTION, LINE, "ram:SpecifiedTradeProduct", "ram:SellerAssignedID"),
)
# What a reference to a document may not hold, and for which codes of an additional document it may.
_IN_REFERENCE: tuple[tuple[str, str, Collection[str]], ...] = (
    ("CII-DT-015", "ram:URIID", ("916",)),
    ("CII-DT-016", "ram:StatusCode", ()),
    ("CII-DT-017", "ram:CopyIndicator", ()),
    ("CII-DT-018", "ram:TypeCode", ("50", "130", "916")),
    ("CII-DT-019", "ram:GlobalID", ()),
    ("CII-DT-020", "ram:RevisionID", ()),
    ("CII-DT-021", "ram:Name", ("916",)),
    ("CII-DT-022", "ram:AttachmentBinaryObject", ("916",)),
    ("CII-DT-023", "ram:Information", ()),
    ("CII-DT-024", "ram:ReferenceTypeCode", ("130",)),
    ("CII-DT-025", "ram:SectionName", ()),
    ("CII-DT-026", "ram:PreviousRevisionID", ()),
    ("CII-DT-028", "ram:EffectiveSpecifiedPeriod", ()),
    ("CII-DT-029", "ram:IssuerTradeParty", ()),
    ("CII-DT-030", "ram:AttachedSpecifiedBinaryFile", ()),
)
_IN_PERIOD = {
    f"ram:{name}": f"CII-DT-{number:03}"
    for number, name in (
        (69, "DurationMeasure"),
        (70, "InclusiveIndicator"),
        (71, "Description"),
        (73, "CompleteDateTime"),
        (74, "OpenIndicator"),
        (75, "SeasonCode"),
        (76, "ID"),
        (77, "Name"),
        (78, "SequenceNumeric"),
        (79, "StartDateFlexibilityCode"),
        (80, "ContinuousIndicator"),
        (81, "PurposeCode"),
    )
}
_IN_ADDRESS = {
    f"ram:{name}": f"CII-DT-{number:03}"
    for number, name in (
        (82, "ID"),
        (83, "PostOfficeBox"),
        (84, "BuildingName"),
        (86, "LineFour"),
        (87, "LineFive"),
        (88, "StreetName"),
        (89, "CitySubDivisionName"),
        (90, "CountryName"),
        (91, "CountrySubDivisionID"),
        (92, "AttentionOf"),
        (93, "CareOf"),
        (94, "BuildingNumber"),
        (95, "DepartmentName"),
        (96, "AdditionalStreetName"),
    )
}


def check(document: Document, fired: Fired) -> None:
    """Every rule of the kinds of elements."""
    plain = [element for path in _PLAIN_IDS for element in document.root.along(*path)]
    plain_ids = {id(element) for element in plain}
    _without(plain, _ON_PLAIN_ID, 1, fired)
    for tag, elements in document.named.items():
        kind = _kind(tag)
        if kind == "ID":
            _without([one for one in elements if id(one) not in plain_ids], _ON_ID, 101, fired)
        elif kind == "Amount":
            _without(elements, ("currencyID", "currencyCodeListVersionID"), 31, fired)
        elif kind == "Quantity":
            _without(elements, ("unitCodeListID", "unitCodeListAgencyID", "unitCodeListAgencyName"), 34, fired)
        elif kind == "ReferencedDocument":
            _references(elements, fired)
        elif kind == "TradeTax":
            _taxes(elements, fired)
    _without(document.all("ram:TypeCode"), ("name", "listURI"), 8, fired)
    _units(document, fired)
    _periods(document, fired)
    for address in document.all("ram:PostalTradeAddress"):
        _holds_none(address, _IN_ADDRESS, fired)


@lru_cache(maxsize=2_000)
def _kind(tag: str) -> str:
    """The end of a name that says what an element is; empty for none, and for the one amount that is none here."""
    if not tag.startswith("ram:") or tag == "ram:TaxTotalAmount":
        return ""
    return next((kind for kind in _KINDS if tag.endswith(kind)), "")


def _periods(document: Document, fired: Fired) -> None:
    for period in document.all("ram:BillingSpecifiedPeriod"):
        _holds_none(period, _IN_PERIOD, fired)
        for code, tag in (("CII-DT-068", "ram:StartDateTime"), ("CII-DT-072", "ram:EndDateTime")):
            if period.along(tag, "udt:DateTime"):
                fired.add(code, period)


def _without(elements: Iterable[Element], attributes: Collection[str], first: int, fired: Fired) -> None:
    """None of the attributes is given; their rules are numbered one after the other from ``first``."""
    for element in elements:
        written = element.attributes()
        if written:
            for number, attribute in enumerate(attributes, start=first):
                if attribute in written:
                    fired.add(f"CII-DT-{number:03}", element)


def _holds_none(element: Element, rules: dict[str, str], fired: Fired) -> None:
    for tag in element.kids.keys() & rules.keys():
        fired.add(rules[tag], element)


def _references(references: Iterable[Element], fired: Fired) -> None:
    for reference in references:
        _reference(reference, fired)


def _reference(reference: Element, fired: Fired) -> None:
    additional = reference.tag == "ram:AdditionalReferencedDocument"
    kids = reference.kids
    kinds = {kind.text for kind in reference.all("ram:TypeCode")} if additional else set()
    for code, tag, allowed in _IN_REFERENCE:
        if tag in kids and kinds.isdisjoint(allowed):
            fired.add(code, reference)
    if "ram:FormattedIssueDateTime" in kids and reference.tag != "ram:InvoiceReferencedDocument":
        fired.add("CII-DT-027", reference)


def _taxes(taxes: Iterable[Element], fired: Fired) -> None:
    for tax in taxes:
        kinds = tax.all("ram:TypeCode")
        if kinds and all(kind.text != "VAT" for kind in kinds):
            fired.add("CII-DT-037", tax)


def _units(document: Document, fired: Fired) -> None:
    """A unit is given on any quantity only where the billed quantity of some line has one too."""
    path = (TRANSACTION, LINE, "ram:SpecifiedLineTradeDelivery", "ram:BilledQuantity")
    if any(quantity.get("unitCode") is not None for quantity in document.root.along(*path)):
        return
    for tag, elements in document.named.items():
        if _kind(tag) == "Quantity":
            for quantity in elements:
                if quantity.get("unitCode") is not None:
                    fired.add("CII-DT-033", quantity)
