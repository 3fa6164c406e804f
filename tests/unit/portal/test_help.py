"""Every code, status and motif is explained, every link leads somewhere, and a search finds what is meant."""

import re
from string import Formatter
from types import SimpleNamespace

import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute

from invoice.checks_table import CHECKS
from invoice.file_findings import FLOW, READING
from invoice.lifecycle_table import STATUSES
from invoice.messages import CODES
from invoice.motifs import MOTIFS
from services.ingest import flow_words
from services.ocr import outcomes
from services.portal.pages import AREAS, help, help_codes, help_names, help_search, help_texts, render, words
from services.portal.pages.assets import Assets
from services.portal.pages.help_texts import GROUPS, NAMES, documents
from services.portal.pages.invoices import statuses
from services.portal.pages.invoices_spaces import SPACES
from services.portal.pages.words import LANGUAGES, Language, Words
from tests.browser.every_page import ROWS
from tests.browser.help_pictures import PICTURES, WIDTH

BOTH = pytest.mark.parametrize("language", LANGUAGES)
OTHERS = {"statuts", "motifs", "refus"}


def markup(template: str, language: Language, **values: object) -> str:
    """A page that nobody has asked for, as its template makes it."""
    assets = Assets()
    house = SimpleNamespace(there=frozenset(), assets=assets)
    request = SimpleNamespace(url=SimpleNamespace(path="/aide"))
    frame = {"announced": (), "call": SimpleNamespace(busy=None), "done": None, "ask_path": "/", "word": ""}
    page = SimpleNamespace(path="/aide", request=request, house=house, **frame)
    around = {"page": page, "t": Words(language), "language": language, "person": None, "asset": assets.url}
    return render.show(render.environment(), template, {**around, "spaces": [], "space": None, **values})


def refusals(part: str, language: Language) -> str:
    """The page of refusals below ``/aide/refus``."""
    return markup(
        "help/refusals.html",
        language,
        part=part,
        groups=help_codes.refusals(part),
        others=help_codes.elsewhere(part) if not part else [],
        page_of=help_codes.page_of,
    )


def ids(text: str) -> list[str]:
    """The anchors of a page."""
    return re.findall(r'\sid="([^"]+)"', text)


def test_every_code_of_the_program_is_explained() -> None:
    assert set(help_codes.REFUSED) == {*CHECKS, *CODES, *READING, *FLOW}
    assert set(READING) == set(outcomes.CODES)
    assert set(FLOW) == set(flow_words.CODES)
    assert [each.code for each in help_codes.REFUSED.values() if not (each.message or each.rule)] == []
    assert [each.code for each in help_codes.REFUSED.values() if "{" in each.message + each.action] == []


@BOTH
def test_every_code_has_its_anchor_on_its_page_and_on_the_first(language: Language) -> None:
    first = ids(refusals("", language))
    for part in help_codes.PAGES:
        found = ids(refusals(part, language))
        assert len(found) == len(set(found)), part
        here = [
            code
            for code in help_codes.REFUSED
            if help_codes.page_of(code).removeprefix("/aide/refus").strip("/") == part
        ]
        assert set(here) <= set(found), part
    assert set(help_codes.REFUSED) <= set(first)


@BOTH
def test_every_status_and_motif_has_its_entry(language: Language) -> None:
    said = lambda status: help_names.status(status, language)  # noqa: E731
    statuses = markup(
        "help/statuses.html",
        language,
        groups=help_codes.statuses(),
        said=said,
        set_by=help_codes.set_by,
        following=help_codes.following,
    )
    motifs = markup("help/motifs.html", language, families=help_codes.motifs_by_family(), said=said)
    assert set(STATUSES) <= set(ids(statuses))
    assert set(MOTIFS) <= set(ids(motifs))
    for status in STATUSES.values():
        label, text = help_names.status(status, language)
        assert label
        assert text
    if language == "fr":
        assert words.spaced(STATUSES["REJETEE"].explain_fr) in statuses


