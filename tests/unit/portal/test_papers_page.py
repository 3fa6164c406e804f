"""Deciding on a paper that proves who somebody is, from its page."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from fastapi import APIRouter

from services.portal.pages import papers
from services.portal.pages.call import Answer
from services.portal.pages.problems import Problem
from tests.unit.portal.page_world import World

PAPER = str(uuid4())
PATH = f"/gestion/justificatifs/{PAPER}"
SIRET = "73282932000074"
DECIDED = Answer(status=409, problem=Problem(status=409, code="PROOF_DECIDED", title="Déjà décidé"))
DONE = Answer(status=200, data={})


class Papers(World):
    """The pages of papers."""

    def _add(self, router: APIRouter) -> None:
        papers.add_routes(router)

    def waits(self, state: str = "submitted") -> list[Answer]:
        """What the page of the paper asks for: the paper, the kinds, the people of its structure."""
        paper: dict[str, Any] = {
            "id": PAPER,
            "subject": "person:tess",
            "structure": SIRET,
            "structure_name": "Menuiserie Martin",
            "kind": "KBIS",
            "dated": "2026-11-02",
            "submitted_at": "2026-11-23T10:00:00Z",
            "state": state,
            "reason": None,
            "document": True,
        }
        waiting, others = ([paper], []) if state == "submitted" else ([], [[paper]])
        lists = [Answer(status=200, data={"proofs": found, "next": None}) for found in (waiting, *others)]
        kinds = [{"code": "KBIS", "label": "Extrait Kbis", "identifiers": ["SIRET"]}]
        members = {"members": [{"subject": "person:tess", "name": "Tess Caron", "email": "t@x.example"}], "next": None}
        return [*lists, Answer(status=200, data=kinds), Answer(status=200, data=members)]


@pytest.fixture
async def world() -> AsyncIterator[Papers]:
    made = Papers()
    async with made.http:
        yield made


async def test_a_paper_is_refused_with_a_reason_and_else_shown_again_with_what_was_written(world: Papers) -> None:
    world.service.answers = world.waits()
    short = await world.post(f"{PATH}/refus", reason="non")
    assert (short.status_code, world.service.asked) == (422, [])
    assert 'value="non"' in short.text or ">non</textarea>" in short.text
    assert "Tess Caron" in short.text
    world.service.answers = [DONE]
    refused = await world.post(f"{PATH}/refus", reason="Le document est illisible.")
    assert (refused.status_code, refused.headers["location"]) == (303, "/gestion?fait=paper_refused")
    [(path, given, _)] = world.service.asked
    assert path.endswith(f"/proofs/{PAPER}/refuse")
    assert given == {"reason": "Le document est illisible."}


@pytest.mark.parametrize("act", ["accord", "refus"])
async def test_a_paper_that_another_manager_has_decided_is_shown_as_it_is_now(world: Papers, act: str) -> None:
    world.service.answers = [DECIDED, *world.waits("approved")]
    late = await world.post(f"{PATH}/{act}", reason="Le document est illisible.")
    assert (late.status_code, len(world.service.asked)) == (422, 1)
    assert "Déjà décidé" in late.text
    assert f'action="{PATH}/' not in late.text
    assert not world.service.answers


async def test_an_accepted_paper_leads_back_to_what_waits(world: Papers) -> None:
    world.service.answers = [DONE]
    accepted = await world.post(f"{PATH}/accord")
    assert (accepted.status_code, accepted.headers["location"]) == (303, "/gestion?fait=paper_approved")
    assert [path.rpartition("/")[2] for path, *_ in world.service.asked] == ["approve"]
