"""The upper part of a page: who bills whom, the title and the references."""

from collections.abc import Callable
from random import Random
from typing import Final

from tests.corpus.variety_bill import Bill
from tests.corpus.variety_pairs import Pair, grid, header, inline, pairs, stack
from tests.corpus.variety_sheet import HEIGHT, WIDTH, Sheet

LEFT: Final = 42.0
RIGHT: Final = WIDTH - 42.0
MIDDLE: Final = WIDTH / 2
TOP: Final = HEIGHT - 48.0


def supplier_ids(sheet: Sheet, bill: Bill) -> list[Pair]:
    """The supplier's identifiers as labelled values."""
    style, firm = sheet.style, bill.firm
    words = style.words
    listed = []
    if "siren_only" not in style.flags:
        listed.append(Pair(words["supplier_siret"], style.siret_text(firm.siret), "supplier_siret", firm.siret))
    if style.flags & {"siren_too", "siren_only"}:
        town = f"{firm.town} " if words["supplier_siren"] in ("RCS", "R.C.S.") else ""
        town += "B " if town and len(firm.name) % 2 else ""
        label = f"{words['supplier_siren']} {town}".strip()
        listed.append(Pair(label, style.siret_text(firm.siren), "supplier_siren", firm.siren))
    listed.append(Pair(words["supplier_vat"], style.vat_text(firm.vat), "supplier_vat", firm.vat))
    if len(firm.street) % 2:
        listed.append(Pair("Code APE", firm.ape))
    return listed


def supplier(sheet: Sheet, bill: Bill, x: float, y: float, width: float, *, centre: bool = False) -> float:
    """The supplier's name, address and, where the layout wants them here, identifiers."""
    style, firm = sheet.style, bill.firm
    at, align = (x + width / 2, "centre") if centre else (x, "left")
    if style.words["supplier"] and not centre:
        sheet.text(x, y, sheet.label(style.words["supplier"]), bold=True, most=width)
        y -= sheet.step
    sheet.text(at, y, f"{firm.name} {firm.form}", bold=True, size=style.size * 1.4, align=align, most=width)  # type: ignore[arg-type]
    y -= sheet.step * 1.3
    lines = [firm.street, f"{firm.postcode} {firm.town}"]
    if "contact" in style.flags:
        lines += [f"Tél. : {firm.phone}", firm.mail]
    for line in lines:
        sheet.text(at, y, line, align=align, most=width)  # type: ignore[arg-type]
        y -= sheet.step
    if style.is_["ids"] in ("head", "both", "vertical"):
        listed = supplier_ids(sheet, bill)
        if style.is_["ids"] == "vertical":
            return stack(sheet, listed, x, y - 2, width) - 4
        form = style.is_["pair"] if style.is_["pair"] not in ("edges", "dots") else "colon"
        return pairs(sheet, listed, x, y, width, form) - 4
    return y - 4


def recipient(sheet: Sheet, bill: Bill, x: float, y: float, width: float) -> float:
    """The recipient's heading, address and identifiers."""
    style, body = sheet.style, bill.body
    top = y
    if style.words["recipient"]:
        sheet.text(x, y, sheet.label(style.words["recipient"]), bold=style.bold_labels, most=width)
        y -= sheet.step
    for line in (body.name, body.service, body.street, f"{body.postcode} {body.town}"):
        if line:
            sheet.text(x, y, line, bold=line == body.name, most=width)
            y -= sheet.step
    listed = recipient_ids(sheet, bill) if siret_in_block(sheet) else []
    form = style.is_["pair"] if style.is_["pair"] not in ("edges", "dots") else "colon"
    y = pairs(sheet, listed, x, y, width, form)
    if style.is_["page"] == "boxes":
        sheet.frame(x - 6, y + 2, width + 6, top - y + sheet.step - 2)
    return y - 4


