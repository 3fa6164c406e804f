"""What stands in a file of a folder: one JSON event a line, or the status message CPPStatut. Pure.

CPPStatut follows what client code shows of version 1.19 (chorus-pro.md 17): its schema is not public, so the order and
nesting of the elements are this platform's reading (docs/outgoing-files.md).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID
from xml.sax.saxutils import escape

import msgspec

from contracts.events import StatusChanged
from invoice.lifecycle import STATUSES
from services.notify.domain import PARIS
from services.notify.webhook_rules import Known, Scope, public

Format = Literal["jsonl", "cppstatut"]
SUFFIX: dict[Format, str] = {"jsonl": "jsonl", "cppstatut": "xml"}
MEDIA_TYPE: dict[Format, str] = {"jsonl": "application/x-ndjson", "cppstatut": "application/xml"}
_XML_TEXT = {c: " " for c in (*range(0x20), 0x7F, 0xFFFE, 0xFFFF, *range(0xD800, 0xE000)) if c not in (0x9, 0xA, 0xD)}


class Line(msgspec.Struct, frozen=True):
    """An event and the scope in which it was planned into the file."""

    event: Known
    scope: Scope


class Written(msgspec.Struct, frozen=True):
    """A file's bytes, and the events that its format cannot say."""

    content: bytes
    left_out: tuple[UUID, ...] = ()


def file_name(format: Format, structure: str, sequence: int) -> str:
    """``CHORALE_<siret>_<sequence of 15 digits>.<suffix>``: sorted by name is sorted by sequence."""
    return f"CHORALE_{structure}_{sequence:015}.{SUFFIX[format]}"


def write(format: Format, structure: str, name: str, planned_at: datetime, lines: Sequence[Line]) -> Written:
    """The file. It depends on nothing but its arguments."""
    if format == "jsonl":
        return Written(b"".join(msgspec.json.encode(public(line.event, line.scope)) + b"\n" for line in lines))
    return _cppstatut(structure, name, planned_at, lines)


def manifest(name: str, sequence: int, planned_at: datetime, lines: int, written: Written, sha256: str) -> bytes:
    """What says that the file is whole. Written after it: without its manifest a file is not there yet."""
    found = {
        "file": name,
        "sequence": sequence,
        "previous_sequence": sequence - 1 or None,
        "created_at": planned_at,
        "events": lines,
        "left_out": written.left_out,
        "size": len(written.content),
        "sha256": sha256,
    }
    return msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n"


def _cppstatut(structure: str, name: str, planned_at: datetime, lines: Sequence[Line]) -> Written:
    parts, left_out = [], []
    for line in lines:
        data = public(line.event, line.scope)["data"]
        status = STATUSES.get(data.get("status_to", ""))
        if line.event.type != StatusChanged.TYPE or status is None or status.edi is None:
            left_out.append(line.event.id)
        else:
            parts.append(_status(line, data, status.edi))
    head = _elements(
        1, ("Emetteur", "CHORALE"), ("Destinataire", structure), ("NomFichier", name), ("Horodatage", _at(planned_at))
    )
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<CPPStatut version="1.19">\n{head}{"".join(parts)}</CPPStatut>\n'
    return Written(body.encode(), tuple(left_out))


def _status(line: Line, data: dict[str, Any], edi: str) -> str:
    reasons = data.get("reasons", ())
    own = _elements(
        2,
        ("IdStatut", edi),
        ("ComplementStatut", ",".join(reason["code"] for reason in reasons)),
        ("Commentaire", " ".join(reason["message"] for reason in reasons)),
        ("Horodatage", _at(datetime.fromisoformat(data["changed_at"]))),
        ("IdFacture", data["invoice_number"]),
        ("DateFacture", data["issue_date"]),
        ("IdEvenement", str(line.event.id)),
    )
    supplier = _elements(3, ("TypeIdentifiant", "1"), ("Identifiant", data["supplier_siret"]))
    debtor = _elements(
        3,
        ("TypeIdentifiant", "1"),
        ("Identifiant", data["recipient_siret"]),
        ("Nom", data.get("recipient_name", "")),
        ("CodeService", data.get("service_code", "")),
    )
    return (
        f"  <Statut>\n{own}    <Fournisseur>\n{supplier}    </Fournisseur>\n    <Debiteur>\n{debtor}    </Debiteur>\n"
        f"{_elements(2, ('Producteur', data['actor']))}  </Statut>\n"
    )


def _elements(depth: int, *pairs: tuple[str, str | None]) -> str:
    """Elements that have a value, one a line."""
    return "".join(
        f"{'  ' * depth}<{name}>{escape(value.translate(_XML_TEXT))}</{name}>\n" for name, value in pairs if value
    )


def _at(instant: datetime) -> str:
    return instant.astimezone(PARIS).isoformat(timespec="seconds")
