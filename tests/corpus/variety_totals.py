"""Totals and VAT tables, in every form. What is printed is noted with the signs that are printed."""

from datetime import timedelta
from decimal import Decimal

from tests.corpus.variety_bill import Bill
from tests.corpus.variety_page import payable_label
from tests.corpus.variety_pairs import Pair, after, header, note, pairs, stack
from tests.corpus.variety_sheet import Sheet
from tests.corpus.variety_table import Flow


def totals(flow: Flow) -> None:
    """The totals and, where the layout has one, the VAT table."""
    sheet, bill, style = flow.sheet, flow.bill, flow.sheet.style
    kind, table = style.is_["totals"], style.is_["vat_table"] if bill.taxed else "none"
    if kind in ("matrix", "sentence") and not bill.taxed:
        kind = "right"
    flow.need(sheet.step * (14 + 2 * len(bill.breakdown)) if kind != "stacked" else sheet.step * 22)
    if kind == "matrix":
        _matrix(flow)
        return
    if table == "above" or (table == "beside" and kind != "right"):
        _vat_table(flow, flow.width)
    if table == "beside" and kind == "right":
        low = _vat_table(flow, flow.width * 0.46, move=False)
        _block(flow, kind)
        flow.y = min(flow.y, low)
        return
    _block(flow, kind)
    if table == "below":
        _vat_table(flow, flow.width * 0.7)
    if table == "columns":
        _vat_columns(flow)


def _block(flow: Flow, kind: str) -> None:
    sheet, bill = flow.sheet, flow.bill
    if kind == "sentence":
        _sentence(flow)
        return
    listed = total_pairs(sheet, bill)
    x, width, y = flow.x, flow.width, flow.y
    part = min(width * 0.5, 235.0)
    form = sheet.style.is_["pair"]
    match kind:
        case "right":
            inside = form if form in ("edges", "columns", "columns_colon") else "edges"
            flow.y = pairs(sheet, listed, x + width - part, y, part, inside)
        case "left":
            flow.y = pairs(sheet, listed, x, y, part, form)
        case "wide":
            for pair in listed:
                sheet.frame(x, flow.y - 4, width, sheet.step + 2)
                pairs(sheet, [pair], x + 5, flow.y, width - 10, "edges")
                flow.y -= sheet.step + 2
        case "row":
            flow.y = header(sheet, listed, x, y, width, across=min(len(listed), 5))
        case "dots":
            flow.y = pairs(sheet, listed, x + width - part, y, part, "dots")
        case "stacked":
            flow.y = stack(sheet, listed, x + width - 140, y, 140)
        case _:
            flow.y = after(sheet, listed, x + width - part - 30, y, part + 30)
    flow.y -= sheet.step * 0.5


def total_pairs(sheet: Sheet, bill: Bill) -> list[Pair]:
    """Label and amount of each total, in the order of the page."""
    style, sign, flags = sheet.style, bill.sign, sheet.style.flags
    words = style.words

    def pair(label: str, amount: Decimal, name: str = "") -> Pair:
        return Pair(label, style.amount(sign * amount), name, f"{sign * amount:.2f}" if name else "")

    listed = _before(sheet, bill)
    listed.append(pair(words["total_excl_tax"], bill.total_excl_tax, "total_excl_tax"))
    if "eco" in flags:
        listed.append(Pair("Dont éco-contribution", style.amount(Decimal(bill.seed % 900 + 12) / 100)))
    taxes = _tax_pairs(sheet, bill)
    whole = pair(words["total_incl_tax"], bill.total_incl_tax, "total_incl_tax")
    if bill.taxed and "tax_after" in flags:
        listed += [whole, *(tax._replace(label=f"Dont {tax.label}") for tax in taxes)]
    else:
        listed += [*taxes, whole] if bill.taxed or "zero_tax_row" in flags else taxes
    listed += _deductions(sheet, bill)
    if "no_payable" not in flags or bill.prepaid or bill.retention or not bill.taxed:
        listed.append(pair(payable_label(sheet, bill), bill.payable, "payable"))
    return listed


