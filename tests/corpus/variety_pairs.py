"""Labels with their values, in every way a page may set them."""

from typing import NamedTuple

from tests.corpus.variety_sheet import Sheet


class Pair(NamedTuple):
    """A label, what is printed beside it, and the field it says with its canonical value, if any."""

    label: str
    printed: str
    name: str = ""
    value: str = ""


def note(sheet: Sheet, pair: Pair) -> None:
    """Record the pair's field as shown."""
    if pair.name:
        sheet.show(pair.name, pair.value, pair.printed)


def inline(sheet: Sheet, pair: Pair, form: str) -> str:
    """The pair as one piece of text."""
    label = sheet.label(pair.label)
    if label.endswith(":"):
        label = label.rstrip(" :")
    joint = {
        "colon": " : ", "tight": ": ", "glued": ":", "spaced": " ", "bar": " | ", "dots": " : ", "columns": " : ",
        "edges": " : ", "columns_colon": " : ", "small_label": " ",
    }[form]  # fmt: skip
    return f"{label}{joint}{pair.printed}"


def pairs(sheet: Sheet, listed: list[Pair], x: float, y: float, width: float, form: str) -> float:
    """One pair a line from ``y`` down; the next free line."""
    style = sheet.style
    bold = style.bold_labels
    widest = max((sheet.width(sheet.label(pair.label), bold=bold) for pair in listed), default=0.0)
    for pair in listed:
        label = sheet.label(pair.label)
        if sheet.width(f"{label} : {pair.printed}", bold=bold) > 1.15 * width:
            y = _on_two_lines(sheet, pair, x, y, width)
            continue
        match form:
            case "columns" | "columns_colon":
                mark = " :" if form == "columns_colon" else ""
                middle = min(widest + 14, width * 0.58)
                sheet.text(x, y, label + mark, bold=bold, most=middle - 6)
                sheet.text(x + middle, y, pair.printed, bold=style.bold_values, most=width - middle)
            case "edges":
                room = min(sheet.width(pair.printed, bold=style.bold_values), width * 0.6)
                sheet.text(x, y, label, bold=bold, most=width - room - 8)
                sheet.text(x + width, y, pair.printed, align="right", bold=style.bold_values, most=room)
            case "dots":
                _dotted(sheet, pair, x, y, width)
            case "small_label":
                end = sheet.text(x, y, label, size=style.size * 0.8, most=width * 0.5)
                sheet.text(end + 5, y, pair.printed, bold=True, most=width - (end + 5 - x))
            case _:
                sheet.text(x, y, inline(sheet, pair, form), bold=bold and style.bold_values, most=width)
        note(sheet, pair)
        y -= sheet.step
    return y


def _on_two_lines(sheet: Sheet, pair: Pair, x: float, y: float, width: float) -> float:
    """The value under its label, where both are too long for the place."""
    sheet.text(x, y, sheet.label(pair.label), bold=sheet.style.bold_labels, most=width)
    sheet.text(x + 6, y - sheet.step, pair.printed, bold=sheet.style.bold_values, most=width - 6)
    note(sheet, pair)
    return y - 2 * sheet.step


def _dotted(sheet: Sheet, pair: Pair, x: float, y: float, width: float) -> None:
    """Label, leading dots, value at the right edge: one piece of text or three."""
    label = sheet.label(pair.label)
    room = width - sheet.width(f"{label}  {pair.printed}")
    dots = "." * max(3, int(room / sheet.width(".")))
    if len(pair.label) % 2:
        sheet.text(x, y, f"{label} {dots} {pair.printed}", most=width)
        return
    end = sheet.text(x, y, f"{label} {dots}", most=width - sheet.width(pair.printed) - 4)
    sheet.text(max(x + width, end + 4 + sheet.width(pair.printed)), y, pair.printed, align="right")


def after(sheet: Sheet, listed: list[Pair], x: float, y: float, width: float) -> float:
    """The value first, its label at its right."""
    for pair in listed:
        room = width * 0.45
        sheet.text(x + room, y, pair.printed, align="right", bold=sheet.style.bold_values, most=room)
        sheet.text(x + room + 8, y, sheet.label(pair.label), bold=sheet.style.bold_labels, most=width - room - 8)
        note(sheet, pair)
        y -= sheet.step
    return y


def stack(sheet: Sheet, listed: list[Pair], x: float, y: float, width: float) -> float:
    """Each label above its value."""
    for pair in listed:
        sheet.text(x, y, sheet.label(pair.label), bold=sheet.style.bold_labels, size=sheet.style.size * 0.9, most=width)
        sheet.text(x, y - sheet.step * 0.95, pair.printed, bold=sheet.style.bold_values, most=width)
        note(sheet, pair)
        y -= sheet.step * 2.2
    return y


def header(sheet: Sheet, listed: list[Pair], x: float, y: float, width: float, *, across: int = 4) -> float:
    """Rows of cells: labels in a heading line, values below."""
    style = sheet.style
    align = "centre" if "lines_rules" in style.flags else "left"
    wrapped = 1.0 if "wrapped_labels" in style.flags else 0.0
    for first in range(0, len(listed), across):
        part = listed[first : first + across]
        cell = width / len(part)
        if style.shade:
            sheet.frame(x, y - 3, width, sheet.step, filled=True)
        if style.rules:
            sheet.frame(x, y - sheet.step * (1 + wrapped) - 5, width, sheet.step * (2 + wrapped) + 3)
        for number, pair in enumerate(part):
            at = x + number * cell + (cell / 2 if align == "centre" else 4)
            both = {"align": align, "most": cell - 8}
            label, above = sheet.label(pair.label), y
            if wrapped and " " in label:  # on two lines
                first_line, _, label = label.partition(" ")
                sheet.text(at, y, first_line, bold=style.bold_labels, **both)  # type: ignore[arg-type]
                above = y - sheet.step * 0.95
            sheet.text(at, above, label, bold=style.bold_labels, **both)  # type: ignore[arg-type]
            sheet.text(at, y - sheet.step * (1.1 + wrapped), pair.printed, bold=style.bold_values, **both)  # type: ignore[arg-type]
            note(sheet, pair)
        y -= sheet.step * (2.9 + wrapped)
    return y


def grid(sheet: Sheet, listed: list[Pair], x: float, y: float, width: float) -> float:
    """Two pairs side by side on a line, as cells."""
    half = width / 2
    for first in range(0, len(listed), 2):
        for number, pair in enumerate(listed[first : first + 2]):
            left = x + number * half
            sheet.text(left, y, sheet.label(pair.label), bold=sheet.style.bold_labels, most=half * 0.5)
            sheet.text(left + half * 0.54, y, pair.printed, bold=sheet.style.bold_values, most=half * 0.43)
            note(sheet, pair)
        if sheet.style.rules:
            sheet.frame(x, y - 4, width, 0)
        y -= sheet.step * 1.2
    return y
