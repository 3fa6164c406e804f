"""An address on a made-up structure, and what the directory knows around it, to be bent by each test."""

from datetime import date
from typing import Any

from invoice.addressing import Address, Around, Decision, decide, index_services
from invoice.directory import Engagement, Identifier, NumberFormat, Parameters, Service, Structure, Tenant
from tests.unit.invoice.sample import DAY, GERS, GERS_REGIE, SUPPLIER, made

SIBLING = Structure(siret=GERS_REGIE, name="Régie", tenant="cd32", kind="budget_annexe", group="Essai")
ACHATS = Service(siret=GERS, code="ACHATS", label="Achats")
OTHERS = Service(siret=GERS_REGIE, code="REGIE", label="Régie")
MINE = Identifier(type="SIRET", value=SUPPLIER, normalised=SUPPLIER)
THEIRS = Identifier(type="SIRET", value="00099901100018", normalised="00099901100018")
MASK = (NumberFormat(regex=r"^E\d{4}$", mask="Ennnn", examples=("E1234",)),)


def order(**fields: Any) -> Engagement:
    """An engagement of the body with the supplier."""
    given: dict[str, Any] = {"siret": GERS, "number": "E1234", "supplier": MINE, **fields}
    return Engagement(**given)


def at(
    structure: Structure | None = None,
    services: tuple[Service, ...] = (),
    *,
    on: date = DAY,
    tenant: Tenant | None = None,
    around: Around | None = None,
    known: bool = True,
    **written: Any,
) -> Decision:
    """Decide on a structure made up by a test, from a supplier; not ``known``: the directory does not have it."""
    structure = structure or made()
    address = Address(**{"recipient_siret": structure.siret, "supplier": SUPPLIER, **written})
    found = structure if known else None
    return decide(address, found, index_services(services), on, tenant=tenant, around=around)


def demanding(**parameters: Any) -> Structure:
    """A structure with these parameters."""
    return made(Parameters(**parameters))


def looked_up(**facts: Any) -> Around:
    """What the directory knows around the address: another budget, and these facts."""
    return Around(**{"siblings": {GERS_REGIE: SIBLING}, **facts})


FREE, STATED = made(services_stated=False), made(engagements_stated=True)
ELSEWHERE = looked_up(services=(OTHERS,))
WORKS = Service(siret=GERS, code="ACHATS", label="Achats", moa_only=True)
