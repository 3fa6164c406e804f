"""What a service refused, in words: when to come back, what a frame says, who is asked for which proof."""

from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from services.portal.pages import account_proof, call, invoice, problems, software
from services.portal.pages.forms import Form
from services.portal.pages.page import Page
from services.portal.pages.problems import Problem
from services.portal.pages.words import Language, Words


def _page(language: Language = "fr") -> Page:
    page = object.__new__(Page)
    page.language, page.t = language, Words(language)
    return page


@pytest.mark.parametrize(
    ("seconds", "french", "english"),
    [
        (37, "Réessayez dans 37 secondes.", "Try again in 37 seconds."),
        (1, "Réessayez dans une seconde.", "Try again in a second."),
        (121, "Réessayez dans 3 minutes.", "Try again in 3 minutes."),
        (20_000, "Réessayez dans 6 heures.", "Try again in 6 hours."),
    ],
)
def test_who_asks_too_often_reads_when_he_may_again(seconds: int, french: str, english: str) -> None:
    answer = httpx.Response(429, json={"code": "RATE_LIMITED", "detail": "…"}, headers={"Retry-After": str(seconds)})
    read = call._read(answer).problem
    assert read is not None
    assert read.wait == seconds
    assert read.away
    assert _page().said(read).endswith(french)
    assert _page("en").said(read).endswith(english)


def test_a_header_that_is_no_number_of_seconds_is_left_out() -> None:
    for text in ("", "Mon, 23 Nov 2026 10:00:00 GMT", "-3", "²", "9" * 20):
        assert problems.read(429, {"code": "RATE_LIMITED"}, text).wait is None
    assert "Réessayez" not in _page().said(problems.read(429, {"code": "QUOTA_EXHAUSTED"}))


def test_each_refusal_of_the_services_for_too_many_requests_has_words_in_both_languages() -> None:
    for code in ("RATE_LIMITED", "QUOTA_EXHAUSTED", "TOO_MANY_REQUESTS", "STRUCTURE_LEFT", "LINK_WITHDRAWN"):
        assert _page().said(Problem(status=429, code=code)) != _page("en").said(Problem(status=429, code=code))


def test_the_frame_of_a_document_says_in_words_why_it_is_empty() -> None:
    page, gone = _page(), Problem(status=404, code="INVOICE_UNKNOWN")
    assert "Vous ne voyez plus cette facture" in invoice.frame_words(page, gone, None)
    assert "Vous ne voyez plus cette facture" in invoice.frame_words(page, Problem(status=401, code="X"), None)
    assert "Vos droits viennent de changer" in invoice.frame_words(
        page, None, Problem(status=403, code="LINK_WITHDRAWN")
    )
    assert "a expiré" in invoice.frame_words(page, None, Problem(status=410, code="PAGES_LINK_EXPIRED"))
    assert "pas de page à montrer" in invoice.frame_words(page, None, Problem(status=404, code="PAGES_NONE"))
    assert "ne répond pas" in invoice.frame_words(page, None, Problem(status=503, code="SERVICE_AWAY"))
    busy = Problem(status=429, code="RATE_LIMITED", wait=5)
    assert invoice.frame_words(page, busy, None).endswith("Réessayez dans 5 secondes.")


HELD, NONE = {"totp": True, "passkeys": []}, {"totp": False, "passkeys": []}


@pytest.mark.parametrize(
    ("form", "factors", "wanted"),
    [
        ({"then": "/compte/fermeture"}, HELD, (True, False)),
        ({"then": "/compte/securite"}, NONE, (True, False)),
        ({"then": "/compte/securite"}, HELD, (True, True)),
        ({"act": "/compte/securite/code/retrait", "then": "/compte"}, HELD, (True, True)),
        ({"wants": "factor", "then": "/compte/securite"}, HELD, (False, True)),
        ({"wants": "factor", "then": "/compte/securite"}, NONE, (True, False)),
        ({"wants": "factor"}, {"totp": False, "passkeys": [{"id": "x"}]}, (False, True)),
    ],
)
def test_the_password_is_asked_for_and_a_factor_where_factors_change(
    form: dict[str, str], factors: dict[str, object], wanted: tuple[bool, bool]
) -> None:
    assert account_proof._wants(Form.of(**form), factors) == wanted


def test_a_proof_takes_a_code_or_a_recovery_code_and_says_which_is_missing() -> None:
    page = _page()
    both = {"then": "/compte/securite", "password": "quatre chats"}
    assert account_proof._given(page, Form.of(**both, totp="123 456"), HELD) == {
        "password": "quatre chats",
        "totp": "123 456",
    }
    assert account_proof._given(page, Form.of(**both, recovery="a2bc"), HELD)["recovery"] == "a2bc"
    empty = Form.of(then="/compte/securite")
    account_proof._given(page, empty, HELD)
    assert [error.field for error in empty.errors] == ["password", "totp"]
    key_only = Form.of(wants="factor")
    account_proof._given(page, key_only, {"totp": False, "passkeys": [{"id": "x"}]})
    assert [error.field for error in key_only.errors] == ["recovery"]


def test_secrets_that_somebody_who_left_has_seen_are_named_while_they_open_anything() -> None:
    secrets = [
        {"hint": "aaaa", "state": "active", "made_by_manages": True},
        {"hint": "bbbb", "state": "active", "made_by_manages": False},
        {"hint": "cccc", "state": "revoked", "made_by_manages": False},
    ]
    assert software.seen_by_who_left({"revoked_at": None, "secrets": secrets}) == ["bbbb"]
    assert software.seen_by_who_left({"revoked_at": "2026-01-01T00:00:00Z", "secrets": secrets}) == []


@pytest.mark.parametrize(
    ("referer", "back"),
    [
        ("https://factures.example/factures/recues?status=SUSPENDUE", "/factures/recues?status=SUSPENDUE"),
        ("https://factures.example/gestion", "/gestion"),
        ("https://factures.example//elsewhere.example", "/"),
        ("https://elsewhere.example/factures/recues", "/"),
        ("http://factures.example/gestion", "/"),
        ("", "/"),
    ],
)
def test_who_has_to_say_why_he_looks_comes_back_to_the_page_of_his_form(referer: str, back: str) -> None:
    page: Any = _page()
    page.request = SimpleNamespace(headers={"referer": referer})
    page.house = SimpleNamespace(parts=SimpleNamespace(settings=SimpleNamespace(origin="https://factures.example")))
    assert page.came_from == back
