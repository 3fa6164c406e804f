"""Documents broken: one place at a time, every place, and at random."""

import copy
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from random import Random

from lxml import etree
from lxml.etree import _Element

CATEGORIES = ("S", "Z", "E", "AE", "K", "G", "O", "L", "M", "B")
_TEXTS = ("XX", "FR", "GB", "IT", "USD", "30", "58", "130", "50", "#AAB#x", "#XXX#y", "2020-01-01", "20200101")
_ATTRIBUTES = ("", " ", "0002", "0088", "VA", "FC", "102", "XX", "EUR", "SEPA", "sepa", "C62", "application/pdf")
_NEW_ATTRIBUTES = (
    *("schemeID", "schemeName", "schemeAgencyName", "schemeDataURI", "schemeURI", "schemeAgencyID", "schemeVersionID"),
    *("listID", "listURI", "unitCode", "unitCodeListID", "unitCodeListAgencyID", "unitCodeListAgencyName"),
    *("currencyID", "currencyCodeListVersionID", "name", "languageID", "languageLocaleID", "mimeCode", "format"),
)
# Elements that the core has no place for, by the end of the name of what they are put into.
_STRANGERS = {
    "ReferencedDocument": (
        *("URIID", "StatusCode", "CopyIndicator", "TypeCode", "GlobalID", "RevisionID", "Name", "ReferenceTypeCode"),
        *("AttachmentBinaryObject", "Information", "SectionName", "PreviousRevisionID", "FormattedIssueDateTime"),
        *("EffectiveSpecifiedPeriod", "IssuerTradeParty", "AttachedSpecifiedBinaryFile"),
    ),
    "BillingSpecifiedPeriod": (
        *("DurationMeasure", "InclusiveIndicator", "Description", "CompleteDateTime", "OpenIndicator", "SeasonCode"),
        *("ID", "Name", "SequenceNumeric", "StartDateFlexibilityCode", "ContinuousIndicator", "PurposeCode"),
    ),
    "PostalTradeAddress": (
        *("ID", "PostOfficeBox", "BuildingName", "LineFour", "LineFive", "StreetName", "CitySubDivisionName"),
        *("CountryName", "CountrySubDivisionID", "AttentionOf", "CareOf", "BuildingNumber", "DepartmentName"),
        "AdditionalStreetName",
    ),
    "SpecifiedTradeAllowanceCharge": ("RateApplicablePercent",),
    "MonetarySummation": (
        *("InformationAmount", "TotalDiscountAmount", "TotalAllowanceChargeAmount"),
        *("RetailValueExcludingTaxInformationAmount", "TotalDepositFeeInformationAmount"),
        *("ProductValueExcludingTobaccoTaxInformationAmount", "TotalRetailValueInformationAmount"),
        *("GrossLineTotalAmount", "NetLineTotalAmount", "NetIncludingTaxesLineTotalAmount"),
    ),
}


def every(root: _Element) -> Iterator[_Element]:
    """Every document with one place broken: an element left out, doubled or emptied, an amount or a code changed."""
    tree = root.getroottree()
    for element in list(root.iterdescendants()):
        path = tree.getelementpath(element)
        for change in _changes(element):
            broken = copy.deepcopy(root)
            place = broken.find(path)
            assert place is not None
            change(place)
            yield broken
    for code in CATEGORIES:
        for keep in (False, True):
            yield _in_category(root, code, only_breakdown=keep)
    yield from together(root)
    for code in CATEGORIES:
        yield from together(_in_category(root, code, only_breakdown=False))


def _changes(element: _Element) -> Iterator[Callable[[_Element], object]]:
    yield _drop
    yield lambda place: place.addnext(copy.deepcopy(place))
    for name in map(str, element.attrib):
        yield partial(_set, name=name, value=None)
        yield partial(_set, name=name, value="XX")
    yield from (_putting(name) for name in _strangers(element))
    if len(element):
        return
    text = (element.text or "").strip()
    if _is_number(text):
        for other in (
            f"{float(text) + 1.01:.2f}",
            f"{-float(text):.2f}",
            f"{text}001" if "." in text else f"{text}.001",
        ):
            yield partial(_write, text=other)
    else:
        for other in ("", "XX-" + text):
            yield partial(_write, text=other)


