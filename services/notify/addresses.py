"""The managers' addresses: checked, replaced structure by structure, loaded from a file."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from invoice.identifiers import InvalidIdentifier, normalise_code, parse_siret
from services.common.db import Connection
from services.notify.domain import clean_address
from services.notify.letters import one_line


class Manager(msgspec.Struct, frozen=True, kw_only=True):
    """Who is told on behalf of a structure; with ``service_code`` None, of all that it receives."""

    siret: str
    name: str
    email: str
    service_code: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Builtins, for the API."""
        return msgspec.structs.asdict(self)


class InvalidManager(Exception):
    """Some entries cannot be used; ``problems`` says which field of which entry, why and what to do."""

    def __init__(self, problems: Sequence[dict[str, Any]]) -> None:
        super().__init__(f"{len(problems)} invalid entries")
        self.problems = list(problems)


def check(rows: Iterable[Mapping[str, Any]]) -> list[Manager]:
    """Clean entries, each once. Raises :class:`InvalidManager` with every problem."""
    found: dict[tuple[str, str | None, str], Manager] = {}
    problems: list[dict[str, Any]] = []
    for index, row in enumerate(rows):
        where = f"managers.{index}"
        siret, email = _siret(row, where, problems), _email(row, where, problems)
        code = row.get("service_code")
        name = one_line(str(row.get("name") or ""))
        if siret and email:
            manager = Manager(
                siret=siret, service_code=one_line(code) or None if code else None, name=name, email=email
            )
            key = normalise_code(manager.service_code) if manager.service_code else None
            found[siret, key, email] = manager
    if problems:
        raise InvalidManager(problems)
    return list(found.values())


def _siret(row: Mapping[str, Any], where: str, problems: list[dict[str, Any]]) -> str | None:
    try:
        return parse_siret(str(row.get("siret") or ""))
    except InvalidIdentifier as error:
        problems.append(
            {
                "field": f"{where}.siret",
                "value": str(row.get("siret"))[:40],
                "rule": error.code,
                "message": "Ce n'est pas un SIRET valide.",
                "action": "Recopiez les 14 chiffres.",
            }
        )
        return None


def _email(row: Mapping[str, Any], where: str, problems: list[dict[str, Any]]) -> str | None:
    email = clean_address(str(row.get("email") or ""))
    if email is None:
        problems.append(
            {
                "field": f"{where}.email",
                "value": str(row.get("email"))[:80],
                "rule": "EMAIL_FORM",
                "message": "Ce n'est pas une adresse électronique.",
                "action": "Écrivez-la sous la forme nom@domaine.fr.",
            }
        )
    return email


class Replaced(msgspec.Struct, frozen=True, kw_only=True):
    """How many structures have these managers now, how many addresses came and how many went."""

    structures: int
    added: int
    removed: int


async def replace(connection: Connection, managers: Sequence[Manager]) -> Replaced:
    """Make these the only managers of their structures, in the running transaction."""
    sirets = sorted({manager.siret for manager in managers})
    rows = await connection.fetch(
        "delete from manager where siret = any($1) returning siret, service_key, email", sirets
    )
    before = {tuple(row) for row in rows}
    codes = [manager.service_code for manager in managers]
    keys = [normalise_code(code) if code else None for code in codes]
    await connection.execute(
        "insert into manager (siret, service_code, service_key, name, email)"
        " select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])",
        [manager.siret for manager in managers],
        codes,
        keys,
        [manager.name for manager in managers],
        [manager.email for manager in managers],
    )
    after = {(manager.siret, key, manager.email) for manager, key in zip(managers, keys, strict=True)}
    return Replaced(structures=len(sirets), added=len(after - before), removed=len(before - after))


async def foreign(connection: Connection, managers: Sequence[Manager]) -> set[str]:
    """The structures that are not the caller's, in whose scope this runs: neither his own nor his tenants'."""
    rows = await connection.fetch(
        "select s from unnest($1::text[]) s where not runs_structure(s)",
        sorted({manager.siret for manager in managers}),
    )
    return {row["s"] for row in rows}


async def read(connection: Connection, siret: str | None) -> list[Manager]:
    """The managers of a structure, or all."""
    rows = await connection.fetch(
        "select siret, service_code, name, email from manager where $1::text is null or siret = $1"
        " order by siret, service_code nulls first, email",
        siret,
    )
    return [Manager(**dict(row)) for row in rows]


def from_file(path: Path) -> list[Manager]:
    """The managers of a JSON file (``{"managers": [...]}``). Raises :class:`InvalidManager`, OSError, ValueError."""
    data = json.loads(path.read_text("utf-8"))
    return check(data["managers"])
