"""Names of structures and of people, which the other services do not keep: they know keys and subjects."""

from collections.abc import Iterable
from typing import Final

from services.portal.pages.page import Page

#: Whoever came first has given a company its name: it counts once somebody was verified there.
_STRUCTURES: Final = (
    "select k.key, s.name as given, coalesce(p.name, case when exists (select from membership m"
    "  where m.structure = s.id and m.verified and m.left_at is null) then s.name end, f.name) as name"
    " from unnest($1::text[]) k(key) left join structure s on s.key = k.key"
    " left join public_structure p on p.siret = k.key and not p.deleted"
    " left join sirene_establishment f on f.siret = k.key"
)
_PEOPLE: Final = (
    "select subject, name from account where subject = any($1::text[]) and name <> ''"
    " union all select 'software:' || id, name from software where 'software:' || id = any($1::text[])"
)


async def of_structures(page: Page, keys: Iterable[str | None]) -> dict[str, str]:
    """Names by SIRET or other key, of those that have one here; one that nobody answers for says so."""
    asked = sorted({key for key in keys if key})
    if not asked:
        return {}
    rows = await page.house.parts.pool.fetch(_STRUCTURES, asked)
    said = {row["key"]: row["name"] or (row["given"] and page.t("names.given", name=row["given"])) for row in rows}
    return {key: name for key, name in said.items() if name}


async def of_people(page: Page, subjects: Iterable[str | None]) -> dict[str, str]:
    """Names by subject, of people and of software: only of subjects that a service told to who looks."""
    asked = sorted({subject for subject in subjects if subject})
    if not asked:
        return {}
    return {row["subject"]: row["name"] for row in await page.house.parts.pool.fetch(_PEOPLE, asked)}
