"""What the pages say, in French and in English: one folder per language, one file per area.

The key of a sentence is its file and its name: ``home.title`` is ``title`` in ``home.yaml``. A sentence that changes
with a number is a mapping ``one``/``other`` and is asked for with ``n``. Values stand in braces. A name that ends in
``_html`` holds markup: what is put into it is escaped, the rest is not.
"""

from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any, Final, Literal

from markupsafe import Markup, escape

from invoice import packaged

Language = Literal["fr", "en"]
LANGUAGES: Final[tuple[Language, ...]] = ("fr", "en")
Said = str | Mapping[str, str]
_MINUTE, _HOUR = 60, 3_600


@cache
def catalogue(language: Language) -> Mapping[str, Said]:
    """Every sentence of a language by its key."""
    found: dict[str, Said] = {}
    folder = resources.files("services.portal.pages").joinpath("words", language)
    for file in folder.iterdir():
        area, _, ending = file.name.partition(".")
        if ending == "yaml":
            for name, said in (packaged.parse(file.read_text("utf-8")) or {}).items():
                found[f"{area}.{name}"] = _french(said) if language == "fr" else said
    return found


def _french(said: Said) -> Said:
    return spaced(said) if isinstance(said, str) else {form: spaced(text) for form, text in said.items()}


def spaced(said: str) -> str:
    """French signs never begin a line: the space before them does not break, nor those within quotation marks."""
    for sign in ";?!":
        said = said.replace(f" {sign}", f"\u202f{sign}")
    return said.replace(" :", "\u00a0:").replace("« ", "«\u00a0").replace(" »", "\u00a0»")


class Words:
    """The sentences of one language."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self._said = catalogue(language)

    def __call__(self, key: str, **values: Any) -> str:
        """The sentence. Raises ``KeyError`` for a key that is not there, or a value that is not given."""
        said = self._said[key]
        if not isinstance(said, str):
            said = said["one" if _is_one(self.language, values["n"]) else "other"]
        if key.endswith("_html"):
            return Markup(said).format(**{name: escape(value) for name, value in values.items()})
        return said.format(**values) if values else said

    def wait(self, seconds: int) -> str:
        """When to come back."""
        if seconds >= 2 * _HOUR:
            return self("common.wait_hours", n=-(-seconds // _HOUR))
        if seconds >= 2 * _MINUTE:
            return self("common.wait_minutes", n=-(-seconds // _MINUTE))
        return self("common.wait_seconds", n=seconds)

    def get(self, key: str, **values: Any) -> str | None:
        """The sentence, None where there is none."""
        return self(key, **values) if key in self._said else None


def _is_one(language: Language, number: Any) -> bool:
    """French counts nought and one and a half as one thing, English only one."""
    return bool(abs(number) < 2 if language == "fr" else number == 1)


def chosen(cookie: str | None, accepted: str) -> Language:
    """The cookie's language, else the first of ``Accept-Language`` that there is, else French."""
    for language in LANGUAGES:
        if cookie == language:
            return language
    wishes: list[tuple[float, int, str]] = []
    for place, part in enumerate(accepted.split(",")[:20]):
        name, _, weight = part.strip().partition(";q=")
        try:
            quality = float(weight) if weight else 1.0
        except ValueError:
            continue
        wishes.append((-quality, place, name.strip().lower().partition("-")[0]))
    for quality, _, name in sorted(wishes):
        for language in LANGUAGES:
            if name == language and quality < 0:
                return language
    return "fr"
