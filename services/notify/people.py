"""Who reads at an address: language, choices, whether mail arrives; and the contact address of an account."""

from collections.abc import Collection, Iterable, Mapping

import msgspec

from services.common.db import Connection
from services.notify.domain import Language
from services.notify.matrix import EVERY_KIND, Cadence


class Person(msgspec.Struct, frozen=True):
    """What is known of an address. ``cadences`` by kind; ``dead`` once a bounce has said so."""

    language: Language = "fr"
    cadences: Mapping[str, Cadence] = msgspec.field(default_factory=dict)
    dead: bool = False


NOBODY_SPECIAL = Person()
_cadences = msgspec.json.Decoder(dict[str, Cadence])


async def load(connection: Connection, addresses: Collection[str]) -> dict[str, Person]:
    """What is known of these addresses; most are not in it."""
    if not addresses:
        return {}
    rows = await connection.fetch(
        "select address, language, cadences, dead_at is not null as dead from person where address = any($1)",
        list(addresses),
    )
    return {row["address"]: Person(row["language"], _cadences.decode(row["cadences"]), row["dead"]) for row in rows}


async def choose(
    connection: Connection, address: str, cadences: Mapping[str, Cadence | None], language: Language | None = None
) -> Person:
    """Keep what a reader chose; a cadence None forgets the choice. Returns the person after it."""
    kept = {kind: chosen for kind, chosen in cadences.items() if chosen is not None}
    gone = [kind for kind, chosen in cadences.items() if chosen is None]
    row = await connection.fetchrow(
        "insert into person as p (address, language, cadences) values ($1, coalesce($2, 'fr'), $3::jsonb)"
        " on conflict (address) do update set language = coalesce($2, p.language),"
        " cadences = (p.cadences || excluded.cadences) - $4::text[]"
        " returning language, cadences, dead_at is not null as dead",
        address,
        language,
        msgspec.json.encode(kept).decode(),
        gone,
    )
    assert row is not None
    return Person(row["language"], _cadences.decode(row["cadences"]), row["dead"])


async def end(connection: Connection, address: str, kind: str) -> None:
    """No more mail of this kind to the address. With every kind ended, no earlier choice of a single one stands."""
    if kind == EVERY_KIND:
        known = (await load(connection, [address])).get(address, NOBODY_SPECIAL)
        await choose(connection, address, dict.fromkeys(known.cadences))
    await choose(connection, address, {kind: "off"})


async def revive(connection: Connection) -> int:
    """An address counts again once somebody who may has said so after its bounce: he registered it anew, or confirmed
    it as his own. Should it be dead all the same, the next bounce says so. Returns how many live again."""
    rows = await connection.fetch(
        "with spoken (address, at) as (select email, loaded_at from manager"
        " union all select email, changed_at from correspondent"
        " union all select address, asked_at from contact where address is not null and asked is null"
        " union all select login, login_at from contact where login is not null)"
        " update person p set dead_at = null, dead_reason = null"
        " from (select address, max(at) as at from spoken group by address) s"
        " where p.address = s.address and p.dead_at < s.at returning p.address"
    )
    return len(rows)


async def contacts_of(connection: Connection, subjects: Iterable[str]) -> dict[str, str]:
    """Where these accounts want their messages: the address they confirmed, else the one they sign in with."""
    rows = await connection.fetch(
        "select subject, coalesce(address, login) as address from contact"
        " where subject = any($1) and coalesce(address, login) is not null",
        list(subjects),
    )
    return {row["subject"]: row["address"] for row in rows}
