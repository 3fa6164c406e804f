"""The model invoice on paper, as a word processor would print it: text, black on white, no effects."""

from typing import TYPE_CHECKING

from reportlab.lib.units import mm
from reportlab.platypus import Flowable, Spacer

from services.common.paper import BODY, RIGHT, STRONG, STRONG_RIGHT, TITLE, WIDTH, beside, drawn, pairs, said, table

if TYPE_CHECKING:
    from services.portal.pages.help_model import Model


def pdf(model: "Model") -> bytes:
    """The model as a PDF. The same model gives the same bytes."""
    return drawn("Modèle de facture", "", lambda: _story(model))


def _story(model: "Model") -> list[Flowable]:
    head = [said(model.head[0], STRONG), *(said(each, STRONG_RIGHT) for each in model.head[1:])]
    lines = [[said(row[0], BODY), *(said(each, RIGHT) for each in row[1:])] for row in model.lines]
    last = len(model.totals) - 1
    totals = [
        (said(name, STRONG if place == last else BODY), said(value, STRONG_RIGHT if place == last else RIGHT))
        for place, (name, value) in enumerate(model.totals)
    ]
    under = table(totals, (34 * mm, 34 * mm))
    under.hAlign = "RIGHT"
    return [
        said(model.title, TITLE),
        beside(
            [said(each, STRONG if place == 0 else BODY) for place, each in enumerate(model.supplier)],
            [said(each, STRONG if place == 0 else BODY) for place, each in enumerate(model.recipient)],
        ),
        Spacer(0, 8 * mm),
        pairs(model.references),
        Spacer(0, 8 * mm),
        table([head, *lines], (74 * mm, 20 * mm, 30 * mm, 18 * mm, WIDTH - 142 * mm), repeat=1),
        Spacer(0, 4 * mm),
        under,
        Spacer(0, 8 * mm),
        *(said(each, BODY) for each in model.mentions),
    ]