def _parent(place: _Element) -> _Element:
    found = place.getparent()
    assert found is not None
    return found


def _drop(place: _Element) -> None:
    _parent(place).remove(place)


def _set(place: _Element, *, name: str, value: str | None) -> None:
    if value is None:
        place.attrib.pop(name)
    else:
        place.set(name, value)


def _putting(name: str) -> Callable[[_Element], object]:
    def put(place: _Element) -> None:
        namespace = etree.QName(place).namespace
        for _ in range(2):
            etree.SubElement(place, f"{{{namespace}}}{name}").text = "1"

    return put


def _strangers(element: _Element) -> Sequence[str]:
    name = etree.QName(element).localname
    return next((found for end, found in _STRANGERS.items() if name.endswith(end)), ())


def _write(place: _Element, text: str) -> None:
    place.text = text


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).replace("-", "", 1).isdigit()


def _in_category(root: _Element, code: str, *, only_breakdown: bool) -> _Element:
    """The document with every VAT category, or those of the breakdown only, turned into another."""
    broken = copy.deepcopy(root)
    for element in broken.iter():
        parent = element.getparent()
        if parent is None or (element.text or "").strip() not in CATEGORIES:
            continue
        in_breakdown = etree.QName(_parent(parent)).localname in ("TaxSubtotal", "ApplicableHeaderTradeSettlement")
        if in_breakdown or not only_breakdown:
            element.text = code
    return broken


def together(root: _Element) -> Iterator[_Element]:
    """What takes several places to break: no tax number anywhere, no reason, no date, an attribute on every element."""
    for names in (
        ("SpecifiedTaxRegistration", "PartyTaxScheme"),
        ("SpecifiedTaxRegistration", "PartyTaxScheme", "SpecifiedLegalOrganization", "CompanyID"),
        ("ExemptionReason", "ExemptionReasonCode", "TaxExemptionReason", "TaxExemptionReasonCode"),
        ("Reason", "ReasonCode", "AllowanceChargeReason", "AllowanceChargeReasonCode"),
        ("StartDateTime", "EndDateTime", "StartDate", "EndDate"),
        ("BillingSpecifiedPeriod", "InvoicePeriod", "ActualDeliverySupplyChainEvent", "ActualDeliveryDate"),
        ("ShipToTradeParty", "DeliveryLocation"),
        ("Percent", "RateApplicablePercent"),
    ):
        yield _changed(root, names, _drop)
    for name in _NEW_ATTRIBUTES:
        broken = copy.deepcopy(root)
        for element in broken.iter():
            element.set(name, "XX")
        yield broken
    for text in ("0", "-1", "25"):
        yield _changed(root, ("Percent", "RateApplicablePercent"), partial(_write, text=text))
    yield _changed(root, ("ID", "PrimaryAccountNumberID"), lambda place: _write(place, "1234567890123"))
    yield _changed(
        root, ("BaseAmount", "BasisAmount", "TaxTotalAmount"), lambda place: _write(place, f"{place.text}001")
    )
    yield _changed(root, ("CategoryCode", "ClassifiedTaxCategory", "TaxCategory"), _with_reason)
    yield _changed(root, ("DocumentTypeCode",), lambda place: _after(place, "DocumentDescription", "Attachment"))
    yield _changed(root, ("StartDateTime", "EndDateTime"), lambda place: _inside_udt(place, "DateTime"))
    yield _changed(root, ("DueDateTypeCode",), lambda place: _after(place, "TaxPointDate", "TaxPointDate"))
    yield _changed(root, ("DocumentCurrencyCode",), lambda place: _after(place, "TaxPointDate"))
    yield _changed(root, ("PaymentMeansCode",), lambda place: _after(place, "PaymentDueDate", "PaymentDueDate"))
    yield _changed(root, ("BilledQuantity",), _without_unit)
    for name in ("PaymentMeans", "SpecifiedTradeSettlementPaymentMeans", "ApplicableTradeTax", "TaxSubtotal"):
        yield _changed(root, (name,), _doubled_otherwise)


def _changed(root: _Element, names: Sequence[str], change: Callable[[_Element], object]) -> _Element:
    broken = copy.deepcopy(root)
    for element in list(broken.iterdescendants()):
        if etree.QName(element).localname in names and element.getparent() is not None:
            change(element)
    return broken


