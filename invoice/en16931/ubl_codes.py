"""UBL: codes that must be in their list (rules BR-CL)."""

from collections.abc import Callable, Collection, Iterable

from invoice.en16931 import codelists as lists
from invoice.en16931.fired import Fired
from invoice.en16931.ubl_facts import Facts
from invoice.en16931.values import tidy
from invoice.syntax.elements import Document, Element

# What every element of the name must hold.
_TEXTS: tuple[tuple[str, str, Collection[str]], ...] = (
    ("cbc:InvoiceTypeCode", "BR-CL-01", lists.INVOICE_TYPES),
    ("cbc:CreditNoteTypeCode", "BR-CL-01", lists.CREDIT_NOTE_TYPES),
    ("cbc:DocumentCurrencyCode", "BR-CL-04", lists.CURRENCIES),
    ("cbc:TaxCurrencyCode", "BR-CL-05", lists.CURRENCIES),
)
# The same below a parent of a name.
_TEXTS_UNDER: tuple[tuple[str, str, str, Collection[str]], ...] = (
    ("cac:InvoicePeriod", "cbc:DescriptionCode", "BR-CL-06", lists.TAX_POINTS_UBL),
    ("cac:Country", "cbc:IdentificationCode", "BR-CL-14", lists.COUNTRIES_UBL),
    ("cac:OriginCountry", "cbc:IdentificationCode", "BR-CL-15", lists.COUNTRIES_UBL),
    ("cac:PaymentMeans", "cbc:PaymentMeansCode", "BR-CL-16", lists.PAYMENT_MEANS),
    ("cac:TaxCategory", "cbc:ID", "BR-CL-17", lists.VAT_CATEGORIES),
    ("cac:ClassifiedTaxCategory", "cbc:ID", "BR-CL-18", lists.VAT_CATEGORIES),
)
# What an attribute holds, where it is given, below a parent of a name (None: anywhere).
_ATTRIBUTES: tuple[tuple[str | None, str, str, str, Collection[str]], ...] = (
    ("cac:PartyLegalEntity", "cbc:CompanyID", "schemeID", "BR-CL-11", lists.IDENTIFIER_SCHEMES),
    ("cac:CommodityClassification", "cbc:ItemClassificationCode", "listID", "BR-CL-13", lists.ITEM_CLASSES),
    ("cac:StandardItemIdentification", "cbc:ID", "schemeID", "BR-CL-21", lists.IDENTIFIER_SCHEMES),
    (None, "cbc:InvoicedQuantity", "unitCode", "BR-CL-23", lists.UNITS),
    (None, "cbc:CreditedQuantity", "unitCode", "BR-CL-23", lists.UNITS),
    (None, "cbc:BaseQuantity", "unitCode", "BR-CL-23", lists.UNITS),
    (None, "cbc:EndpointID", "schemeID", "BR-CL-25", lists.ADDRESS_SCHEMES),
    ("cac:DeliveryLocation", "cbc:ID", "schemeID", "BR-CL-26", lists.IDENTIFIER_SCHEMES),
)
_AMOUNTS = tuple(
    f"cbc:{name}Amount"
    for name in (
        *("", "Base", "Price", "Tax", "Taxable", "LineExtension", "TaxExclusive", "TaxInclusive"),
        *("AllowanceTotal", "ChargeTotal", "Prepaid", "PayableRounding", "Payable"),
    )
)


def check(document: Document, facts: Facts, fired: Fired) -> None:
    """Every rule of the code lists."""
    for tag, code, known in _TEXTS:
        _texts(document.all(tag), code, known, fired)
    for parent, tag, code, known in _TEXTS_UNDER:
        if document.all(parent):
            _texts(document.under(parent, tag), code, known, fired)
    for holder, tag, attribute, code, known in _ATTRIBUTES:
        for element in document.all(tag) if holder is None else document.under(holder, tag):
            written = element.get(attribute)
            if written is not None and written not in known and tidy(written) not in known:
                fired.add(code, element)
    _currencies(document, fired)
    _reasons(document, facts, fired)
    _identifiers(document, fired)
    _notes(document.root, fired)
    for attached in document.all("cbc:EmbeddedDocumentBinaryObject"):
        kind = attached.get("mimeCode")
        if kind is not None and kind not in lists.MEDIA_TYPES:
            fired.add("BR-CL-24", attached)


def _texts(elements: Iterable[Element], code: str, known: Collection[str], fired: Fired) -> None:
    for element in elements:
        if element.text not in known and tidy(element.text) not in known:
            fired.add(code, element)


def _currencies(document: Document, fired: Fired) -> None:
    """Each amount names its currency. The few that a document uses are looked up once."""
    checked: dict[str | None, bool] = {}
    for tag in _AMOUNTS:
        for element in document.all(tag):
            written = element.get("currencyID")
            if written not in checked:
                checked[written] = tidy(written or "") in lists.CURRENCIES
            if not checked[written]:
                fired.add("BR-CL-03", element)


def _reasons(document: Document, facts: Facts, fired: Fired) -> None:
    for indicator, code, known in ((False, "BR-CL-19", lists.ALLOWANCES), (True, "BR-CL-20", lists.CHARGES)):
        for one in facts.of_kind(indicator):
            for reason in one.all("cbc:AllowanceChargeReasonCode"):
                if tidy(reason.text) not in known:
                    fired.add(code, reason)
    for reason in document.all("cbc:TaxExemptionReasonCode"):
        if tidy(reason.text.upper()) not in lists.EXEMPTIONS:
            fired.add("BR-CL-22", reason)


def _identifiers(document: Document, fired: Fired) -> None:
    for tag in ("cac:AdditionalDocumentReference", "cac:DocumentReference"):
        for reference in document.all(tag):
            if any(kind.text == "130" for kind in reference.all("cbc:DocumentTypeCode")):
                _schemes(reference.all("cbc:ID"), "BR-CL-07", lambda scheme, _: scheme in lists.OBJECT_SCHEMES, fired)
    _schemes(list(document.under("cac:PartyIdentification", "cbc:ID")), "BR-CL-10", _is_party_scheme, fired)


def _schemes(elements: Collection[Element], code: str, holds: Callable[[str, Element], bool], fired: Fired) -> None:
    for element in elements:
        scheme = element.get("schemeID")
        if scheme is not None and not holds(tidy(scheme), element):
            fired.add(code, element)


def _is_party_scheme(scheme: str, number: Element) -> bool:
    """A scheme of the list; SEPA too, for the bank's number of a seller or a payee."""
    if scheme in lists.IDENTIFIER_SCHEMES:
        return True
    holders = ("cac:AccountingSupplierParty", "cac:PayeeParty")
    return scheme == "SEPA" and any(one.tag in holders for one in number.above())


def _notes(root: Element, fired: Fired) -> None:
    """A note may begin with its subject between two ``#``, a code of three letters."""
    for note in root.all("cbc:Note"):
        behind, found, _ = note.text.partition("#")[2].partition("#")
        if found and len(behind) == 3 and behind not in lists.SUBJECTS_TEXT:
            fired.add("BR-CL-08", note)
