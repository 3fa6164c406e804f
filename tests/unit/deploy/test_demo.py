"""The demo of ``make up``: whom it furnishes, and what its table of lives promises."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

import httpx
import pytest

from deploy import up
from deploy.database import ServiceDsns
from deploy.demo import furnish, history
from deploy.demo.book import Account, Book, Software
from deploy.demo.desk import Desk
from deploy.demo.people import OPERATOR, PASSWORD, PEOPLE
from deploy.local import Stack
from invoice.identifiers import is_siret

GIVEN: Final = (
    "CHORALE_KAFKA",
    "CHORALE_ADMIN_DSN",
    "CHORALE_S3_ENDPOINT",
    "CHORALE_S3_ACCESS_KEY",
    "CHORALE_S3_SECRET_KEY",
    "CHORALE_SMTP_HOST",
    "CHORALE_SMTP_PORT",
)


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Stack]]:
    """A stack as ``make up`` makes it, not started, with what the environment names."""
    made: list[Stack] = []

    def make(given: Mapping[str, str], **settings: str) -> Stack:
        for name in GIVEN:
            monkeypatch.delenv(name, raising=False)
        for name, value in given.items():
            monkeypatch.setenv(name, value)
        one = Stack(("portal",), folder=tmp_path / "up", gateway=True, settings=settings)
        made.append(one)
        one.dsns = {"portal": ServiceDsns("postgresql://worker", "postgresql://api")}
        return one

    yield make
    for one in made:
        one.workspace.close()


def test_a_stack_of_ones_own_is_furnished(stack: Callable[..., Stack]) -> None:
    assert furnish.may(stack({}))
    assert not furnish.may(stack({}, CHORALE_ENVIRONMENT="production"))


@pytest.mark.parametrize(
    "given",
    [
        {"CHORALE_ADMIN_DSN": "postgresql://somebody@127.0.0.1:1/postgres"},
        {"CHORALE_KAFKA": "127.0.0.1:1"},
        {"CHORALE_S3_ENDPOINT": "http://127.0.0.1:1", "CHORALE_S3_ACCESS_KEY": "a", "CHORALE_S3_SECRET_KEY": "b"},
        {"CHORALE_SMTP_HOST": "127.0.0.1", "CHORALE_SMTP_PORT": "1"},
    ],
    ids=lambda given: next(iter(given)),
)
def test_servers_that_were_given_get_nothing_of_the_demo(
    given: dict[str, str], stack: Callable[..., Stack], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither accounts whose password is known, nor its directory."""
    asked: list[str] = []
    monkeypatch.setattr(up, "prepare", lambda _: asked.append("directory"))
    monkeypatch.setattr(furnish, "furnish", lambda *_, **__: asked.append("accounts"))
    said = up._furnished(stack(given), past=True)
    assert asked == []
    assert "ni annuaire ni comptes de démonstration" in said
    assert PASSWORD not in said


@pytest.mark.parametrize(
    "answers", [(401, {"code": "SIGN_IN_FAILED"}), (200, {"state": "second_factor", "ticket": "t"})]
)
def test_an_account_that_its_user_has_made_his_own_keeps_no_start(
    answers: tuple[int, dict[str, str]], stack: Callable[..., Stack], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another password, or a second factor that the demo does not know: its webhook is left as it is."""
    asked: list[str] = []

    def portal(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        status, said = answers if request.url.path.endswith("/sessions") else (401, {"code": "SESSION_OVER"})
        return httpx.Response(status, json=said)

    browser = httpx.Client(base_url="http://portal", transport=httpx.MockTransport(portal))
    monkeypatch.setattr(Desk, "browser", lambda *_: browser)
    own = stack({})
    book = Book(own.workspace.folder)
    book.kept.accounts = {person.key: Account(person.key) for person in (*PEOPLE, OPERATOR)}
    book.kept.software, book.kept.steps = Software("id", "secret"), {"year": "done", "today": "done", "parked": "done"}
    book.save()
    said: list[str] = []
    furnish.furnish(own, said.append)
    assert asked
    assert "webhook de démonstration : laissé tel quel" in said[-1]


def test_there_is_somebody_for_each_role() -> None:
    everybody = (*PEOPLE, OPERATOR)
    roles = {role for person in everybody for role, _ in person.roles} | {person.office for person in everybody}
    assert {
        "AGENT",
        "FINANCE",
        "COMPTABLE",
        "VALIDATEUR",
        "MOE",
        "MOA",
        "LECTURE",
        "TENANT_ADMIN",
        "OPERATEUR",
    } <= roles
    assert any(person.manager for person in everybody)
    assert all(is_siret(person.supplier.siret) for person in everybody if person.supplier)
    assert all(person.factor for person in everybody if person.office)
    assert len({person.key for person in everybody} | {person.email for person in everybody}) == 2 * len(everybody)


def test_lives_end_before_today_and_never_go_back() -> None:
    lives = history.lives()
    assert len({life.name for life in lives}) == len(lives)
    for life in lives:
        days = list(life.days())
        assert days == sorted(days), life.name
        assert history.YEAR + max(history.MONTHS) < days[0] <= days[-1] < history.YEAR, life.name
