"""Names of structures, services and people, which the other services do not keep: they know keys and subjects."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from services.portal import emails
from services.portal.pages.page import Page
from services.portal.structure import called

#: Whoever came first has given a company its name: it counts once somebody was verified there.
_STRUCTURES: Final = (
    "select k.key, s.name as given, t.name as tenant, p.name as public,"
    " coalesce(case when exists (select from membership m"
    "  where m.structure = s.id and m.verified and m.left_at is null) then s.name end, f.name) as name"
    " from unnest($1::text[]) k(key) left join structure s on s.key = k.key"
    " left join public_structure p on p.siret = k.key and not p.deleted"
    " left join public_tenant t on t.id = p.tenant and not t.deleted"
    " left join sirene_establishment f on f.siret = k.key"
)
_SERVICES: Final = (
    "select s.siret, s.code, s.label from unnest($1::text[], $2::text[]) k(siret, code)"
    " join public_service s on s.siret = k.siret and s.code = k.code and not s.deleted"
)
_PEOPLE: Final = (
    "select subject, name from account where subject = any($1::text[]) and name <> ''"
    " union all select 'software:' || id, name from software where 'software:' || id = any($1::text[])"
)
#: As a page shows somebody, or as he signs in, or by his own name for programs.
_SUBJECTS: Final = (
    "select subject from account where lower(name) = lower($1) or email_key = $2 or subject = $1"
    " union all select 'software:' || id from software where lower(name) = lower($1) or 'software:' || id = $1"
    " order by subject limit $3"
)


async def of_structures(page: Page, keys: Iterable[str | None]) -> dict[str, str]:
    """Names by SIRET or other key, of those that have one here; one that nobody answers for says so."""
    asked = sorted({key for key in keys if key})
    if not asked:
        return {}
    rows = await page.house.parts.pool.fetch(_STRUCTURES, asked)
    said = {row["key"]: _named(page, dict(row)) for row in rows}
    return {key: name for key, name in said.items() if name}


async def of_services(page: Page, keys: Iterable[tuple[str, str | None]]) -> dict[tuple[str, str | None], str]:
    """Labels of services by SIRET and code, of those that the directory has published."""
    asked = sorted({(siret, code) for siret, code in keys if code})
    if not asked:
        return {}
    rows = await page.house.parts.pool.fetch(_SERVICES, [siret for siret, _ in asked], [code for _, code in asked])
    return {(row["siret"], row["code"]): row["label"] for row in rows}


def _named(page: Page, row: Mapping[str, Any]) -> str | None:
    """A body as suppliers know it; a company by its name, marked where nobody answers for it."""
    if row["public"]:
        return called(row["public"], row["tenant"])
    return row["name"] or (row["given"] and page.t("names.given", name=row["given"]))


async def of_people(page: Page, subjects: Iterable[str | None]) -> dict[str, str]:
    """Names by subject, of people and of software: only of subjects that a service told to who looks."""
    asked = sorted({subject for subject in subjects if subject})
    if not asked:
        return {}
    return {row["subject"]: row["name"] for row in await page.house.parts.pool.fetch(_PEOPLE, asked)}


async def subjects_of(page: Page, written: str, most: int) -> list[str]:
    """Whom somebody may mean: by the name that pages show, the address, or the subject; ``most`` of them."""
    rows = await page.house.parts.pool.fetch(_SUBJECTS, written, emails.key(written), most)
    return [row["subject"] for row in rows]
