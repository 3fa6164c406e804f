"""The lines of a bill, over as many pages as they take, with totals carried forward."""

from datetime import timedelta
from decimal import Decimal
from typing import Final

from tests.corpus.variety_bill import Bill, Row
from tests.corpus.variety_foot import foot
from tests.corpus.variety_head import LEFT, RIGHT, TOP
from tests.corpus.variety_sheet import Sheet

BOTTOM: Final = 96.0
_WEIGHTS: Final = {
    "ref": 9.0, "label": 36.0, "quantity": 8.0, "unit": 7.0, "price": 14.0, "rate": 8.0, "amount": 17.0,
}  # fmt: skip


class Flow:
    """The place of the next drawing: opens a page when the present one is full."""

    def __init__(self, sheet: Sheet, bill: Bill, y: float) -> None:
        self.sheet, self.bill, self.y = sheet, bill, y
        side = sheet.style.is_["page"] == "sidebar"
        self.x = LEFT + 160 if side else LEFT
        self.width = RIGHT - self.x

    def need(self, height: float) -> bool:
        """Make sure of so much room; whether that opened a page."""
        if self.y - height > BOTTOM:
            return False
        self.turn()
        return True

    def turn(self) -> None:
        """Finish this page and open the next."""
        sheet, bill = self.sheet, self.bill
        foot(sheet, bill, last=False)
        sheet.new_page()
        self.y = TOP
        if "head_again" in sheet.style.flags:
            kind = "Avoir" if bill.credit else "Facture"
            sheet.text(LEFT, self.y, f"{bill.firm.name} {bill.firm.form}", bold=True)
            sheet.text(RIGHT, self.y, f"{kind} n° {bill.number}", align="right")
            sheet.show("invoice_number", bill.number, bill.number)
            self.y -= sheet.step * 2


def lines(flow: Flow) -> None:
    """Heading and rows."""
    sheet, bill = flow.sheet, flow.bill
    names = _columns(sheet, flow.width)
    flow.need(sheet.step * 5)
    _heading(flow, names)
    so_far = Decimal("0.00")
    for number, row in enumerate(bill.rows, 1):
        if flow.y - sheet.step * 5 < BOTTOM:
            _carry(flow, "À reporter", so_far)
            flow.turn()
            _heading(flow, names)
            _carry(flow, "Report", so_far)
        if "sub_headings" in sheet.style.flags and number % 4 == 1:
            _sub_heading(flow, number)
        _row(flow, names, row, number)
        so_far += row.amount
        if "sub_totals" in sheet.style.flags and number == 2 and len(bill.rows) > 3:
            _amount_line(flow, "Sous-total lot 1", so_far)
    for order in bill.orders:
        sheet.text(flow.x, flow.y, f"Selon votre commande n° {order}", most=flow.width)
        flow.y -= sheet.step
    flow.y -= sheet.step * 0.6


def situation(flow: Flow) -> None:
    """How far the works are: amounts of the whole contract and of the months before, above the totals."""
    sheet, bill = flow.sheet, flow.bill
    flow.need(sheet.step * 8)
    before = bill.total_excl_tax * 3
    rows = (
        ("Montant du marché HT", bill.total_excl_tax * 8 + 1_250),
        ("Cumul des travaux HT", before + bill.total_excl_tax),
        ("Situations précédentes HT", -before),
        ("TVA sur situations précédentes", before / 5),
    )
    sheet.text(flow.x, flow.y, f"Situation de travaux n° {bill.seed % 9 + 2}", bold=True)
    flow.y -= sheet.step
    for label, amount in rows:
        _amount_line(flow, label, amount)
    flow.y -= sheet.step * 0.5


def arrears(flow: Flow) -> None:
    """What else is owed: a statement of other invoices, before the totals."""
    sheet, bill = flow.sheet, flow.bill
    flow.need(sheet.step * 6)
    sheet.text(flow.x, flow.y, "Rappel de vos factures non réglées à ce jour", bold=True)
    flow.y -= sheet.step
    for number, days in ((3_107, 62), (3_242, 31)):
        day = sheet.style.day(bill.issued - timedelta(days=days))
        amount = sheet.style.amount(Decimal(number * 7 + bill.seed) / 10)
        sheet.text(flow.x + 12, flow.y, f"Facture RAP{number} du {day}, total TTC {amount}", most=flow.width - 12)
        flow.y -= sheet.step
    flow.y -= sheet.step * 0.5