def siret_in_block(sheet: Sheet) -> bool:
    """Whether the recipient's identifiers stand under its address; else among the references."""
    words = sheet.style.words
    bare = {words["recipient_siret"], words["recipient_siren"]} & {"SIRET", "SIREN"}
    return bool(bare) or len(words["engagement"]) % 3 > 0


def recipient_ids(sheet: Sheet, bill: Bill) -> list[Pair]:
    style, body = sheet.style, bill.body
    listed = []
    if "recipient_ids" in style.flags and bill.seed % 7:
        name = "recipient_siren" if "recipient_siren" in style.flags else "recipient_siret"
        value = body.siret[:9] if name == "recipient_siren" else body.siret
        listed.append(Pair(style.words[name], style.siret_text(value), name, value))
        if "recipient_vat" in style.flags:
            listed.append(Pair(style.words["recipient_vat"], style.vat_text(body.vat), "recipient_vat", body.vat))
    return listed


def delivery(sheet: Sheet, bill: Bill, x: float, y: float, width: float) -> float:
    """Another body's address and SIRET, which are not the recipient's."""
    other = bill.delivery
    if other is None:
        return y
    sheet.text(x, y, sheet.label(sheet.style.words["delivery"]), bold=sheet.style.bold_labels, most=width)
    for line in (other.name, f"{other.street}, {other.postcode} {other.town}"):
        y -= sheet.step
        sheet.text(x, y, line, most=width)
    if bill.seed % 2:
        y -= sheet.step
        sheet.text(x, y, f"SIRET : {sheet.style.siret_text(other.siret)}", most=width)
    return y - sheet.step * 1.4


def number_pair(sheet: Sheet, bill: Bill) -> Pair:
    label = sheet.style.words["credit_number" if bill.credit else "invoice_number"]
    if "bilingual" in sheet.style.flags:
        label = label.removesuffix(":").strip() + (" / Credit note no." if bill.credit else " / Invoice no.")
    return Pair(label, bill.number, "invoice_number", bill.number)


def date_pair(sheet: Sheet, bill: Bill) -> Pair:
    label = sheet.style.words["issue_date"] + (" / Date" if "bilingual" in sheet.style.flags else "")
    return Pair(label, sheet.style.day(bill.issued), "issue_date", bill.issued.isoformat())


def references(sheet: Sheet, bill: Bill) -> list[Pair]:
    """Number, dates and references, in this layout's order."""
    style, words = sheet.style, sheet.style.words
    listed = []
    in_title = style.is_["number_at"] != "refs"
    if not in_title or "title_number_too" in style.flags:
        listed.append(number_pair(sheet, bill))
    if style.is_["date_at"] == "refs" and style.is_["number_at"] != "title_date":
        listed.append(date_pair(sheet, bill))
    if bill.due is not None:
        listed.append(Pair(words["due_date"], style.day(bill.due), "due_date", bill.due.isoformat()))
    for name, value in (
        ("engagement", bill.engagement),
        ("service_code", bill.service_code),
        ("contract", bill.contract),
        ("preceding_invoice", bill.preceding),
    ):
        if value is not None:
            listed.append(Pair(words[name], value, name, value))
    if not siret_in_block(sheet):
        listed += recipient_ids(sheet, bill)
    listed += [Pair(label, value) for label, value in bill.notes.items()]
    if "currency_said" in style.flags:
        listed.append(Pair("Devise", "EUR" if len(style.name) % 2 else "Euro", "currency", "EUR"))
    return _arranged(listed, style.name)


def _arranged(listed: list[Pair], layout: str) -> list[Pair]:
    """The same order of labels in all documents of a layout; the number mostly first."""
    weight = Random(f"order/{layout}").random()

    def rank(pair: Pair) -> float:
        drawn = Random(f"{layout}/{pair.label}").random()
        return drawn - (weight if pair.name == "invoice_number" else 0) - (0.5 if pair.name == "issue_date" else 0)

    return sorted(listed, key=rank)


