"""``/api/v1/webhooks``: the ways out of whoever asks. What belongs to somebody else is not there (404)."""

from datetime import timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, FastAPI, Query, Response

from services.common.auth import CurrentPrincipal, Principal
from services.common.db import Connection, Pool, scoped
from services.common.deliver import transaction
from services.common.once import SecretKey, again
from services.common.problems import problems
from services.common.web import Problem
from services.notify import outgoing_api, webhook_once
from services.notify import webhook_desk as desk
from services.notify.outgoing_folder import Folder
from services.notify.webhook_address import BadUrl, check_url, networks
from services.notify.webhook_settings import WaysOutSettings
from services.notify.webhook_signing import Seal
from services.notify.webhook_views import (
    Change,
    DeliveryPage,
    NewWebhook,
    ReplayAsked,
    ReplayView,
    Rotation,
    SecretView,
    TestView,
    WebhookView,
)

_LIVE_SECRETS = 2
_OWN = problems(401, 403, 422, 503)
_ONE = problems(401, 403, 404, 422, 503)
_ACT = problems(401, 403, 404, 409, 422, 503)
_MAKE = problems(401, 403, 409, 422, 503)


def add_routes(app: FastAPI, api_pool: Pool, settings: WaysOutSettings, folder: Folder | None) -> None:
    """Serve the ways out on ``app``; without ``folder`` there is nowhere to put files."""
    router = APIRouter(prefix="/api/v1/webhooks", tags=["webhooks"])
    _add_lists(router, api_pool)
    _add_making(router, api_pool, settings, folder is not None)
    _add_changes(router, api_pool, settings)
    _add_secrets(router, api_pool, settings)
    _add_acts(router, api_pool)
    outgoing_api.add_routes(router, api_pool, folder)
    app.include_router(router)


def _add_lists(router: APIRouter, api_pool: Pool) -> None:
    @router.get("", summary="Mes webhooks et mes dossiers (un opérateur les voit tous)", responses=_OWN)
    async def list_webhooks(principal: CurrentPrincipal) -> list[WebhookView]:
        async with scoped(api_pool, principal.scope()) as connection:
            return await desk.views(connection)

    @router.get("/{webhook}", summary="Un webhook, sans ses secrets", responses=_ONE)
    async def get_webhook(webhook: UUID, principal: CurrentPrincipal) -> WebhookView:
        async with scoped(api_pool, principal.scope()) as connection:
            return await _view(connection, webhook)

    @router.get(
        "/{webhook}/deliveries", summary="Journal des envois et de leurs essais, le plus récent d'abord", responses=_ONE
    )
    async def list_deliveries(
        webhook: UUID,
        principal: CurrentPrincipal,
        state: Annotated[
            Literal["behind", "waiting", "sending", "delivered", "given_up", "dropped"] | None, Query()
        ] = None,
        invoice: Annotated[UUID | None, Query(description="Identifiant de la facture ou du dépôt")] = None,
        before: Annotated[UUID | None, Query(description="La valeur « next » de la page précédente")] = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
    ) -> DeliveryPage:
        async with scoped(api_pool, principal.scope()) as connection:
            await _view(connection, webhook)
            subject = None if invoice is None else str(invoice)
            return await desk.deliveries(connection, webhook, state, subject, before, limit)

    @router.get("/{webhook}/replays", summary="Rejeux demandés, le plus récent d'abord", responses=_ONE)
    async def list_replays(webhook: UUID, principal: CurrentPrincipal) -> list[ReplayView]:
        async with scoped(api_pool, principal.scope()) as connection:
            await _view(connection, webhook)
            rows = await connection.fetch(
                "select id, asked_at, done_at, events from webhook_replay where webhook = $1"
                " order by id desc limit 100",
                webhook,
            )
        return [ReplayView(**dict(row)) for row in rows]


