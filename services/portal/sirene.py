"""INSEE's file of establishments (StockEtablissement), loaded so that a structure's fields can be filled in.

``python -m services.portal sirene load FILE`` takes CSV (also ``.gz`` and ``.zip``) or Parquet, whole or a part of it,
and streams: memory does not grow with the file. Loading again replaces what the file has; a file of another month adds
to it. Columns read (docs/structures.md): those of INSEE, and the name of the legal unit where it was joined.
"""

import argparse
import asyncio
import csv
import gzip
import io
import sys
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import asyncpg

from invoice.identifiers import is_siret
from services.common.db import migrate
from services.portal.settings import PortalSettings

BATCH: Final = 5000
#: Read where they are there. Only the first is required.
COLUMNS: Final = (
    "siret",
    "etatAdministratifEtablissement",
    "denominationUniteLegale",
    "denominationUsuelleEtablissement",
    "enseigne1Etablissement",
    "nomUniteLegale",
    "prenomUsuelUniteLegale",
    "complementAdresseEtablissement",
    "numeroVoieEtablissement",
    "indiceRepetitionEtablissement",
    "typeVoieEtablissement",
    "libelleVoieEtablissement",
    "codePostalEtablissement",
    "libelleCommuneEtablissement",
)
#: What INSEE writes in place of what a person does not let it publish.
_WITHHELD: Final = "[ND]"
_UPSERT: Final = (
    "insert into sirene_establishment (siret, name, street, complement, postal_code, town, active)"
    " select distinct on (siret) * from"
    " unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bool[])"
    " as n(siret, name, street, complement, postal_code, town, active) order by siret, active desc"
    " on conflict (siret) do update"
    " set name = excluded.name, street = excluded.street, complement = excluded.complement,"
    " postal_code = excluded.postal_code, town = excluded.town, active = excluded.active"
)
Row = tuple[str, str | None, str | None, str | None, str | None, str | None, bool]


class NotThatFile(Exception):
    """The file is not one of establishments; the message says why (French, for the operator)."""


def row_of(line: Mapping[str, Any]) -> Row | None:
    """A line of the file as a row of the table; None where its SIRET is none."""
    siret = _text(line, "siret") or ""
    siret = siret.zfill(14) if siret.isdigit() else siret
    if not is_siret(siret):
        return None
    street = " ".join(
        part
        for name in ("numeroVoie", "indiceRepetition", "typeVoie", "libelleVoie")
        if (part := _text(line, f"{name}Etablissement"))
    )
    return (
        siret,
        _name(line),
        street or None,
        _text(line, "complementAdresseEtablissement"),
        _text(line, "codePostalEtablissement"),
        _text(line, "libelleCommuneEtablissement"),
        _text(line, "etatAdministratifEtablissement") != "F",
    )


def _name(line: Mapping[str, Any]) -> str | None:
    """The legal unit's name where it was joined, else what the establishment is called."""
    person = [_text(line, "prenomUsuelUniteLegale"), _text(line, "nomUniteLegale")]
    for name in ("denominationUniteLegale", "denominationUsuelleEtablissement", "enseigne1Etablissement"):
        if found := _text(line, name):
            return found
    return " ".join(part for part in person if part) or None


def _text(line: Mapping[str, Any], name: str) -> str | None:
    value = line.get(name)
    text = "" if value is None else " ".join(str(value).replace("\0", "").split())[:200]
    return None if not text or text == _WITHHELD else text


def batches(path: Path) -> Iterator[list[Row]]:
    """The rows of a file, some thousands at a time. Raises :class:`NotThatFile`."""
    lines = _parquet(path) if path.suffix.lower() == ".parquet" else _csv(path)
    batch: list[Row] = []
    for line in lines:
        row = row_of(line)
        if row is not None:
            batch.append(row)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _check(columns: list[str]) -> None:
    if "siret" not in columns:
        raise NotThatFile("Le fichier n'a pas de colonne « siret » : donnez le StockEtablissement de l'INSEE.")


def _csv(path: Path) -> Iterator[Mapping[str, Any]]:
    with ExitStack() as stack:
        raw: Any = stack.enter_context(path.open("rb"))
        if path.suffix.lower() == ".gz":
            raw = stack.enter_context(gzip.GzipFile(fileobj=raw))
        elif path.suffix.lower() == ".zip":
            archive = stack.enter_context(zipfile.ZipFile(raw))
            names = [name for name in archive.namelist() if name.lower().endswith(".csv")]
            if len(names) != 1:
                raise NotThatFile("L'archive doit contenir un seul fichier CSV.")
            raw = stack.enter_context(archive.open(names[0]))
        text = stack.enter_context(io.TextIOWrapper(raw, encoding="utf-8-sig", newline=""))
        first = text.readline()
        names = next(csv.reader([first], delimiter=_delimiter(first)), [])
        _check(names)
        yield from csv.DictReader(text, names, delimiter=_delimiter(first))


def _delimiter(first: str) -> str:
    return ";" if first.count(";") > first.count(",") else ","


def _parquet(path: Path) -> Iterator[Mapping[str, Any]]:
    from pyarrow import parquet  # large, and needed by this command alone

    with parquet.ParquetFile(path) as file:
        columns = list(file.schema_arrow.names)
        _check(columns)
        for batch in file.iter_batches(BATCH, columns=[name for name in COLUMNS if name in columns]):
            yield from batch.to_pylist()


async def load(dsn: str, path: Path) -> int:
    """Load a file; returns how many establishments it had. Each batch is kept as it comes: a cut load is run again."""
    connection = await asyncpg.connect(dsn, timeout=10, server_settings={"search_path": "portal"})
    count = 0
    try:
        for batch in batches(path):
            await connection.execute(_UPSERT, *(list(column) for column in zip(*batch, strict=True)))
            count += len(batch)
    finally:
        await connection.close()
    return count


async def _run(path: Path) -> int:
    dsn = PortalSettings().dsn.get_secret_value()
    await migrate(dsn, "portal", "services.portal")
    return await load(dsn, path)


def main(arguments: list[str]) -> int:
    """``load FILE``; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m services.portal sirene")
    parser.add_argument("command", choices=["load"])
    parser.add_argument("file", type=Path)
    given = parser.parse_args(arguments)
    try:
        count = asyncio.run(_run(given.file))
    except (NotThatFile, OSError, zipfile.BadZipFile, UnicodeDecodeError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{count} établissements chargés\n")
    return 0
