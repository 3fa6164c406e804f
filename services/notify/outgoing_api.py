"""The files of a folder, for those who do not read the object store themselves."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response

from services.common.auth import CurrentPrincipal, Principal
from services.common.db import Pool, scoped
from services.common.looks import MayLook
from services.common.problems import problems
from services.common.web import Problem
from services.notify.outgoing_folder import Folder
from services.notify.webhook_desk import acts_for
from services.notify.webhook_views import FileView

_MOST = 2**31 - 1
_FILES = (
    "select sequence, name, events, planned_at, written_at, sha256, size, left_out from outgoing_file"
    " where webhook = $1 and ($2::int is null or sequence > $2) order by sequence limit $3"
)
#: A folder's owner reads it for as long as he acts for its structure.
_OPEN_TO = "w.state <> 'deleted' and (w.structure = any($2::text[]) or $3::bool)"


def add_routes(router: APIRouter, api_pool: Pool, folder: Folder | None) -> None:
    """Add the files to the router of the ways out."""

    @router.get(
        "/{webhook}/files",
        summary="Fichiers d'un dossier, dans leur ordre",
        responses=problems(401, 403, 404, 422, 503),
    )
    async def list_files(
        webhook: UUID,
        principal: CurrentPrincipal,
        after: Annotated[int | None, Query(ge=0, le=_MOST, description="Dernier numéro déjà lu")] = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> list[FileView]:
        async with scoped(api_pool, principal.scope()) as connection:
            if not await connection.fetchval(
                f"select exists (select from webhook w where w.id = $1 and w.kind = 'folder' and {_OPEN_TO})",
                webhook,
                *_claims(principal),
            ):
                raise _unknown()
            rows = await connection.fetch(_FILES, webhook, after, limit)
        return [FileView(**dict(row)) for row in rows]

    @router.get(
        "/{webhook}/files/{sequence}",
        summary="Un fichier, tel qu'il a été écrit",
        responses=problems(401, 403, 404, 422, 503),
    )
    async def get_file(
        webhook: UUID, sequence: Annotated[int, Path(ge=1, le=_MOST)], principal: CurrentPrincipal, looking: MayLook
    ) -> Response:
        async with scoped(api_pool, principal.scope()) as connection:
            row = await connection.fetchrow(
                "select f.name, f.key, f.size, f.sha256, w.id,"
                " (select r.tenant from recipient r where r.siret = w.structure) as tenant"
                " from outgoing_file f join webhook w on w.id = f.webhook"
                f" where f.webhook = $1 and f.sequence = $4 and f.sha256 is not null and {_OPEN_TO}",
                webhook,
                *_claims(principal),
                sequence,
            )
        if row is None or folder is None:
            raise _unknown()
        await looking.among(api_pool, [(row["tenant"], row["id"])])
        content = await folder.get(row["key"], size=row["size"], sha256=row["sha256"])
        headers = {"Content-Disposition": f'attachment; filename="{row["name"]}"'}
        return Response(content, media_type="application/octet-stream", headers=headers)


def _claims(principal: Principal) -> tuple[list[str], bool]:
    return sorted(acts_for(principal)), "OPERATEUR" in principal.roles


def _unknown() -> Problem:
    return Problem(
        404, "FILE_UNKNOWN", "Fichier inconnu", "Vous n'avez pas de fichier de ce numéro : voyez leur liste."
    )
