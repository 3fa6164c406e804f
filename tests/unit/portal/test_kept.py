"""What was written is kept: who may send a form on, what a page gives back of one, how much one may weigh."""

import re
from collections.abc import AsyncIterator, Sequence
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import httpx
import pytest

from services.portal.pages import guard
from services.portal.pages.call import Answer
from services.portal.pages.page import DONE, REASON, Page
from services.portal.pages.problems import Problem, Shown
from tests.unit.portal.page_world import AWAY, BUSY, COMMENT, GUARD, INVOICE, World, person


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    async with made.http:
        yield made


def _holds(answer: httpx.Response, *names: str) -> list[str]:
    return [name for name in names if f'type="hidden" name="{name}"' in answer.text]


async def test_a_form_is_as_good_after_signing_in_again_and_for_nobody_else(world: World) -> None:
    before = world.word()
    for session in (uuid4(), uuid4()):
        world.who = person(session=session)
        assert (await world.post(csrf=before)).status_code == 303
    world.who = person("oscar")
    other = await world.post(csrf=before)
    assert other.status_code == 403
    assert "Il manque" not in other.text
    assert "Le bon de livraison manque." in other.text  # to be copied
    assert 'id="renvoyer"' not in other.text  # and never to be sent on by him


async def test_no_cookie_makes_a_browser_a_person(world: World) -> None:
    for odd in ("claire", "person claire", guard.of_person("claire")):
        assert (await world.post(csrf=GUARD.word(guard.of_browser(odd)))).status_code == 403
    world.who = None
    mine = {"Cookie": "chorale-form=claire"}
    taken = await world.http.post("/connexion", data={"csrf": world.word()}, headers=mine)
    assert taken.status_code == 403
    right = {"csrf": GUARD.word(guard.of_browser("claire"))}
    assert (await world.http.post("/connexion", data=right, headers=mine)).status_code == 303


async def test_a_session_that_is_over_keeps_what_was_written(world: World) -> None:
    world.who = None
    answer = await world.post(password="secret words", totp="123456", version="3")
    assert answer.status_code == 401
    assert answer.headers["cache-control"] == "private, no-store"
    assert _holds(answer, "csrf", "once", "comment", "version", "password", "totp") == [
        "csrf",
        "once",
        "comment",
        "version",
    ]
    assert "secret words" not in answer.text
    assert "&lt;en vain&gt;" in answer.text
    assert 'href="/connexion?suite=/compte" target="_blank" rel="noopener"' in answer.text
    file = {"file": ("bon de livraison.pdf", b"%PDF-1.7", "application/pdf")}
    again = await world.post(files=file)
    assert again.status_code == 401
    assert re.search(r"À choisir de nouveau\s: bon de livraison.pdf", again.text)
    assert 'enctype="multipart/form-data"' in again.text
    assert "%PDF" not in again.text


async def test_what_another_site_sends_is_not_shown_and_a_mere_button_leads_to_sign_in(world: World) -> None:
    world.who = None
    cross = await world.http.post("/ecrire", data={"comment": COMMENT}, headers={"Sec-Fetch-Site": "cross-site"})
    assert cross.status_code == 303
    assert cross.headers["location"].startswith("/connexion")
    button = await world.http.post("/ecrire", data={"csrf": world.word(), "once": "abcdef123456"})
    assert (button.status_code, button.headers["location"]) == (303, "/connexion?suite=/ecrire")
    asked = await world.http.post("/ecrire", data={"csrf": world.word()}, headers={"Accept": "application/json"})
    assert asked.status_code == 401
    assert asked.json()["sign_in"] == "/connexion?suite=/ecrire"
    assert "session est terminée" in asked.json()["problem"]


@pytest.mark.parametrize("went", [Shown(AWAY), Shown(BUSY), RuntimeError("a mistake"), ConnectionError("no database")])
async def test_a_form_that_nobody_could_take_may_be_sent_again(world: World, went: Exception) -> None:
    world.went = went
    answer = await world.post(password="secret words")
    assert answer.status_code in (429, 500, 503)
    assert _holds(answer, "csrf", "once", "comment", "password") == ["csrf", "once", "comment"]
    assert 'action="/ecrire"' in answer.text
    world.went = None
    assert (await world.post()).status_code == 303


