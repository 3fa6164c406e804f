"""HTTP: deposit a document, follow it, get it back. Everyone sees his own deposits only."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, FastAPI, Query, Request, Response

from invoice import cadres
from invoice.cadre_form import FIELDS, read_form
from invoice.cadres import Given
from services.common import bodies, links
from services.common.auth import CurrentPrincipal, Principal
from services.common.blobs import Blobs
from services.common.db import Pool, scoped
from services.common.downloads import download_headers
from services.common.looks import add_looks
from services.common.once import IdempotencyKey
from services.common.problems import in_words, problems
from services.ingest import (
    attachment_api,
    certificate_api,
    deposit_csv,
    draft_api,
    draft_document,
    flow_api,
    making_again,
    refusals,
    store,
    typed_deposits,
    views,
)
from services.ingest.answering import answered, content, one_of
from services.ingest.antivirus import Antivirus
from services.ingest.api_checks import checked_key, cursor_of, may_deposit
from services.ingest.depositing import depositor
from services.ingest.deposits import Deposits
from services.ingest.domain import State
from services.ingest.draft_document import Documents
from services.ingest.kinds import PDF, XML
from services.ingest.settings import IngestSettings
from services.ingest.store import Stored
from services.ingest.typed_deposits import TypedDeposits
from services.ingest.typed_examples import TYPED_EXAMPLES, TYPED_SCHEMA
from services.ingest.upload import Door, Limits, receive
from services.ingest.views import PREFIX, DepositPage, DepositView, Receipt

_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {
                    "file": {"type": "string", "format": "binary", "description": "La facture, en PDF ou en XML."},
                    **{
                        name: {"type": "string", "description": words, "example": example}
                        for name, (words, example) in FIELDS.items()
                    },
                },
            },
            "examples": {
                "facture": {"summary": "Facture simple", "value": {"file": "facture.pdf"}},
                "sous-traitant": {
                    "summary": "Sous-traitant payé directement, validé par le titulaire",
                    "value": {"file": "facture.pdf", "cadre": "A9", "validator_1_siret": "55208131766522"},
                },
                "travaux": {
                    "summary": "État d'acompte du maître d'œuvre, à la suite d'un projet de décompte",
                    "value": {
                        "file": "etat-acompte.pdf",
                        "cadre": "A15",
                        "moe_siret": "55208131766522",
                        "moa_siret": "20002983300015",
                        "previous_piece": "019e1c4e-0b7a-7c3e-9f00-3f1d2c4b5a69",
                    },
                },
            },
        },
        typed_deposits.JSON: {"schema": TYPED_SCHEMA, "examples": TYPED_EXAMPLES},
    },
}
_PROBLEMS = in_words(
    {
        400: "Formulaire illisible, fichier vide ou absent, plusieurs fichiers, clé refusée",
        401: "Jeton absent ou refusé",
        403: "Rôle ou adresse de contact manquants",
        408: "Envoi interrompu",
        413: "Fichier trop lourd",
        415: "Ni un PDF, ni un XML",
        429: "Trop d'envois à la fois, ou quota atteint",
        422: "Champ du formulaire à corriger, ou Idempotency-Key déjà employée pour un autre document",
        503: "Momentanément indisponible : renvoyez la même demande avec la même Idempotency-Key",
    }
)


def add_routes(app: FastAPI, *, pool: Pool, api_pool: Pool, blobs: Blobs, settings: IngestSettings) -> None:
    """Add the routes of deposits and drafts. ``pool`` is the worker's: see :mod:`services.ingest.drafts`."""
    uploads: Counter[str] = Counter()
    antivirus = Antivirus(settings.clamd)
    app.state.notes = {"antivirus": antivirus.state}
    app.include_router(
        _writing(
            Deposits(api_pool, blobs, settings, antivirus),
            TypedDeposits(pool, api_pool, blobs, settings),
            settings,
            uploads,
        )
    )
    app.include_router(_reading(api_pool, blobs, settings))
    attachment_api.add_routes(
        app,
        api_pool=api_pool,
        blobs=blobs,
        settings=settings,
        uploads=uploads,
        antivirus=antivirus,
    )
    flow_api.add_routes(app, api_pool=api_pool, blobs=blobs, settings=settings)
    certificate_api.add_routes(app, pool=pool, api_pool=api_pool, settings=settings)
    documents = Documents(api_pool, blobs, antivirus)
    draft_document.add_routes(app, documents=documents, settings=settings, uploads=uploads)
    draft_api.add_routes(app, pool=pool, api_pool=api_pool, blobs=blobs, settings=settings)


