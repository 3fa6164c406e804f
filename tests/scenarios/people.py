"""Who lives in the lives: companies and bodies of the demo directory, each with a token of its own."""

from collections.abc import Mapping
from typing import Final
from uuid import uuid4

from services.common.auth import Principal
from tests.documents import InvoicePdf, Party

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


class Cast:
    """Who plays the lives, and with which papers. Others than these come from a subclass.

    ``sirets``: names for the forms of the table. ``discreet``: an operator, whose looks are all written down, looks at
    an invoice only once whoever sent it sees that it is where it goes.
    """

    sirets: Mapping[str, str] = SIRETS
    discreet: bool = False

    def person(self, who: str, life: int, supplier: str, address: str) -> Principal:
        """Somebody of a life."""
        return person(who, life, supplier, address)

    def number(self, life: int) -> str:
        """The number of a life's invoices."""
        return f"V{life:02d}-{uuid4().hex[:6].upper()}"

    def paper(self, number: str, supplier: str) -> InvoicePdf:
        """An invoice of this supplier; to whom and of when is said by the life."""
        party = Party("Fournisseur des scénarios", supplier, "14 rue des Fabriques", "31000 Toulouse")
        return InvoicePdf(number=number, supplier=party)