async def test_an_operator_whose_reason_has_expired_says_it_beside_what_he_wrote(world: World) -> None:
    world.went = Shown(Problem(status=403, code="REASON_REQUIRED"))
    answer = await world.post()
    assert answer.status_code == 403
    assert _holds(answer, "csrf", "comment") == ["csrf", "comment"]
    assert 'href="/factures/motif" target="_blank"' in answer.text
    button = await world.post(comment="")
    assert button.headers["location"] == "/factures/motif?suite=/ecrire"


async def test_an_action_keeps_its_comment_while_status_is_away(world: World) -> None:
    world.service.answers = [Answer(status=503, problem=AWAY)]
    answer = await world.post(f"/factures/{INVOICE}/agir/reject", motif="CREANCIER_ERR", version='"3"')
    assert answer.status_code == 503
    assert _holds(answer, "csrf", "once", "comment", "motif", "version") == [
        "csrf",
        "once",
        "comment",
        "motif",
        "version",
    ]


@pytest.mark.parametrize("problem", [AWAY, BUSY])
async def test_a_bulk_action_keeps_its_comment_while_status_is_away(world: World, problem: Problem) -> None:
    world.service.answers = [Answer(status=problem.status, problem=problem)] * 4
    chosen = [f"{INVOICE} 3", f"{uuid4()} 4"]
    answer = await world.post("/factures/actions", action="reject", chosen=chosen)
    assert answer.status_code == problem.status
    assert answer.text.count('name="chosen"') == 2
    assert _holds(answer, "comment", "action") == ["comment", "action"]


async def test_more_than_a_page_of_invoices_is_never_cut_in_silence(world: World) -> None:
    ids = [str(uuid4()) for _ in range(51)]
    for path, fields in (
        ("/factures/selection", {"id": ids, "what": "act"}),
        ("/factures/selection", {"id": ids, "what": "download"}),
        ("/factures/actions", {"chosen": [f"{each} 1" for each in ids], "action": "reject"}),
    ):
        answer = await world.post(path, back="/factures/recues", **fields)
        assert answer.headers["location"] == "/factures/recues?fait=chosen_too_many"
    kept = await world.post("/factures/selection", id=ids[:50], what="act", back="/factures/recues")
    assert kept.headers["location"].count("id=") == 50


async def test_a_button_pressed_twice_reads_that_it_is_done(world: World) -> None:
    nothing = {"version": '"4"', "actions": []}
    world.service.answers = [Answer(status=200, data=nothing), Answer(status=200, data={})]
    answer = await world.post(f"/factures/{INVOICE}/agir/validate", comment="", version='"3"')
    assert answer.headers["location"] == f"/factures/{INVOICE}?fait=acted"
    [(_, sent, headers)] = world.service.asked
    assert sent == {"action": "validate", "motif": None, "comment": None, "fields": {}, "attachments": []}
    assert headers["Idempotency-Key"] == "abcdef123456"
    over = Problem(status=409, code="ACTION_NOT_POSSIBLE")
    world.service.answers = [Answer(status=200, data=nothing), Answer(status=409, problem=over)]
    answer = await world.post(f"/factures/{INVOICE}/agir/validate", comment="", version='"3"')
    assert answer.headers["location"] == f"/factures/{INVOICE}?fait=action_over"


async def test_a_selection_sent_twice_reads_the_same_report(world: World) -> None:
    nothing = Answer(status=200, data={"invoice": INVOICE, "version": '"4"', "actions": []})
    shown = Answer(status=200, data={"number": "F-1"})
    item = {"invoice": INVOICE, "outcome": "done", "problem": None, "status": None}
    report = {"done": 1, "already": 0, "refused": 0, "invoices": [item]}
    world.service.answers = [nothing, shown, Answer(status=200, data=report)]
    chosen = [f'{INVOICE} "3"']
    answer = await world.post("/factures/actions", action="mandate", chosen=chosen, mandate_number="2026-118", note="")
    assert "Faites\u00a0: 1" in answer.text
    [(_, sent, headers)] = world.service.asked
    assert headers["Idempotency-Key"] == "abcdef123456"
    assert sent["comment"] == COMMENT
    assert sent["fields"] == {"mandate_number": "2026-118"}
    assert sent["invoices"] == [{"invoice": INVOICE, "version": '"3"'}]


