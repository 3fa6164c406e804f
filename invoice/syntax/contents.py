"""Lines, notes and attachments, read from the parsed document when they are asked for."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from functools import partial
from itertools import islice

from lxml.etree import _Element

from invoice.syntax import values
from invoice.syntax.elements import Document
from invoice.syntax.model import Attachment, Limits, Line, Note, decoded_size
from invoice.syntax.names import UBL, UBL_LINES
from invoice.syntax.tree import Found, Plan, collect, compile_plan, first_text
from invoice.syntax.values import Malformed

MAX_NOTE = 20_000
MAX_NAME = 200
MAX_ATTACHMENTS = 1_000
MAX_NOTES = 1_000
_SUBJECT = re.compile(r"#([A-Z]{3})#(.*)", re.DOTALL)  # the norm's way to say BT-21 in UBL

_UBL_LINE = compile_plan(
    {
        "cbc:ID": "number",
        "cbc:Note": "note",
        "cbc:InvoicedQuantity": "quantity",
        "cbc:CreditedQuantity": "quantity",
        "cbc:LineExtensionAmount": "net_amount",
        "cac:Item/cbc:Name": "name",
        "cac:Item/cbc:Description": "description",
        "cac:Item/cac:ClassifiedTaxCategory/cbc:ID": "vat_category",
        "cac:Item/cac:ClassifiedTaxCategory/cbc:Percent": "vat_rate",
        "cac:Price/cbc:PriceAmount": "unit_price",
        "cac:Price/cbc:BaseQuantity": "price_base",
    },
    UBL,
)
_UBL_EXTRAS = compile_plan({"cbc:Note": "note", "cac:AdditionalDocumentReference": "document"}, UBL)
_UBL_DOCUMENT = compile_plan(
    {
        "cbc:ID": "number",
        "cbc:DocumentType": "description",
        "cbc:DocumentDescription": "description",
        "cac:Attachment/cbc:EmbeddedDocumentBinaryObject": "binary",
    },
    UBL,
)
_CII_LINE = {
    "ram:AssociatedDocumentLineDocument/ram:LineID": "number",
    "ram:AssociatedDocumentLineDocument/ram:IncludedNote/ram:Content": "note",
    "ram:SpecifiedTradeProduct/ram:Name": "name",
    "ram:SpecifiedTradeProduct/ram:Description": "description",
    "{agreement}/ram:NetPriceProductTradePrice/ram:ChargeAmount": "unit_price",
    "{agreement}/ram:NetPriceProductTradePrice/ram:BasisQuantity": "price_base",
    "{delivery}/ram:BilledQuantity": "quantity",
    "{settlement}/ram:ApplicableTradeTax/ram:CategoryCode": "vat_category",
    "{settlement}/ram:ApplicableTradeTax/ram:RateApplicablePercent": "vat_rate",
    "{settlement}/ram:ApplicableTradeTax/ram:ApplicablePercent": "vat_rate",
    "{settlement}/ram:SpecifiedTradeSettlementLineMonetarySummation/ram:LineTotalAmount": "net_amount",
    "{settlement}/ram:SpecifiedTradeSettlementMonetarySummation/ram:LineTotalAmount": "net_amount",
}
_CII_EXTRAS = {
    "{document}/ram:IncludedNote": "note",
    "{agreement}/ram:AdditionalReferencedDocument": "document",
}
_CII_NOTE = {"ram:Content": "text", "ram:SubjectCode": "subject"}
_CII_DOCUMENT = {
    "ram:IssuerAssignedID": "number",
    "ram:Name": "description",
    "ram:AttachmentBinaryObject": "binary",
}


class CiiPlans:
    """The plans of one generation of CII for what is read late. ``words`` as in :mod:`invoice.syntax.cii`."""

    def __init__(self, namespaces: Mapping[str, str], words: Mapping[str, str]) -> None:
        # `ApplicableHeaderTrade…` above the lines, `SpecifiedLineTrade…` in them; ZUGFeRD 1 has one stem for both.
        stem = "ram:SpecifiedLineTrade" if "Header" in words["agreement"] else "ram:SpecifiedSupplyChainTrade"
        inner = {name: f"{stem}{name.capitalize()}" for name in ("agreement", "delivery", "settlement")}
        self.line_tag = f"{{{namespaces['ram']}}}IncludedSupplyChainTradeLineItem"
        self.line = compile_plan({path.format_map(inner): key for path, key in _CII_LINE.items()}, namespaces)
        self.extras = compile_plan({path.format_map(words): key for path, key in _CII_EXTRAS.items()}, namespaces)
        self.note = compile_plan(_CII_NOTE, namespaces)
        self.document = compile_plan(_CII_DOCUMENT, namespaces)


class UblContent:
    """Of a UBL document."""

    def __init__(self, root: _Element, limits: Limits) -> None:
        self._root = root
        self._limits = limits

    def lines(self) -> Iterator[Line]:
        return (read_line(element, _UBL_LINE) for element in self._root.iterchildren(*UBL_LINES))

    def notes(self) -> tuple[Note, ...]:
        texts = (element.text or "" for element in collect(self._root, _UBL_EXTRAS, {}).get("note", ()))
        return tuple(islice((_ubl_note(text) for text in texts if text.strip()), MAX_NOTES))

    def attachments(self) -> tuple[Attachment, ...]:
        documents = collect(self._root, _UBL_EXTRAS, {}).get("document", ())
        return tuple(islice(read_attachments(documents, _UBL_DOCUMENT, self._limits), MAX_ATTACHMENTS))

    def document(self) -> Document | None:
        return Document(self._root)


class CiiContent:
    """Of a CII document."""

    def __init__(self, root: _Element, plans: CiiPlans, limits: Limits) -> None:
        self._root = root
        self._plans = plans
        self._limits = limits

    def lines(self) -> Iterator[Line]:
        for part in self._root:
            for element in part.iterchildren(self._plans.line_tag):
                yield read_line(element, self._plans.line)

    def notes(self) -> tuple[Note, ...]:
        found: list[Note] = []
        for element in collect(self._root, self._plans.extras, {}).get("note", ())[:MAX_NOTES]:
            within = collect(element, self._plans.note, {})
            text = "\n".join(item.text or "" for item in within.get("text", ())).strip()
            if text:
                found.append(Note(text=text[:MAX_NOTE], subject=first_text(within, "subject")))
        return tuple(found)

    def attachments(self) -> tuple[Attachment, ...]:
        documents = collect(self._root, self._plans.extras, {}).get("document", ())
        return tuple(islice(read_attachments(documents, self._plans.document, self._limits), MAX_ATTACHMENTS))

    def document(self) -> Document | None:
        return Document(self._root)


def read_line(element: _Element, plan: Plan) -> Line:
    """One line from its element and the plan of its syntax."""
    found = collect(element, plan, {})
    malformed: list[str] = []
    quantity = _number(found, "quantity", malformed)
    unit = next((code[:50] for item in found.get("quantity", ()) if (code := item.get("unitCode"))), None)
    return Line(
        number=first_text(found, "number"),
        name=first_text(found, "name"),
        description=first_text(found, "description"),
        note=first_text(found, "note"),
        quantity=quantity,
        unit=unit,
        unit_price=_number(found, "unit_price", malformed),
        price_base=_number(found, "price_base", malformed),
        net_amount=_number(found, "net_amount", malformed, places=2),
        vat_rate=_number(found, "vat_rate", malformed),
        vat_category=first_text(found, "vat_category"),
        malformed=tuple(malformed),
    )


def _number(found: Found, key: str, malformed: list[str], places: int | None = None) -> Decimal | None:
    """The number under a key; two that differ are none."""
    numbers: set[Decimal] = set()
    for element in found.get(key, ()):
        if not (element.text or "").strip():
            continue
        try:
            numbers.add(values.number(element.text or "", places))
        except Malformed:
            malformed.append(key)
            return None
    if len(numbers) > 1:
        malformed.append(key)
        return None
    return numbers.pop() if numbers else None


def _ubl_note(text: str) -> Note:
    stripped = text.strip()[:MAX_NOTE]
    match = _SUBJECT.fullmatch(stripped)
    return Note(text=stripped) if match is None else Note(text=match[2].strip(), subject=match[1])


def read_attachments(documents: Iterable[_Element], plan: Plan, limits: Limits) -> Iterator[Attachment]:
    """The documents that carry their content; those that only name an address are none."""
    for position, document in enumerate(documents, start=1):
        within = collect(document, plan, {})
        fallback = first_text(within, "number") or f"piece-jointe-{position}"
        for binary in within.get("binary", ()):
            yield attachment(
                name=binary.get("filename") or fallback,
                media_type=binary.get("mimeCode") or "",
                description=first_text(within, "description"),
                encoded=partial(_text, binary),
                limit=limits.max_attachment_bytes,
            )


def attachment(
    *, name: str, media_type: str, description: str | None, encoded: Callable[[], str], limit: int
) -> Attachment:
    """An attachment with a name that is no path and shows on one line."""
    last = name[: MAX_NAME * 10].replace("\\", "/").rpartition("/")[2]
    shown = "".join(character for character in last if character.isprintable()).strip()
    return Attachment(
        name=shown[:MAX_NAME] or "piece-jointe",
        media_type=media_type.strip()[:100] or "application/octet-stream",
        size=decoded_size(encoded()),
        description=None if description is None else description[: values.MAX_TEXT],
        encoded=encoded,
        limit=limit,
    )


def _text(element: _Element) -> str:
    return element.text or ""
