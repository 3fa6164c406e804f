"""``/api/v1/solicitations``: questions to support, to a body's service or to a supplier, and their answers."""

from typing import Annotated, Final, Literal
from uuid import UUID

from fastapi import APIRouter, FastAPI, Query, Request, Response

from services.common import bodies, clock, once
from services.common.auth import CurrentPrincipal
from services.common.blobs import BlobMissing, Blobs
from services.common.db import scoped
from services.common.downloads import download_headers
from services.common.may import require
from services.common.once import IdempotencyKey
from services.common.problems import problems
from services.common.web import Problem
from services.portal import cursors, sent_files, solicitation_lists, solicitation_papers, solicitation_views
from services.portal import solicitation as kept
from services.portal.member_words import not_found
from services.portal.parts import Parts
from services.portal.scope import scope_of
from services.portal.solicitation import State
from services.portal.solicitation_desk import Desk
from services.portal.solicitation_examples import EXAMPLES
from services.portal.solicitation_lists import Wanted
from services.portal.solicitation_views import (
    AttachmentView,
    CategoryView,
    ClosingIn,
    MessageIn,
    SolicitationIn,
    SolicitationPage,
    SolicitationView,
)

_WHAT: Final = "ATTACHMENT"


def add_routes(app: FastAPI, parts: Parts, blobs: Blobs) -> None:
    """Serve sollicitations on ``app``."""
    router, desk = APIRouter(prefix="/api/v1/solicitations", tags=["solicitations"]), Desk(parts, blobs)
    _add_lists(router, parts, desk)
    _add_papers(router, parts, blobs)
    _add_one(router, desk)
    _add_acts(router, desk)
    app.include_router(router)
    app.state.examples = {**getattr(app.state, "examples", {}), **EXAMPLES}


