"""The public search of structures: by SIRET or part of it, name, town, postal code, kind, service code or label."""

from collections.abc import Mapping, Sequence

import asyncpg
import msgspec

from invoice.directory import Service, Structure
from invoice.hints import display_name
from services.common.db import Connection
from services.routing import words
from services.routing.words import Known

_SERVICES_SHOWN = 3
_CHUNK = 20_000
_WHOLE = 2  # the queries that want every word; when these find enough, nothing is looked for that lacks one
_ENOUGH = 3
_LONGEST_CODE = 6  # digits of a number that may be a postal code or a code
_structure = msgspec.json.Decoder(Structure).decode
_service = msgspec.json.Decoder(Service).decode

_KNOWN = """
select t.word as asked, w.word, w.uses, 'same' as how from unnest($1::text[]) t(word) join search_word w using (word)
union all
select t.word, b.word, b.uses, 'begins' from unnest($2::text[]) t(word) cross join lateral (
    select w.word, w.uses from search_word w
    where w.word > t.word collate "C" and w.word < (t.word || '~') collate "C" order by w.uses desc limit 12) b
"""
_NEAR = """
select v.asked, v.word, w.uses, 'near' as how from (
    select distinct a.asked, v.word from unnest($1::text[], $2::text[]) a(asked, variant)
    join search_variant v on v.variant = a.variant collate "C"
    where v.word <> a.asked collate "C" and abs(length(v.word) - length(a.asked)) <= 2) v
cross join lateral (select w.uses from search_word w where w.word = v.word limit 1) w
limit 1500
"""
_BY_NUMBER = """
select siret, min(stage) as stage from (
    (select siret, 1 as stage from search_entry
    where siret between rpad($1, 14, '0') and rpad($1, 14, '9') order by siret limit $2)
    union all
    (select siret, 2 from search_entry
    where reverse(siret) between rpad(reverse($1), 14, '0') and rpad(reverse($1), 14, '9') limit $2)) found
group by siret order by min(stage), siret limit $2
"""
_SHOWN = """
select s.siret, s.entry::text as structure, v.services
from unnest($1::text[]) with ordinality t(siret, place) join structure s using (siret)
left join lateral (
    select array_agg(x.entry::text) as services from (
        select v.entry from service v
        where v.siret = s.siret and string_to_array(v.words, ' ') && $2::text[]
        order by (select count(*) from unnest($2::text[]) w where w = any (string_to_array(v.words, ' '))) desc, v.code
        limit $3) x
) v on true
order by t.place
"""


class Hit(msgspec.Struct, frozen=True):
    """A structure that was found, with those of its services that the query names."""

    structure: Structure
    services: tuple[Service, ...]


async def search(connection: Connection, text: str, limit: int) -> list[Hit]:
    """What ``text`` may mean, best first: numbers by SIRET, then words; nothing that is not public is looked at."""
    asked = words.asked_words(text)
    digits = words.number_in(text)
    sirets: list[str] = []
    spoken: list[str] = []
    if asked and (digits is None or len(digits) <= _LONGEST_CODE):
        # A number that a body names (postal code, code of a service) goes before what only has it in its SIRET.
        sirets, spoken = await _by_words(connection, asked, limit)
    if digits is not None and len(sirets) < limit:
        sirets = list(dict.fromkeys([*sirets, *await _by_number(connection, digits, limit)]))
    return await _shown(connection, sirets[:limit], spoken) if sirets else []


async def _by_number(connection: Connection, digits: str, limit: int) -> list[str]:
    if len(digits) in (13, 14, 15):
        rows = await connection.fetch(
            "select siret from search_entry where siret = any($1::text[]) order by siret <> $2, not active, siret"
            " limit $3",
            [digits, *words.mistyped_sirets(digits)],
            digits,
            limit,
        )
        found = [row["siret"] for row in rows]
        if found:
            return found[:1] if found[0] == digits else found
    if len(digits) >= 14:
        return []
    found = [row["siret"] for row in await connection.fetch(_BY_NUMBER, digits, limit)]
    if len(found) < limit and len(digits) >= 4:
        rows = await connection.fetch("select siret from sirets_holding($1, $2)", digits, limit)
        found = list(dict.fromkeys([*found, *(row["siret"] for row in rows)]))
    return found


async def _by_words(connection: Connection, asked: Sequence[str], limit: int) -> tuple[list[str], list[str]]:
    """SIRETs, best first, and the words that they were found by."""
    rows = await connection.fetch(_KNOWN, list(asked), [word for word in asked[-1:] if len(word) >= 3])
    known = [_known(row) for row in rows]
    unknown = {word for word in asked if words.correctable(word)} - {found.asked for found in known}
    known += await _near(connection, sorted(unknown))
    lists = words.choose(asked, known)
    found = await _hits(connection, lists, limit)
    return found, [word for one in lists for word in one]


async def _near(connection: Connection, asked: Sequence[str]) -> list[Known]:
    pairs = [(word, variant) for word in asked for variant in words.variants(word)]
    if not pairs:
        return []
    rows = await connection.fetch(_NEAR, [word for word, _ in pairs], [variant for _, variant in pairs])
    return [_known(row) for row in rows]


def _known(row: asyncpg.Record) -> Known:
    return Known(row["asked"], row["word"], row["uses"], row["how"])


async def _hits(connection: Connection, lists: Sequence[Sequence[str]], limit: int) -> list[str]:
    """Bodies whose own names say it all, then with their services, then those that lack a word."""
    found: dict[str, None] = {}
    for stage, (own, query) in enumerate(words.queries(lists), 1):
        rows = await connection.fetch(
            "select siret from search_hits($1, $2::text::tsquery, $3::text::tsquery, $4)",
            own,
            query,
            words.some(lists),
            limit,
        )
        found.update(dict.fromkeys(row["siret"] for row in rows))
        if len(found) >= (limit if stage < _WHOLE else _ENOUGH):
            break
    return list(found)[:limit]


async def _shown(connection: Connection, sirets: Sequence[str], spoken: Sequence[str]) -> list[Hit]:
    rows = await connection.fetch(_SHOWN, list(sirets), list(spoken), _SERVICES_SHOWN)
    return [
        Hit(_structure(row["structure"]), tuple(_service(entry) for entry in row["services"] or ())) for row in rows
    ]


async def learn(connection: Connection, said: Mapping[str, int]) -> None:
    """Take in words with how many entries brought them."""
    if not said:
        return
    rows = await connection.fetch(
        "insert into search_word as w (word, uses)"
        " select word, uses from unnest($1::text[], $2::bigint[]) x(word, uses)"
        " order by word on conflict (word) do update set uses = w.uses + excluded.uses"
        " returning word, xmax = 0 as fresh",
        list(said),
        list(said.values()),
    )
    pairs = [
        (variant, row["word"])
        for row in rows
        if row["fresh"] and words.correctable(row["word"])
        for variant in words.variants(row["word"])
    ]
    for start in range(0, len(pairs), _CHUNK):
        chunk = pairs[start : start + _CHUNK]
        await connection.execute(
            "insert into search_variant (variant, word) select v, w from unnest($1::text[], $2::text[]) x(v, w)"
            " on conflict do nothing",
            [variant for variant, _ in chunk],
            [word for _, word in chunk],
        )


async def index(connection: Connection, sirets: Sequence[str]) -> None:
    """Bring the index to what these structures and their services say now."""
    for start in range(0, len(sirets), 2_000):
        await connection.execute("select reindex($1::text[])", sirets[start : start + 2_000])


def label(structure: Structure) -> str:
    """The name that hits are sorted by."""
    return display_name(structure)