def _writing(deposits: Deposits, typed: TypedDeposits, settings: IngestSettings, uploads: Counter[str]) -> APIRouter:
    router = APIRouter(prefix=PREFIX, tags=["deposits"])
    limits = Limits(
        file_bytes=settings.max_file_bytes,
        spool_bytes=settings.spool_bytes,
        stall_seconds=settings.upload_stall_seconds,
    )
    door = Door(frozenset(FIELDS))

    @router.post("", status_code=201, responses=_PROBLEMS, openapi_extra={"requestBody": _BODY})
    @bodies.takes(bodies.FILES)
    async def deposit(
        request: Request, response: Response, principal: CurrentPrincipal, idempotency_key: IdempotencyKey = None
    ) -> Receipt:
        """Dépose une facture : un document, PDF ou XML (UBL, CII), ou une saisie en JSON.

        Le dépôt d'un document est durable dès la réponse 201 ; sa lecture suit. Une saisie est contrôlée aussitôt :
        acceptée, la plateforme en fait un PDF lisible, qui devient le document, et la facture est déposée ; refusée,
        la réponse 422 nomme chaque champ et rien n'est enregistré.

        Les champs du formulaire disent ce que le document ne dit pas. Un cadre donné ici l'emporte sur celui du
        fichier, et l'écart est signalé. Une pièce de travaux est déposée par celui dont elle est : fournisseur, maître
        d'œuvre ou maître d'ouvrage.
        """
        may_deposit(principal)
        key = checked_key(idempotency_key)
        if typed_deposits.is_typed(request):
            async with one_of(uploads, principal.subject, settings.uploads_each):
                change = await typed_deposits.read(request)
                taking = typed.receive(principal, change, key, request.state.traceparent)
                stored = await answered(settings.store_seconds, taking)
            response.headers["Location"] = f"{PREFIX}/{stored.id}"
            return views.receipt(stored)
        async with one_of(uploads, principal.subject, settings.uploads_each), receive(request, limits, door) as upload:
            given = _given(upload.fields, principal)
            receiving = deposits.receive(principal, upload, key, request.state.traceparent, given)
            stored = await answered(settings.store_seconds, receiving)
        response.headers["Location"] = f"{PREFIX}/{stored.id}"
        return views.receipt(stored)

    return router


def _reading(api_pool: Pool, blobs: Blobs, settings: IngestSettings) -> APIRouter:
    router = APIRouter(prefix=PREFIX, tags=["deposits"])
    add_looks(router, api_pool)  # first: `looks` is no deposit's id, nor `export.csv`
    deposit_csv.add_export(router, api_pool, settings)

    @router.get("")
    async def deposits(
        principal: CurrentPrincipal,
        state: Annotated[list[State] | None, Query(description="Un ou plusieurs états.")] = None,
        cursor: str | None = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> DepositPage:
        """Vos dépôts, du plus récent au plus ancien."""
        found = await answered(
            settings.store_seconds, _page(api_pool, principal, state or (), cursor_of(cursor), limit + 1)
        )
        return views.page(found, limit)

    @router.get("/{deposit_id}", responses={404: {"description": "Aucun de vos dépôts"}})
    async def one(principal: CurrentPrincipal, deposit_id: str) -> DepositView:
        """Un dépôt : état, remarques, champs lus avec leur place dans le document, lien vers ses pages."""
        stored, rejected = await answered(settings.store_seconds, _own_whole(api_pool, principal, deposit_id))
        link = links.make(settings.token_secret.get_secret_value(), stored.pages_of, principal.holder)
        return views.deposit(stored, link, rejected=rejected)

    @router.get(
        "/{deposit_id}/document",
        response_class=Response,
        responses={200: {"content": {PDF: {}, XML: {}}}, **problems(404, 410)},
    )
    async def document(principal: CurrentPrincipal, deposit_id: str) -> Response:
        """Le document tel qu'il a été déposé, son empreinte vérifiée."""
        stored = await answered(settings.store_seconds, _own(api_pool, principal, deposit_id))
        if not stored.document.sha256:
            raise refusals.no_document_yet()
        if stored.expired_at is not None:
            raise refusals.document_expired(stored.expired_at)
        found = await answered(settings.store_seconds, content(blobs, stored.document, str(stored.id)))
        headers = download_headers(stored.file_name, stored.document.sha256)
        return Response(found, media_type=stored.document.media_type, headers=headers)

    return router


def _given(fields: Mapping[str, str], principal: Principal) -> Given:
    """What stands in the form, settled. Raises the problem of what shows to be wrong before the document is read."""
    given, wrong = read_form(fields)
    if not wrong and given.cadre is not None:
        by = depositor(principal)
        wrong = cadres.check_depositor(cadres.CADRES[given.cadre], given, by)
    if wrong:
        raise refusals.given_invalid(wrong)
    return given


async def _page(
    api_pool: Pool, principal: Principal, states: Sequence[State], before: UUID | None, limit: int
) -> list[Stored]:
    async with scoped(api_pool, principal.scope()) as connection:
        return await store.page(connection, principal.subject, states=states, before=before, limit=limit)


async def _own_whole(api_pool: Pool, principal: Principal, deposit_id: str) -> tuple[Stored, bool]:
    """The same, and whether its recipient has rejected it since."""
    stored = await _own(api_pool, principal, deposit_id)
    if stored.state is not State.SUBMITTED:
        return stored, False
    async with scoped(api_pool, principal.scope()) as connection:
        source = await making_again.source(connection, stored.id)
    return stored, source is not None and source.rejected


async def _own(api_pool: Pool, principal: Principal, deposit_id: str) -> Stored:
    """The depositor's own deposit; one of somebody else is as unknown as one that never was."""
    try:
        wanted = UUID(deposit_id)
    except ValueError as error:
        raise refusals.unknown_deposit() from error
    async with scoped(api_pool, principal.scope()) as connection:
        stored = await store.find(connection, wanted)
    if stored is None:
        raise refusals.unknown_deposit()
    return stored