def title(sheet: Sheet, bill: Bill, x: float, y: float, width: float, *, centre: bool = False) -> float:
    """The kind of document, with its number and date where the layout wants them there."""
    style = sheet.style
    text = style.words["credit_title" if bill.credit else "title"]
    size = style.size * 1.9
    at, align = (x + width / 2, "centre") if centre else (x, "left")
    shown = [text]
    if style.is_["number_at"] in ("title", "title_date"):
        number = number_pair(sheet, bill)
        sheet.show("invoice_number", bill.number, bill.number)
        own = "acture" in number.label.lower()[:8] or number.label.startswith(("Avoir", "Note"))
        text = number.label if own else text
        shown = [f"{text if own else text + ' n°'} {bill.number}"]
        size = style.size * 1.5
        if style.is_["number_at"] == "title_date":
            shown[0] += f" du {style.day(bill.issued)}"
            sheet.show("issue_date", bill.issued.isoformat(), style.day(bill.issued))
    sheet.show("type_code", "381" if bill.credit else "380", text)
    track = style.is_["track"]
    if track == "spelled" and len(shown[0]) < 12:
        shown[0] = " ".join(shown[0].upper())
    plain = style.is_["number_at"] in ("title", "title_date")
    sheet.text(at, y, shown[0], bold=True, size=size, align=align, most=width,  # type: ignore[arg-type]
               spacing=4.0 if track == "title" and not plain else 0.0)  # fmt: skip
    y -= size * 1.5
    if style.is_["number_at"] == "framed":
        sheet.frame(x, y - 6, min(width, 190), sheet.step + 8)
        pair = number_pair(sheet, bill)
        sheet.text(x + 5, y, inline(sheet, pair, "colon"), bold=True, most=min(width, 190) - 10)
        sheet.show("invoice_number", bill.number, bill.number)
        y -= sheet.step * 1.9
    if style.is_["date_at"] in ("town", "heading") and style.is_["number_at"] != "title_date":
        said = style.day(bill.issued)
        before = f"{bill.firm.town}, le" if style.is_["date_at"] == "town" else style.words["issue_date"]
        text = f"{before} {said}"
        sheet.text(at, y, text, align=align, most=width)  # type: ignore[arg-type]
        sheet.show("issue_date", bill.issued.isoformat(), said)
        y -= sheet.step * 1.4
    return y - 2


def place_references(sheet: Sheet, bill: Bill, x: float, y: float, width: float) -> float:
    """All references in the layout's form; a narrow place makes heading rows into pairs."""
    listed = references(sheet, bill)
    style = sheet.style
    kind: Callable[..., float]
    match style.is_["refs"]:
        case "header" if width > 300:
            return header(sheet, listed, x, y, width, across=4 if width > 450 else 3)
        case "stack":
            return stack(sheet, listed, x, y, width)
        case "grid" if width > 300:
            return grid(sheet, listed, x, y, width) - 6
        case "sentence" if width > 300:
            return _sentences(sheet, listed, x, y, width) - 6
    kind = pairs
    return kind(sheet, listed, x, y, min(width, 270.0), style.is_["pair"]) - 6


def _sentences(sheet: Sheet, listed: list[Pair], x: float, y: float, width: float) -> float:
    """Pairs one after another on a line, with dashes between them."""
    line: list[str] = []
    for pair in listed:
        piece = inline(sheet, pair, "colon" if sheet.style.is_["pair"] in ("dots", "bar") else sheet.style.is_["pair"])
        if line and sheet.width(" - ".join([*line, piece])) > width:
            sheet.text(x, y, " - ".join(line), most=width)
            y -= sheet.step
            line = []
        line.append(piece)
        sheet_note(sheet, pair)
    if line:
        sheet.text(x, y, " - ".join(line), most=width)
        y -= sheet.step
    return y


def sheet_note(sheet: Sheet, pair: Pair) -> None:
    if pair.name:
        sheet.show(pair.name, pair.value, pair.printed)
