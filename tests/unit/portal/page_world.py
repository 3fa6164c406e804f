"""A page with a form in a process of its own, without a service or a database behind it."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import httpx
from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import Response

from services.common.principal import of_grants
from services.portal.pages import acting, bulk, guard, invoice
from services.portal.pages.assets import Assets
from services.portal.pages.call import Answer
from services.portal.pages.guard import Guard
from services.portal.pages.page import House, Own, Page, Visit, visit
from services.portal.pages.person import Person
from services.portal.pages.problems import Problem, Shown
from services.portal.pages.route import PageRoute
from services.portal.session_store import Signed
from tests.unit.portal.samples import settings

SITE = "https://factures.example"
GUARD = Guard("a secret of the tests")
COMMENT = "Le bon de livraison manque.\nIl est demandé depuis le 3 novembre, <en vain>."
INVOICE = "0b1f4a52-1111-4222-8333-444455556666"
AWAY = Problem(status=503, code="SERVICE_AWAY")
BUSY = Problem(status=429, code="RATE_LIMITED", wait=7)
HERE = {"Sec-Fetch-Site": "same-origin", "Referer": f"{SITE}/ecrire"}


def person(subject: str = "claire", session: UUID | None = None) -> Person:
    """Somebody who has signed in."""
    now = datetime(2026, 11, 23, tzinfo=UTC)
    signed = Signed(
        id=session or uuid4(),
        subject=subject,
        email="claire@menuiserie.example",
        name="Claire Martin",
        language="fr",
        state="active",
        created_at=now,
        proved_at=now,
        factor_at=None,
        last_used_at=now,
        means=("password",),
    )
    return Person(signed=signed, version=1, principal=of_grants(subject, ()), places=(), tenants={})


class Service:
    """Answers in turn what it is told to; ``asked``: what pages sent."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.asked: list[tuple[str, Any, Any]] = []
        self.busy = None

    async def get(self, service: str, path: str, params: Any = None) -> Answer:
        return self.answers.pop(0)

    async def need(self, service: str, path: str, params: Any = None) -> Any:
        answer = await self.get(service, path)
        if answer.problem is not None:
            raise Shown(answer.problem)
        return answer.data

    async def post(self, service: str, path: str, json: Any = None, **more: Any) -> Answer:
        self.asked.append((path, json, more.get("headers")))
        return self.answers.pop(0)


class World:
    """A page with a form, and who has signed in at its browser."""

    def __init__(self) -> None:
        self.who: Person | None = person()
        self.service = Service()
        self.went: Exception | None = None
        parts: Any = SimpleNamespace(settings=settings(), pool=None)
        assets: Any = SimpleNamespace(url=Assets().url)
        nothing: Any = SimpleNamespace(services=None, banner=None)
        house = House(parts=parts, services=nothing, assets=assets, guard=GUARD, banner=nothing)
        self.house = house
        app = FastAPI()
        app.state.house, app.state.portal = house, parts
        router = APIRouter(route_class=PageRoute)
        self._add(router)
        acting.add_routes(router)
        bulk.add_routes(router)
        invoice.add_routes(router)
        app.include_router(router)

        async def seen(request: Request) -> Page:
            if isinstance(self.went, OSError):
                raise self.went
            page = Page(house, request, self.who)
            page.call = self.service  # type: ignore[assignment]
            request.state.page = page
            return page

        app.dependency_overrides[visit] = seen
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=SITE, headers=HERE)

    def page(self, path: str = "/", language: str = "fr", **headers: str) -> Page:
        """A page of who has signed in, that no request of the browser made."""
        sent = {"host": SITE.partition("//")[2], "cookie": f"lang={language}", **headers}
        path, _, query = path.partition("?")
        scope = {
            "type": "http",
            "method": "GET",
            "scheme": "https",
            "path": path,
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in sent.items()],
        }
        made = Page(self.house, Request(scope), self.who)
        made.call = self.service  # type: ignore[assignment]
        return made

    def _add(self, router: APIRouter) -> None:
        @router.post("/ecrire")
        async def write(page: Own) -> Response:
            form = await page.form()
            if self.went is not None:
                raise self.went
            return page.go("/ecrire", f"took {form.text('comment')}")

        @router.get("/ecrire")
        async def shown(page: Visit) -> Response:
            return page.render("error.html", problem=AWAY)

        @router.post("/connexion")
        async def sign_in(page: Visit) -> Response:
            return page.go("/", f"took {len((await page.form()).names())}")

    def word(self, subject: str = "claire") -> str:
        return GUARD.word(guard.of_person(subject))

    async def post(self, path: str = "/ecrire", files: Any = None, **fields: Any) -> httpx.Response:
        form = {"csrf": self.word(), "once": "abcdef123456", "comment": COMMENT, **fields}
        return await self.http.post(path, data=form, files=files)