def _add_lists(router: APIRouter, parts: Parts, desk: Desk) -> None:
    @router.get(
        "/categories",
        summary="Ce sur quoi on peut interroger, qui répond et en combien de jours",
        responses=problems(422, 503),
    )
    async def list_categories() -> list[CategoryView]:
        return solicitation_views.categories()

    @router.get(
        "",
        summary="Mes sollicitations, émises et reçues, la dernière mouvementée d'abord",
        responses=problems(401, 403, 422, 503),
    )
    async def list_solicitations(
        principal: CurrentPrincipal,
        box: Annotated[Literal["sent", "received"] | None, Query(description="Émises ou reçues")] = None,
        state: Annotated[State | None, Query()] = None,
        category: Annotated[str | None, Query(max_length=60, pattern=r"^[A-Z_]+$")] = None,
        invoice: Annotated[UUID | None, Query(description="Identifiant de la facture")] = None,
        q: Annotated[str | None, Query(max_length=100, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")] = None,
        cursor: Annotated[
            str | None, Query(max_length=200, description="La valeur « next » de la page d'avant")
        ] = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> SolicitationPage:
        wanted = Wanted(
            state=state,
            box=box,
            category=category,
            invoice=invoice,
            words=(q or "").strip() or None,
            after=cursors.read(cursor, cursors.instant, UUID),
        )
        async with scoped(parts.api_pool, scope_of(principal)) as connection:
            found = await solicitation_lists.listed(connection, wanted, limit + 1)
        shown, following = cursors.cut(found, limit, lambda last: (last.changed_at, last.id))
        return SolicitationPage(solicitations=await desk.items(shown, principal), next=following)

    @router.post(
        "",
        status_code=201,
        summary="Pose une question à l'assistance, à un organisme public ou à un fournisseur",
        description="La sous-catégorie dit qui répond. Avec « invoice », l'autre partie suit de la facture ; sans elle,"
        " un organisme se désigne par « structure » et, s'il y a lieu, « service ».",
        responses=problems(401, 403, 404, 409, 422, 429, 503),
    )
    async def ask(
        request: Request, given: SolicitationIn, principal: CurrentPrincipal, idempotency_key: IdempotencyKey = None
    ) -> SolicitationView:
        require(principal, "solicitation.own")
        made = await desk.ask(request, given, principal, once.checked(idempotency_key))
        return await desk.view(made.id, principal)


def _add_papers(router: APIRouter, parts: Parts, blobs: Blobs) -> None:
    @router.post(
        "/attachments",
        status_code=201,
        summary="Envoie une pièce à joindre ensuite : le corps est le fichier (PDF, JPEG ou PNG, 10 Mo au plus)",
        responses=problems(401, 403, 413, 415, 422, 429, 503, titles=sent_files.titles(_WHAT)),
        openapi_extra=sent_files.OPENAPI,
    )
    @bodies.takes(bodies.FILES)
    async def send(
        request: Request,
        principal: CurrentPrincipal,
        name: Annotated[str, Query(max_length=200, pattern=r"^[^\x00-\x1f\x7f-\x9f/\\]*$")] = "piece",
    ) -> AttachmentView:
        require(principal, "solicitation.own")
        content = await sent_files.whole(request, _WHAT)
        shown = name.strip() or "piece"
        made = await solicitation_papers.take(parts.pool, blobs, principal.subject, shown, content, clock.now())
        return AttachmentView(id=made, name=shown, size=len(content), available=True)

    @router.get(
        "/{solicitation}/attachments/{attachment}",
        summary="Une pièce jointe",
        response_class=Response,
        responses={200: {"content": {"application/octet-stream": {}}}, **problems(401, 403, 404, 410, 422, 503)},
    )
    async def fetch(solicitation: UUID, attachment: UUID, principal: CurrentPrincipal) -> Response:
        async with scoped(parts.api_pool, scope_of(principal)) as connection:
            papers = await kept.papers_of(connection, solicitation)
        found = next((paper for paper in papers if paper.id == attachment), None)
        if found is None:
            raise not_found("Pièce jointe")
        gone = Problem(
            410, "ATTACHMENT_ERASED", "Pièce effacée", "Cette pièce a été effacée avec les données de son auteur."
        )
        if found.document is None:
            raise gone
        try:
            content = await blobs.get(found.document)
        except BlobMissing as error:
            raise gone from error
        suffix = sent_files.SUFFIX.get(found.document.media_type, "bin")
        named = found.file_name.lower().endswith(f".{suffix}")
        headers = download_headers(found.file_name if named else f"{found.file_name}.{suffix}")
        return Response(content, media_type=found.document.media_type, headers=headers)


def _add_one(router: APIRouter, desk: Desk) -> None:
    @router.get(
        "/{solicitation}",
        summary="Une sollicitation : ses deux côtés, son histoire, ce que je peux y faire",
        responses=problems(401, 403, 404, 422, 503),
    )
    async def read(solicitation: UUID, principal: CurrentPrincipal) -> SolicitationView:
        return await desk.view(solicitation, principal)


def _add_acts(router: APIRouter, desk: Desk) -> None:
    @router.post(
        "/{solicitation}/messages",
        status_code=201,
        summary="Répond, ou pose une nouvelle question",
        responses=problems(401, 403, 404, 409, 422, 503),
    )
    async def write(
        request: Request,
        solicitation: UUID,
        given: MessageIn,
        principal: CurrentPrincipal,
        idempotency_key: IdempotencyKey = None,
    ) -> SolicitationView:
        require(principal, "solicitation.own")
        await desk.write(request, solicitation, given, principal, once.checked(idempotency_key))
        return await desk.view(solicitation, principal)

    @router.post(
        "/{solicitation}/close",
        summary="Clôt la sollicitation : qui l'a posée quand il veut, qui y répond après sa réponse",
        responses=problems(401, 403, 404, 409, 422, 503),
    )
    async def close(
        request: Request, solicitation: UUID, given: ClosingIn, principal: CurrentPrincipal
    ) -> SolicitationView:
        require(principal, "solicitation.own")
        await desk.close(request, solicitation, given.text, principal)
        return await desk.view(solicitation, principal)
