"""``/api/v1/accounts/software``: the software of a structure, kept by whoever manages the structure."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from fastapi import APIRouter, FastAPI, Query, Request, Response

from invoice.rights import allows
from services.common import clock, once
from services.common.auth import CurrentPrincipal, Principal
from services.common.db import Connection, scoped
from services.common.deliver import transaction
from services.common.once import PlainKey, SecretKey
from services.common.problems import problems
from services.portal import software, software_domain, software_makers, software_store, structure_directory
from services.portal import software_words as words
from services.portal.parts import Parts
from services.portal.scope import scope_of
from services.portal.software import Ended, TooManySecrets
from services.portal.software_domain import Refused
from services.portal.software_store import Secret, Software
from services.portal.software_views import (
    CLEAN,
    NewSecret,
    NewSoftware,
    ShownSecret,
    SoftwareChange,
    SoftwarePage,
    SoftwareView,
)
from services.portal.usage_sums import UsageReport, UsageSums, period

_PAGE = 50
#: Under which a key and a request name an account, or a secret.
_NAMESPACE: Final = UUID("3d6c1b52-9f0e-5d0c-8a3b-7e2f4c9d1a60")


class Desk:
    """The routes. ``usage`` sums what the services counted."""

    def __init__(self, parts: Parts, usage: UsageSums) -> None:
        self._parts = parts
        self._usage = usage

    @property
    def _limits(self) -> tuple[int, int]:
        return self._parts.settings.writes_each_minute, self._parts.settings.writes_each_day

    async def _seen(self, principal: Principal, identity: UUID) -> Software:
        """The account, through the walls. The same answer for one that is not there."""
        async with scoped(self._parts.api_pool, scope_of(principal)) as connection:
            found = await software_store.one(connection, identity)
        if found is None or not _manages(principal, found.structure, found.tenant):
            raise words.unknown()
        return found

    async def _view(self, principal: Principal, identity: UUID) -> SoftwareView:
        async with scoped(self._parts.api_pool, scope_of(principal)) as connection:
            found = await software_store.one(connection, identity)
            held = await software_store.secrets(connection, [identity])
        assert found is not None
        return (await self._views([found], held))[0]

    async def _views(self, found: Sequence[Software], held: Mapping[UUID, list[Secret]]) -> list[SoftwareView]:
        """With who made them: whether he manages the structure is nothing that the caller's rows could tell."""
        now = clock.now()
        pairs = [(one.structure, one.made_by) for one in found]
        pairs += [(one.structure, secret.made_by) for one in found for secret in held[one.id]]
        async with self._parts.pool.acquire() as connection:
            makers = await software_makers.of(connection, pairs, now)
        return [SoftwareView.of(one, held[one.id], self._limits, makers, now) for one in found]

    async def make(
        self, request: Request, given: NewSoftware, principal: CurrentPrincipal, idempotency_key: PlainKey = None
    ) -> SoftwareView:
        """Open an account for a structure that one manages."""
        wanted = once.named(_NAMESPACE, idempotency_key, principal.subject, given.model_dump_json())
        async with transaction(self._parts.pool, "portal", keys=[f"structure/{given.structure}"]) as tx:
            place = await software_store.place(tx.conn, given.structure)
            if place is None or not _manages(principal, place.structure, place.tenant):
                raise words.not_managed()
            if wanted is not None and await software_store.one(tx.conn, wanted) is not None:
                return await self._view(principal, wanted)
            fresh = self._bounded(
                principal,
                place,
                software.fresh(
                    structure=place.structure,
                    tenant=place.tenant,
                    name=given.name,
                    roles=given.roles,
                    services=given.services,
                    scopes=given.scopes,
                    limits=(given.writes_each_minute, given.writes_each_day),
                    by=principal.subject,
                    now=tx.now,
                    wanted=wanted,
                ),
            )
            await _known_services(tx.conn, place.structure, fresh.services)
            await software.make(tx, fresh, by=principal.subject, traceparent=_trace(request))
        return await self._view(principal, fresh.id)

    async def change(
        self, request: Request, client_id: UUID, given: SoftwareChange, principal: CurrentPrincipal
    ) -> SoftwareView:
        """Change name, rights or limits."""
        seen = await self._seen(principal, client_id)
        async with transaction(self._parts.pool, "portal", keys=[f"structure/{seen.structure}"]) as tx:
            found = await software_store.one(tx.conn, client_id)
            place = await software_store.place(tx.conn, seen.structure)
            assert found is not None
            if place is None:
                raise words.not_managed()
            asked = self._bounded(principal, place, msgspec.structs.replace(found, **_given(given)))
            await _known_services(tx.conn, place.structure, set(asked.services) - set(found.services))
            try:
                await software.change(tx, asked, by=principal.subject, traceparent=_trace(request))
            except Ended as error:
                raise words.ended() from error
        return await self._view(principal, client_id)

    def _bounded(self, principal: Principal, place: software_domain.Place, asked: Software) -> Software:
        """The account as asked. Raises a 422 problem where the structure, or the platform, does not allow it."""
        operator = "OPERATEUR" in principal.roles
        try:
            software_domain.check(place, asked.roles, asked.services)
            for field, platform in zip(("writes_each_minute", "writes_each_day"), self._limits, strict=True):
                software_domain.limits(getattr(asked, field), platform, operator=operator, field=field)
        except Refused as error:
            raise words.refused(error) from error
        return msgspec.structs.replace(asked, side=place.side)

    async def page(
        self,
        principal: CurrentPrincipal,
        structure: Annotated[str | None, Query(max_length=100, pattern=CLEAN)] = None,
        cursor: UUID | None = None,
    ) -> SoftwarePage:
        """The accounts that one manages, newest first."""
        async with scoped(self._parts.api_pool, scope_of(principal)) as connection:
            found = await software_store.page(connection, structure, cursor, _PAGE + 1)
            shown = found[:_PAGE]
            held = await software_store.secrets(connection, [one.id for one in shown])
        return SoftwarePage(
            software=await self._views(shown, held), next=str(shown[-1].id) if len(found) > _PAGE else None
        )

    async def read(self, client_id: UUID, principal: CurrentPrincipal) -> SoftwareView:
        """One account."""
        await self._seen(principal, client_id)
        return await self._view(principal, client_id)

    async def revoke(self, request: Request, client_id: UUID, principal: CurrentPrincipal) -> Response:
        """End an account; asking again changes nothing."""
        seen = await self._seen(principal, client_id)
        async with transaction(self._parts.pool, "portal", keys=[f"structure/{seen.structure}"]) as tx:
            await software.revoke(tx, seen, by=principal.subject, traceparent=_trace(request))
        return Response(status_code=204)

    async def add_secret(
        self,
        request: Request,
        response: Response,
        client_id: UUID,
        given: NewSecret,
        principal: CurrentPrincipal,
        idempotency_key: SecretKey = None,
    ) -> ShownSecret:
        """A new secret, shown this once."""
        wanted = once.named(_NAMESPACE, idempotency_key, principal.subject, client_id, given.model_dump_json())
        seen = await self._seen(principal, client_id)
        async with transaction(self._parts.pool, "portal", keys=[f"structure/{seen.structure}"]) as tx:
            found = await software_store.one(tx.conn, client_id)
            assert found is not None
            try:
                shown = await software.add_secret(tx, found, principal.subject, given.days, _trace(request), wanted)
            except Ended as error:
                raise words.ended() from error
            except TooManySecrets as error:
                raise words.too_many_secrets() from error
        response.headers["Cache-Control"] = "no-store"
        made = shown.secret
        return ShownSecret(id=made.id, client_id=client_id, client_secret=shown.text, expires_at=made.expires_at)

    async def revoke_secret(
        self, request: Request, client_id: UUID, secret: UUID, principal: CurrentPrincipal
    ) -> Response:
        """End a secret and its tokens; asking again changes nothing."""
        seen = await self._seen(principal, client_id)
        async with transaction(self._parts.pool, "portal", keys=[f"structure/{seen.structure}"]) as tx:
            await software.revoke_secret(tx, seen, secret, by=principal.subject, traceparent=_trace(request))
        return Response(status_code=204)

    async def usage(
        self, client_id: UUID, principal: CurrentPrincipal, first: date | None = None, last: date | None = None
    ) -> UsageReport:
        """What this account asked of every service, by day."""
        seen = await self._seen(principal, client_id)
        since, until = period(first, last)
        return await self._usage.report(since, until, tenants=None, subjects=[seen.subject])


