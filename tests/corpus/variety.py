"""French invoices and credit notes in hundreds of layouts, with the truth of what each page shows.

A layout is a structure, wordings, forms of figures, fonts and a way to cut and order the text, drawn from its name.
A third of the layouts are kept for tests: half of what they are made of occurs in no train layout, and some print as
common invoicing programs do. Rules are written with the train layouts only; the figures on the test layouts say how a
page is read that no rule was written for.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

from tests.corpus.variety_bill import Bill, bill
from tests.corpus.variety_foot import conditions_page, coupon, foot, mentions, payment
from tests.corpus.variety_head import place_references
from tests.corpus.variety_page import HEADS
from tests.corpus.variety_sheet import Sheet
from tests.corpus.variety_style import names, split_of, style_of
from tests.corpus.variety_table import Flow, arrears, lines, situation
from tests.corpus.variety_totals import breakdown_text, totals

Split = Literal["train", "test"]

FIELDS: tuple[str, ...] = (
    "invoice_number", "issue_date", "due_date", "type_code", "currency", "total_excl_tax", "tax", "total_incl_tax",
    "prepaid", "payable", "vat_breakdown", "vat_regime", "payment_mode", "supplier_siret", "supplier_siren",
    "supplier_vat", "recipient_siret", "recipient_siren", "recipient_vat", "supplier_iban", "service_code",
    "engagement", "contract", "preceding_invoice",
)  # fmt: skip


@dataclass(frozen=True)
class Made:
    """A document. ``truth`` has every field of FIELDS, None where the page does not show it.

    ``implied`` are values that follow from the page without standing on it (a total that equals another, the SIREN
    in a SIRET, one of two orders): right when given, not missed when not. ``printed`` are the forms in which the
    values of ``truth`` stand on the page.
    """

    pdf: bytes
    truth: dict[str, str | None]
    implied: dict[str, tuple[str, ...]]
    printed: dict[str, tuple[str, ...]]


@functools.cache
def layouts(split: Split) -> Sequence[str]:
    """The names of a split's layouts."""
    return tuple(name for name in names() if split_of(name) == split)


def make(layout: str, seed: int) -> Made:
    """Document ``seed`` of a layout: always the same bytes."""
    style = style_of(layout)
    content = bill(style, seed)
    sheet = Sheet(style, Random(f"sheet/{layout}/{seed}"))
    flow = Flow(sheet, content, HEADS[style.is_["page"]](sheet, content) - sheet.step)
    lines(flow)
    if style.is_["page"] == "refs_below":
        flow.need(sheet.step * 12)
        flow.y = place_references(sheet, content, flow.x, flow.y, flow.width) - sheet.step
    if "situation" in style.flags and not content.credit:
        situation(flow)
    if "arrears" in style.flags and not content.credit:
        arrears(flow)
    low = style.is_["totals"] in ("right", "left", "row", "wide")
    if low and "totals_low" in style.flags and len(sheet.pages) == 1:
        flow.y = min(flow.y, 420.0)
    totals(flow)
    flow.need(sheet.step * 9)
    flow.y = payment(sheet, content, flow.x, flow.y - sheet.step * 0.5, flow.width)
    flow.y = mentions(sheet, content, flow.x, flow.y - sheet.step * 0.5, flow.width)
    if "coupon" in style.flags and not content.credit:
        flow.need(sheet.step * 8)
        coupon(sheet, content, flow.x, flow.y - sheet.step * 0.5, flow.width)
    foot(sheet, content, last=True)
    if "conditions_page" in style.flags:
        sheet.new_page()
        conditions_page(sheet)
    implied = _implied(sheet, content)
    truth = {name: sheet.shown.get(name) for name in FIELDS}
    return Made(
        pdf=sheet.pdf(),
        truth=truth,
        implied={name: values for name, values in implied.items() if truth[name] is None},
        printed={name: tuple(dict.fromkeys(texts)) for name, texts in sheet.printed.items()},
    )


def _implied(sheet: Sheet, content: Bill) -> dict[str, tuple[str, ...]]:
    """Notes the currency where the page shows it, and gives what the page says without showing it."""
    symbol = sheet.says(r"€|\bEUR\b|\b[Ee]uros?\b")
    if symbol:
        sheet.show("currency", "EUR", symbol)
    sign = content.sign
    implied = {
        "currency": ("EUR",),
        "tax": (f"{sign * content.tax:.2f}", "0.00") if not content.taxed else (f"{sign * content.tax:.2f}",),
        "total_incl_tax": (f"{sign * content.total_incl_tax:.2f}",),
        "payable": (f"{sign * content.payable:.2f}",),
        "vat_breakdown": (breakdown_text(content),),
        "engagement": content.orders,
    }
    for party, siret in (("supplier", content.firm.siret), ("recipient", content.body.siret)):
        if sheet.shown.keys() & {f"{party}_siret", f"{party}_siren", f"{party}_vat"}:
            implied[f"{party}_siren"] = (siret[:9],)
    if content.deposit_invoice:
        implied["preceding_invoice"] = (content.deposit_invoice,)
    if "bank_said" in sheet.style.flags and content.payment is None:
        implied["payment_mode"] = ("VIREMENT",)
    return {name: values for name, values in implied.items() if values}
