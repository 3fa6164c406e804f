"""``/api/v1/accounts/structures``: finding a structure, depositing for one, its fields, its bank references."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from invoice.directory import Identifier, IdentifierType
from invoice.identifiers import InvalidIdentifier
from services.common import clock
from services.common.auth import CurrentPrincipal
from services.common.deliver import transaction
from services.common.problems import problems
from services.common.web import Problem
from services.portal import (
    cursors,
    member_arrival,
    rights,
    sirene_lookup,
    structure_directory,
    structure_reads,
    structure_store,
)
from services.portal.cursors import Cursor, Limit
from services.portal.member_desk import Desk, Scene, request_cause
from services.portal.member_words import invalid, not_yours
from services.portal.parts import Parts
from services.portal.structure import InvalidBank, Postal, bank, identifier
from services.portal.structure_views import (
    AddressIn,
    BankIn,
    FoundList,
    FoundView,
    PrefillView,
    StructureChange,
    StructureIn,
    StructureKey,
    StructureList,
    StructureView,
    key_of,
)

_PAGE = 20
_TITLES: dict[int, tuple[str, str]] = {
    404: ("STRUCTURE_UNKNOWN", "Structure inconnue"),
    409: ("PUBLIC_BODY", "Cette structure est un organisme public"),
}


def answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What these routes answer otherwise."""
    return problems(*statuses, titles=_TITLES)


def named(kind: IdentifierType, text: str) -> Identifier:
    """The identifier. Raises a 422 problem that says which rule it breaks."""
    try:
        return identifier(kind, text)
    except InvalidIdentifier as error:
        words = "Cet identifiant n'a pas la forme que son type demande."
        raise invalid("identifier", text, error.code, words, f"Vérifiez l'identifiant (type {kind}).") from error


def postal(given: AddressIn) -> Postal:
    """The address as it is kept: nothing rather than blanks."""
    return Postal(
        street=_kept(given.street),
        complement=_kept(given.complement),
        postal_code=_kept(given.postal_code),
        town=_kept(given.town),
        country=given.country,
    )


def _kept(text: str | None) -> str | None:
    return (text or "").strip() or None


def add_routes(router: APIRouter, parts: Parts, desk: Desk) -> None:
    """Serve them on ``router``."""
    _add_search(router, parts)
    _add_own(router, parts)
    _add_changes(router, parts, desk)


def _add_search(router: APIRouter, parts: Parts) -> None:
    @router.get(
        "/structures/search",
        summary="Cherche une structure par une partie de son SIRET (3 chiffres au moins) ou par son nom exact",
        responses=problems(401, 403, 422, 503),
    )
    async def search(
        principal: CurrentPrincipal,
        siret: Annotated[str | None, Query(max_length=30, pattern=r"^[0-9 ]*$", examples=["732829"])] = None,
        name: Annotated[str | None, Query(min_length=2, max_length=200, pattern=r"^[^\x00]*$")] = None,
    ) -> FoundList:
        digits = "".join((siret or "").split()) or None
        if (digits is None) == (name is None):
            words = "Donnez une partie du SIRET, ou le nom exact."
            raise invalid("siret", siret, "SEARCH_ONE_OF", words, "Remplissez l'un des deux.")
        if digits is not None and not 3 <= len(digits) <= 14:
            words = "Trois chiffres au moins, quatorze au plus."
            raise invalid("siret", siret, "SEARCH_TOO_SHORT", words, "Ajoutez des chiffres du SIRET.")
        async with parts.pool.acquire() as connection:
            found = await structure_store.search(connection, digits=digits, name=name, limit=_PAGE + 1)
        return FoundList(structures=[FoundView.of(each) for each in found[:_PAGE]], more=len(found) > _PAGE)

    @router.get(
        "/structures/prefill/{siret}",
        summary="Ce que le fichier SIRENE dit d'un établissement, pour préremplir",
        responses=problems(401, 403, 422, 503),
    )
    async def prefill(siret: StructureKey, principal: CurrentPrincipal) -> PrefillView:
        wanted = named("SIRET", siret).normalised
        async with parts.pool.acquire() as connection:
            fields = await sirene_lookup.fields(connection, wanted)
            closed = await sirene_lookup.closed(connection, wanted)
            body = await structure_directory.body(connection, wanted)
        empty = dict.fromkeys(("name", "street", "complement", "postal_code", "town"))
        return PrefillView.model_validate(
            {**empty, **fields, "siret": wanted, "known": bool(fields), "closed": closed, "public": body is not None}
        )


