"""The open-data export over HTTP."""

from email.utils import format_datetime
from typing import Annotated, Literal

from fastapi import FastAPI, Header, Path, Request, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field

from services.common.web import Problem
from services.routing.access import problems
from services.routing.exports import LICENCE, LICENCE_URL, Export, Exports

_MEDIA = {"csv": "text/csv; charset=utf-8", "json": "application/json"}
Form = Literal["csv", "json"]


class FileOut(BaseModel):
    """A file of the export; ``size`` in bytes."""

    form: Form
    path: str = Field(examples=["/api/v1/directory/export/annuaire.csv"])
    size: int
    sha256: str


class ExportOut(BaseModel):
    """What the export is, and where its files are."""

    title: str = Field(examples=["Annuaire des structures publiques"])
    licence: str = Field(examples=[LICENCE])
    licence_url: str = Field(examples=[LICENCE_URL])
    date: str = Field(examples=["2026-05-04T10:00:00+00:00"])
    version: int
    counts: dict[str, int] = Field(examples=[{"tenant": 101, "structure": 150000, "service": 500000}])
    files: list[FileOut]


def add_routes(app: FastAPI, exports: Exports) -> None:
    """The description and the two files, for everybody."""

    @app.get(
        "/api/v1/directory/export", summary="L'annuaire en données ouvertes", responses=problems(503), tags=["annuaire"]
    )
    async def describe() -> ExportOut:
        found = _latest(exports)
        return ExportOut(
            title="Annuaire des structures publiques",
            licence=LICENCE,
            licence_url=LICENCE_URL,
            date=found.at.isoformat(),
            version=found.version,
            counts=found.counts,
            files=[
                FileOut(form=form, path=f"/api/v1/directory/export/annuaire.{form}", size=file.size, sha256=file.sha256)
                for form, file in (("csv", found.csv), ("json", found.json))
            ],
        )

    @app.get(
        "/api/v1/directory/export/annuaire.{form}",
        summary="Le fichier de l'annuaire entier",
        response_class=Response,
        responses={
            200: {"content": {"text/csv": {}, "application/json": {}}},
            304: {"description": "Inchangé"},
            **problems(422, 503),
        },
        tags=["annuaire"],
    )
    async def download(
        request: Request, form: Annotated[Form, Path()], if_none_match: Annotated[str | None, Header()] = None
    ) -> Response:
        found = _latest(exports)
        file = found.csv if form == "csv" else found.json
        headers = {
            "ETag": f'"{file.sha256}"',
            "Last-Modified": format_datetime(found.at, usegmt=True),
            "Link": f'<{LICENCE_URL}>; rel="license"',
            "Cache-Control": "public, max-age=60",
        }
        if if_none_match is not None and file.sha256 in if_none_match:
            return Response(status_code=304, headers=headers)
        name = f"annuaire-{found.at:%Y-%m-%d}.{form}"
        return FileResponse(file.path, media_type=_MEDIA[form], filename=name, headers=headers)


def _latest(exports: Exports) -> Export:
    if exports.latest is None:
        raise Problem(
            503,
            "EXPORT_NOT_READY",
            "Export en préparation",
            "Le premier fichier est en cours d'écriture : revenez dans une minute.",
            headers={"Retry-After": "30"},
        )
    return exports.latest
