"""The roles of a form: which may be ticked at a structure, what was ticked, and how they are told to the API."""

import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from services.portal import member_acts
from services.portal.pages.forms import Form
from services.portal.pages.page import Page
from services.portal.pages.structures_place import first_instant, last_day, last_instant

AGENT: Final = "AGENT"
READS: Final = "LECTURE"
#: More services than these are written, not ticked.
TICKED: Final = 40


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """A role that may be ticked, until when it holds."""

    role: str
    held: bool
    until: str


class Choices(msgspec.Struct, frozen=True, kw_only=True):
    """What a form of roles shows. ``services``: code and label of those that are open; ``codes``: those held."""

    roles: tuple[Choice, ...]
    services: tuple[tuple[str, str], ...]
    codes: tuple[str, ...]
    agent: bool
    agent_until: str
    guest: bool


async def choices(
    page: Page, found: dict[str, Any], held: Sequence[dict[str, Any]], form: Form | None = None, *, guest: bool = False
) -> Choices:
    """What may be given at the structure; as it is held, or as a form that was refused has it."""
    public = bool(found["public"])
    possible = (READS,) if guest else member_acts.AT_BODY if public else member_acts.AT_SUPPLIER
    services = await _services(page, found["structure"]) if AGENT in possible else ()
    now = form if form is not None else _as_form(held)
    return Choices(
        roles=tuple(
            Choice(role=role, held=role in now.all("role"), until=now.text(f"until-{role}"))
            for role in possible
            if role != AGENT
        ),
        services=services,
        codes=tuple(_codes(now)),
        agent=AGENT in possible,
        agent_until=now.text(f"until-{AGENT}"),
        guest=guest,
    )


async def _services(page: Page, siret: str) -> tuple[tuple[str, str], ...]:
    answer = await page.call.get("routing", f"/api/v1/directory/structures/{siret}")
    return tuple(
        (each["code"], each["label"]) for each in (answer.data or {}).get("services", []) if each["open_today"]
    )


def _as_form(held: Sequence[dict[str, Any]]) -> Form:
    values: dict[str, list[str]] = {"role": [], "service": []}
    for each in held:
        if each["role"] == AGENT:
            values["service"].append(each["service"])
        else:
            values["role"].append(each["role"])
        values[f"until-{each['role']}"] = [last_day(each["until"])]
    return Form(values)


def _codes(form: Form) -> list[str]:
    written = re.split(r"[\s,;]+", form.text("services"))
    return list(dict.fromkeys(code for code in (*form.all("service"), *written) if code))


def given(form: Form, held: Sequence[dict[str, Any]] = ()) -> list[dict[str, Any]]:
    """What a form says, as the API takes it. What is held already keeps the day on which it began."""
    since = {(each["role"], each["service"]): each["since"] for each in held}
    wanted: list[tuple[str, str | None]] = [(role[:40], None) for role in dict.fromkeys(form.all("role"))]
    wanted += [(AGENT, code[:100]) for code in _codes(form)]
    return [
        {
            "role": role,
            "service": service,
            "since": since.get((role, service)) or first_instant(form.text(f"since-{role}")),
            "until": last_instant(form.text(f"until-{role}")),
        }
        for role, service in wanted
    ]


def fields_of(roles: Sequence[dict[str, Any]]) -> dict[str, str]:
    """Fields of the form by fields of the API: an error leads to the role, or to the day until which it holds."""
    found = {"roles": "service", "email": "email"}
    for place, each in enumerate(roles):
        box = "service" if each["role"] == AGENT else "role"
        found |= {f"roles.{place}.{name}": box for name in ("role", "service", "since")}
        found[f"roles.{place}.until"] = f"until-{each['role']}"
    return found