def _add_own(router: APIRouter, parts: Parts) -> None:
    @router.get("/structures", summary="Mes structures, et ce que j'y suis", responses=problems(401, 403, 422, 503))
    async def own(principal: CurrentPrincipal, cursor: Cursor = None, limit: Limit = cursors.MOST) -> StructureList:
        after = cursors.read(cursor, cursors.text, cursors.text)
        async with parts.pool.acquire() as connection:
            found = await structure_reads.own(connection, principal.subject, after, limit + 1, clock.now())
        shown, following = cursors.cut(found, limit, lambda last: (last.name, last.key))
        ids = [each.id for each in shown]
        views = await structure_reads.views(parts.pool, parts.api_pool, principal, ids)
        return StructureList(structures=views, next=following)

    @router.post(
        "/structures",
        status_code=201,
        summary="Ajoute une structure à mon compte : je dépose pour elle, et vois ce que j'ai déposé",
        responses=answers(401, 403, 409, 422, 429, 503),
    )
    async def add(request: Request, given: StructureIn, principal: CurrentPrincipal) -> StructureView:
        found, cause = named(given.type, given.identifier), request_cause(request)
        async with transaction(parts.pool, "portal") as tx:
            scene = await member_arrival.arrive(
                tx, principal, found, given.name, postal(given.address), cause, parts.mailing
            )
            await rights.publish(tx, scene.touched, cause)
        return await structure_reads.view(parts.pool, parts.api_pool, principal, scene.structure.key)

    @router.get("/structures/{structure}", summary="Une structure", responses=answers(401, 403, 404, 422, 503))
    async def one(structure: StructureKey, principal: CurrentPrincipal) -> StructureView:
        return await structure_reads.view(parts.pool, parts.api_pool, principal, key_of(structure))


def _add_changes(router: APIRouter, parts: Parts, desk: Desk) -> None:
    @router.put(
        "/structures/{structure}",
        summary="Corrige le nom et l'adresse",
        responses=answers(401, 403, 404, 409, 412, 422, 503),
    )
    async def change(
        request: Request, structure: StructureKey, given: StructureChange, principal: CurrentPrincipal
    ) -> StructureView:
        key = key_of(structure)
        async with desk.at(key, principal, request_cause(request)) as scene:
            await _may_edit(scene)
            if scene.structure.version != given.version:
                raise _changed()
            new = postal(given.address)
            before = {"name": scene.structure.name, **_fields(scene.structure.postal)}
            after = {"name": given.name, **_fields(new)}
            kept = [each for each in scene.structure.prefilled if before[each] == after[each]]
            await structure_store.change(scene.conn, scene.structure, given.name, new, kept, scene.tx.now)
            changed = sorted(each for each in after if before[each] != after[each])
            await scene.note("structure.changed", None, fields=changed)
        return await structure_reads.view(parts.pool, parts.api_pool, principal, key)

    @router.put(
        "/structures/{structure}/bank",
        summary="Donne les références bancaires ; la clé de l'IBAN est vérifiée",
        responses=answers(401, 403, 404, 422, 503),
    )
    async def put_bank(
        request: Request, structure: StructureKey, given: BankIn, principal: CurrentPrincipal
    ) -> StructureView:
        key = key_of(structure)
        async with desk.at(key, principal, request_cause(request)) as scene:
            await scene.manage("principal", "secondaire")
            await structure_store.keep_bank(scene.conn, scene.structure.id, _bank(given), scene.tx.now)
            await scene.note("structure.bank_changed")
        return await structure_reads.view(parts.pool, parts.api_pool, principal, key)

    @router.delete(
        "/structures/{structure}/bank",
        status_code=204,
        summary="Oublie les références bancaires",
        responses=answers(401, 403, 404, 422, 503),
    )
    async def delete_bank(request: Request, structure: StructureKey, principal: CurrentPrincipal) -> None:
        async with desk.at(key_of(structure), principal, request_cause(request)) as scene:
            await scene.manage("principal", "secondaire")
            await structure_store.keep_bank(scene.conn, scene.structure.id, None, scene.tx.now)
            await scene.note("structure.bank_forgotten")


def _bank(given: BankIn) -> Any:
    try:
        return bank(given.iban, given.bic, given.holder)
    except InvalidBank as error:
        # The IBAN is not repeated: answers are kept in logs of programs.
        words = {
            "IBAN_FORM": "Cet IBAN n'en est pas un : sa longueur ou sa clé de contrôle est fausse.",
            "BIC_FORM": "Ce BIC n'a pas la forme attendue (8 ou 11 caractères).",
            "BIC_OTHER_COUNTRY": "Le BIC et l'IBAN ne sont pas du même pays.",
        }[error.code]
        raise invalid(
            error.field, None, error.code, words, "Recopiez-le de votre relevé d'identité bancaire."
        ) from error


async def _may_edit(scene: Scene) -> None:
    """Managers; and who named the structure first, while nobody is verified there. A public one is the directory's."""
    if scene.body is not None:
        raise Problem(
            409,
            "STRUCTURE_OF_THE_DIRECTORY",
            "Structure de l'annuaire",
            "Le nom et l'adresse d'un organisme public se changent dans l'annuaire, par l'administrateur du "
            "département.",
        )
    if await scene.level() is not None:
        return
    named_it, verified = await scene.conn.fetchrow(
        "select s.created_by = $2, exists (select from membership m where m.structure = s.id and m.verified"
        " and m.left_at is null) from structure s where s.id = $1",
        scene.structure.id,
        scene.me,
    ) or (False, True)
    if not named_it or verified or not await scene.belongs():
        await scene.manage("principal", "secondaire")
        raise not_yours(("principal", "secondaire"))


def _fields(address: Postal) -> dict[str, str | None]:
    return {name: getattr(address, name) for name in ("street", "complement", "postal_code", "town", "country")}


def _changed() -> Problem:
    return Problem(
        412,
        "VERSION_CHANGED",
        "Changé entre-temps",
        "Quelqu'un a corrigé cette structure depuis votre lecture : relisez-la, puis recommencez.",
    )