def _after(place: _Element, *names: str) -> None:
    for name in names:
        other = copy.deepcopy(place)
        other.tag = f"{{{etree.QName(place).namespace}}}{name}"
        if name == "Attachment":
            other.tag = other.tag.replace("CommonBasic", "CommonAggregate")
        place.addnext(other)


def _with_reason(place: _Element) -> None:
    """A reason for an exemption, whether there is one to give or not."""
    namespace = str(etree.QName(place).namespace)
    if "CategoryCode" in str(place.tag):
        etree.SubElement(_parent(place), f"{{{namespace}}}ExemptionReason").text = "Parce que"
    else:
        basic = namespace.replace("CommonAggregate", "CommonBasic")
        for _ in range(2):
            etree.SubElement(place, f"{{{basic}}}TaxExemptionReason").text = "Parce que"


def _without_unit(place: _Element) -> None:
    """The unit on another quantity only."""
    _after(place, "BasisQuantity")
    place.attrib.clear()


def _inside_udt(place: _Element, name: str) -> None:
    for day in list(place):
        day.tag = f"{{{etree.QName(day).namespace}}}{name}"


def _doubled_otherwise(place: _Element) -> None:
    """The element once more, with other texts."""
    other = copy.deepcopy(place)
    for element in other.iter():
        if not len(element):
            element.text = f"{element.text}1"
    place.addnext(other)


class Shuffler:
    """Breaks documents at random, with pieces of the others."""

    def __init__(self, random: Random, roots: Sequence[_Element]) -> None:
        self._random = random
        self._roots = roots
        self._pieces: dict[tuple[str, str], list[_Element]] = defaultdict(list)
        for root in roots:
            for element in root.iter():
                self._pieces[str(root.tag), str(element.tag)].extend(element)

    def one(self) -> _Element:
        """One broken document."""
        root = copy.deepcopy(self._random.choice(self._roots))
        for _ in range(self._random.choice((1, 1, 2, 3, 5, 8))):
            self._break(root)
        return root

    def _break(self, root: _Element) -> None:
        random = self._random
        inside = list(root.iterdescendants())
        if not inside:
            return
        element = random.choice(inside)
        leaves = [one for one in inside if not len(one)]
        chance = random.random()
        if chance < 0.2:
            _drop(element)
        elif chance < 0.28:
            element.addnext(copy.deepcopy(element))
        elif chance < 0.34:
            random.choice(leaves).text = random.choice(("", " ", None))
        elif chance < 0.62:
            self._rewrite(random.choice(leaves))
        elif chance < 0.72:
            self._recategorise(leaves)
        elif chance < 0.84:
            self._attribute(inside)
        else:
            holder = random.choice([one for one in (root, *inside) if len(one)] or [root])
            pieces = self._pieces[str(root.tag), str(holder.tag)]
            if pieces:
                holder.insert(random.randrange(len(holder) + 1), copy.deepcopy(random.choice(pieces)))

    def _rewrite(self, leaf: _Element) -> None:
        text = (leaf.text or "").strip()
        others = [f" {text} ", text.lower(), text.upper(), text[:1], text + "x", *_TEXTS]
        if _is_number(text):
            value = float(text)
            others = [f"{value + step:.2f}" for step in (0.01, 0.99, 1, -1, 2)]
            others += [f"{-value:.2f}", f"{value:.3f}", f" {text} ", f"{value + 0.005:.3f}", "0", "0.00", "20", "5.5"]
        leaf.text = self._random.choice(others)

    def _recategorise(self, leaves: Sequence[_Element]) -> None:
        found = [leaf for leaf in leaves if (leaf.text or "").strip() in CATEGORIES]
        code = self._random.choice((*CATEGORIES, " S ", "s", "XX", ""))
        for leaf in found if self._random.random() < 0.5 else found[:1]:
            leaf.text = code

    def _attribute(self, inside: Sequence[_Element]) -> None:
        random = self._random
        element = random.choice(inside)
        if element.attrib and random.random() < 0.6:
            name = random.choice(list(element.attrib))
            if random.random() < 0.4:
                del element.attrib[name]
            else:
                element.set(name, random.choice((*_ATTRIBUTES, f"{element.get(name)} ")))
        else:
            element.set(random.choice(_NEW_ATTRIBUTES), random.choice(_ATTRIBUTES))
