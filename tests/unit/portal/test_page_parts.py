"""How pages write dates and amounts, keep to their own site, and know their own forms."""

from datetime import UTC, date, datetime
from decimal import Decimal
from types import SimpleNamespace

import pytest

from services.portal.pages import format as forms_of
from services.portal.pages import problems
from services.portal.pages.assets import Assets
from services.portal.pages.forms import Form
from services.portal.pages.guard import Guard
from services.portal.pages.page import local
from services.portal.pages.render import FOLDER, environment
from services.portal.pages.spaces import SPACES, current


def test_dates_instants_and_amounts_are_written_the_french_way() -> None:
    summer = datetime(2026, 7, 3, 22, 30, tzinfo=UTC)
    assert forms_of.show_date(summer) == "04/07/2026"
    assert forms_of.show_date(date(2026, 11, 22)) == "22/11/2026"
    assert forms_of.show_date("2026-11-22") == "22/11/2026"
    assert forms_of.show_instant("2026-11-22T13:05:00Z") == "22/11/2026 à 14:05"
    assert forms_of.show_instant("2026-11-22T13:05:00Z", "en") == "22/11/2026 at 14:05"
    assert forms_of.show_amount("1234567.5") == "1\u202f234\u202f567,50\u202f€"
    assert forms_of.show_amount(Decimal("-3"), "en") == "€-3.00"
    assert forms_of.show_amount("12", currency="CHF") == "12,00\u202fCHF"
    assert forms_of.show_siret("22060001900016") == "220\u202f600\u202f019\u202f00016"
    assert forms_of.show_siret("HRB 12345") == "HRB 12345"
    assert [forms_of.show_date(None), forms_of.show_instant(None), forms_of.show_amount(None)] == ["", "", ""]


@pytest.mark.parametrize(
    "away",
    ["https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere.example", "javascript:alert(1)", "", "/a\nb"],
)
def test_a_way_back_never_leads_to_another_site(away: str) -> None:
    assert local(away) == "/"


def test_a_way_back_leads_to_where_one_wanted_to_go() -> None:
    assert local("/annuaire?q=nice&page=2#fin") == "/annuaire?q=nice&page=2#fin"


def test_a_form_is_known_by_who_was_shown_it_and_by_nobody_else() -> None:
    guard, other = Guard("one secret"), Guard("another secret")
    word = guard.word("session of Claire")
    assert guard.right(word, "session of Claire")
    assert guard.word("session of Claire") != word
    assert not guard.right(word, "session of Oscar")
    assert not guard.right(word, None)
    assert not other.right(word, "session of Claire")
    for broken in ("", "é", word[:-2], word + "AAAA", "!" * 43):
        assert not guard.right(broken, "session of Claire")


def test_a_form_keeps_what_was_written_and_says_what_is_wrong_beside_it() -> None:
    form = Form.of(email="claire@", name="Claire")
    entry = {"field": "identifier.value", "value": "12", "rule": "SIRET_LENGTH", "message": "Trop court.", "action": ""}
    problem = problems.read(422, {"code": "SIGN_UP", "detail": "Refusé.", "errors": [entry]})
    assert not form.take(problem, {"identifier.value": "identifier"})
    assert [error.message for error in form.errors_of("identifier")] == ["Trop court."]
    assert form.text("name") == "Claire"
    assert form.problem is None
    assert not form.take(problems.read(409, {"code": "TAKEN", "detail": "Pris."}))
    assert form.problem is not None


def test_an_answer_that_is_no_problem_json_is_a_problem_all_the_same() -> None:
    bodies: tuple[object, ...] = (None, "text", [], {"errors": "none"}, {"errors": [3], "code": None})
    for body in bodies:
        assert problems.read(502, body).code == "HTTP_502"
    assert problems.read(502, None).away


def test_the_space_of_a_page_is_the_nearest_above_it() -> None:
    assert current(SPACES, "/") == "home"
    assert current(SPACES, "/compte/securite") == "account"
    assert current(SPACES, "/annuairex") is None
    assert current(SPACES, "/archives/2026") == "archives"
    assert current(SPACES, "/structures/1/logiciels") == current(SPACES, "/webhooks") == "account"
    assert current(SPACES, "/saisir") == current(SPACES, "/brouillons/1") == "deposit"


def test_whoever_has_invoices_has_their_archives_and_webhooks_are_found_without_the_help() -> None:
    archives = next(space for space in SPACES if space.path == "/archives")
    held = SimpleNamespace(supplies=False, receives=False, has=lambda *roles: "VALIDATEUR" in roles)
    nobody = SimpleNamespace(supplies=False, receives=False, has=lambda *roles: False)
    assert archives.shown(held)  # type: ignore[arg-type]
    assert not archives.shown(nobody)  # type: ignore[arg-type]
    for page in ("software/list.html", "account/overview.html"):
        assert 'href="/webhooks"' in (FOLDER / page).read_text("utf-8")


def test_files_are_named_by_what_is_in_them() -> None:
    assets = Assets()
    assert assets.url("chorale.css").startswith("/static/chorale.")
    assert len(assets.url("chorale.css").split(".")[1]) == 12
    with pytest.raises(KeyError):
        assets.url("missing.css")


def test_every_template_can_be_read_and_none_has_style_or_script_in_it() -> None:
    made = environment()
    for path in sorted(FOLDER.rglob("*.html")):
        made.get_template(path.relative_to(FOLDER).as_posix())
        text = path.read_text("utf-8")
        assert " style=" not in text, path
        assert " onclick=" not in text, path
        assert "<script>" not in text, path
        assert "|safe" not in text.replace(" ", ""), path