def test_a_status_has_its_name_in_the_language_of_the_page() -> None:
    status = {"code": "MISE_A_DISPOSITION", "label": "Mise à disposition du destinataire"}
    made = render.environment().from_string(
        '{% import "invoices/parts.html" as lists with context %}{{ lists.badge(status, "mine") }}'
    )
    badges = {language: made.render(status=status, language=language, page=None) for language in LANGUAGES}
    assert badges["fr"] == '<span class="badge mine">Mise à disposition du destinataire</span>'
    assert badges["en"] == '<span class="badge mine">At the recipient&#39;s disposal</span>'
    assert help_names.label("NOT_OURS", "en", "Autre chose") == "Autre chose"
    assert dict(statuses(SPACES[0], "en"))["REJETEE"] == "Rejected"


def test_a_code_leads_to_its_explanation() -> None:
    assert help_codes.where("DOUBLON") == "/aide/refus#DOUBLON"
    assert help_codes.where("PDF_ENCRYPTED") == "/aide/refus/fichiers#PDF_ENCRYPTED"
    assert help_codes.where("BR-CO-15") == "/aide/refus/norme#BR-CO-15"
    assert help_codes.where("UBL-SR-23") == "/aide/refus/syntaxe#UBL-SR-23"
    assert help_codes.where("NO_SUCH_CODE") is None


def test_pages_that_show_a_code_lead_to_its_explanation_and_show_an_unknown_one_as_it_is() -> None:
    made = render.environment().from_string('{% import "ui.html" as ui with context %}{{ ui.code(name) }}')
    assert made.render(name="DOUBLON") == '<a href="/aide/refus#DOUBLON"><code>DOUBLON</code></a>'
    assert made.render(name="A<B") == "<code>A&lt;B</code>"
    for shown in (
        "deposit/refused",
        "deposit/sent",
        "draft/parts",
        "draft/one",
        "flow/one",
        "trial/try",
        "invoice/parts",
    ):
        assert "ui.code(" in (render.FOLDER / f"{shown}.html").read_text("utf-8"), shown


@pytest.mark.parametrize(
    "shown",
    ["deposit/refused", "draft/one", "flow/one", "trial/try", "invoice/one", "invoice/parts", "solicitations/new"],
)
def test_pages_that_show_a_refusal_have_the_public_contact(shown: str) -> None:
    assert "ui.contact(" in (render.FOLDER / f"{shown}.html").read_text("utf-8")


def test_both_languages_have_the_same_documents_parts_links_and_pictures() -> None:
    french, english = documents("fr"), documents("en")
    assert list(french) == list(english) == list(NAMES)
    for name in NAMES:
        mine, other = french[name], english[name]
        assert mine.also == other.also
        assert [part.id for part in mine.parts] == [part.id for part in other.parts], name
        for part, same in zip(mine.parts, other.parts, strict=True):
            assert [(b.kind, b.picture, b.table) for b in part.blocks] == [
                (b.kind, b.picture, b.table) for b in same.blocks
            ], (name, part.id)
            assert [way for b in part.blocks for said in b.sentences for way in help_texts.ways(said)] == [
                way for b in same.blocks for said in b.sentences for way in help_texts.ways(said)
            ], (name, part.id)


@BOTH
def test_every_link_of_the_help_leads_to_a_page_and_a_part_that_are_there(language: Language) -> None:
    router = APIRouter()
    for add in AREAS:
        add(router)
    paths = {route.path for route in router.routes if isinstance(route, APIRoute)} | {"/docs/portal"}
    parts = {f"/aide/{name}": {part.id for part in each.parts} for name, each in documents(language).items()}
    for document in documents(language).values():
        assert set(document.also) <= {*NAMES, *OTHERS}, document.name
        for part in document.parts:
            for block in part.blocks:
                assert block.kind != "picture" or block.alt
                for way in (way for said in block.sentences for way in help_texts.ways(said)):
                    path, _, anchor = way.partition("#")
                    known = path in paths or path in parts or path.startswith("/aide/refus/")
                    assert known, (document.name, way)
                    assert not anchor or anchor in parts[path], (document.name, way)


