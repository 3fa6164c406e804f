"""Lists of sollicitations: what stands at each place of the caller, by an index of its own, then put together.

The wall (row-level security) is an alternative of many ways to see a row, which no index serves: asked for alone, it is
tried on every sollicitation there is. So a list asks for each place by itself and the wall is tried on what that finds.
"""

from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

import msgspec

from services.common.db import Connection
from services.portal.solicitation import COLUMNS, PREFIX, Solicitation, State, row_of

Box = Literal["sent", "received"]
_SIDES: Final = {"sent": "asker", "received": "addressee"}
#: Where the caller stands, by kind of side; ``service`` null: at the whole structure.
_PLACES: Final = (
    "(select kind, unnest(portal_claimed(claim)) as structure, null::text as service from (values"
    " ('supplier', 'supplier_structures'), ('validator', 'validator_structures'), ('moe', 'moe_structures'),"
    " ('moa', 'moa_structures'), ('body', 'recipient_structures')) claims(kind, claim)"
    " union all select 'body', split_part(k, '/', 1), substr(k, strpos(k, '/') + 1)"
    " from unnest(portal_claimed('recipient_services')) k) p"
)
_TENANTS: Final = "(select unnest(portal_claimed('admin_tenants')) as tenant) p"


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What a list is narrowed to. ``after``: the last one of the page before."""

    state: State | None = None
    box: Box | None = None
    category: str | None = None
    invoice: UUID | None = None
    words: str | None = None
    after: tuple[datetime, UUID] | None = None


def _ways(box: Box) -> list[tuple[str, str]]:
    """Each way to stand on that side: what the caller has, and what a sollicitation is then."""
    side = _SIDES[box]
    # "offset 0": as an expression of the wall itself it would pass for one that leaks rows, and could use no index.
    own = (
        ("(select portal_subject() as subject offset 0) p", "author = p.subject")
        if box == "sent"
        else ("(select where portal_operator()) p", "addressee = 'support'")
    )
    at = f"{side} = p.kind and {side}_structure = p.structure and (p.service is null or {side}_service = p.service)"
    return [own, (_PLACES, at), (_TENANTS, f"{side} = 'body' and tenant = p.tenant")]


def statement(wanted: Wanted, limit: int) -> tuple[str, list[Any]]:
    """The question for a list, with its values."""
    narrowed, values = _narrowed(wanted)
    boxes: tuple[Box, ...] = ("sent", "received") if wanted.box is None else (wanted.box,)
    last = f"order by changed_at desc, id desc limit {int(limit)}"
    arms = [
        f"select s.id, s.changed_at from {place} cross join lateral"
        f" (select id, changed_at from solicitation where {condition}{narrowed} {last}) s"
        for box in boxes
        for place, condition in _ways(box)
    ]
    found = f"select id from ({' union '.join(arms)}) found {last}"
    return (
        f"select {COLUMNS} from solicitation where id = any(array({found})) order by changed_at desc, id desc",
        values,
    )


def _narrowed(wanted: Wanted) -> tuple[str, list[Any]]:
    """Further conditions, each with ``and`` before it, and their values."""
    conditions: list[str] = []
    values: list[Any] = []

    def ask(condition: str, *given: Any) -> None:
        places = [f"${len(values) + n}" for n in range(1, len(given) + 1)]
        values.extend(given)
        conditions.append(f" and {condition.format(*places)}")

    if wanted.state is not None:
        ask("state = {}", wanted.state)
    if wanted.category is not None:
        ask("category = {}", wanted.category)
    if wanted.invoice is not None:
        ask("invoice = {}", wanted.invoice)
    if wanted.words is not None:
        ask(
            "(position(lower({0}) in lower(title)) > 0"
            " or position(lower({0}) in lower(coalesce(invoice_number, ''))) > 0"
            f" or '{PREFIX}' || lpad(number::text, 7, '0') = upper({{0}}))",
            wanted.words,
        )
    if wanted.after is not None:
        ask("(changed_at, id) < ({}, {})", *wanted.after)
    return "".join(conditions), values


async def listed(connection: Connection, wanted: Wanted, limit: int) -> list[Solicitation]:
    """Those of the caller, what moved last first. ``connection`` is scoped to him."""
    question, values = statement(wanted, limit)
    return [row_of(row) for row in await connection.fetch(question, *values)]
