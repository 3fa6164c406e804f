"""Every sentence of the pages is there in both languages, is said somewhere, and takes what it is given."""

import re
from pathlib import Path
from string import Formatter

import pytest

from invoice import rights
from services.portal.pages import words
from services.portal.pages.fixed import PURPOSES, retention
from services.portal.pages.spaces import PUBLIC, SPACES
from services.portal.pages.state import ORDER
from services.portal.pages.words import LANGUAGES, Language, Words, catalogue, chosen

PAGES = Path(words.__file__).parent
TEXTS = [
    *(path.read_text("utf-8") for path in sorted(PAGES.glob("*.py"))),
    *(path.read_text("utf-8") for path in sorted((PAGES / "templates").rglob("*.html"))),
]
WHOLE = re.compile(r"""["']([a-z_]+\.[A-Za-z0-9_]+)["']""")
#: ``t("role." ~ …)`` in templates, ``t(f"joining.{…}…")`` in modules.
PREFIX = re.compile(r'(?:\b(?:t|get)\(\s*"([a-z_]+\.[A-Za-z_]*)"\s*~|\b(?:t|get)\(\s*f"([a-z_]+\.[A-Za-z_]*)\{)')


def test_both_languages_say_the_same_things() -> None:
    french, english = (catalogue(language) for language in LANGUAGES)
    # Services speak French: their problems need words of the pages in other languages only.
    assert {key for key in french if not key.startswith("problem.")} == {
        key for key in english if not key.startswith("problem.")
    }
    assert {key for key in french if key.startswith("problem.")} <= set(english)


def test_every_sentence_takes_the_same_values_in_both_languages() -> None:
    french, english = (catalogue(language) for language in LANGUAGES)
    for key in set(french) & set(english):
        assert _values(french[key]) == _values(english[key]), key


def test_every_sentence_is_said_somewhere() -> None:
    whole = {key for text in TEXTS for key in WHOLE.findall(text)}
    begun = {one or other for text in TEXTS for one, other in PREFIX.findall(text)}
    unsaid = [key for key in catalogue("fr") if key not in whole and not any(key.startswith(each) for each in begun)]
    assert unsaid == []


def test_every_sentence_that_is_asked_for_is_there() -> None:
    said = catalogue("fr")
    areas = {key.partition(".")[0] for key in said}
    asked = {key for text in TEXTS for key in re.findall(r'\bt\(\s*"([a-z_]+\.[A-Za-z0-9_]+)"\s*[,)]', text)}
    assert sorted(key for key in asked if key not in said) == []
    assert areas >= {key.partition(".")[0] for key in asked}


def test_every_role_space_and_service_has_words() -> None:
    said = catalogue("fr")
    assert [f"role.{role}" for role in rights.ROLES if f"role.{role}" not in said] == []
    assert [space.key for space in (*SPACES, *PUBLIC) if f"nav.{space.key}" not in said] == []
    scopes = [f"software.scope_{scope.replace('.', '_')}" for scope in rights.SCOPES]
    assert [scope for scope in scopes if scope not in said] == []
    assert [name for name in ORDER if f"state.{name}" not in said or f"state.{name}_does" not in said] == []
    parts = ("purpose", "holds", "basis", "kept")
    assert [f"{p}_{q}" for p in PURPOSES for q in parts if f"privacy.{p}_{q}" not in said] == []


def test_every_kind_of_the_retention_table_has_a_name() -> None:
    rows = retention()
    assert rows
    assert [
        row["kind"] for row in rows if not row["label"] and f"fixed.kept_{row['kind']}" not in catalogue("fr")
    ] == []


def test_a_number_chooses_its_form() -> None:
    french, english = Words("fr"), Words("en")
    assert [french("directory.found", n=n) for n in (0, 1, 2)] == ["0 réponse", "1 réponse", "2 réponses"]
    assert [english("directory.found", n=n) for n in (0, 1, 2)] == ["0 answers", "1 answer", "2 answers"]


@pytest.mark.parametrize(
    ("cookie", "accepted", "language"),
    [
        (None, "", "fr"),
        (None, "de-DE,en;q=0.5", "en"),
        (None, "en-GB,fr;q=0.9", "en"),
        (None, "en;q=0.2,fr;q=0.9", "fr"),
        (None, "en;q=0", "fr"),
        (None, "en;q=much", "fr"),
        ("en", "fr", "en"),
        ("de", "en", "en"),
    ],
)
def test_the_language_is_the_chosen_one_then_the_browsers_then_french(
    cookie: str | None, accepted: str, language: Language
) -> None:
    assert chosen(cookie, accepted) == language


def _values(said: object) -> set[str]:
    texts = said.values() if isinstance(said, dict) else [said]
    return {name for text in texts for _, name, _, _ in Formatter().parse(str(text)) if name}
