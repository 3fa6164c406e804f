"""What services say stays French on English pages, is marked so wherever it stands, and the page says why, once."""

from html.parser import HTMLParser
from typing import Any, Final

import pytest

from services.portal.pages import draft_view, help_codes
from services.portal.pages.call import Answer
from services.portal.pages.forms import Form
from services.portal.pages.invoice_view import Told
from services.portal.pages.problems import FieldError, Problem
from services.portal.pages.words import Words
from tests.unit.portal.page_world import INVOICE, World
from tests.unit.portal.test_draft_form import draft

SAID: Final = "Phrase de la table"
_VOID: Final = frozenset(("input", "meta", "link", "img", "br", "rect", "hr"))
FINDING: Final[dict[str, Any]] = {
    "message": f"{SAID}.",
    "action": f"Que faire : {SAID}.",
    "code": "NUMBER_TAKEN",
    "rule": "NUMBER_TAKEN",
    "value": "F-1",
    "label": SAID,
    "level": "refuse",
    "suggestions": [{"value": "DRH", "label": SAID, "sentence": f"{SAID}.", "field": "service_code"}],
}
DEPOSIT: Final[dict[str, Any]] = {
    "id": INVOICE,
    "invoice_number": "F-1",
    "file_name": "f-1.pdf",
    "sandbox": f"{SAID} des essais.",
    "links": {"again": None},
    "sha256": None,
    "decided_at": "2026-11-23T10:00:00Z",
    "invoice": None,
}
FLOW: Final[dict[str, Any]] = {
    "id": INVOICE,
    "file_name": "lot.zip",
    "sandbox": None,
    "state": "IN_REJETE",
    "progress": 1,
    "counts": {},
    "messages": [FINDING],
    "begun_at": None,
    "received_at": None,
    "finished_at": None,
    "entries": None,
    "receivable": None,
}
ITEM: Final[dict[str, Any]] = {
    "invoice_number": None,
    "name": "a.pdf",
    "outcome": "rejected",
    "recipient": None,
    "messages": [FINDING],
    "deposit": None,
    "duplicate_of": None,
}
_FLOW_PAGE: Final[dict[str, Any]] = {
    "flow": FLOW,
    "over": True,
    "tone": "done",
    "tabs": [],
    "tab": "",
    "items": [ITEM],
    "tones": {},
    "contacts": [],
    "more_contacts": False,
}
_NO_PAGE: Final[dict[str, Any]] = {"problem": None, "next": None, "first": None, "once": "abcdef123456"}
_REPORT: Final[dict[str, Any]] = {
    "done": 0,
    "already": 0,
    "refused": 1,
    "invoices": [{"invoice": INVOICE, "outcome": "refused", "status": None, "problem": {"detail": f"{SAID}."}}],
}
_TRIAL: Final[dict[str, Any]] = {
    "outcome": "refused",
    "name": "f-1.pdf",
    "fields": [],
    "mandatory": [],
    "megabytes": 10,
    "body": None,
    "service": "",
}
_REFUSED: Final = Problem(
    status=422, code="IMPORT_REFUSED", errors=(FieldError(field="siret", message=f"{SAID}.", action=f"{SAID}."),)
)
PAGES: Final[dict[str, dict[str, Any]]] = {
    "deposit/refused.html": {"deposit": DEPOSIT, "reasons": [FINDING], "form": Form(), "body": None, "service": None},
    "deposit/sent.html": {"deposit": DEPOSIT, "remarks": [FINDING], "body": None, "pieces": []},
    "flow/one.html": {**_FLOW_PAGE, **_NO_PAGE},
    "trial/try.html": {**_TRIAL, "empty": FINDING, "refused": [FINDING], "remarks": [FINDING], "form": Form()},
    "bulk/report.html": {"report": _REPORT, "numbers": {}, "label": "Reject", "back": "/"},
    "gestion/import_refused.html": {"problem": _REFUSED},
}


