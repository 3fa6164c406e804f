"""What one layout is: structure, wordings, forms of figures, fonts and how the text is cut. Drawn from its name.

A train layout draws from the common part of every list. A test layout draws each thing from the held part with even
chances, so that most of its pages combine structures and wordings that no train layout has.
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from random import Random
from typing import Final

from tests.corpus.variety_makers import Maker, maker_of, makers
from tests.corpus.variety_words import (
    COLUMNS,
    CREDIT_TITLES,
    DELIVERY_HEADS,
    LABELS,
    RECIPIENT_HEADS,
    SUPPLIER_HEADS,
    TITLES,
    VAT_COLUMNS,
    Choice,
)

COUNT: Final = 480
MONTHS: Final = (
    "janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre",
    "décembre",
)  # fmt: skip
_DAYS = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")

STRUCTURES: Final[dict[str, Choice]] = {
    "page": Choice(
        ("classic", "swiss", "centre", "three_columns", "two_columns", "boxes"),
        ("sidebar", "letter", "refs_below", "summary"),
    ),
    "refs": Choice(("pairs", "pairs", "pairs", "header", "header", "stack"), ("grid", "sentence")),
    "pair": Choice(
        ("colon", "colon", "tight", "glued", "spaced", "dots", "columns", "columns", "edges"),
        ("bar", "columns_colon", "small_label"),
    ),
    "totals": Choice(
        ("right", "right", "right", "left", "wide", "row", "dots"), ("stacked", "after", "matrix", "sentence")
    ),
    "vat_table": Choice(("none", "none", "below", "above", "beside"), ("below", "columns")),
    "number_at": Choice(("refs", "refs", "refs", "title"), ("title_date", "framed")),
    "date_at": Choice(("refs", "refs", "refs", "refs", "town"), ("refs", "heading")),
    "bank": Choice(("line", "block", "foot"), ("table",)),
    "ids": Choice(("head", "foot", "both"), ("foot", "vertical")),
    "amounts": Choice(("space", "space", "space", "nbsp", "dot", "plain", "comma"), ("space", "tight_point")),
    "symbol": Choice((" €", " €", " €", "€", " EUR", ""), (" Euros", "front", " €uros")),
    "dates": Choice(
        ("slash", "slash", "slash", "dot", "short", "dash", "iso", "words", "compact"),
        ("weekday", "month", "short_dot"),
    ),
    "siret": Choice(("plain", "plain", "groups", "groups", "two"), ("dots", "nbsp")),
    "vat": Choice(("plain", "plain", "groups", "two"), ("dots",)),
    "iban": Choice(("groups", "groups", "plain"), ("nbsp",)),
    "negative": Choice(("minus", "minus", "gap"), ("brackets", "trailing")),
    "font": Choice(("Helvetica", "Helvetica", "Helvetica", "Times-Roman", "Courier", "Vera"), ("Vera", "Times-Roman")),
    "cut": Choice(("whole", "whole", "words", "pieces"), ("letters", "pieces")),
    "order": Choice(("drawn", "drawn", "reading", "shuffled", "columns"), ("shuffled", "reverse")),
    "turn": Choice(("no",) * 17 + ("rotated", "sideways"), ("no",) * 4 + ("upside",)),
    "track": Choice(("no", "no", "no", "title", "labels"), ("labels", "spelled", "no")),
}  # fmt: skip


@dataclass(frozen=True)
class Style:
    """One layout. ``is_`` maps a structural choice to its kind, ``words`` a datum to its wording."""

    name: str
    held: bool
    is_: dict[str, str]
    words: dict[str, str]
    columns: dict[str, str]
    vat_columns: dict[str, str]
    size: float
    upper: bool
    plain_letters: bool
    bold_labels: bool
    bold_values: bool
    rules: bool
    shade: bool
    flags: frozenset[str]

    def amount(self, value: Decimal) -> str:
        """An amount as this layout writes it, with its symbol."""
        digits = f"{abs(value):,.2f}"
        whole, cents = digits.replace(",", " ").split(".")
        text = {
            "space": f"{whole},{cents}",
            "nbsp": f"{whole},{cents}".replace(" ", "\u00a0"),
            "dot": f"{whole},{cents}".replace(" ", "."),
            "plain": f"{whole}.{cents}".replace(" ", ""),
            "comma": f"{whole},{cents}".replace(" ", ""),
            "tight_point": f"{whole}.{cents}",
        }[self.is_["amounts"]]
        if value < 0:
            signs = {"minus": "-{}", "gap": "- {}", "brackets": "({})", "trailing": "{}-"}
            text = signs[self.is_["negative"]].format(text)
        symbol = self.is_["symbol"]
        return f"€ {text}" if symbol == "front" else text + symbol

    def day(self, value: date) -> str:
        """A date as this layout writes it."""
        ordinal = "1er" if value.day == 1 else str(value.day)
        month = MONTHS[value.month - 1]
        return {
            "slash": f"{value:%d/%m/%Y}",
            "dot": f"{value:%d.%m.%Y}",
            "short": f"{value:%d/%m/%y}",
            "dash": f"{value:%d-%m-%Y}",
            "iso": value.isoformat(),
            "compact": f"{value:%Y%m%d}",
            "words": f"{ordinal} {month} {value.year}",
            "weekday": f"{_DAYS[value.weekday()]} {ordinal} {month} {value.year}",
            "month": f"{value.day:02d} {month.upper()} {value.year}",
            "short_dot": f"{value:%d.%m.%y}",
        }[self.is_["dates"]]

    def siret_text(self, value: str) -> str:
        """A SIRET or a SIREN in this layout's groups."""
        groups = " ".join(part for part in (value[:3], value[3:6], value[6:9], value[9:]) if part)
        return {
            "plain": value,
            "groups": groups,
            "two": f"{value[:9]} {value[9:]}".strip(),
            "dots": groups.replace(" ", "."),
            "nbsp": groups.replace(" ", "\u00a0"),
        }[self.is_["siret"]]

    def vat_text(self, value: str) -> str:
        """A French VAT number in this layout's groups."""
        return {
            "plain": value,
            "groups": f"{value[:2]} {value[2:4]} {value[4:7]} {value[7:10]} {value[10:]}",
            "two": f"{value[:4]} {value[4:]}",
            "dots": f"{value[:2]}.{value[2:4]}.{value[4:7]}.{value[7:10]}.{value[10:]}",
        }[self.is_["vat"]]

    def iban_text(self, value: str) -> str:
        """An IBAN in fours, or in one piece."""
        fours = " ".join(value[at : at + 4] for at in range(0, len(value), 4))
        return {"groups": fours, "plain": value, "nbsp": fours.replace(" ", "\u00a0")}[self.is_["iban"]]

    def rate(self, value: Decimal) -> str:
        """A VAT rate: ``20``, ``5,5``, ``20,00`` or ``20.00``."""
        if "long_rates" in self.flags:
            text = f"{value:.2f}"
        else:
            text = f"{value:f}".rstrip("0").rstrip(".") if "." in f"{value:f}" else f"{value:f}"
        return text if self.is_["amounts"] in ("plain", "tight_point") else text.replace(".", ",")


