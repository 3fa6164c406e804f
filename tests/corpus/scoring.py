"""Right, wrong and silent per field and layout, and whether the boxes hold what they claim.

A value is *right* when it is what the page shows, *wrong* when it differs or when the page shows none, sure or not,
and *silent* where the page shows one and none is given.
"""

import ctypes
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

import pypdfium2.raw as pdfium

from contracts.events import ReadField
from services.ocr.domain import Reading
from services.ocr.layout import turn
from tests.corpus.variety import FIELDS, Made
from tests.corpus.variety_style import MONTHS

Answer = Literal["right", "wrong", "silent"]
Report = list[str] | None
INSET = 1.0  # points, at most: pdfium counts every character that a box touches


@dataclass
class Count:
    """How often a field was answered how. ``boxed`` of ``boxes`` right values stand inside their box."""

    right: int = 0
    wrong: int = 0
    silent: int = 0
    sure_right: int = 0
    sure_wrong: int = 0
    boxes: int = 0
    boxed: int = 0

    def add(self, other: "Count") -> None:
        for name in self.__dataclass_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    @property
    def asked(self) -> int:
        """Values that stand on the page, and values given where none stands."""
        return self.right + self.wrong + self.silent

    def share(self, name: str) -> float:
        """``right`` or another count, of all values asked for."""
        return float(getattr(self, name)) / max(self.asked, 1)


@dataclass
class Tally:
    """Counts per layout and field; ``whole`` documents had every value right and none wrong."""

    counts: dict[tuple[str, str], Count] = field(default_factory=lambda: defaultdict(Count))
    documents: int = 0
    whole: int = 0
    seconds: float = 0.0
    kinds: Counter[str] = field(default_factory=Counter)

    def note(self, layout: str, name: str, answer: Answer, *, sure: bool, boxed: bool | None = None) -> None:
        count = self.counts[layout, name]
        setattr(count, answer, getattr(count, answer) + 1)
        count.sure_right += sure and answer == "right"
        count.sure_wrong += sure and answer == "wrong"
        count.boxes += boxed is not None
        count.boxed += bool(boxed)

    def over(self, *, layout: str | None = None, name: str | None = None) -> Count:
        """The sum of all counts of a layout, of a field, or of everything."""
        whole = Count()
        for (of_layout, of_name), count in self.counts.items():
            if layout in (None, of_layout) and name in (None, of_name):
                whole.add(count)
        return whole

    @property
    def layouts(self) -> list[str]:
        return sorted({layout for layout, _ in self.counts})

    @property
    def names(self) -> list[str]:
        """The fields asked for, in their usual order."""
        asked = {name for _, name in self.counts}
        return [name for name in FIELDS if name in asked]


def judge(tally: Tally, layout: str, made: Made, reading: Reading, *, explain: Report = None) -> None:
    """Count one made document's reading. ``explain`` takes a line for each value that is not right."""
    given = {item.name: item for item in reading.fields}
    evidence = Evidence(made.pdf)
    wholly = True
    for name in FIELDS:
        item, truth = given.get(name), made.truth[name]
        answer = verdict(item.value if item else None, truth, made.implied.get(name, ()))
        if answer is None:
            continue
        boxed = None
        if item is not None and truth is not None and answer == "right":
            boxed = evidence.holds(item, (*made.printed[name], *forms(name, item.value)))
        tally.note(layout, name, answer, sure=item is not None and item.confidence == "sure", boxed=boxed)
        wholly = wholly and answer == "right"
        if explain is not None and (answer != "right" or boxed is False):
            explain.append(_line(layout, name, answer if answer != "right" else "box", made, item))
    evidence.close()
    tally.documents += 1
    tally.whole += wholly


def verdict(value: str | None, truth: str | None, implied: Sequence[str]) -> Answer | None:
    """None where neither page nor reader says anything, or where what is given follows from the page."""
    if value is None:
        return "silent" if truth is not None else None
    if value == truth:
        return "right"
    return None if truth is None and value in implied else "wrong"


def _line(layout: str, name: str, answer: str, made: Made, item: ReadField | None) -> str:
    shown = made.truth[name]
    said = "" if item is None else f" read {item.value!r} ({item.confidence}, {item.keyword!r}, {item.raw!r})"
    return f"{answer:7}{layout:12}{name:18}shown {shown!r} as {made.printed.get(name, ())!r}{said}"