async def _heavy(world: World, pairs: Sequence[tuple[str, str]], *, multipart: bool, path: str = "/connexion") -> int:
    world.who = None if path == "/connexion" else person()
    word = ("csrf", GUARD.word(guard.of_browser("x")) if path == "/connexion" else world.word())
    fields: dict[str, list[str]] = {}
    for name, value in (word, *pairs):
        fields.setdefault(name, []).append(value)
    cookie = {"Cookie": "chorale-form=x"}
    if multipart:
        files = [(name, (None, value)) for name, values in fields.items() for value in values]
        answer = await world.http.post(path, files=files, headers=cookie)
    else:
        answer = await world.http.post(path, data=fields, headers=cookie)
    if answer.status_code == 413:
        assert "Ce formulaire est trop long" in answer.text
    return answer.status_code


@pytest.mark.parametrize("multipart", [False, True], ids=["plain", "multipart"])
@pytest.mark.parametrize("path", ["/connexion", "/ecrire"])
async def test_a_form_is_bounded_and_the_largest_of_ours_fits(world: World, path: str, multipart: bool) -> None:
    assert await _heavy(world, [("email", "x" * 100_001)], multipart=multipart, path=path) == 413
    many = [(f"f{number}", "x" * 90_000) for number in range(12)]
    assert await _heavy(world, many, multipart=multipart, path=path) == 413
    assert await _heavy(world, [("f", "")] * 2_000, multipart=multipart, path=path) == 413
    bulk_of_500 = [("chosen", f"{INVOICE} 12")] * 500
    assert await _heavy(world, [*bulk_of_500, ("comment", "é" * 4_000)], multipart=multipart, path=path) == 303
    names = ("label", "quantity", "unit", "unit_price", "discount", "vat_rate")
    typed = [(f"line-{n}-{name}", "Pose" * 25) for n in range(300) for name in names]
    assert await _heavy(world, typed, multipart=multipart, path=path) == 303


async def test_who_has_not_signed_in_sends_no_files_to_a_plain_form(world: World) -> None:
    world.who = None
    file = {"file": ("x.bin", b"x" * 1_000_001, "application/octet-stream")}
    assert (await world.http.post("/connexion", data={"csrf": "x"}, files=file)).status_code == 413
    world.who = person()
    assert (await world.post(files=file)).status_code == 303


async def test_what_was_done_is_said_once_and_no_link_can_say_it(world: World) -> None:
    words = "Votre nouveau mot de passe est enregistré"
    assert words not in (await world.http.get("/ecrire?fait=password")).text
    world.http.cookies.set(DONE, "password")
    said = await world.http.get("/ecrire?fait=password")
    assert words in said.text
    assert f"{DONE}=" in said.headers["set-cookie"]
    assert "Max-Age=0" in said.headers["set-cookie"]
    assert words not in (await world.http.get("/ecrire?fait=saved")).text


def test_an_operators_reason_holds_in_his_session_alone() -> None:
    mine, next_one = uuid4(), uuid4()
    page: Any = object.__new__(Page)
    page.house, page._cookies = SimpleNamespace(guard=GUARD), []
    page.person = person("otto", mine)
    page.keep_reason("Demande d'assistance n° 12", seconds=1_800)
    [cookie] = page._cookies
    page.request = SimpleNamespace(cookies={REASON: cookie["value"]})
    assert page._reason() == "Demande d'assistance n° 12"
    page.person = person("paula", next_one)
    assert page._reason() == ""
    page.person = person("otto", next_one)
    assert page._reason() == ""
    page.request = SimpleNamespace(cookies={REASON: "Demande%20d'assistance"})
    assert page._reason() == ""