def _given(given: SoftwareChange) -> dict[str, Any]:
    """What was named: a limit may be named as null, nothing else."""
    named = given.model_dump(exclude_unset=True)
    limits = {"writes_each_minute", "writes_each_day"}
    kept = {name: value for name, value in named.items() if value is not None or name in limits}
    return {name: tuple(dict.fromkeys(v)) if isinstance(v, list) else v for name, v in kept.items()}


def _manages(principal: Principal, structure: str, tenant: str | None) -> bool:
    """Software keeps no software: a leaked secret must not make another."""
    return principal.kind == "person" and allows(principal.held, "software.manage", structure=structure, tenant=tenant)


async def _known_services(connection: Connection, structure: str, codes: Collection[str]) -> None:
    """Raises a 422 problem for a code of which the directory has no open service there."""
    unknown = await structure_directory.unknown_services(connection, structure, sorted(codes))
    if unknown:
        said = f"La structure n'a pas de service ouvert « {unknown[0]} »."
        todo = "Prenez un code de sa liste, dans l'annuaire."
        raise words.refused(Refused("services", unknown[0], "SERVICE_UNKNOWN", said, todo))


def _trace(request: Request) -> str | None:
    found: str | None = getattr(request.state, "traceparent", None)
    return found


def add_routes(app: FastAPI, parts: Parts, usage: UsageSums) -> None:
    """Serve the routes on ``app``."""
    desk = Desk(parts, usage)
    router = APIRouter(prefix="/api/v1/accounts/software", tags=["software"])
    add = router.add_api_route
    one = "/{client_id}"
    add("", desk.page, summary="Les logiciels que vous gérez", responses=problems(403))
    add(
        "",
        desk.make,
        methods=["POST"],
        status_code=201,
        summary="Ouvrir un compte de logiciel",
        responses=problems(403),
    )
    add(one, desk.read, summary="Un logiciel", responses=problems(404))
    add(one, desk.change, methods=["PATCH"], summary="Changer nom, droits, limites", responses=problems(403, 404, 409))
    add(one, desk.revoke, methods=["DELETE"], status_code=204, summary="Révoquer", responses=problems(404))
    add(
        f"{one}/secrets",
        desk.add_secret,
        methods=["POST"],
        status_code=201,
        summary="Faire un secret, montré cette seule fois",
        responses=problems(404, 409),
    )
    add(
        f"{one}/secrets/{{secret}}",
        desk.revoke_secret,
        methods=["DELETE"],
        status_code=204,
        summary="Révoquer un secret",
        responses=problems(404),
    )
    add(f"{one}/usage", desk.usage, summary="Ce que ce logiciel a demandé, par jour", responses=problems(404))
    app.include_router(router)