def _add_making(router: APIRouter, api_pool: Pool, settings: WaysOutSettings, folders: bool) -> None:
    @router.post(
        "",
        status_code=201,
        summary="Crée un webhook ou un dossier ; son secret n'est montré que cette fois",
        responses=_MAKE,
    )
    async def make_webhook(
        asked: NewWebhook, principal: CurrentPrincipal, idempotency_key: SecretKey = None
    ) -> WebhookView:
        if asked.url is not None:
            _check_url(asked.url, settings)
        if asked.kind == "folder":
            _check_folder(asked, principal, folders)
        seal, keys = Seal(settings.sealing_keys), [f"webhooks of {principal.subject}"]
        wanted = webhook_once.named(idempotency_key, principal.subject, asked.model_dump_json())
        async with transaction(api_pool, "notify", keys=keys, scope=principal.scope()) as tx:
            known = await desk.views(tx.conn, wanted) if wanted else []
            if known and again(known[0].created_at, tx.now):
                return await webhook_once.shown_again(tx.conn, known[0], asked, seal, tx.now)
            if await desk.count(tx.conn, principal.subject) >= settings.webhook_each:
                raise Problem(
                    409,
                    "WEBHOOK_TOO_MANY",
                    "Trop de webhooks",
                    f"Vous en avez déjà {settings.webhook_each}, le maximum : supprimez-en un.",
                )
            await desk.state_rights(tx.conn, principal, tx.now)
            identity = await webhook_once.free(tx.conn, wanted)
            await desk.make(tx.conn, identity, asked, principal.subject, tx.now)
            secrets = []
            if asked.kind == "http":
                secrets = [await desk.add_secret(tx.conn, identity, asked.signature, seal, tx.now)]
            view = await _view(tx.conn, identity)
        return view.model_copy(update={"secrets": secrets})


def _add_changes(router: APIRouter, api_pool: Pool, settings: WaysOutSettings) -> None:
    @router.patch("/{webhook}", summary="Modifie l'adresse, les filtres ; met en pause ou reprend", responses=_ONE)
    async def change_webhook(webhook: UUID, change: Change, principal: CurrentPrincipal) -> WebhookView:
        named = {name: getattr(change, name) for name in change.model_fields_set}
        async with transaction(api_pool, "notify", keys=[str(webhook)], scope=principal.scope()) as tx:
            kind = await _mine(tx.conn, webhook, principal)
            if "url" in named and (kind == "folder" or named["url"] is None):
                _refuse_url(named["url"], "URL_KIND", "Un dossier n'a pas d'adresse, un webhook en a une.")
            if named.get("url") is not None:
                _check_url(named["url"], settings)
            if kind == "folder":
                named.pop("structures", None)  # a folder's structure is fixed
            await desk.state_rights(tx.conn, principal, tx.now)
            await desk.change(tx.conn, webhook, named, tx.now)
            return await _view(tx.conn, webhook)

    @router.delete(
        "/{webhook}", status_code=204, summary="Supprime le webhook et ses secrets : plus rien ne part", responses=_ONE
    )
    async def delete_webhook(webhook: UUID, principal: CurrentPrincipal) -> Response:
        async with transaction(api_pool, "notify", keys=[str(webhook)], scope=principal.scope()) as tx:
            await _mine(tx.conn, webhook, principal)
            await desk.remove(tx.conn, webhook, tx.now)
        return Response(status_code=204)


def _add_secrets(router: APIRouter, api_pool: Pool, settings: WaysOutSettings) -> None:
    @router.post(
        "/{webhook}/secrets", status_code=201, summary="Nouveau secret ; l'ancien signe encore un temps", responses=_ACT
    )
    async def rotate(
        webhook: UUID, rotation: Rotation, principal: CurrentPrincipal, idempotency_key: SecretKey = None
    ) -> SecretView:
        wanted = webhook_once.named(idempotency_key, principal.subject, webhook, rotation.model_dump_json())
        async with transaction(api_pool, "notify", keys=[str(webhook)], scope=principal.scope()) as tx:
            if await _mine(tx.conn, webhook, principal) == "folder":
                raise Problem(
                    409, "WEBHOOK_UNSIGNED", "Sans signature", "Un dossier n'a pas de secret : rien à changer."
                )
            held = (await _view(tx.conn, webhook)).secrets
            wanted, held = await webhook_once.secret_place(tx.conn, wanted, held, tx.now)
            if len(held) >= _LIVE_SECRETS:
                raise Problem(
                    409,
                    "WEBHOOK_ROTATION_RUNNING",
                    "Deux secrets signent déjà",
                    "Attendez la fin du plus ancien, ou supprimez celui que votre récepteur n'utilise plus.",
                )
            await desk.state_rights(tx.conn, principal, tx.now)
            made = await desk.add_secret(
                tx.conn, webhook, rotation.signature, Seal(settings.sealing_keys), tx.now, wanted
            )
            await desk.expire_others(tx.conn, webhook, made.id, tx.now, timedelta(hours=rotation.overlap_hours))
        return made

    @router.delete(
        "/{webhook}/secrets/{secret}", status_code=204, summary="Un secret cesse de signer à l'instant", responses=_ACT
    )
    async def end_secret(webhook: UUID, secret: UUID, principal: CurrentPrincipal) -> Response:
        async with transaction(api_pool, "notify", keys=[str(webhook)], scope=principal.scope()) as tx:
            await _mine(tx.conn, webhook, principal)
            live = [one.id for one in (await _view(tx.conn, webhook)).secrets]
            if secret not in live:
                raise Problem(404, "SECRET_UNKNOWN", "Secret inconnu", "Ce webhook n'a pas ce secret : voyez sa liste.")
            if len(live) == 1:
                raise Problem(
                    409, "SECRET_LAST", "Dernier secret", "Créez d'abord le suivant : rien ne part sans signature."
                )
            await tx.conn.execute("delete from webhook_secret where id = $1", secret)
        return Response(status_code=204)