class Evidence:
    """The text inside boxes, taken from the document again."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._document = pdfium.FPDF_LoadMemDocument64(data, len(data), None)
        self._pages: dict[int, tuple[Any, Any]] = {}

    def close(self) -> None:
        for page, text in self._pages.values():
            pdfium.FPDFText_ClosePage(text)
            pdfium.FPDF_ClosePage(page)
        pdfium.FPDF_CloseDocument(self._document)

    def text(self, number: int, box: tuple[float, float, float, float]) -> str:
        """What stands inside a box given on the page as it is shown."""
        if not 1 <= number <= pdfium.FPDF_GetPageCount(self._document):
            return ""
        if number not in self._pages:
            page = pdfium.FPDF_LoadPage(self._document, number - 1)
            self._pages[number] = (page, pdfium.FPDFText_LoadPage(page))
        page, text = self._pages[number]
        rect = pdfium.FS_RECTF()
        pdfium.FPDF_GetPageBoundingBox(page, ctypes.byref(rect))
        size = (pdfium.FPDF_GetPageWidthF(page), pdfium.FPDF_GetPageHeightF(page))
        inset = min(INSET, 0.2 * min(box[2] - box[0], box[3] - box[1]))
        box = (box[0] + inset, box[1] + inset, box[2] - inset, box[3] - inset)
        x0, y0, x1, y1 = turn(box, 4 - pdfium.FPDFPage_GetRotation(page) % 4, *size)
        edges = (x0 + rect.left, y1 + rect.bottom, x1 + rect.left, y0 + rect.bottom)
        count = pdfium.FPDFText_GetBoundedText(text, *edges, None, 0)
        buffer = (ctypes.c_ushort * (count + 1))()
        pdfium.FPDFText_GetBoundedText(text, *edges, buffer, count)
        return bytes(buffer)[: 2 * count].decode("utf-16-le", "replace")

    def holds(self, item: ReadField, printed: Iterable[str]) -> bool:
        """Whether the box holds one of the forms in which the value is printed, and little else."""
        inside = squeezed(self.text(item.page, item.box))
        forms = [squeezed(form) for form in printed]
        if item.name in _FIGURES:
            inside, forms = re.sub(r"[^0-9]", "", inside), [re.sub(r"[^0-9]", "", form) for form in forms]
        room = sum(map(len, forms)) if item.name == "vat_breakdown" else 0  # rates, bases and amounts in one box
        for form in forms:
            if form and form in inside and len(inside) <= 2 * len(form) + 16 + 2 * room:
                return True
            if item.name in _WORDED and len(inside) >= 3 and inside in form:
                return True  # a few words of the sentence that says it
        return any(word in inside for word in _SAY.get((item.name, item.value), ()))


_FIGURES = frozenset({"total_excl_tax", "tax", "total_incl_tax", "prepaid", "payable", "vat_breakdown"})
_WORDED = frozenset({"vat_regime", "payment_mode"})
_SAY = {
    ("type_code", "380"): ("facture", "invoice"),
    ("type_code", "381"): ("avoir", "credit"),
    ("currency", "EUR"): ("€", "eur"),
}


def squeezed(text: str) -> str:
    """Letters, digits and € only, without accents, ligatures and case."""
    plain = unicodedata.normalize("NFKD", text).lower()
    return re.sub(r"[^0-9a-z€]", "", plain)


def forms(name: str, value: str) -> Iterator[str]:
    """How a page may print a canonical value, as far as letters and digits go."""
    yield value
    if name.endswith("_date"):
        day = date.fromisoformat(value)
        month = MONTHS[day.month - 1]
        ordinal = "1er" if day.day == 1 else f"{day.day}"
        yield from (f"{day:%d%m%Y}", f"{day:%d%m%y}", f"{ordinal}{month}{day.year}", f"{day:%d}{month}{day.year}")
        yield f"{day.day}{month}{day.year}"
    elif name in ("total_excl_tax", "tax", "total_incl_tax", "prepaid", "payable"):
        yield value.removesuffix(".00").removesuffix("0")


_WIDTHS = (7, 7, 7, 9, 9, 7, 12, 9)


def table(tally: Tally, rows: Mapping[str, Count]) -> str:
    """Rows of counts and shares for people."""
    heads = ("right", "wrong", "silent", "right %", "wrong %", "sure", "sure wrong", "boxes %")
    lines = [f"{'':20}" + "".join(f"{head:>{width}}" for head, width in zip(heads, _WIDTHS, strict=True))]
    for name, c in rows.items():
        boxes = f"{100 * c.boxed / c.boxes:9.2f}" if c.boxes else f"{'':9}"
        lines.append(
            f"{name:20}{c.right:7}{c.wrong:7}{c.silent:7}{100 * c.share('right'):9.2f}{100 * c.share('wrong'):9.2f}"
            f"{c.sure_right:7}{c.sure_wrong:12}{boxes}"
        )
    milliseconds = 1000 * tally.seconds / max(tally.documents, 1)
    lines.append(
        f"{tally.documents} documents, {tally.whole} of them wholly right; {milliseconds:.1f} ms a document, on its CPU"
    )
    return "\n".join(lines)
