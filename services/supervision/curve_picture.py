"""A curve as a picture, wide or narrow, with its title and words."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from services.common import charts
from services.supervision.views import Curve
from services.supervision.words import Language, sentence

_PARIS: Final = ZoneInfo("Europe/Paris")
#: Blue, orange, green, violet, brown, grey: told apart by who sees no red or green, and on both grounds.
_COLOURS: Final = ("#2f6fb3", "#c4660c", "#2b8a5a", "#8a5fc0", "#a8702a", "#6c757d", "#b5486f", "#3a8fa3")
_STYLE: Final = charts.style(
    foreground="#5a6572",
    foreground_strong="#46515d",
    foreground_subtle="#8c97a3",
    colors=_COLOURS,
    guide_stroke_color="#d3d9df",
    major_guide_stroke_color="#d3d9df",
    label_font_size=13,
    major_label_font_size=13,
    no_data_font_size=20,
    opacity=".9",
    opacity_hover="1",
)
_MORE: Final = (
    "@media (prefers-color-scheme: dark) {"
    " .pygal-chart text, .pygal-chart .title { fill: #d5dce4 !important; }"
    " .pygal-chart .axis .line { stroke: #97a3b0 !important; }"
    " .pygal-chart .axis .guide.line { stroke: #3a444f !important; }"
    " .pygal-chart .series, .pygal-chart .legends rect { filter: brightness(1.4); } }"
    " .pygal-chart .series .line { stroke-width: 2.5px !important; }"
)
_LABELS: Final = 7
_LABELS_NARROW: Final = 3
#: Half of the last label stands beyond the last point.
_ROOM: Final = 45
#: So many letters of labels stand in a line.
_LETTERS: Final = 90
_LETTERS_NARROW: Final = 44


def draw(curve: Curve, language: Language = "fr", *, narrow: bool = False) -> tuple[bytes, str]:
    """The picture, and the policy to answer it with.

    ``narrow``: for a telephone, where the letters of the wide one would be too small.
    """
    chart = _chart(curve, language, narrow)
    return charts.answer(chart, _MORE, language, curve.title, curve.description, frames="self")


def _chart(curve: Curve, language: Language, narrow: bool) -> charts.Chart:
    most = max((point.value or 0.0 for series in curve.series for point in series.points), default=0.0)
    labels = _labels([point.at for point in curve.series[0].points] if curve.series else [])
    most_labels = _LABELS_NARROW if narrow else _LABELS
    chart = charts.chart(
        curve.kind,
        _STYLE,
        title=None if narrow else curve.title,
        no_data_text=sentence("nothing", language),
        show_dots=False,
        legend_at_bottom=True,
        legend_at_bottom_columns=1 if narrow else None,
        width=400 if narrow else 800,
        height=(280 + 28 * len(curve.series)) if narrow else 380,
        show_minor_x_labels=curve.kind == "bar" or len(labels) <= most_labels,
        max_scale=8,
        # What is counted has no halves; seconds and shares have.
        order_min=None if curve.unit else 0,
        margin_right=_ROOM if curve.kind == "line" else None,
        x_label_rotation=_slant(labels, narrow) if curve.kind == "bar" else 0,
        range=(0, most or 1),
        value_formatter=lambda value: f"{_short(value, language)} {curve.unit}".strip(),
        show_legend=len(curve.series) > 1,
    )
    chart.x_labels = labels
    if curve.kind == "line" and len(labels) > most_labels:
        chart.x_labels_major = labels[:: max(1, len(labels) // most_labels)]
    for series in curve.series:
        chart.add(series.name, [point.value for point in series.points])
    return chart


def _slant(labels: Sequence[str], narrow: bool) -> int:
    """By how much the labels of bars lean: not at all where they have room beside each other."""
    room = _LETTERS_NARROW if narrow else _LETTERS
    return 0 if sum(len(label) + 2 for label in labels) <= room else 40 if narrow else 25


def _labels(points: Sequence[str]) -> list[str]:
    """Instants as people in Paris read them, days by their date alone; other words as they are."""
    local = [_local(at) for at in points]
    days = len(local) > 1 and all(at is not None and at.hour == at.minute == 0 for at in local)
    form = "%d/%m" if days else "%H:%M" if _within_a_day(local) else "%d/%m %H:%M"
    return [words if at is None else at.strftime(form) for words, at in zip(points, local, strict=True)]


def _within_a_day(local: Sequence[datetime | None]) -> bool:
    return len({at.date() for at in local if at is not None}) == 1


def _local(at: str) -> datetime | None:
    """None for other words."""
    try:
        instant = datetime.fromisoformat(at)
    except ValueError:
        return None
    return None if instant.tzinfo is None else instant.astimezone(_PARIS)


def _short(value: float | None, language: Language) -> str:
    return "" if value is None else f"{value:.10g}".replace(".", "," if language == "fr" else ".")
