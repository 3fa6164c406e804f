"""Who lives in the lives: companies and bodies of the demo directory, each with a token of its own."""

from collections.abc import Mapping
from typing import Final

from services.common.auth import Principal

VALIDATOR: Final = "99900002900010"
SECOND: Final = "99900003700013"
MOE: Final = "99900002900010"
MOA: Final = "20002983300015"
#: Names for the forms of ``lives.yaml``.
SIRETS: Final[Mapping[str, str]] = {"validator": VALIDATOR, "second": SECOND, "moe": MOE, "moa": MOA}
_TENANT: Final = "cd06"


def person(who: str, life: int, supplier: str, address: str) -> Principal:
    """Somebody of a life: ``supplier``, ``clerk``, ``right`` (a clerk of where it should have gone)…

    ``address`` is the ``SIRET/service`` that the invoice is for.
    """
    body, _, _ = address.partition("/")
    name = f"{who}-{life}"
    given: Mapping[str, Principal] = {
        "supplier": Principal(subject=name, structures=(supplier,), roles=("FOURNISSEUR",)),
        "clerk": Principal(subject=name, services=(address,), roles=("DESTINATAIRE",), tenants=(_TENANT,)),
        "manager": Principal(subject=name, structures=(body,), roles=("GESTIONNAIRE",), tenants=(_TENANT,)),
        "comptable": Principal(
            subject=name, structures=(body,), roles=("COMPTABLE", "GESTIONNAIRE"), tenants=(_TENANT,)
        ),
        "finance": Principal(subject=name, structures=(body,), roles=("FINANCE",), tenants=(_TENANT,)),
        "validator": Principal(subject=name, structures=(VALIDATOR,), roles=("VALIDATEUR",)),
        "second": Principal(subject=name, structures=(SECOND,), roles=("VALIDATEUR",)),
        "moe": Principal(subject=name, structures=(MOE,), roles=("MOE",)),
        "moa": Principal(subject=name, structures=(MOA,), roles=("MOA",), tenants=(_TENANT,)),
        "operator": Principal(subject=name, roles=("OPERATEUR",)),
    }
    found = given[who]
    return Principal(
        subject=found.subject,
        structures=found.structures,
        services=found.services,
        roles=found.roles,
        tenants=found.tenants,
        contact=f"{name}@scenarios.example",
    )
