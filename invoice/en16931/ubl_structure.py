"""UBL: what may stand once only, and the shape of amounts and of attached files (rules UBL-SR, UBL-DT, UBL-CR)."""

from collections.abc import Sequence

from invoice.en16931.fired import Fired
from invoice.en16931.ubl_facts import Facts
from invoice.syntax.elements import Document, Element

_SELLER, _BUYER = "cac:AccountingSupplierParty", "cac:AccountingCustomerParty"
# Below the root, at most one at the end of the path.
_ONCE_IN_DOCUMENT = (
    ("UBL-SR-01", ("cac:ContractDocumentReference", "cbc:ID")),
    ("UBL-SR-02", ("cac:ReceiptDocumentReference", "cbc:ID")),
    ("UBL-SR-03", ("cac:DespatchDocumentReference", "cbc:ID")),
    ("UBL-SR-05", ("cac:PaymentTerms", "cbc:Note")),
    ("UBL-SR-08", ("cac:InvoicePeriod",)),
    ("UBL-SR-09", (_SELLER, "cac:Party", "cac:PartyLegalEntity", "cbc:RegistrationName")),
    ("UBL-SR-10", (_SELLER, "cac:Party", "cac:PartyName", "cbc:Name")),
    ("UBL-SR-11", (_SELLER, "cac:Party", "cac:PartyLegalEntity", "cbc:CompanyID")),
    ("UBL-SR-14", (_SELLER, "cac:Party", "cac:PartyLegalEntity", "cbc:CompanyLegalForm")),
    ("UBL-SR-15", (_BUYER, "cac:Party", "cac:PartyLegalEntity", "cbc:RegistrationName")),
    ("UBL-SR-16", (_BUYER, "cac:Party", "cac:PartyIdentification", "cbc:ID")),
    ("UBL-SR-17", (_BUYER, "cac:Party", "cac:PartyLegalEntity", "cbc:CompanyID")),
    ("UBL-SR-24", ("cac:Delivery",)),
    ("UBL-SR-39", ("cac:ProjectReference", "cbc:ID")),
    ("UBL-SR-40", (_BUYER, "cac:Party", "cac:PartyName", "cbc:Name")),
    ("UBL-SR-45", ("cac:PaymentMeans", "cbc:PaymentDueDate")),
    ("UBL-SR-49", ("cac:InvoicePeriod", "cbc:DescriptionCode")),
    ("UBL-SR-54", ("cac:PaymentMeans", "cac:CardAccount")),
    ("UBL-SR-55", ("cac:PaymentMeans", "cac:PaymentMandate")),
    ("UBL-SR-56", ("cac:OriginatorDocumentReference", "cbc:ID")),
)
# Below each element of the name.
_ONCE_IN = {
    "cac:PostalAddress": (("UBL-SR-51", ("cac:AddressLine",)),),
    "cac:Address": (("UBL-SR-51", ("cac:AddressLine",)),),
    "cac:AdditionalDocumentReference": (("UBL-SR-33", ("cbc:DocumentDescription",)),),
    "cac:Delivery": (("UBL-SR-25", ("cac:DeliveryParty", "cac:PartyName", "cbc:Name")),),
    "cac:PaymentMeans": (
        ("UBL-SR-26", ("cbc:PaymentID",)),
        ("UBL-SR-27", ("cbc:PaymentMeansCode",)),
        ("UBL-SR-28", ("cac:PaymentMandate", "cbc:ID")),
    ),
    "cac:BillingReference": (("UBL-SR-06", ("cac:InvoiceDocumentReference",)),),
    "cac:TaxRepresentativeParty": (
        ("UBL-SR-22", ("cac:PartyName", "cbc:Name")),
        ("UBL-SR-23", ("cac:PartyTaxScheme", "cbc:CompanyID")),
    ),
    "cac:TaxSubtotal": (("UBL-SR-32", ("cac:TaxCategory", "cbc:TaxExemptionReason")),),
}
_ONCE_IN_LINE = (
    ("UBL-SR-34", ("cbc:Note",)),
    ("UBL-SR-35", ("cac:OrderLineReference", "cbc:LineID")),
    ("UBL-SR-36", ("cac:InvoicePeriod",)),
    ("UBL-SR-37", ("cac:Price", "cac:AllowanceCharge", "cbc:Amount")),
    ("UBL-SR-50", ("cac:Item", "cbc:Description")),
    ("UBL-SR-52", ("cac:DocumentReference",)),
)


def check(document: Document, facts: Facts, fired: Fired) -> None:
    """Every rule of the shape."""
    root = document.root
    _once(root, _ONCE_IN_DOCUMENT, fired)
    for tag, rules in _ONCE_IN.items():
        for element in document.all(tag):
            _once(element, rules, fired)
    for line in facts.lines:
        _once(line, _ONCE_IN_LINE, fired)
        if len(line.along("cac:Item", "cac:ClassifiedTaxCategory")) != 1:
            fired.add("UBL-SR-48", line)
    for indicator, code in ((False, "UBL-SR-30"), (True, "UBL-SR-31")):
        for one in facts.of_kind(indicator):
            if len(one.all("cbc:AllowanceChargeReason")) > 1:
                fired.add(code, one)
    _parties(document, fired)
    _payees(document, fired)
    _documents(document, fired)
    for reference in document.all("cac:BillingReference"):
        if not reference.along("cac:InvoiceDocumentReference", "cbc:ID"):
            fired.add("UBL-SR-07", reference)
    _one_way_to_pay(document, fired)
    _amounts(document, fired)


