"""What waits for somebody beside invoices: questions, people, papers and changes of SIRET that he decides on."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from services.portal.pages.call import Answer
from services.portal.pages.page import Page
from services.portal.pages.person import Person

_ACCOUNTS: Final = "/api/v1/accounts"
_SOLICITATIONS: Final = "/api/v1/solicitations"
#: Who decides on people, papers and changes of SIRET: the page of these is his.
_MANAGERS: Final = ("GESTIONNAIRE", "TENANT_ADMIN", "OPERATEUR")
#: Sollicitations of which it may be his turn: what is asked of the API, where they are listed, in which words.
_TURNS: Final[tuple[tuple[Mapping[str, Any], str, str], ...]] = (
    ({"box": "received", "state": "waiting"}, "/sollicitations?vue=recues&etat=attente", "home.to_answer"),
    ({"box": "sent", "state": "answered"}, "/sollicitations?vue=emises&etat=repondue", "home.answered"),
)
#: So many are counted of what waits; from then on it is "at least".
_COUNTED: Final = 50


class Awaiting(msgspec.Struct, frozen=True, kw_only=True):
    """Something that waits for him: so many (``more``: at least), where they are listed."""

    text: str
    count: int
    path: str
    amount: str | None = None
    more: bool = False


class Waiting(msgspec.Struct, frozen=True):
    """Everything of it; ``away``: something could not be asked."""

    lines: list[Awaiting]
    away: bool


async def of(page: Page, person: Person) -> Waiting:
    """Ask for all of it at once."""
    manages = person.has(*_MANAGERS)
    requests, proofs, successions, *turns = await asyncio.gather(
        page.call.get("portal", f"{_ACCOUNTS}/requests", {"state": "asked"}),
        page.call.get("portal", f"{_ACCOUNTS}/proofs", {"state": "submitted", "limit": _COUNTED})
        if manages
        else _nothing(),
        page.call.get("portal", f"{_ACCOUNTS}/successions") if manages else _nothing(),
        *(page.call.get("portal", _SOLICITATIONS, {**asked, "limit": _COUNTED}) for asked, _, _ in _TURNS),
    )
    lines = [
        _line(page.t(words), [each for each in _rows(answer, "solicitations") if each["my_turn"]], path, answer)
        for (_, path, words), answer in zip(_TURNS, turns, strict=True)
    ]
    for words, name, answer in (("home.requests", "requests", requests), ("home.proofs", "proofs", proofs)):
        lines.append(_line(page.t(words), _of_others(page, _rows(answer, name)), "/gestion", answer))
    asked = [each for each in _rows(successions, "successions") if each["state"] == "asked"]
    lines.append(_line(page.t("home.successions"), asked, "/gestion", successions))
    answers = (requests, proofs, successions, *turns)
    return Waiting([line for line in lines if line.count], any(is_away(answer) for answer in answers))


def is_away(answer: Answer) -> bool:
    """Whether nobody answered."""
    return answer.problem is not None and answer.problem.away


def _rows(answer: Answer, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (answer.data or {}).get(name, [])
    return found


def _of_others(page: Page, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What he has asked for himself waits for somebody else."""
    return [each for each in rows if each["subject"] != page.me.subject]


def _line(text: str, rows: list[dict[str, Any]], path: str, answer: Answer) -> Awaiting:
    return Awaiting(text=text, count=len(rows), path=path, more=(answer.data or {}).get("next") is not None)


async def _nothing() -> Answer:
    return Answer(status=200)