def _add_acts(router: APIRouter, api_pool: Pool) -> None:
    @router.post(
        "/{webhook}/test", status_code=202, summary="Envoie un événement d'essai tout de suite", responses=_ACT
    )
    async def test_webhook(webhook: UUID, principal: CurrentPrincipal) -> TestView:
        async with transaction(api_pool, "notify", keys=[str(webhook)], scope=principal.scope()) as tx:
            if await _mine(tx.conn, webhook, principal) == "folder":
                raise Problem(409, "WEBHOOK_FOLDER", "Pas d'essai", "Un dossier n'est pas appelé : voyez ses fichiers.")
            if (await _view(tx.conn, webhook)).state == "gone":
                raise Problem(
                    409, "WEBHOOK_GONE", "Webhook arrêté", "Votre serveur a répondu 410 : réactivez-le d'abord."
                )
            await desk.state_rights(tx.conn, principal, tx.now)
            event = await desk.test(tx.conn, webhook, tx.now)
        if event is None:
            raise Problem(
                409, "WEBHOOK_TEST_RUNNING", "Essai en cours", "Un essai est déjà en route : voyez-le dans le journal."
            )
        return TestView(event=event)

    @router.post(
        "/{webhook}/replay",
        status_code=202,
        summary="Renvoie les événements depuis un instant ou un événement",
        responses=_ACT,
    )
    async def replay(webhook: UUID, asked: ReplayAsked, principal: CurrentPrincipal) -> ReplayView:
        async with transaction(api_pool, "notify", keys=[str(webhook)], scope=principal.scope()) as tx:
            await _mine(tx.conn, webhook, principal)
            if await desk.replaying(tx.conn, webhook):
                raise Problem(
                    409,
                    "REPLAY_RUNNING",
                    "Rejeu en cours",
                    "Un rejeu de ce webhook est déjà en cours : attendez sa fin, elle se voit dans GET …/replays.",
                )
            await desk.state_rights(tx.conn, principal, tx.now)
            identity = await desk.ask_replay(tx.conn, webhook, asked, tx.now)
            if identity is None:
                raise Problem(
                    404,
                    "EVENT_UNKNOWN",
                    "Événement inconnu",
                    "Ce webhook n'a jamais eu cet événement : donnez une date.",
                )
        return ReplayView(id=identity, asked_at=tx.now, done_at=None, events=0)


async def _view(connection: Connection, webhook: UUID) -> WebhookView:
    found = await desk.views(connection, webhook)
    if not found:
        raise _unknown()
    return found[0]


async def _mine(connection: Connection, webhook: UUID, principal: Principal) -> str:
    row = await desk.mine(connection, webhook, principal.subject)
    if row is None:
        raise _unknown()
    kind: str = row["kind"]
    return kind


def _unknown() -> Problem:
    return Problem(
        404, "WEBHOOK_UNKNOWN", "Webhook inconnu", "Vous n'avez pas de webhook de ce nom : voyez leur liste."
    )


def _check_url(url: str, settings: WaysOutSettings) -> None:
    try:
        check_url(url, https_only=settings.https_only, allowed=networks(settings.webhook_networks.split(",")))
    except BadUrl as error:
        _refuse_url(url, error.rule, error.message, error.action)


def _refuse_url(url: Any, rule: str, message: str, action: str = "Corrigez l'adresse.") -> None:
    entry = {"field": "url", "value": str(url)[:100], "rule": rule, "message": message, "action": action}
    raise Problem(422, "WEBHOOK_URL", "Adresse refusée", message, errors=[entry])


def _check_folder(asked: NewWebhook, principal: Principal, folders: bool) -> None:
    if not folders:
        raise Problem(
            409, "FOLDERS_OFF", "Pas de dossiers ici", "L'exploitant n'a pas donné d'espace de fichiers à ce service."
        )
    if asked.structure not in desk.acts_for(principal):
        message = "Vous n'agissez pas pour cette structure."
        entry = {
            "field": "structure",
            "value": asked.structure,
            "rule": "STRUCTURE_NOT_YOURS",
            "message": message,
            "action": "Donnez le SIRET d'une de vos structures, ou demandez un droit sur celle-ci.",
        }
        raise Problem(422, "FOLDER_STRUCTURE", "Structure refusée", message, errors=[entry])