def _once(element: Element, rules: Sequence[tuple[str, tuple[str, ...]]], fired: Fired) -> None:
    kids = element.kids
    for code, path in rules:
        if path[0] in kids and len(element.along(*path)) > 1:
            fired.add(code, element)


def _parties(document: Document, fired: Fired) -> None:
    root = document.root
    for side, vat, other in ((_SELLER, "UBL-SR-12", "UBL-SR-13"), (_BUYER, "UBL-SR-18", None)):
        schemes = root.along(side, "cac:Party", "cac:PartyTaxScheme")
        if len(_numbers(schemes, vat=True)) > 1:
            fired.add(vat, root)
        if other is not None and len(_numbers(schemes, vat=False)) > 1:
            fired.add(other, root)
    for seller in document.all(_SELLER):
        for party in seller.all("cac:Party"):
            if len(party.all("cac:PartyTaxScheme")) > 2:
                fired.add("UBL-SR-42", party)
    for scheme in document.all("cac:PartyTaxScheme"):
        if not (scheme.along("cac:TaxScheme", "cbc:ID") and scheme.all("cbc:CompanyID")):
            fired.add("UBL-SR-53", scheme)
    creditors = [one for one in document.under("cac:PartyIdentification", "cbc:ID") if _is_sepa(one)]
    if len(creditors) > 1:
        fired.add("UBL-SR-29", creditors[1])


def _numbers(schemes: Sequence[Element], *, vat: bool) -> list[Element]:
    """The numbers under a VAT scheme, or under another one; here the code of the scheme may have no spaces."""
    found: list[Element] = []
    for scheme in schemes:
        codes = [ids[0].text.upper() if (ids := one.all("cbc:ID")) else "" for one in scheme.all("cac:TaxScheme")]
        if any((code == "VAT") is vat for code in codes):
            found.extend(scheme.all("cbc:CompanyID"))
    return found


def _is_sepa(number: Element) -> bool:
    return (number.get("schemeID") or "").upper() == "SEPA"


def _payees(document: Document, fired: Fired) -> None:
    sellers: dict[int, set[str]] = {}
    for payee in document.all("cac:PayeeParty"):
        holder = payee.parent
        assert holder is not None
        if id(holder) not in sellers:
            path = (_SELLER, "cac:Party", "cac:PartyLegalEntity", "cbc:RegistrationName")
            sellers[id(holder)] = {one.text for one in holder.along(*path)}
        theirs = sellers[id(holder)]
        names = payee.along("cac:PartyName", "cbc:Name")
        # True where one pair of names differs: with several names of the seller, one always does.
        differs = any(theirs - {name.text} for name in names) if theirs else False
        ids = [one for one in payee.along("cac:PartyIdentification", "cbc:ID") if not _is_sepa(one)]
        legal = payee.along("cac:PartyLegalEntity", "cbc:CompanyID")
        for code, found in (("UBL-SR-19", names), ("UBL-SR-20", ids), ("UBL-SR-21", legal)):
            if len(found) > 1 or not differs:
                fired.add(code, payee)


def _documents(document: Document, fired: Fired) -> None:
    root = document.root
    objects = 0
    for piece in document.all("cac:AdditionalDocumentReference"):
        kinds = {kind.text for kind in piece.all("cbc:DocumentTypeCode")}
        if "130" in kinds:
            objects += len(piece.all("cbc:ID")) if piece.parent is root else 0
            if piece.all("cac:Attachment"):
                fired.add("UBL-CR-666", piece)
            if piece.all("cbc:DocumentDescription"):
                fired.add("UBL-CR-673", piece)
            continue
        if root.tag == "cn:CreditNote" and "50" in kinds:
            continue
        if kinds or any(number.get("schemeID") is not None for number in piece.all("cbc:ID")):
            fired.add("UBL-SR-43", piece)
    if objects > 1:
        fired.add("UBL-SR-04", root)


def _one_way_to_pay(document: Document, fired: Fired) -> None:
    root = document.root
    for code, tag in (("UBL-SR-44", "cbc:PaymentID"), ("UBL-SR-47", "cbc:PaymentMeansCode")):
        if len({one.text for one in document.all(tag)}) > 1:
            fired.add(code, root)
    names = [one for one in root.along("cac:PaymentMeans", "cbc:PaymentMeansCode") if one.get("name") is not None]
    if len(names) > 1:
        fired.add("UBL-SR-46", root)


def _amounts(document: Document, fired: Fired) -> None:
    for tag, elements in document.named.items():
        if tag.endswith("Amount") and not tag.endswith("PriceAmount"):
            for element in elements:
                if len(element.text.partition(".")[2]) > 2 and not _in_discounted_price(element):
                    fired.add("UBL-DT-01", element)
        elif tag.endswith("BinaryObject"):
            for element in elements:
                if element.get("mimeCode") is None:
                    fired.add("UBL-DT-06", element)
                if element.get("filename") is None:
                    fired.add("UBL-DT-07", element)


def _in_discounted_price(element: Element) -> bool:
    """Whether it stands in a price that has an allowance: such amounts may have more decimals."""
    return any(one.tag == "cac:Price" and one.all("cac:AllowanceCharge") for one in element.above())
