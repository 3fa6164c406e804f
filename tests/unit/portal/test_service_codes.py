"""Codes of services, of which the directory takes any signs: each is carried by a right and the trail, or refused."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pydantic import ValidationError

from contracts.events import Grant
from invoice.cadres import MAX_SERVICE_CODE
from invoice.directory import Service
from invoice.directory_checks import entry_problems
from services.common.db import Connection
from services.common.principal import of_grants
from services.common.web import Problem
from services.portal import audit, member_acts
from services.portal.member_desk import Scene
from services.portal.member_store import Given
from services.portal.member_views import RoleIn
from services.portal.software_domain import Place, Refused, check

SIRET = "22060001900016"
NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
#: Every sign of the first planes that people write with, and some far ones.
SIGNS = [chr(n) for n in (*range(0x3100), *range(0xFE00, 0x10000), 0x1F600, 0xE0001, 0x10FFFF)]


class _Trail:
    """Takes what would be written."""

    def __init__(self) -> None:
        self.written: list[str] = []

    async def execute(self, statement: str, *values: Any) -> str:
        self.written.append(values[6])
        return "INSERT 0 1"

    async def fetch(self, statement: str, *values: Any) -> list[Any]:
        return []  # the directory has every code that is asked for


def allowed(code: str) -> bool:
    """Whether the directory takes a service of this code."""
    return not entry_problems(Service(siret=SIRET, code=code, label="Un service"))


def scene_with(trail: _Trail) -> Scene:
    """A public body."""
    place, tx = SimpleNamespace(key=SIRET), SimpleNamespace(now=NOW)
    return cast(Scene, SimpleNamespace(body=object(), conn=trail, tx=tx, structure=place))


async def given(code: str) -> str | None:
    """The rule by which a right at this service is refused; None where it was given, and stands in the trail."""
    try:
        role = RoleIn(role="AGENT", service=code).given()
    except ValidationError:
        return "REQUEST_INVALID"
    trail = _Trail()
    try:
        await member_acts.check_roles(scene_with(trail), [role], guest=False)
    except Problem as problem:
        return problem.code
    connection = cast(Connection, trail)
    details: dict[str, audit.Detail] = {"roles": [member_acts.shown(role)], "services": [audit.Code(code)]}
    await audit.write(connection, at=cast(Any, None), actor="person:x", action="member.roles_given", details=details)
    assert len(trail.written) == 1
    return None


async def test_a_code_of_any_signs_is_carried_to_the_services_and_the_trail_or_refused_in_words() -> None:
    refused: dict[str, set[str]] = {}
    carried = 0
    for sign in SIGNS:
        code = f"A{sign}B"
        if not allowed(code):
            continue
        rule = await given(code)
        if rule is not None:
            refused.setdefault(rule, set()).add(sign)
            continue
        carried += 1
        scope = of_grants("person:x", [Grant(role="AGENT", structure=SIRET, service=code, tenant="cd06")]).scope()
        # As row-level security takes the list apart.
        assert scope["recipient_services"].split(",") == [f"{SIRET}/{code}"], sign
    assert refused.pop("SERVICE_CODE_COMMA") == {","}
    assert refused.pop("REQUEST_INVALID") == {chr(n) for n in (*range(0x20), *range(0x7F, 0xA0))}
    assert refused == {}
    assert carried > 12_000


@pytest.mark.parametrize(
    "code", ["@" * MAX_SERVICE_CODE, "\u00a0" * (MAX_SERVICE_CODE - 1) + "x", "RH@SIEGE", "A/B"], ids=range(4)
)
async def test_the_longest_and_the_oddest_codes_are_given(code: str) -> None:
    assert allowed(code)
    assert await given(code) is None


async def test_a_code_with_a_comma_is_refused_with_what_to_do() -> None:
    with pytest.raises(Problem) as raised:
        await member_acts.check_roles(scene_with(_Trail()), [Given(role="AGENT", service="DRH,DSI")], guest=False)
    (error,) = raised.value.errors
    assert (raised.value.status, error["value"], error["rule"]) == (422, "DRH,DSI", "SERVICE_CODE_COMMA")
    assert "annuaire" in error["action"]
    with pytest.raises(Refused) as software:
        check(Place(structure=SIRET, tenant="cd06", supplier=False), ["AGENT"], ["DRH,DSI"])
    assert software.value.rule == "SERVICE_CODE_COMMA"


async def test_words_of_somebody_are_still_refused_by_the_trail() -> None:
    with pytest.raises(ValueError, match="personal data"):
        await audit.write(
            cast(Connection, _Trail()),
            at=cast(Any, None),
            actor="person:x",
            action="member.roles_given",
            details={"note": "claire@menuiserie.example"},
        )
