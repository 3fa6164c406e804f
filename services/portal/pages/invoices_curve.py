"""Invoices by month as a picture."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from services.common import charts
from services.portal.pages.words import Words

_STYLE: Final = charts.style(
    foreground="#55625d",
    foreground_strong="#1d2724",
    foreground_subtle="#7d8781",
    colors=("#14594d",),
    guide_stroke_color="#d9d5ca",
    major_guide_stroke_color="#d9d5ca",
    label_font_size=14,
    major_label_font_size=14,
    opacity=".95",
)
_DARK: Final = (
    "@media (prefers-color-scheme: dark) { .pygal-chart text { fill: #e9ede9 !important; }"
    " .pygal-chart .axis .line { stroke: #7f8f87 !important; }"
    " .pygal-chart .axis .guide.line { stroke: #33403a !important; }"
    " .pygal-chart .series rect { fill: #7fd0bb !important; stroke: #7fd0bb !important; } }"
)
_LABELS: Final = 12
_LABELS_NARROW: Final = 4
_YEAR: Final = 12


def draw(months: Sequence[Mapping[str, Any]], day: str, t: Words, *, narrow: bool = False) -> tuple[bytes, str]:
    """The picture, and the policy to answer it with: a year at least up to ``day``, months without invoices as nought.

    ``narrow``: for a telephone, where the letters of the wide one would be too small.
    """
    counts = {date.fromisoformat(each["month"]): each["count"] for each in months}
    shown = _months(min(counts, default=None), date.fromisoformat(day))
    labels = [f"{each:%m/%Y}" for each in shown]
    chart = charts.chart(
        "bar",
        _STYLE,
        show_legend=False,
        width=400 if narrow else 900,
        height=260 if narrow else 300,
        margin=8,
        margin_right=24,
        spacing=4,
        max_scale=5,
        order_min=0,
        show_minor_x_labels=False,
        value_formatter=lambda value: f"{value:.0f}",
    )
    chart.x_labels = labels
    chart.x_labels_major = labels[:: (len(labels) // -(_LABELS_NARROW if narrow else _LABELS))]
    chart.add(t("invoices.count"), [counts.get(each, 0) for each in shown])
    return charts.answer(chart, _DARK, t.language, t("invoices.by_month"), frames="none")


def _months(first: date | None, day: date) -> list[date]:
    """The first days of the months to be shown, oldest first."""
    last = day.year * 12 + day.month - 1
    begin = last - _YEAR + 1 if first is None else min(last - _YEAR + 1, first.year * 12 + first.month - 1)
    return [date(month // 12, month % 12 + 1, 1) for month in range(begin, last + 1)]
