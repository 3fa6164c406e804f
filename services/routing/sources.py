"""Lines of an import file, one at a time: CSV, JSON Lines, or one JSON document."""

import csv
import re
from collections.abc import Iterator, Mapping
from typing import IO, Literal

import msgspec

from invoice.directory import Entry
from invoice.directory_file import DirectoryFile
from invoice.identifiers import normalise_code
from services.routing.columns import BY_KIND, KINDS, NAMES, BadCell, overlay, unshield
from services.routing.strictly import known, strict

FileForm = Literal["csv", "jsonl", "json"]
_MAX_LINE = 1_000_000
#: A manager to notify: no entry of the directory, on its way through such a file (:mod:`services.routing.managers`).
MANAGER = "gestionnaire"
MANAGER_COLUMNS = ("siret", "code", "nom", "courriel")
_IN_FILES = (*NAMES, "courriel")
_LISTS = {"tenants": "tenant", "structures": "structure", "services": "service", "engagements": "engagement"}


class LineError(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong on a line (counted from 1; 0 for the file as a whole), and what to do about it."""

    file: str = ""
    line: int
    field: str
    rule: str
    message: str
    value: str | None = None
    action: str = "Corrigez la ligne et renvoyez le fichier entier."


class BadLine(Exception):
    """A line that is no entry."""

    def __init__(self, error: LineError) -> None:
        super().__init__(error.message)
        self.error = error


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """What a line says: the cells of its columns, or the entry itself; ``error`` where it says nothing usable."""

    file: str = ""
    number: int
    kind: str = ""
    cells: Mapping[str, str] | None = None
    raw: bytes | None = None
    entry: Entry | None = None
    error: LineError | None = None

    def key(self) -> str | None:
        """The key of the entry whose cells these are; None where the line brings the whole entry."""
        if self.cells is None:
            return None
        siret, code = (unshield(self.cells.get(name, "")).strip() for name in ("siret", "code"))
        match self.kind:
            case "tenant":
                return f"tenant:{unshield(self.cells.get('tenant', '')).strip()}"
            case "structure":
                return f"structure:{siret}"
        return f"{self.kind}:{siret}/{normalise_code(code)}"

    def over(self, current: Entry | None) -> Entry:
        """The entry that the line makes of what is in force. Raises :class:`BadLine`."""
        if self.error is not None:
            raise BadLine(self.error)
        if self.entry is not None:
            return self.entry
        try:
            if self.cells is not None:
                return known(overlay(self.kind, self.cells, current), KINDS[self.kind], strict=False)
            assert self.raw is not None
            return strict(self.raw, KINDS[self.kind])
        except BadCell as error:
            message = f"« {error.value} » ne convient pas : {error.expected} est attendu."
            raise self.bad(error.column, "CELL_INVALID", message, error.value) from error
        except (msgspec.MsgspecError, RecursionError) as error:
            raise self.bad(self.kind, "ENTRY_INVALID", said(error)) from error

    def bad(self, field: str, rule: str, message: str, value: str | None = None) -> BadLine:
        """What is wrong with this line."""
        return BadLine(
            LineError(file=self.file, line=self.number, field=field, rule=rule, message=message, value=value)
        )


_MISSING = re.compile(r"missing required field `([^`]*)`")
_UNKNOWN = re.compile(r"unknown field `([^`]*)`")
_MALFORMED = re.compile(r"JSON is malformed:.*\(byte (\d+)\)")
_EXPECTED = re.compile(r"Expected `([^`]*)`(?:[^`]*`([^`]*)`)?.*?(?: - at `\$\.?([^`]*)`)?$")
_INVALID_VALUE = re.compile(r"Invalid (\S+ )?(?:enum )?value (.*?)(?: - at `\$\.?([^`]*)`)?$")


def said(error: Exception) -> str:
    """Why something is no entry, in French where the reason is one of the usual ones."""
    text = str(error)
    if found := _MISSING.search(text):
        return f"Le champ « {found[1]} » manque."
    if found := _INVALID_VALUE.search(text):
        return f"Le champ « {found[3] or ''} » n'accepte pas la valeur {found[2]}."
    if found := _UNKNOWN.search(text):
        return f"Le champ « {found[1]} » n'existe pas."
    if found := _MALFORMED.search(text):
        return f"Le texte n'est pas du JSON bien formé, à l'octet {found[1]}."
    if found := _EXPECTED.search(text):
        return f"Le champ « {found[3] or 'entrée'} » attend {found[1]}" + (f", pas {found[2]}." if found[2] else ".")
    return f"Entrée illisible : {text}."


def lines_of(directory: DirectoryFile) -> Iterator[Line]:
    """The entries of a file that is in memory, numbered as they stand."""
    kinds = {kind: name for name, kind in KINDS.items()}
    for number, entry in enumerate(directory.entries(), 1):
        yield Line(number=number, kind=kinds[type(entry)], entry=entry)


def read(file: IO[bytes], form: FileForm) -> Iterator[Line]:
    """The lines of a file. CSV and JSON Lines are never in memory as a whole; a JSON document is."""
    match form:
        case "csv":
            return _csv(file)
        case "jsonl":
            return _jsonl(file)
        case "json":
            return _json(file)


def form_of(name: str) -> FileForm | None:
    """The form that a file's name or media type announces."""
    for ending, form in ((".csv", "csv"), (".jsonl", "jsonl"), (".ndjson", "jsonl"), (".json", "json")):
        if name.endswith(ending):
            return form  # type: ignore[return-value]
    return None


def _csv(file: IO[bytes]) -> Iterator[Line]:
    number = 1
    try:
        text = _text(file)
        first = next(text, "")
        names = [name.strip().casefold() for name in next(csv.reader([first], delimiter=_delimiter(first)), [])]
        if wrong := _header_error(names):
            yield Line(number=1, error=wrong)
            return
        reader = csv.reader(text, delimiter=_delimiter(first), strict=True)
        number = 2
        for row in reader:
            if row:
                yield _csv_line(number, names, row)
            number = reader.line_num + 2
    except UnicodeDecodeError:
        yield _unreadable(number, "ENCODING", "Le fichier n'est pas en UTF-8 : enregistrez-le en « CSV UTF-8 ».")
    except csv.Error:
        message = "La ligne n'est pas du CSV : un guillemet n'est pas fermé, ou elle est trop longue."
        yield _unreadable(number, "CSV", message)


def _text(file: IO[bytes]) -> Iterator[str]:
    """Lines of text, none of them longer than a line may be."""
    encoding = "utf-8-sig"
    while raw := file.readline(_MAX_LINE):
        yield raw.decode(encoding)
        encoding = "utf-8"


def _delimiter(header: str) -> str:
    return max((";", ",", "\t"), key=header.count)


def _header_error(names: list[str]) -> LineError | None:
    names = names[: 2 * len(NAMES)]
    unknown = [name for name in names if name not in _IN_FILES]
    twice = sorted({name for name in names if names.count(name) > 1})
    if "entree" in names and not unknown and not twice:
        return None
    said = [
        *(
            ["La colonne « entree » manque (tenant, structure, service, engagement ou gestionnaire)."]
            if "entree" not in names
            else []
        ),
        *(f"La colonne « {name[:50]} » n'existe pas." for name in unknown[:10]),
        *(f"La colonne « {name} » est là deux fois." for name in twice if name in _IN_FILES),
    ]
    return LineError(
        line=1,
        field="colonnes",
        rule="COLUMNS",
        message=" ".join(said),
        action=f"Colonnes possibles, séparées par des points-virgules : {', '.join(_IN_FILES)}.",
    )


def _csv_line(number: int, names: list[str], row: list[str]) -> Line:
    if len(row) > len(names):
        return _unreadable(number, "CSV", f"La ligne a {len(row)} cellules pour {len(names)} colonnes.")
    cells = dict(zip(names, row, strict=False))
    kind = cells.pop("entree").strip().casefold()
    if kind not in KINDS and kind != MANAGER:
        return Line(
            number=number,
            error=LineError(
                line=number,
                field="entree",
                value=kind[:50],
                rule="ENTRY_KIND",
                message="« entree » vaut tenant, structure, service, engagement ou gestionnaire.",
            ),
        )
    allowed = MANAGER_COLUMNS if kind == MANAGER else BY_KIND[kind]
    foreign = [name for name, cell in cells.items() if cell.strip() and name not in allowed]
    if foreign:
        message = f"La colonne « {foreign[0]} » n'a pas de sens pour une entrée « {kind} » : videz la cellule."
        return _unreadable(number, "CELL_FOREIGN", message)
    return Line(number=number, kind=kind, cells=cells)


def _jsonl(file: IO[bytes]) -> Iterator[Line]:
    number = 0
    while raw := file.readline(_MAX_LINE):
        number += 1
        if len(raw) == _MAX_LINE:
            yield _unreadable(number, "LINE_TOO_LONG", "La ligne dépasse 1 Mo.")
            return
        if raw.strip():
            yield _tagged(number, raw)


class _Tagged(msgspec.Struct, frozen=True):
    entree: str


def _tagged(number: int, raw: bytes) -> Line:
    """A JSON line names its kind in ``entree`` beside the entry's own fields."""
    try:
        kind = msgspec.json.decode(raw, type=_Tagged).entree
        if kind not in KINDS and kind != MANAGER:
            raise msgspec.ValidationError("entree: tenant, structure, service, engagement ou gestionnaire")
        return Line(number=number, kind=kind, raw=raw)
    except (msgspec.MsgspecError, RecursionError) as error:
        return _unreadable(number, "ENTRY_INVALID", said(error))


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    tenants: list[msgspec.Raw] = []
    structures: list[msgspec.Raw] = []
    services: list[msgspec.Raw] = []
    engagements: list[msgspec.Raw] = []
    managers: list[msgspec.Raw] = []
    about: msgspec.Raw = msgspec.Raw()


def _json(file: IO[bytes]) -> Iterator[Line]:
    try:
        document = msgspec.json.decode(file.read(), type=_Document)
    except (msgspec.MsgspecError, RecursionError) as error:
        yield _unreadable(0, "JSON", f"Le fichier n'est pas un annuaire JSON. {said(error)}")
        return
    number = 0
    for name, kind in (*_LISTS.items(), ("managers", MANAGER)):
        for raw in getattr(document, name):
            number += 1
            yield Line(number=number, kind=kind, raw=bytes(raw))


def _unreadable(number: int, rule: str, message: str) -> Line:
    return Line(number=number, error=LineError(line=number, field="ligne", rule=rule, message=message))