def split_of(layout: str) -> str:
    """``test`` for a third of the drawn layouts, by the hash of their name, and for all makers; else ``train``."""
    return "test" if maker_of(layout) or hashlib.sha256(layout.encode()).digest()[0] % 3 == 0 else "train"


def names() -> tuple[str, ...]:
    """Every layout's name."""
    return (*(f"layout-{number:03d}" for number in range(COUNT)), *makers())


_FLAGS = (
    ("no_payable", 0.3), ("long_rates", 0.4), ("head_again", 0.5), ("conditions", 0.6), ("conditions_page", 0.12),
    ("carried", 0.6), ("regime_said", 0.35), ("in_words", 0.15), ("client_number", 0.7), ("mixed_case_refs", 0.3),
    ("delivery", 0.25), ("clutter", 0.6), ("currency_said", 0.15), ("page_number", 0.5), ("line_numbers", 0.3),
    ("tax_row", 0.75), ("rate_rows", 0.5), ("rate_in_label", 0.5), ("contact", 0.5), ("recipient_ids", 0.75),
    ("recipient_vat", 0.12), ("siren_too", 0.3), ("payment_said", 0.6), ("bank_said", 0.65), ("due_said", 0.65),
    ("rib", 0.3), ("ligatures", 0.5), ("title_number_too", 0.3), ("lines_rules", 0.5), ("many_lines", 0.18),
    ("negative_credit", 0.4), ("gross_first", 0.3), ("zero_tax_row", 0.5), ("twice", 0.06), ("narrow", 0.06),
    ("siren_only", 0.08), ("recipient_siren", 0.1), ("tax_after", 0.1), ("shipping", 0.12), ("eco", 0.15),
    ("coupon", 0.12), ("stamp", 0.1), ("sub_headings", 0.2), ("sub_totals", 0.12), ("bilingual", 0.06),
    ("wrapped_labels", 0.1), ("payment_sentence", 0.15), ("totals_low", 0.15), ("superscript", 0.1),
    ("euros_said", 0.1), ("prepaid_dated", 0.3), ("cropped", 0.06), ("situation", 0.08),
)  # fmt: skip
_HELD_FLAGS = (("margin", 0.12), ("form", 0.12), ("other_clutter", 0.6), ("arrears", 0.12))


def style_of(layout: str) -> Style:
    """The layout of a name: always the same."""
    maker = maker_of(layout)
    held = split_of(layout) == "test" and maker is None
    rng = Random(f"style/{layout}")

    def pick(choice: Choice) -> str:
        return rng.choice(choice.held if held and choice.held and rng.random() < 0.5 else choice.common)

    words = {name: pick(choice) for name, choice in LABELS.items()}
    words |= {
        "title": pick(TITLES),
        "credit_title": pick(CREDIT_TITLES),
        "recipient": pick(RECIPIENT_HEADS),
        "supplier": pick(SUPPLIER_HEADS),
        "delivery": pick(DELIVERY_HEADS),
    }
    structure = {name: pick(choice) for name, choice in STRUCTURES.items()}
    drawn = Style(
        name=layout,
        held=held,
        is_=structure,
        words=words,
        columns={name: pick(choice) for name, choice in COLUMNS.items()},
        vat_columns={name: pick(choice) for name, choice in VAT_COLUMNS.items()},
        size=rng.choice((7.5, 8.0, 8.5, 9.0, 9.5, 10.0)) - (1.0 if structure["font"] in ("Courier", "Vera") else 0.0),
        upper=rng.random() < 0.15,
        plain_letters=rng.random() < 0.12,
        bold_labels=rng.random() < 0.4,
        bold_values=rng.random() < 0.25,
        rules=rng.random() < 0.6,
        shade=rng.random() < 0.4,
        flags=frozenset(name for name, chance in (*_FLAGS, *(_HELD_FLAGS if held else ())) if rng.random() < chance),
    )
    return drawn if maker is None else _made_by(maker, drawn)


def _made_by(maker: Maker, drawn: Style) -> Style:
    """A drawn layout with a maker's own wordings and structure."""
    return replace(
        drawn,
        words=drawn.words | maker.words,
        is_=drawn.is_ | maker.is_,
        columns=drawn.columns | maker.columns,
        vat_columns=drawn.vat_columns | maker.vat_columns,
        flags=(drawn.flags | set(maker.have)) - set(maker.drop),
    )
