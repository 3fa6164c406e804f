"""Import of directory files over HTTP."""

import asyncio
import tempfile
from collections.abc import Iterable
from typing import IO, Annotated, Any

import msgspec
from fastapi import FastAPI, Header, Query, Request

from services.common import bodies
from services.common.auth import CurrentPrincipal
from services.common.web import Problem
from services.routing.access import Pools, problems, touchable
from services.routing.columns import COLUMNS, NAMES
from services.routing.imports import InvalidImport, Report, import_lines
from services.routing.managers import Counts, Managers, ManagersAway, ManagersRefused
from services.routing.reach import Reach
from services.routing.settings import Limits
from services.routing.sources import FileForm, Line, LineError, read
from services.routing.views import ImportOut

_FORMS: dict[str, FileForm] = {
    "text/csv": "csv",
    "application/json": "json",
    "application/x-ndjson": "jsonl",
    "application/jsonl": "jsonl",
}
_EXAMPLE_CSV = (
    "entree;siret;tenant;nom;code;type\r\n"
    "structure;22060001900016;cd06;Budget Principal;;budget_principal\r\n"
    "service;22060001900016;;Direction des ressources humaines;DRH;\r\n"
)
_EXAMPLE_JSON = {
    "tenants": [{"id": "cd06", "name": "Département des Alpes-Maritimes"}],
    "structures": [
        {"siret": "22060001900016", "name": "Budget Principal", "tenant": "cd06", "kind": "budget_principal"}
    ],
    "services": [{"siret": "22060001900016", "code": "DRH", "label": "Direction des ressources humaines"}],
}
_COLUMNS = "\n".join(
    f"* `{name}` : " + " ; ".join(f"{'/'.join(c.kinds)} : {c.says}" for c in COLUMNS if c.name == name)
    for name in NAMES[1:]
)
_DESCRIPTION = f"""Un fichier est pris en entier ou pas du tout ; le renvoyer ne change rien. `dry_run=true` montre ce
qui changerait. L'opérateur importe tout, l'administrateur d'un tenant les entrées de son tenant, le gestionnaire
d'une structure les services de celle-ci, les références qu'elle exige et son contact.

**CSV** en UTF-8, colonnes séparées par des points-virgules, dans n'importe quel ordre. `entree` dit ce qu'est la
ligne : tenant, structure, service ou engagement. Une colonne absente laisse la valeur en vigueur ; une cellule vide la
remet à sa valeur par défaut. Une cellule qu'un tableur prendrait pour une formule est précédée d'une apostrophe.
{_COLUMNS}

**JSON** : `tenants`, `structures`, `services`, `engagements`, chaque entrée entière. **JSON Lines**
(`application/x-ndjson`) : une entrée par ligne, avec le champ `entree`."""
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"type": "object"}, "example": _EXAMPLE_JSON},
            "text/csv": {"schema": {"type": "string"}, "example": _EXAMPLE_CSV},
            "application/x-ndjson": {"schema": {"type": "string"}},
        },
    }
}


def add_routes(app: FastAPI, pools: Pools, limits: Limits) -> None:
    """One route. Files are received to disk first; one import runs at a time in a process."""
    running = asyncio.Lock()

    @app.post(
        "/api/v1/directory/import",
        summary="Charger un fichier d'annuaire",
        description=_DESCRIPTION,
        openapi_extra=_BODY,
        responses=problems(401, 403, 409, 413, 422, 503),
        tags=["annuaire"],
    )
    @bodies.takes(bodies.FILES)
    async def import_file(
        request: Request,
        principal: CurrentPrincipal,
        dry_run: Annotated[bool, Query(description="Montrer ce qui changerait, sans rien écrire")] = False,
        content_type: Annotated[str, Header(include_in_schema=False)] = "application/json",
    ) -> ImportOut:
        reach = touchable(principal)
        form = _FORMS.get(content_type.partition(";")[0].strip().casefold(), "json")
        with tempfile.TemporaryFile() as file:
            await _receive(request, file, limits.import_json if form == "json" else limits.import_lines)
            if running.locked():
                detail = "Un autre fichier est en cours de chargement : renvoyez le vôtre dans une minute."
                raise Problem(409, "IMPORT_RUNNING", "Import en cours", detail, headers={"Retry-After": "30"})
            async with running:
                managers = Managers(limits.messages_url, request.headers["authorization"])
                report, counts = await _import(
                    pools, read(file, form), managers, principal.subject, dry_run, request.state.traceparent, reach
                )
        shown = None if counts is None else msgspec.to_builtins(counts)
        return ImportOut.model_validate({**msgspec.to_builtins(report), "managers": shown})


async def _import(
    pools: Pools,
    lines: Iterable[Line],
    managers: Managers,
    by: str,
    dry_run: bool,
    traceparent: str,
    reach: Reach,
) -> tuple[Report, Counts | None]:
    """Directory and managers: both are checked before either is written, the directory first."""
    would: list[Counts] = []

    async def also() -> bool:
        if managers:
            would.append(await managers.check())
        return bool(managers)

    try:
        report = await import_lines(
            pools.write,
            managers.divert(lines),
            by=by,
            dry_run=dry_run,
            traceparent=traceparent,
            reach=reach,
            also=also,
        )
        if not would or dry_run:
            return report, would[0] if would else None
    except InvalidImport as error:
        raise _refused(error) from error
    except ManagersRefused as error:
        raise _refused(InvalidImport(error.errors, len(error.errors))) from error
    except ManagersAway as error:
        raise _away("Rien n'est changé") from error
    try:
        return report, await managers.put()
    except (ManagersAway, ManagersRefused) as error:
        raise _away("L'annuaire est chargé, les gestionnaires ne le sont pas") from error


def _away(what: str) -> Problem:
    detail = f"{what} : le service des messages ne répond pas. Renvoyez le même fichier dans une minute."
    return Problem(503, "MANAGERS_AWAY", "Gestionnaires non enregistrés", detail, headers={"Retry-After": "60"})


async def _receive(request: Request, file: IO[bytes], limit: int) -> None:
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise Problem(
                413,
                "FILE_TOO_LARGE",
                "Fichier trop grand",
                f"{limit / 2**20:.0f} Mo au plus sous cette forme : envoyez du CSV, ou chargez-le par la commande.",
            )
        file.write(part)
    file.seek(0)


def _refused(error: InvalidImport) -> Problem:
    more = "" if error.total <= len(error.errors) else f" Les {len(error.errors)} premières erreurs sont montrées."
    return Problem(
        422,
        "DIRECTORY_INVALID",
        "Annuaire refusé",
        f"Rien n'est changé : {error.total} erreurs. Corrigez les lignes et renvoyez le fichier entier.{more}",
        errors=[_shown(found) for found in error.errors],
    )


def _shown(error: LineError) -> dict[str, Any]:
    shown: dict[str, Any] = msgspec.to_builtins(error)
    del shown["file"]  # a request is one file without a name
    return shown