def _before(sheet: Sheet, bill: Bill) -> list[Pair]:
    """What leads from the lines' sum to the total excl. tax: amounts that are none of the fields."""
    style, sign = sheet.style, bill.sign
    rows: list[tuple[str, Decimal]] = []
    if bill.discount_rate or bill.shipping:
        rows.append(("Total brut HT" if bill.discount_rate else "Total marchandises", bill.gross))
    if bill.discount_rate:
        rows.append((f"Remise {style.rate(bill.discount_rate)} %", bill.total_excl_tax - bill.shipping - bill.gross))
    if bill.shipping:
        rows.append(("Frais de port", bill.shipping))
    return [Pair(label, style.amount(sign * amount)) for label, amount in rows]


def _deductions(sheet: Sheet, bill: Bill) -> list[Pair]:
    """What was paid before, and what is kept back, which is not a payment."""
    style = sheet.style
    listed = []
    if bill.prepaid:
        label = style.words["prepaid"]
        if "prepaid_dated" in style.flags:
            label += f" le {style.day(bill.issued - timedelta(days=20))}"
        if bill.deposit_invoice and style.is_["totals"] != "stacked":
            label += f" (facture {bill.deposit_invoice})"
        shown = bill.prepaid if len(label) % 2 else -bill.prepaid
        listed.append(Pair(label, style.amount(shown), "prepaid", f"{bill.prepaid:.2f}"))
    if bill.retention:
        listed.append(Pair("Retenue de garantie 5 %", style.amount(-bill.sign * bill.retention)))
    return listed


def _tax_pairs(sheet: Sheet, bill: Bill) -> list[Pair]:
    style, sign, flags = sheet.style, bill.sign, sheet.style.flags
    if not bill.taxed:
        zero = Pair(style.words["tax"], style.amount(Decimal("0.00")), "tax", "0.00")
        return [zero] if "zero_tax_row" in flags else []
    one = len(bill.breakdown) == 1
    listed = []
    if "rate_rows" in flags:
        for rate, base, tax in bill.breakdown:
            label = _rate_label(sheet, rate)
            if "rate_in_label" in flags and not one:
                label += f" sur {style.amount(sign * base)}"
            name = "tax" if one else ""
            listed.append(Pair(label, style.amount(sign * tax), name, f"{sign * tax:.2f}" if one else ""))
        if one or "rate_in_label" in flags:
            _show_breakdown(sheet, bill)
    elif one and "rate_in_label" in flags:
        label = f"{style.words['tax']} {style.rate(bill.breakdown[0][0])} %"
        listed.append(Pair(label, style.amount(sign * bill.tax), "tax", f"{sign * bill.tax:.2f}"))
        _show_breakdown(sheet, bill)
        return listed
    if "rate_rows" not in flags or (not one and "tax_row" in flags):
        listed.append(Pair(style.words["tax"], style.amount(sign * bill.tax), "tax", f"{sign * bill.tax:.2f}"))
    return listed


def _rate_label(sheet: Sheet, rate: Decimal) -> str:
    text = sheet.style.rate(rate)
    forms = (f"TVA {text} %", f"TVA ({text}%)", f"TVA à {text} %", f"T.V.A. {text}%", f"Montant TVA {text} %")
    return forms[sum(map(ord, sheet.style.name)) % len(forms)]


def breakdown_text(bill: Bill) -> str:
    """The canonical VAT breakdown."""
    sign = bill.sign
    return "; ".join(f"{rate:.2f} {sign * base:.2f} {sign * tax:.2f}" for rate, base, tax in bill.breakdown)


def _show_breakdown(sheet: Sheet, bill: Bill) -> None:
    for _, base, tax in bill.breakdown:
        for amount in (base, tax):
            sheet.show("vat_breakdown", breakdown_text(bill), sheet.style.amount(bill.sign * amount))


