"""Who made a structure's software and secrets, and whether he still manages the structure.

A secret is the structure's: it opens until it is revoked or ends, whoever made it. But whoever made it has seen it. So
those who manage are told when he manages no more, and see it in the list.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import uuid5

import asyncpg
import msgspec

from services.common.db import Connection
from services.portal.member_desk import Scene

LETTER: Final = "ACCOUNT_NOTICE"
_MOST_NAMED: Final = 5
#: Managers of the side that manages, who stands in for one of them now, the tenant's administrators, the operators.
_MANAGING: Final = (
    "with place as (select k.key, s.id, p.tenant from unnest($1::text[]) k(key) left join structure s on s.key = k.key"
    "  left join public_structure p on p.siret = k.key and not p.deleted),"
    " manager as (select place.key, place.id, m.subject from place join membership m on m.structure = place.id"
    "  and m.left_at is null and m.manager is not null and (m.side = 'body') = (place.tenant is not null))"
    " select key, subject from manager where subject = any($2::text[])"
    " union select manager.key, d.receiver from manager join delegation d on d.structure = manager.id"
    "  and d.giver = manager.subject and d.ended_at is null and d.since <= $3 and d.until > $3"
    "  where d.receiver = any($2::text[])"
    " union select place.key, o.subject from place join held_office o on o.withdrawn_at is null"
    "  and (o.role = 'OPERATEUR' or (o.role = 'TENANT_ADMIN' and o.tenant = place.tenant))"
    "  where o.subject = any($2::text[])"
)
_STAND_IN: Final = (
    "select distinct receiver from delegation where structure = $1 and giver = any($2::text[])"
    " and receiver is not null and ended_at is null"
)
_SECRETS: Final = (
    "select a.name, s.hint from software_secret s join software a on a.id = s.software where a.structure = $1"
    " and s.made_by = $2 and s.revoked_at is null and s.expires_at > $3 and a.revoked_at is null"
    " order by a.name, s.made_at, s.id"
)
_MADE: Final = (
    "select distinct a.structure from software_secret s join software a on a.id = s.software where s.made_by = $1"
    " and s.revoked_at is null and s.expires_at > $2 and a.revoked_at is null and (exists (select from structure t"
    "  where t.key = a.structure) or exists (select from public_structure p where p.siret = a.structure"
    "  and not p.deleted))"
)


class Makers(msgspec.Struct, frozen=True):
    """Names by subject, and at which structure (its key) who manages now."""

    names: Mapping[str, str]
    managing: frozenset[tuple[str, str]]

    def name(self, subject: str) -> str:
        """As his account has it; empty once it is erased."""
        return self.names.get(subject, "")

    def manages(self, structure: str, subject: str) -> bool:
        """Whether he could make a secret there today."""
        return (structure, subject) in self.managing


async def of(connection: Connection, made: Iterable[tuple[str, str]], now: datetime) -> Makers:
    """Those who made something for a structure: pairs of its key and a subject. As the owner of the schema."""
    pairs = set(made)
    subjects = sorted({subject for _, subject in pairs})
    names = await connection.fetch("select subject, name from account where subject = any($1::text[])", subjects)
    managing = await _managing(connection, {key for key, _ in pairs}, subjects, now)
    return Makers({row["subject"]: row["name"] for row in names}, frozenset(managing))


async def _managing(
    connection: Connection, keys: Collection[str], subjects: Collection[str], now: datetime
) -> set[tuple[str, str]]:
    rows = await connection.fetch(_MANAGING, sorted(keys), sorted(subjects), now)
    return {(row["key"], row["subject"]) for row in rows}


async def managed(connection: Connection, subject: str, now: datetime) -> list[str]:
    """The structures, by key, that somebody manages now and of whose software he has made live secrets."""
    keys = [row["structure"] for row in await connection.fetch(_MADE, subject, now)]
    return sorted(key for key, _ in await _managing(connection, keys, [subject], now))


async def tell(scene: Scene, *subjects: str) -> None:
    """Tell those who manage the structure of live secrets made by these people, and by those who stand in for them,
    where they manage it no more.

    Called last in what may have ended it: each time it ends is told once.
    """
    key = scene.structure.key
    rows = await scene.conn.fetch(_STAND_IN, scene.structure.id, list(subjects))
    concerned = sorted({*subjects, *(row["receiver"] for row in rows)})
    managing = await _managing(scene.conn, [key], concerned, scene.tx.now)
    for subject in concerned:
        if (key, subject) in managing:
            continue
        secrets = await scene.conn.fetch(_SECRETS, key, subject, scene.tx.now)
        if secrets:
            readers = [each for each in await scene.deciders() if each != subject]
            name = await scene.conn.fetchval("select name from account where subject = $1", subject)
            await _write(scene, readers, subject, name or "—", secrets)


async def _write(
    scene: Scene, readers: Sequence[str], subject: str, name: str, secrets: Sequence[asyncpg.Record]
) -> None:
    named = ", ".join(f"{row['name']} (…{row['hint']})" for row in secrets[:_MOST_NAMED])
    if len(secrets) > _MOST_NAMED:
        named += ", …"
    words = {language: _words(language, name, scene.structure.name, named) for language in ("fr", "en")}
    of = uuid5(scene.cause.id, f"software-secrets/{scene.structure.key}/{subject}")
    await scene.tell_each(LETTER, readers, of, words)


def _words(language: str, name: str, structure: str, secrets: str) -> dict[str, str]:
    if language == "en":
        return {
            "heading": f"{structure}: software secrets made by somebody who no longer manages",
            "words": f"{name} no longer manages {structure}, and made secrets that still open its software: {secrets}."
            " They belong to the structure and go on working.",
            "todo": "If they should be known to nobody who left: make new secrets, put them into the software, then"
            " revoke these.",
        }
    return {
        "heading": f"{structure} : secrets de logiciels faits par une personne qui ne gère plus",
        "words": f"{name} ne gère plus {structure} et a fait des secrets qui ouvrent encore ses logiciels : {secrets}."
        " Ils appartiennent à la structure et continuent de servir.",
        "todo": "S'ils ne doivent plus être connus d'une personne partie : faites-en de nouveaux, placez-les dans les"
        " logiciels, puis révoquez ceux-ci.",
    }
