"""HTTP: deposit a document, follow it, get it back. Everyone sees his own deposits only."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, FastAPI, Header, Query, Request, Response

from invoice import cadres
from invoice.cadre_form import FIELDS, read_form
from invoice.cadres import Depositor, Given
from services.common import links
from services.common.auth import CurrentPrincipal, Principal, require_role
from services.common.blobs import Blobs
from services.common.db import Pool, scoped
from services.ingest import attachment_api, refusals, store, views
from services.ingest.answering import answered, content, download_headers, one_of
from services.ingest.deposits import Deposits
from services.ingest.domain import State
from services.ingest.kinds import PDF, XML
from services.ingest.settings import IngestSettings
from services.ingest.store import Stored
from services.ingest.upload import Door, Limits, receive
from services.ingest.views import PREFIX, DepositPage, DepositView, Receipt

# One plain address, as a relay takes it: a list of them, a name beside it or half of one would reach nobody.
_CONTACT = re.compile(r"[!#-'*+\-./0-9=?A-Z^-~]{1,64}@[^\s@<>()\[\],;:\"\\]+\.[^\s@<>()\[\],;:\"\\]{2,}")

MAX_KEY = 200
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
        }
    },
}
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"description": words, "content": {"application/problem+json": {}}}
    for status, words in {
        400: "Formulaire illisible, fichier vide ou absent, plusieurs fichiers, clé refusée",
        401: "Jeton absent ou refusé",
        403: "Rôle ou adresse de contact manquants",
        408: "Envoi interrompu",
        413: "Fichier trop lourd",
        415: "Ni un PDF, ni un XML",
        429: "Trop d'envois à la fois",
        422: "Champ du formulaire à corriger, ou Idempotency-Key déjà employée pour un autre document",
        503: "Momentanément indisponible : renvoyez la même demande avec la même Idempotency-Key",
    }.items()
}
IdempotencyKey = Annotated[
    str | None,
    Header(alias="Idempotency-Key", description="Conseillé : la même clé et le même document donnent le même dépôt."),
]


def add_routes(app: FastAPI, *, api_pool: Pool, blobs: Blobs, settings: IngestSettings) -> None:
    """Add the routes of deposits."""
    uploads: Counter[str] = Counter()
    app.include_router(_writing(Deposits(api_pool, blobs, settings), settings, uploads))
    app.include_router(_reading(api_pool, blobs, settings))
    attachment_api.add_routes(app, api_pool=api_pool, blobs=blobs, settings=settings, uploads=uploads)


def _writing(deposits: Deposits, settings: IngestSettings, uploads: Counter[str]) -> APIRouter:
    router = APIRouter(prefix=PREFIX, tags=["deposits"])
    limits = Limits(
        file_bytes=settings.max_file_bytes,
        spool_bytes=settings.spool_bytes,
        stall_seconds=settings.upload_stall_seconds,
    )
    door = Door(frozenset(FIELDS))

    @router.post("", status_code=201, responses=_PROBLEMS, openapi_extra={"requestBody": _BODY})
    async def deposit(
        request: Request, response: Response, principal: CurrentPrincipal, idempotency_key: IdempotencyKey = None
    ) -> Receipt:
        """Dépose une facture, PDF ou XML (UBL, CII). Le dépôt est durable dès la réponse 201 ; sa lecture suit.

        Les champs du formulaire disent ce que le document ne dit pas. Un cadre donné ici l'emporte sur celui du
        fichier, et l'écart est signalé. Une pièce de travaux est déposée par celui dont elle est : fournisseur, maître
        d'œuvre ou maître d'ouvrage.
        """
        _may_deposit(principal)
        key = _checked(idempotency_key)
        async with one_of(uploads, principal.subject, settings.uploads_each), receive(request, limits, door) as upload:
            given = _given(upload.fields, principal)
            receiving = deposits.receive(principal, upload, key, request.state.traceparent, given)
            stored = await answered(settings.store_seconds, receiving)
        response.headers["Location"] = f"{PREFIX}/{stored.id}"
        return views.receipt(stored)

    return router


def _reading(api_pool: Pool, blobs: Blobs, settings: IngestSettings) -> APIRouter:
    router = APIRouter(prefix=PREFIX, tags=["deposits"])

    @router.get("")
    async def deposits(
        principal: CurrentPrincipal,
        state: Annotated[list[State] | None, Query(description="Un ou plusieurs états.")] = None,
        cursor: str | None = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> DepositPage:
        """Vos dépôts, du plus récent au plus ancien."""
        found = await answered(
            settings.store_seconds, _page(api_pool, principal, state or (), _cursor(cursor), limit + 1)
        )
        return views.page(found, limit)

    @router.get("/{deposit_id}", responses={404: {"description": "Aucun de vos dépôts"}})
    async def one(principal: CurrentPrincipal, deposit_id: str) -> DepositView:
        """Un dépôt : état, remarques, champs lus avec leur place dans le document, lien vers ses pages."""
        stored = await answered(settings.store_seconds, _own(api_pool, principal, deposit_id))
        return views.deposit(stored, links.make(settings.token_secret.get_secret_value(), stored.id))

    @router.get(
        "/{deposit_id}/document",
        response_class=Response,
        responses={200: {"content": {PDF: {}, XML: {}}}, 404: {"description": "Aucun de vos dépôts"}},
    )
    async def document(principal: CurrentPrincipal, deposit_id: str) -> Response:
        """Le document tel qu'il a été déposé, son empreinte vérifiée."""
        stored = await answered(settings.store_seconds, _own(api_pool, principal, deposit_id))
        found = await answered(settings.store_seconds, content(blobs, stored.document, str(stored.id)))
        headers = download_headers(stored.file_name, stored.document.sha256)
        return Response(found, media_type=stored.document.media_type, headers=headers)

    return router


def _may_deposit(principal: Principal) -> None:
    """A deposit needs a depositor's role, and an address: what becomes of it is told by e-mail."""
    require_role(principal, *cadres.ROLES.values())
    if not _CONTACT.fullmatch(principal.contact):
        raise refusals.contact_missing()


def _given(fields: Mapping[str, str], principal: Principal) -> Given:
    """What stands in the form, settled. Raises the problem of what shows to be wrong before the document is read."""
    given, wrong = read_form(fields)
    if not wrong and given.cadre is not None:
        depositor = Depositor(structures=principal.structures, roles=principal.roles)
        wrong = cadres.check_depositor(cadres.CADRES[given.cadre], given, depositor)
    if wrong:
        raise refusals.given_invalid(wrong)
    return given


def _checked(key: str | None) -> str | None:
    if key is None:
        return None
    if not 1 <= len(key) <= MAX_KEY or not key.isascii() or not key.isprintable():
        raise refusals.key_invalid(len(key))
    return key


def _cursor(value: str | None) -> UUID | None:
    if value is None:
        return None
    try:
        return UUID(value)
    except ValueError as error:
        raise refusals.cursor_invalid(value) from error


async def _page(
    api_pool: Pool, principal: Principal, states: Sequence[State], before: UUID | None, limit: int
) -> list[Stored]:
    async with scoped(api_pool, principal.scope()) as connection:
        return await store.page(connection, principal.subject, states=states, before=before, limit=limit)


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