def _vat_table(flow: Flow, width: float, *, move: bool = True) -> float:
    """Rate, base and tax of each rate in rows; the next free line."""
    sheet, bill, style, y = flow.sheet, flow.bill, flow.sheet.style, flow.y
    names = ["rate", "base", "tax"] + (["total"] if "gross_first" in style.flags and width > 250 else [])
    cell = width / len(names)

    def row(texts: list[str], *, bold: bool = False) -> None:
        for number, text in enumerate(texts):
            sheet.text(flow.x + (number + 1) * cell - 5, y, text, align="right", bold=bold, most=cell - 8)

    if style.rules:
        height = sheet.step * (len(bill.breakdown) + 1) + 6
        sheet.frame(flow.x, y + sheet.step - 4 - height, width, height)
    row([sheet.label(style.vat_columns[name]) for name in names], bold=style.bold_labels)
    for rate, base, tax in bill.breakdown:
        y -= sheet.step
        amounts = [style.amount(bill.sign * each) for each in (base, tax, base + tax)]
        row([f"{style.rate(rate)} %", *amounts[: len(names) - 1]])
    _show_breakdown(sheet, bill)
    if len(bill.breakdown) == 1:
        _, base, tax = bill.breakdown[0]
        for name, amount in (("total_excl_tax", base), ("tax", tax)):
            sheet.show(name, f"{bill.sign * amount:.2f}", style.amount(bill.sign * amount))
    y -= sheet.step * 1.8
    if move:
        flow.y = y
    return y


def _vat_columns(flow: Flow) -> None:
    """The VAT table lying: a column for each rate."""
    sheet, bill, style = flow.sheet, flow.bill, flow.sheet.style
    rows = [[sheet.label(style.vat_columns[name])] for name in ("rate", "base", "tax")]
    for rate, base, tax in bill.breakdown:
        rows[0].append(f"{style.rate(rate)} %")
        rows[1].append(style.amount(bill.sign * base))
        rows[2].append(style.amount(bill.sign * tax))
    for texts in rows:
        sheet.text(flow.x, flow.y, texts[0], bold=style.bold_labels, most=84)
        for number, text in enumerate(texts[1:]):
            sheet.text(flow.x + 175 + number * 85, flow.y, text, align="right", most=80)
        flow.y -= sheet.step
    _show_breakdown(sheet, bill)
    flow.y -= sheet.step * 0.5


def _matrix(flow: Flow) -> None:
    """Columns HT, TVA, TTC; a row for each rate and one for all; what is left to pay below."""
    sheet, bill, style, sign = flow.sheet, flow.bill, flow.sheet.style, flow.bill.sign
    cell = flow.width / 4
    words = [sheet.label(style.vat_columns["rate"]), "HT", "TVA", "TTC"]
    rows = [(f"{style.rate(rate)} %", base, tax, base + tax) for rate, base, tax in bill.breakdown]
    whole = ("Total", bill.total_excl_tax, bill.tax, bill.total_incl_tax)
    for number, word in enumerate(words):
        sheet.text(flow.x + (number + 1) * cell - 5, flow.y, word, align="right", bold=True, most=cell - 8)
    for label, *amounts in [*rows, whole]:
        flow.y -= sheet.step
        sheet.text(flow.x + cell - 5, flow.y, label, align="right", most=cell - 8)
        for number, amount in enumerate(amounts, 1):
            text = style.amount(sign * amount)
            sheet.text(flow.x + (number + 1) * cell - 5, flow.y, text, align="right", most=cell - 8)
    for name, amount in zip(("total_excl_tax", "tax", "total_incl_tax"), whole[1:], strict=True):
        sheet.show(name, f"{sign * amount:.2f}", style.amount(sign * amount))
    _show_breakdown(sheet, bill)
    flow.y -= sheet.step * 1.6
    rest = [pair for pair in total_pairs(sheet, bill) if pair.name in ("prepaid", "payable") or "Retenue" in pair.label]
    flow.y = pairs(sheet, rest, flow.x + flow.width * 0.5, flow.y, flow.width * 0.5, "edges") - 4


def _sentence(flow: Flow) -> None:
    """The totals in prose, one sentence a line."""
    sheet, bill = flow.sheet, flow.bill
    for pair in total_pairs(sheet, bill):
        text = f"{pair.label} : {pair.printed}" if pair.name in ("prepaid", "payable", "") else ""
        text = (
            text
            or {
                "total_excl_tax": f"Le montant hors taxes de cette facture s'élève à {pair.printed}.",
                "tax": f"La TVA s'élève à {pair.printed}.",
                "total_incl_tax": f"Soit un montant total toutes taxes comprises de {pair.printed}.",
            }[pair.name]
        )
        sheet.text(flow.x, flow.y, text, most=flow.width)
        note(sheet, pair)
        flow.y -= sheet.step
