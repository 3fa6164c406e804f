"""As whom somebody counts invoices, and how those that are his are found."""

from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from services.common.auth import Principal
from services.status import search
from services.status.places import Places, places

_PARTIES: Final = "select invoice from invoice_party where structure = any ($1) and valid_until is null"
#: The address of a sum by service.
_THERE: Final = "structure || '/' || service"
_SUPPLIERS: Final = ("F", "V1", "V2", "MOE", "MOA")
_GUESTS: Final[dict[str | None, tuple[str, ...]]] = {"to_validate": ("V1", "V2"), "works": ("MOE", "MOA", "F")}
Standing = Literal["operator", "tenant", "structure", "service", "supplier", "guest", "none"]


class Side(msgspec.Struct, frozen=True):
    """As whom the caller counts. Where ``sums`` is false open invoices are read, those that ``column`` says are his.

    ``scopes`` of ``column`` "service" are one service and the tenants within which it is looked for. ``status_kind``:
    which sums tell his invoices by status; none do for one who sees only what he deposited.
    """

    standing: Standing
    actors: tuple[str, ...]
    scopes: Sequence[str]
    status_kind: str
    sums: bool
    column: str = ""


_NONE: Final = Side("none", (), [], "supplier", False, "supplier")


def side_of(principal: Principal, tenant: str | None = None, looked: search.Side | None = None) -> Side:
    """The widest standing that the claims give; ``tenant`` narrows an operator's or an administrator's.

    ``looked``: the side that he looks from, where he may stand on several.
    """
    held = places(principal)
    if looked in _GUESTS:
        scopes = sorted({*held.guests, *(held.supplier if looked == "works" else ())})
        return Side("guest", _GUESTS[looked], scopes, "", False, looked or "")
    if looked == "issued":  # what waits for a validator of his does not wait for him
        return msgspec.structs.replace(_issuing(principal, held), actors=("F",))
    if held.everything:
        if tenant is None:
            return Side("operator", ("S",), ["*"], "tenant", True)
        return Side("tenant", ("D", "C"), [tenant], "service", True)
    if held.admin_tenants:
        return Side("tenant", ("D", "C"), [tenant] if tenant else held.admin_tenants, "service", True)
    if held.recipient and held.tenants:
        return Side("structure", ("D", "C"), [tenant] if tenant else held.tenants, "service", True)
    if held.services:
        return Side("service", ("D", "C"), held.services, "service", False, "address")
    return _NONE if looked == "received" else _issuing(principal, held)


def in_service(principal: Principal, side: Side, service: str) -> Side:
    """The same within one service (``siret/code``) of those that he receives for; nothing within any other."""
    siret, held = service.partition("/")[0], places(principal)
    within = Side("service", ("D", "C"), [service], "service", False, "address")
    match side.standing:
        case "operator":
            return within
        case "service" if service in side.scopes:
            return within
        case "tenant":
            return msgspec.structs.replace(within, scopes=[service, *side.scopes], column="service")
        case "structure" if siret in held.recipient:
            return msgspec.structs.replace(within, scopes=[service, *side.scopes], column="service")
    return _NONE


def _issuing(principal: Principal, held: Places) -> Side:
    if held.supplier:
        return Side("supplier", _SUPPLIERS, held.supplier, "supplier", False, "supplier")
    if held.own_deposits:
        return Side("supplier", _SUPPLIERS, [principal.subject], "", False, "depositor")
    if held.guest:
        return Side("supplier", _SUPPLIERS, held.guest, "supplier", False, "supplier")
    return _NONE


def where_summed(side: Side) -> str:
    """Where the sums lie: by service for a clerk, and for whoever asks for one service of his tenants."""
    if side.column == "service":
        return f"{_THERE} = ($1::text[])[1] and structure = split_part(($1::text[])[1], '/', 1) and scope = any ($1)"
    if side.standing == "service":
        return f"{_THERE} = any ($1) and structure = any (array(select split_part(s, '/', 1) from unnest($1) s))"
    return "scope = any ($1)"


def where_read(side: Side) -> str:
    """Which invoices are read; a depositor's and a guest's through the parties that row-level security shows him."""
    if side.column == "service":
        return "address = ($1::text[])[1] and tenant = any ($1)"
    if side.column == "to_validate":
        return f"id in ({_PARTIES} and role = 'VALIDATEUR')"
    if side.column == "works":
        return f"works_file is not null and (supplier = any ($1) or id in ({_PARTIES} and role in ('MOE', 'MOA')))"
    if side.column == "depositor":
        return "id in (select invoice from invoice_party where depositor = any ($1))"
    return f"{side.column} = any ($1)"


def holders(side: Side) -> list[str]:
    """The values for either."""
    return list(side.scopes)
