"""The pages that the law asks for name who answers for the platform, and every cookie that it gives."""

import re
from pathlib import Path
from typing import Final

import pytest
from pydantic import ValidationError

import services.portal
from services.portal.pages import fixed
from services.portal.pages.words import LANGUAGES, Language
from tests.unit.portal.samples import settings
from tests.unit.portal.test_help import markup

NAMED: Final = {
    "publisher_name": "Département d'essai",
    "publisher_address": "1 rue du Test",
    "publisher_email": "contact@essai.example",
    "publisher_director": "Camille Martin",
    "hosting": "Un hébergeur, 2 rue du Test",
}
#: Production refuses secrets that are short, or everybody's.
SECRETS: Final = {
    "environment": "production",
    "dsn": "postgresql://a:Zq3v9w8e7r6t5y4u@db/chorale",
    "api_dsn": "postgresql://a:Zq3v9w8e7r6t5y4u@db/chorale",
    "s3_secret_key": "another-long-secret-of-production",
}
PORTAL: Final = Path(services.portal.__file__).parent
GIVEN: Final = re.compile(r"\bset_cookie\(([^()]*(?:\([^()]*\)[^()]*)*)\)")
#: How the program writes the name of each cookie where it gives it.
IN_PROGRAM: Final = {
    "form": "name, found",
    "lang": '"lang"',
    "keys": '"keys"',
    "step": "_STEP",
    "done": "DONE",
    "provider": "PROVIDER",
}


def legal(language: Language, **given: str) -> str:
    own = settings(**given)
    values = {"origin": own.public_url, "publisher": own.publisher, "invented": bool(own.unsaid)}
    return markup("fixed/legal.html", language, cookies=fixed.COOKIES, **values)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_legal_page_names_who_publishes_and_hosts_the_platform(language: Language) -> None:
    said = legal(language, **NAMED)
    assert [value for value in NAMED.values() if value.replace("'", "&#39;") not in said] == []
    assert "inventé" not in said
    publisher = settings(**NAMED).publisher
    assert "contact@essai.example" in markup("fixed/accessibility.html", language, publisher=publisher)


def test_a_demonstration_says_that_its_publisher_is_invented() -> None:
    assert "Cette plateforme est un essai" in legal("fr")
    assert "Cette plateforme est un essai" in legal("fr", **{**NAMED, "hosting": ""})


@pytest.mark.parametrize("missing", NAMED)
def test_in_production_somebody_answers_for_the_platform(missing: str) -> None:
    assert settings(**SECRETS, **NAMED).unsaid == []
    with pytest.raises(ValidationError, match=f"CHORALE_{missing.upper()} must say who"):
        settings(**SECRETS, **{**NAMED, missing: "  "})


def test_every_cookie_is_named_on_the_legal_page() -> None:
    """The session is given by ``session_guard`` alone, the reason by ``keep_reason``."""
    texts = [path.read_text("utf-8") for path in sorted((PORTAL / "pages").glob("*.py"))]
    texts.append((PORTAL / "oidc_api.py").read_text("utf-8"))
    calls = [call for text in texts for call in GIVEN.findall(text) if not call.startswith(("self,", "**each"))]
    known = {*IN_PROGRAM.values(), "REASON"}
    unknown = [call for call in calls if not any(each in call for each in known)]
    assert unknown == ["answer, self._parts.settings, secret"]
    assert {*IN_PROGRAM, "session", "reason"} == set(fixed.COOKIES)