def _columns(sheet: Sheet, width: float) -> dict[str, tuple[float, float]]:
    """Left end and width of each column."""
    flags = sheet.style.flags
    names = ["label", "quantity", "price", "amount"]
    if "line_numbers" in flags:
        names.insert(0, "ref")
    if "lines_rules" in flags:
        names.insert(names.index("price"), "unit")
    if "rate_rows" in flags or "long_rates" in flags:
        names.insert(names.index("amount"), "rate")
    whole = sum(_WEIGHTS[name] for name in names)
    places, at = {}, 0.0
    for name in names:
        share = _WEIGHTS[name] / whole * width
        places[name] = (at, share)
        at += share
    return places


def _heading(flow: Flow, names: dict[str, tuple[float, float]]) -> None:
    sheet = flow.sheet
    if sheet.style.shade:
        sheet.frame(flow.x, flow.y - 4, flow.width, sheet.step + 2, filled=True)
    for name, (at, width) in names.items():
        _cell(flow, name, sheet.label(sheet.style.columns[name]), at, width, bold=sheet.style.bold_labels)
    if sheet.style.rules:
        sheet.frame(flow.x, flow.y - 4, flow.width, 0)
    flow.y -= sheet.step * 1.4


def _cell(flow: Flow, name: str, text: str, at: float, width: float, *, bold: bool = False) -> None:
    if name in ("label", "ref"):
        flow.sheet.text(flow.x + at, flow.y, text, bold=bold, most=width - 6)
    else:
        flow.sheet.text(flow.x + at + width - 3, flow.y, text, align="right", bold=bold, most=width - 7)


def _row(flow: Flow, names: dict[str, tuple[float, float]], row: Row, number: int) -> None:
    sheet, style, sign = flow.sheet, flow.sheet.style, flow.bill.sign
    bare = style.amount(row.price).replace(style.is_["symbol"], "") if "long_rates" in style.flags else None
    quantity = f"{row.quantity:f}" if row.quantity % 1 else f"{row.quantity:.0f}"
    texts = {
        "ref": row.ref if len(style.name) % 2 else str(number),
        "label": row.label,
        "quantity": ("-" if sign < 0 else "") + quantity.replace(".", ","),
        "unit": row.unit,
        "price": bare or style.amount(row.price),
        "rate": style.rate(row.rate) + ("" if "long_rates" in style.flags else " %"),
        "amount": style.amount(sign * row.amount),
    }
    for name, (at, width) in names.items():
        _cell(flow, name, texts[name], at, width)
    flow.y -= sheet.step
    if "lines_rules" in style.flags:
        sheet.frame(flow.x, flow.y + sheet.step * 0.65, flow.width, 0)


def _carry(flow: Flow, label: str, amount: Decimal) -> None:
    if "carried" in flow.sheet.style.flags:
        _amount_line(flow, label, amount)


def _sub_heading(flow: Flow, number: int) -> None:
    """A delivery or a task within the table, with numbers and dates of its own."""
    day = flow.bill.issued - timedelta(days=3 + number)
    texts = (
        f"BL n° {45_000 + 7 * flow.bill.seed + number} du {flow.sheet.style.day(day)}",
        f"Intervention du {flow.sheet.style.day(day)}, rapport RI-{flow.bill.seed + 100}",
    )
    flow.sheet.text(flow.x, flow.y, texts[len(flow.bill.firm.name) % 2], most=flow.width)
    flow.y -= flow.sheet.step


def _amount_line(flow: Flow, label: str, amount: Decimal) -> None:
    sheet = flow.sheet
    sheet.text(flow.x, flow.y, sheet.label(label))
    sheet.text(flow.x + flow.width - 3, flow.y, sheet.style.amount(flow.bill.sign * amount), align="right", most=110)
    flow.y -= sheet.step