def test_every_document_is_in_the_index_and_what_templates_link_to_is_there() -> None:
    assert sorted(name for names in GROUPS.values() for name in names) == sorted(set(NAMES))
    parts = {f"/aide/{name}#{part.id}" for name, each in documents("fr").items() for part in each.parts}
    for path in sorted(render.FOLDER.rglob("*.html")):
        for way in re.findall(r"/aide/[a-z-]+#[a-z-]+", path.read_text("utf-8")):
            assert way in parts, (path, way)


def test_a_sentence_is_marked_up_and_nothing_else_in_it_is_markup() -> None:
    said = help_texts.marked("[Déposez](/deposer) **vite** `a<b` [non](https://ailleurs.example) <script>")
    assert said == (
        '<a href="/deposer">Déposez</a> <b>vite</b> <code>a&lt;b</code> [non](https://ailleurs.example) &lt;script&gt;'
    )


@pytest.mark.parametrize(
    ("query", "language", "path"),
    [
        ("pourquoi toujours MISE A DISPOSITION ?", "fr", "/aide/faq#mise-a-disposition"),
        ("avoirs", "fr", "/aide/faq#avoir"),
        ("honoraires maitre d'oeuvre", "fr", "/aide/faq#honoraires"),
        ("honoraires maître d’œuvre", "fr", "/aide/faq#honoraires"),
        ("doublon", "fr", "/aide/refus#DOUBLON"),
        ("br-co-15", "fr", "/aide/refus/norme#BR-CO-15"),
        ("scanner", "fr", "/aide/numeriser"),
        ("bon de livraison a joindre", "fr", "/aide/pieces-jointes#quoi"),
        ("2019", "fr", "/aide/qui-quand#calendrier"),
        ("keyboard", "en", "/aide/agent"),
        ("credit note", "en", "/aide/faq#avoir"),
    ],
)
def test_a_search_finds_what_is_meant_whatever_the_accents(query: str, language: Language, path: str) -> None:
    assert path in [hit.path for hit in help_search.search(query, language)][:3]


def test_what_is_found_shows_its_words_and_a_query_is_never_markup() -> None:
    hits = help_search.search("œuvre", "fr")
    assert any("<mark>œuvre</mark>" in hit.excerpt for hit in hits)
    for query in ("<script>alert(1)</script>", "' or 1=1", "((((", "a" * 5000, "\x00", "…"):
        for hit in help_search.search(query, "fr"):
            assert "<script" not in hit.excerpt
    assert help_search.search("", "fr") == []
    assert help_search.search("zzzzzz", "fr") == []
    assert len(help_search.search("facture", "fr")) <= help_search.MOST


def test_an_excerpt_is_short_and_begins_and_ends_with_whole_words() -> None:
    text = " ".join(f"mot{place}" for place in range(400)) + " trésor " + " ".join(["fin"] * 400)
    found = help_search.excerpt(text, [re.compile(r"(?<![a-z0-9])tresor")])
    assert "<mark>trésor</mark>" in found
    assert found.startswith("… mot")
    assert found.endswith(" …")
    assert len(found) < 300


def test_words_that_are_shown_are_words_that_the_reader_knows() -> None:
    rows = help.keywords()
    assert [row["label"] for row in rows if not row["words"]] == []
    assert "Ministère" not in {word for row in rows for word in row["words"]}
    assert {"SIRET client", "Engagement", "EJ"} <= {word for row in rows for word in row["words"]}


def test_places_of_the_files_findings_are_named() -> None:
    for row in (*READING.values(), *FLOW.values()):
        for sentence in (row.message, row.action):
            assert all(name is None or name for _, name, _, _ in Formatter().parse(sentence))


def test_every_picture_of_the_help_can_be_taken_and_is_light() -> None:
    shown = {block.picture for each in documents("fr").values() for part in each.parts for block in part.blocks} - {""}
    assert shown == set(PICTURES)
    assert {page for page, _ in PICTURES.values()} <= {row.name for row in ROWS}
    assets = Assets()
    taken = [name for name in assets.names if name.startswith("help/")]
    assert {name.removeprefix("help/").removesuffix(".webp") for name in taken} <= shown
    for name in taken:
        width, height = assets.size(name)
        assert (width, 300 < height < 1200) == (WIDTH, True), name
    with pytest.raises(ValueError, match="WebP"):
        assets.size("icon-192.png")
