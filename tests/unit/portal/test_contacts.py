"""A body's public contact stands on every refusal: in an archive, after a draft that was not taken, in a trial, and
where somebody else than the body said no."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import APIRouter

from services.ingest.examples import EXAMPLES as DEPOSITS
from services.portal.pages import draft, flow, invoices_names, trial
from services.portal.pages.call import Answer
from services.portal.pages.draft_form import FIELDS
from services.portal.pages.invoice import refuser_of, shown
from services.portal.pages.problems import NOT_FOUND, Problem, Shown
from services.status.examples import EXAMPLES as INVOICES
from services.status.views import Header
from tests.unit.portal.page_world import INVOICE, World

BODY, OTHER, COMPANY = "22060001900016", "22060002700019", "99900002900010"
DIRECTORY = "/api/v1/directory/structures/"
ITEM = DEPOSITS["GET /api/v1/flows/{flow_id}/items"]["items"][0]
WRONG = {"code": "SERVICE_UNKNOWN", "level": "refuse", "message": "Inconnu."}
FLOW = DEPOSITS["GET /api/v1/flows/{flow_id}"]
DRAFT = {
    **DEPOSITS["GET /api/v1/drafts/{draft_id}"],
    "sandbox": None,
    "fields": [
        {"name": name, "label": name, "value": value, "source": None, "evidence": None, "proposals": []}
        for name, value in {
            **dict.fromkeys(FIELDS),
            "recipient_siret": BODY,
            "service_code": "DRH",
            "cadre": "A1",
        }.items()
    ],
}


def card(siret: str, **more: Any) -> dict[str, Any]:
    """A body as the directory says it."""
    contact = {"name": "Bureau", "email": f"factures@{siret}.example", "telephone": "04 97 18 60 00", "hours": None}
    own = {**contact, "email": f"drh@{siret}.example"}
    service = {"code": "DRH", "label": "RH", "contact": own, "open_today": True, "reserved": False}
    service["engagement_required"] = None
    return {"siret": siret, "name": f"Corps {siret}", "contact": contact, "services": [service], **more}


class Services:
    """Answers by path; ``read``: the cards that were asked for."""

    def __init__(self) -> None:
        self.known: dict[str, Any] = {DIRECTORY + siret: card(siret) for siret in (BODY, OTHER)}
        self.read: list[str] = []
        self.busy = None
        self.refusal: Problem | None = None

    async def get(self, _: str, path: str, params: Any = None) -> Answer:
        if path.startswith(DIRECTORY):
            self.read.append(path.removeprefix(DIRECTORY))
        if path not in self.known:
            return Answer(status=404, problem=NOT_FOUND)
        return Answer(status=200, data=self.known[path])

    async def need(self, service: str, path: str, params: Any = None) -> Any:
        answer = await self.get(service, path)
        if answer.problem is not None:
            raise Shown(answer.problem)
        return answer.data

    async def post(self, *_: Any, **more: Any) -> Answer:
        assert self.refusal is not None
        return Answer(status=self.refusal.status, problem=self.refusal)


class Pages(World):
    """Archives, drafts and invoices."""

    def _add(self, router: APIRouter) -> None:
        flow.add_routes(router)
        draft.add_routes(router)

    @property
    def known(self) -> dict[str, Any]:
        found: Any = self.service
        return found.known  # type: ignore[no-any-return]

    @property
    def read(self) -> list[str]:
        found: Any = self.service
        return found.read  # type: ignore[no-any-return]


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Pages]:
    async def names(_: Any, keys: Any) -> dict[str, str]:
        return {key: "Menuiserie Martin" for key in keys if key == COMPANY}

    monkeypatch.setattr(invoices_names, "of_structures", names)
    monkeypatch.setattr(invoices_names, "of_people", names)
    made = Pages()
    made.service = Services()  # type: ignore[assignment]
    async with made.http:
        yield made


def archive(world: Pages, *items: tuple[str, str | None]) -> str:
    """An archive with these outcomes and recipients; its page."""
    path = f"/api/v1/flows/{FLOW['id']}"
    listed = [{**ITEM, "messages": [], "outcome": outcome, "recipient": siret} for outcome, siret in items]
    world.known[path] = {**FLOW, "sandbox": None}
    world.known[f"{path}/items"] = {"items": listed, "next": None}
    return f"/flux/{FLOW['id']}"


async def test_an_archive_has_one_contact_for_each_body_that_refused_invoices_are_for(world: Pages) -> None:
    third = "22060003500011"
    world.known[DIRECTORY + third] = card(third)
    gone = ("rejected", "22060009200016")
    items = [("rejected", BODY), ("rejected", OTHER), ("rejected", BODY), ("rejected", None), gone]
    page = (await world.http.get(archive(world, *items, ("integrated", third)))).text
    assert [page.count(f"mailto:factures@{siret}.example") for siret in (BODY, OTHER, third)] == [1, 1, 0]
    assert sorted(world.read) == sorted([BODY, OTHER, gone[1]])
    assert "leur contact est sur leur fiche" not in page


async def test_an_archive_for_many_bodies_asks_for_few_of_them_and_says_so(world: Pages) -> None:
    many = [f"220600019000{n}" for n in range(20, 29)]
    world.known.update({DIRECTORY + siret: card(siret) for siret in many})
    page = (await world.http.get(archive(world, *(("rejected", siret) for siret in many)))).text
    assert world.read == many[: flow._CONTACTS]
    assert page.count("mailto:") == flow._CONTACTS
    assert "leur contact est sur leur fiche" in page


async def test_a_draft_that_was_not_taken_shows_whom_to_ask_and_one_that_is_written_does_not(world: Pages) -> None:
    demands = dict.fromkeys(("service_required", "service_or_engagement", "engagement_required", "market"))
    world.known[DIRECTORY + BODY] = card(
        BODY, active=True, demands={**demands, "engagement_formats": [], "market_formats": []}
    )
    path = f"/api/v1/drafts/{DRAFT['id']}"
    world.known[path] = DRAFT
    written = (await world.http.get(f"/brouillons/{DRAFT['id']}")).text
    assert "mailto:" not in written
    world.service.refusal = Problem(status=422, code="INVOICE_TO_CORRECT")  # type: ignore[attr-defined]
    refused = (await world.post(f"/brouillons/{DRAFT['id']}", act="send", version="3")).text
    assert "mailto:drh@" in refused
    assert f"mailto:factures@{BODY}.example" in refused


@pytest.mark.parametrize(
    ("told", "there"),
    [
        ({"outcome": "refused", "findings": []}, True),
        ({"outcome": "draft", "findings": [WRONG]}, True),
        ({"outcome": "sent", "findings": []}, False),
    ],
)
async def test_a_trial_that_is_refused_shows_the_contact_of_the_body_that_was_read(
    world: Pages, monkeypatch: pytest.MonkeyPatch, told: dict[str, Any], there: bool
) -> None:
    field = {"name": "recipient_siret", "value": BODY, "confidence": "sure"}

    async def file(_: Any) -> tuple[str, bytes]:
        return "facture.pdf", b"%PDF-1.7"

    async def asked(_: Any, service: str, *__: Any) -> Any:
        return {"fields": [field]} if service == "ocr" else told

    monkeypatch.setattr(trial, "_file", file)
    monkeypatch.setattr(trial, "_asked", asked)
    page = bytes((await trial._tried(world.page("/essayer"))).body).decode()
    assert (f"mailto:factures@{BODY}.example" in page) is there
    assert world.read == [BODY] * there


def invoice(status: str, **more: Any) -> dict[str, Any]:
    """An invoice as its service shows it."""
    item = INVOICES["GET /api/v1/invoices"]["invoices"][0]
    return {
        **item,
        "id": INVOICE,
        "status": {**item["status"], "code": status},
        "sandbox": None,
        "validators": [{"siret": COMPANY, "service": None}],
        "works": None,
        "history": [],
        "header": {**dict.fromkeys(Header.model_fields), "issue_date": "2026-03-01"},
        "left_at": None,
        "assigned_to": None,
        **more,
    }


async def seen(world: Pages, found: dict[str, Any]) -> str:
    world.known[f"/api/v1/invoices/{INVOICE}"] = found
    made: Any = INVOICE
    return bytes((await shown(world.page(f"/factures/{INVOICE}"), made)).body).decode()


async def test_an_invoice_that_a_validator_refused_names_him_and_leads_to_somebody(world: Pages) -> None:
    page = await seen(world, invoice("REFUSEE_1"))
    assert "Refusée par Menuiserie Martin" in page
    assert "L&#39;annuaire ne donne pas de contact pour cette entreprise" in page
    assert page.count(f"facture={INVOICE}") >= 2
    assert f"mailto:factures@{BODY}.example" in page
    assert "Refusée par" not in await seen(world, invoice("SUSPENDUE"))


async def test_the_contact_comes_to_a_page_that_is_open_while_the_invoice_is_refused(world: Pages) -> None:
    part = '<div data-live="contact" id="contact-part">'
    before, after = [await seen(world, invoice(status)) for status in ("MISE_A_DISPOSITION", "REJETEE")]
    assert part in before
    assert "mailto:" not in before
    assert f"mailto:factures@{BODY}.example" in after.partition(part)[2].partition("</div>")[0]


async def test_a_body_that_refused_as_a_party_of_the_works_shows_its_contact_once(world: Pages) -> None:
    works = {"file": INVOICE, "previous": None, "moe": {"siret": OTHER, "service": None}, "moa": {"siret": BODY}}
    page = await seen(world, invoice("REFUSEE_MOE", works=works))
    assert [page.count(f"mailto:factures@{siret}.example") for siret in (OTHER, BODY)] == [1, 1]
    page = await seen(world, invoice("REFUSEE_MOA", works=works))
    assert [page.count(f"mailto:factures@{siret}.example") for siret in (OTHER, BODY)] == [0, 1]


@pytest.mark.parametrize(
    ("status", "siret"),
    [("REFUSEE_1", COMPANY), ("REFUSEE_2", None), ("REFUSEE_MOE", None), ("REJETEE", None), ("A_RECYCLER", None)],
)
def test_only_who_is_named_on_the_invoice_is_said_to_have_refused_it(status: str, siret: str | None) -> None:
    found = refuser_of(invoice(status))
    assert (found and found["siret"]) == siret