class Unmarked(HTMLParser):
    """The texts with :data:`SAID` in them that are in no element of ``lang="fr"``; ``lines``: those that say why."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.all = self.lines = 0
        self._languages = ["en"]
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.lines += "official" in (given.get("class") or "").split()
        if tag not in _VOID:
            self._languages.append(given.get("lang") or self._languages[-1])

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID:
            self._languages.pop()

    def handle_data(self, data: str) -> None:
        if SAID in data:
            self.all += 1
            if self._languages[-1] != "fr":
                self.found.append(data.strip())


def shown(template: str, values: dict[str, Any], language: str = "en") -> str:
    return bytes(World().page(language=language).render(template, **values).body).decode()


@pytest.mark.parametrize("template", PAGES)
def test_what_a_service_says_is_marked_on_an_english_page_which_says_why_once(template: str) -> None:
    read = Unmarked(shown(template, PAGES[template]))
    assert read.all
    assert (read.found, read.lines) == ([], 1)
    french = shown(template, PAGES[template], "fr")
    assert 'class="hint official"' not in french
    assert 'lang="fr"' not in french.partition("<main")[2]


def part(source: str, language: str = "en", **values: Any) -> str:
    """A part of a page, made as the page makes it."""
    page = World().page(language=language)
    head = '{% import "ui.html" as ui with context %}'
    made = page.house.templates.from_string(head + source)
    return made.render(page=page, t=Words(page.language), language=language, **values)


def test_what_a_service_finds_wrong_with_a_field_is_marked_and_the_pages_own_words_are_not() -> None:
    form = Form()
    form.wrong("name", "Give a name.")
    entry = FieldError(field="siret", message=f"{SAID}.", action="", code="SIRET_WRONG")
    known = FieldError(field="file", message="Fichier vide.", code="FILE_EMPTY")
    form.take(Problem(status=422, code="REFUSED", errors=(entry, known)))
    source = '{{ ui.summary(form) }}{{ ui.field(form, "siret", "SIRET") }}{{ ui.field(form, "name", "N") }}'
    text = part(source, form=form)
    read = Unmarked(text)
    assert (read.all, read.found, read.lines) == (2, [], 1)
    assert text.count("<span>Give a name.</span>") == 2
    assert "<span>This file is empty" in text
    form.errors = [known]
    assert Unmarked(part("{{ ui.summary(form) }}", form=form)).lines == 0


def test_the_findings_of_a_draft_and_the_reasons_of_a_story_are_marked() -> None:
    finding = {**FINDING, "to_do": False}
    draft = part('{% import "draft/parts.html" as parts with context %}{{ parts.said_one(each, "") }}', each=finding)
    told = Told(entry=1, at="", lane="supplier", kind="question", title=SAID, motif=SAID, reasons=(FINDING,))
    story = part('{% import "invoice/parts.html" as parts with context %}{{ parts.told(each) }}', each=told)
    for text, how_many in ((draft, 2), (story, 4)):
        assert (Unmarked(text).all, Unmarked(text).found) == (how_many, [])


def test_the_help_says_why_its_rules_are_french() -> None:
    codes = {"part": "", "groups": help_codes.refusals(""), "others": [], "page_of": None}
    assert Unmarked(shown("help/refusals.html", codes)).lines == 1


class Nothing:
    """Services that have nothing."""

    busy = None

    async def get(self, *_: Any) -> Answer:
        return Answer(status=404)


async def lines_of_draft(*, reading: list[dict[str, Any]], checks: list[dict[str, Any]]) -> int:
    """How often the page of a draft says why something on it is French."""
    own = {"id": INVOICE, "version": 1, "saved_at": "2026-11-23T10:00:00Z", "ready": False, "sandbox": None}
    one = {**draft(), **own, "pages": None, "computed": None, "links": {"document": None}, "file_name": None}
    world = World()
    page = world.page(language="en")
    page.call = Nothing()  # type: ignore[assignment]
    one |= {"reading": reading, "checks": checks}
    seen = await draft_view.gather(page, one, None, asked=False)
    said: dict[str, Any] = {"asked": False, "conflict": None, "refused": False, "given": [], "editable_lines": True}
    values = {"draft": one, "shown": seen, "summary": Form(), "parts": {}, **said}
    return Unmarked(bytes(page.render("draft/one.html", **values).body).decode()).lines


@pytest.mark.parametrize(
    ("read", "checked", "lines"),
    [
        (("READ_WELL", "ok"), "warn", 1),
        (("READ_HALF", "warn"), "ok", 1),
        (("DRAFT_ASKED", "info"), "ok", 0),
        (("READ_WELL", "ok"), "ok", 0),
    ],
)
async def test_a_draft_says_why_it_is_french_where_it_shows_something_that_is(
    read: tuple[str, str], checked: str, lines: int
) -> None:
    reading = [{**FINDING, "code": read[0], "level": read[1]}]
    check = {"code": "TOTALS", "level": checked, "field": None, "message": SAID}
    assert await lines_of_draft(reading=reading, checks=[check] if checked != "ok" else []) == lines
