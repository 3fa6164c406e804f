"""Who plays the demo's lives: the people who have its accounts, so that each finds his own past when he signs in."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from deploy.demo.book import Book
from deploy.demo.people import ATELIER, GARONNE, PEOPLE, RIVE, TENANT, VIDAL, WORKS_OWNER, Supplier
from services.common.auth import Principal
from tests.documents import InvoicePdf, Line, Party
from tests.scenarios.people import Cast

COMPANIES: Final[Mapping[str, Supplier]] = {each.siret: each for each in (ATELIER, GARONNE, RIVE, VIDAL)}
_OWNERS: Final = {each.supplier.siret: each.key for each in PEOPLE if each.supplier is not None}
_EMAILS: Final = {each.key: each.email for each in PEOPLE}
_SIRETS: Final[Mapping[str, str]] = {
    "validator": GARONNE.siret,
    "second": ATELIER.siret,
    "moe": VIDAL.siret,
    "moa": WORKS_OWNER,
}
#: How a company writes its numbers.
_NUMBERS: Final = {ATELIER.siret: "FA", GARONNE.siret: "GS", RIVE.siret: "ER", VIDAL.siret: "VA"}
_WORK: Final = (
    ("Maintenance préventive", "2400.00"),
    ("Pose de menuiseries, rez-de-chaussée", "6150.00"),
    ("Impression d'un livret d'accueil", "890.00"),
    ("Relevé et plans d'exécution", "3700.00"),
    ("Réparation d'une porte d'ascenseur", "1280.00"),
    ("Fourniture de signalétique", "512.50"),
)


class DemoCast(Cast):
    """People of :mod:`deploy.demo.people`, with development tokens in the names of their accounts."""

    sirets: Mapping[str, str] = _SIRETS
    discreet = True

    def __init__(self, book: Book) -> None:
        self._book = book

    def person(self, who: str, life: int, supplier: str, address: str) -> Principal:
        """Somebody of a life."""
        body = address.partition("/")[0]
        match who:
            case "supplier":
                return self._one(_OWNERS[supplier], structures=(supplier,), roles=("FOURNISSEUR",))
            case "clerk":
                key = "agent" if address.endswith("/DRH") else "gestionnaire"
                return self._one(key, services=(address,), roles=("DESTINATAIRE",), tenants=(TENANT,))
            case "comptable":
                return self._one(
                    "comptable", structures=(body,), roles=("COMPTABLE", "GESTIONNAIRE"), tenants=(TENANT,)
                )
            case "validator" | "second":
                siret = self.sirets[who]
                return self._one(_OWNERS[siret], structures=(siret,), roles=("VALIDATEUR",))
            case "moe":
                return self._one("moe", structures=(VIDAL.siret,), roles=("MOE",))
            case "moa":
                return self._one("moa", structures=(WORKS_OWNER,), roles=("MOA",), tenants=(TENANT,))
            case _:
                return Principal(subject=self._book.subject("exploitant"), roles=("OPERATEUR",))

    def _one(
        self,
        key: str,
        *,
        roles: tuple[str, ...],
        structures: tuple[str, ...] = (),
        services: tuple[str, ...] = (),
        tenants: tuple[str, ...] = (),
    ) -> Principal:
        return Principal(
            subject=self._book.subject(key),
            structures=structures,
            services=services,
            roles=roles,
            tenants=tenants,
            contact=_EMAILS[key],
        )

    def number(self, life: int) -> str:
        """The same at each start: what was deposited before is recognised."""
        return f"2026-{life:03d}"

    def paper(self, number: str, supplier: str) -> InvoicePdf:
        """An invoice of a company of the demo, about work that its number says."""
        company = COMPANIES[supplier]
        label, price = _WORK[sum(number.encode()) % len(_WORK)]
        lines = (
            Line(label, Decimal(1), Decimal(price)),
            Line("Déplacement d'un technicien", Decimal(1 + sum(number.encode()) % 4), Decimal("45.00")),
        )
        party = Party(company.name, company.siret, company.street, company.city)
        return InvoicePdf(number=f"{_NUMBERS[supplier]}-{number}", supplier=party, lines=lines)
