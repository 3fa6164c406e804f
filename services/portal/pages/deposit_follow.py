"""``/deposer/suivi``: how far files came that were sent: those of one sending, or all there are, page by page."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from fastapi import APIRouter
from fastapi.responses import Response

from services.portal.pages import lists
from services.portal.pages.call import Answer
from services.portal.pages.deposit import FOLLOWED, MOST, Step, step
from services.portal.pages.deposit_files import handed_on
from services.portal.pages.deposit_intake import DEPOSITS, FLOWS
from services.portal.pages.page import Own, Page
from services.portal.pages.problems import NOT_FOUND, Problem, Shown

_PAGE: Final = 50
#: Each archive is a question of its own.
_ARCHIVES: Final = 20
#: The tabs, as addresses name them, and the state that each lists; all of them has no name.
STATES: Final = {"en-cours": "received", "a-completer": "to_verify", "refuses": "refused"}


class Followed(msgspec.Struct, frozen=True, kw_only=True):
    """What the page lists. ``counts``: by state, of what was found whatever the tab; ``left``: files of this sending
    that were not found; ``next`` and ``first``: the pages of all."""

    steps: Sequence[Step]
    counts: Counter[str]
    left: int = 0
    next: str | None = None
    first: str | None = None
    away: bool = False


def add_routes(router: APIRouter) -> None:
    """Serve it."""

    @router.get(FOLLOWED)
    async def follow(page: Own, etat: str = "", suite: str = "") -> Response:
        tab = etat if etat in STATES else ""
        wanted, archives = _ids(page, "d"), _ids(page, "f")
        whole = not wanted and not archives
        found = await (_all(page, tab, suite) if whole else _of_sending(page, tab, wanted, archives))
        table = f"{FOLLOWED}/export.csv{'?etat=' if tab else ''}{tab}"
        tabs = _tabs(page, found, whole)
        return page.render("deposit/follow.html", found=found, tab=tab, tabs=tabs, whole=whole, table=table)

    @router.get(f"{FOLLOWED}/export.csv")
    async def export(page: Own, etat: str = "", cursor: str = "") -> Response:
        asked = {"state": STATES.get(etat), "cursor": cursor[:40]}
        return await handed_on(page, "ingest", f"{DEPOSITS}/export.csv", {k: v for k, v in asked.items() if v})


async def _all(page: Page, tab: str, suite: str) -> Followed:
    """One page of all deposits, newest first. Raises ``Shown`` for a place in the list that is none."""
    asked = {"limit": _PAGE, "state": STATES.get(tab)}
    listed = await lists.page_of(page, "ingest", DEPOSITS, "deposits", asked, suite)
    if listed.problem is not None and not listed.problem.away:
        raise Shown(NOT_FOUND if listed.problem.status == 400 else listed.problem)
    steps = [step(page, each) for each in listed.rows]
    counts = Counter(each.state for each in steps)
    return Followed(steps=steps, counts=counts, next=listed.next, first=listed.first, away=_is_away([listed.problem]))


async def _of_sending(page: Page, tab: str, wanted: Sequence[str], archives: Sequence[str]) -> Followed:
    """The files of one sending, as far as they are among the newest."""
    asked = [page.call.get("ingest", f"{FLOWS}/{each}") for each in archives[:_ARCHIVES]]
    listed, *flows = await asyncio.gather(_newest(page) if wanted else _none(), *asked)
    found = {each["id"]: each for each in (listed.data or {}).get("deposits", [])}
    steps = [flow_step(page, each.data) for each in flows if each.data]
    steps += [step(page, found[each]) for each in wanted if each in found]
    away = _is_away([each.problem for each in (listed, *flows)])
    return Followed(
        steps=[each for each in steps if not tab or each.state == STATES[tab]],
        counts=Counter(each.state for each in steps),
        left=0 if away else len(wanted) + len(archives) - len(steps),
        away=away,
    )


async def _newest(page: Page) -> Answer:
    return await page.call.get("ingest", DEPOSITS, {"limit": MOST})


async def _none() -> Answer:
    return Answer(status=200)


def _is_away(problems: Sequence[Problem | None]) -> bool:
    return any(each is not None and each.away for each in problems)


def _tabs(page: Page, found: Followed, whole: bool) -> list[tuple[str, str, str]]:
    """The tabs keep which files are followed; of one sending each says how many there are."""
    query = [pair for pair in page.request.query_params.multi_items() if pair[0] in ("d", "f")]
    made = []
    for name in ("", *STATES):
        words = page.t(f"deposit.tab_{name.replace('-', '_') or 'all'}")
        if not whole and not found.away:
            words = f"{words} ({found.counts[STATES[name]] if name else found.counts.total()})"
        asked = urlencode([*query, *([("etat", name)] if name else [])])
        made.append((name, words, f"{FOLLOWED}{'?' if asked else ''}{asked}"))
    return made


def _ids(page: Page, name: str) -> list[str]:
    """Each id under this name once, as the API writes it."""
    return list(dict.fromkeys(id_ for each in page.request.query_params.getlist(name) if (id_ := _id(each))))


def _id(text: str) -> str | None:
    try:
        return str(UUID(text))
    except ValueError:
        return None


def flow_step(page: Page, flow: dict[str, Any]) -> Step:
    """Where an archive stands."""
    over = flow["progress"] >= 1
    reached = 4 if over else 3 if flow["items"] else 2
    state = ("submitted" if flow["state"] == "IN_INTEGRE" else "to_verify") if over else "received"
    return Step(
        name=flow["file_name"],
        path=f"/flux/{flow['id']}",
        reached=reached,
        state=state,
        label=flow["label"].partition(" : ")[0],
        text=page.t("deposit.flow_items", n=flow["items"]),
        act=page.t("deposit.act_flow"),
    )
