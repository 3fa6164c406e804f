"""HTTP: drafts. Everyone sees, writes, sends and drops his own only."""

import re
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, FastAPI, Header, Query, Request, Response

from invoice.cadres import Given
from services.common import links
from services.common.auth import CurrentPrincipal, Principal
from services.common.blobs import Blobs
from services.common.db import Pool
from services.common.once import IdempotencyKey
from services.common.problems import problems
from services.ingest import draft_questions, draft_refusals, draft_rules, draft_views, making_again, views
from services.ingest.answering import answered
from services.ingest.api_checks import checked_key, cursor_of, id_of, may_deposit
from services.ingest.depositing import depositor
from services.ingest.draft_questions import QuestionsView
from services.ingest.draft_views import PREFIX, DraftBegin, DraftInput, DraftPage, DraftView
from services.ingest.drafts import Drafts, Held, checked
from services.ingest.settings import IngestSettings
from services.ingest.views import Receipt

_VERSION = re.compile(r'"([1-9][0-9]{0,8})"')
IfMatch = Annotated[str | None, Header(alias="If-Match", description='La version lue, entre guillemets : "3".')]
_WRITING = problems(400, 403, 404, 409, 412, 422, 428, 429, 503)


def add_routes(app: FastAPI, *, pool: Pool, api_pool: Pool, blobs: Blobs, settings: IngestSettings) -> None:
    """Add the routes of drafts."""
    drafts = Drafts(pool, api_pool, blobs, settings)
    app.include_router(_reading(drafts, settings))
    app.include_router(_writing(drafts, api_pool, settings))


def _reading(drafts: Drafts, settings: IngestSettings) -> APIRouter:
    router = APIRouter(prefix=PREFIX, tags=["drafts"])

    @router.get("/questions", summary="Le cadre de facturation en mots simples")
    async def asked(principal: CurrentPrincipal) -> QuestionsView:
        """Les questions dont les réponses mènent à un cadre, et ce que chaque cadre demande."""
        return draft_questions.questions()

    @router.get("", summary="Vos brouillons", responses=problems(400))
    async def listed(
        principal: CurrentPrincipal,
        cursor: str | None = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> DraftPage:
        """Vos brouillons, du plus récent au plus ancien. Aucun n'est envoyé."""
        before = cursor_of(cursor)

        found, sandboxes = await answered(settings.store_seconds, drafts.page(principal, before, limit + 1))
        return draft_views.page(found, limit, sandboxes)

    @router.get("/{draft_id}", summary="Un brouillon", responses=problems(404, 409))
    async def one(response: Response, principal: CurrentPrincipal, draft_id: str) -> DraftView:
        """Un brouillon : chaque champ avec sa source, et ce que disent les contrôles. L'ETag est sa version."""
        held = await answered(settings.store_seconds, drafts.read(principal, _draft(draft_id)))
        return _shown(held, principal, response, settings)

    return router


def _writing(drafts: Drafts, api_pool: Pool, settings: IngestSettings) -> APIRouter:
    router = APIRouter(prefix=PREFIX, tags=["drafts"])

    @router.post(
        "", status_code=201, summary="Commencer un brouillon", responses=problems(403, 404, 409, 422, 429, 503)
    )
    async def begin(
        response: Response, principal: CurrentPrincipal, asked: DraftBegin, idempotency_key: IdempotencyKey = None
    ) -> DraftView:
        """Commence un brouillon sans document : vide, refait d'une de vos factures, ou comme la dernière fois."""
        may_deposit(principal)
        held = await answered(
            settings.store_seconds, _begin(drafts, api_pool, principal, asked, checked_key(idempotency_key))
        )
        response.headers["Location"] = f"{PREFIX}/{held.stored.id}"
        return _shown(held, principal, response, settings)

    @router.patch("/{draft_id}", summary="Écrire dans un brouillon", responses=_WRITING)
    async def write(
        response: Response, principal: CurrentPrincipal, draft_id: str, change: DraftInput, if_match: IfMatch = None
    ) -> DraftView:
        """Enregistre ce qui change et répond ce que disent les contrôles. Rien n'est envoyé."""
        may_deposit(principal)
        changing = drafts.write(principal, _draft(draft_id), _version(if_match), checked(change.change()))
        return _shown(await answered(settings.store_seconds, changing), principal, response, settings)

    @router.post("/{draft_id}/submit", summary="Valider et envoyer", responses=_WRITING)
    async def submit(request: Request, principal: CurrentPrincipal, draft_id: str, if_match: IfMatch = None) -> Receipt:
        """Contrôle le brouillon et l'envoie. La facture est déposée dès la réponse 200."""
        may_deposit(principal)
        sending = drafts.submit(principal, _draft(draft_id), _version(if_match), request.state.traceparent)
        return views.receipt(await answered(settings.store_seconds, sending))

    @router.delete("/{draft_id}", status_code=204, summary="Supprimer un brouillon", responses=_WRITING)
    async def drop(principal: CurrentPrincipal, draft_id: str, if_match: IfMatch = None) -> None:
        """Supprime le brouillon, son document et ses pièces jointes."""
        await answered(settings.store_seconds, drafts.drop(principal, _draft(draft_id), _version(if_match)))

    return router


async def _begin(drafts: Drafts, api_pool: Pool, principal: Principal, asked: DraftBegin, key: str | None) -> Held:
    change = checked(asked.change())
    copied, document = asked.from_invoice, False
    if asked.from_invoice is not None:
        kept, document = await making_again.again(api_pool, principal, asked.from_invoice)
        filled = change.on(kept)
    elif asked.same_as_last is not None:
        recipient = "".join(asked.same_as_last.split())
        copied, kept = await making_again.like_last(api_pool, principal, recipient)
        filled = change.on(kept)
    else:
        filled = change.on(draft_rules.prefilled((), None, Given(), depositor(principal).at("FOURNISSEUR")))
    return await drafts.begin(principal, filled, copied, key, with_document=document)


def _shown(held: Held, principal: Principal, response: Response, settings: IngestSettings) -> DraftView:
    response.headers["ETag"] = f'"{held.draft.version}"'
    response.headers["Cache-Control"] = "private, no-store"
    link = links.make(settings.token_secret.get_secret_value(), held.stored.pages_of, principal.holder)
    return draft_views.view(held, link)


def _draft(text: str) -> UUID:
    found = id_of(text)
    if found is None:
        raise draft_refusals.unknown()
    return found


def _version(if_match: str | None) -> int:
    match = _VERSION.fullmatch(if_match.strip()) if if_match else None
    if match is None:
        raise draft_refusals.version_missing()
    return int(match[1])
