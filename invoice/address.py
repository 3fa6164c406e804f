"""What an invoice says about its recipient, and what the directory knows around it: the input of the rules."""

from collections.abc import Iterable, Mapping
from datetime import date
from types import MappingProxyType
from typing import Self

import msgspec

from invoice import hints
from invoice.directory import Engagement, Service, Structure
from invoice.findings import Level
from invoice.identifiers import normalise
from invoice.messages import needs
from invoice.model import InvoiceHeader

PUBLIC_INVOICES_SERVICE = "FACTURES_PUBLIQUES"


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """What an invoice says about its recipient, as written.

    ``supplier`` is the SIRET of who invoices, None where nobody has shown to act for it: nothing is then said about
    engagements. ``supplier_is_public``: it is a structure of the directory, so that it may use the service reserved for
    invoices between public structures.
    """

    recipient_siret: str
    service_code: str | None = None
    engagement: str | None = None
    contract: str | None = None
    cadre: str = "A1"
    supplier_is_public: bool = False
    supplier: str | None = None

    @classmethod
    def of(cls, header: InvoiceHeader, *, supplier_is_public: bool = False) -> Self:
        """The address of an invoice. References of spaces only count as not given."""
        return cls(
            recipient_siret=header.recipient_siret,
            service_code=_written(header.service_code),
            engagement=_written(header.engagement),
            contract=_written(header.contract),
            cadre=header.cadre_code,
            supplier_is_public=supplier_is_public,
            supplier=normalise(header.supplier_siret),
        )


class Around(msgspec.Struct, frozen=True, kw_only=True):
    """What the directory knows under the references of one invoice, beside the structure and its services.

    ``engagement``: the recipient's, under the number written (by ``normalise_code``). ``siblings``: structures of the
    recipient's SIREN by SIRET, at least those of ``services`` and ``engagements``, which are what the siblings publish
    under the code and the number written. A caller that has not looked gives no ``Around`` at all.
    """

    engagement: Engagement | None = None
    siblings: Mapping[str, Structure] = MappingProxyType({})
    services: tuple[Service, ...] = ()
    engagements: tuple[Engagement, ...] = ()

    @classmethod
    def of(
        cls,
        siret: str,
        *,
        services: Iterable[Service] = (),
        engagements: Iterable[Engagement] = (),
        structures: Mapping[str, Structure] = MappingProxyType({}),
        budgets: Mapping[str, Structure] = MappingProxyType({}),
    ) -> Self:
        """What was looked up for the recipient ``siret``: entries of its SIREN under the code and the number written.

        ``structures`` holds those that the entries belong to, among others; ``budgets`` structures of the SIREN, asked
        for only where nobody has the SIRET itself.
        """
        # Sorted, so that every service of the platform that looks them up names the same one.
        numbered = sorted(engagements, key=lambda engagement: engagement.siret)
        elsewhere = tuple(e for e in numbered if e.siret != siret)
        coded = tuple(sorted((s for s in services if s.siret != siret), key=lambda service: service.siret))
        owners = {*(e.siret for e in elsewhere), *(s.siret for s in coded)}
        return cls(
            engagement=next((e for e in numbered if e.siret == siret), None),
            siblings={**budgets, **{owner: structures[owner] for owner in owners if owner in structures}},
            services=coded,
            engagements=elsewhere,
        )


class Case(msgspec.Struct, frozen=True):
    """One invoice before the rules. ``service``: found under its code; ``levels``: those that a body has changed."""

    address: Address
    structure: Structure
    services: Mapping[str, Service]
    service: Service | None
    on: date
    around: Around | None
    levels: Mapping[str, Level]

    @property
    def name(self) -> str:
        """The structure as a supplier knows it."""
        return hints.display_name(self.structure)

    def codes(self, code: str) -> str:
        """The service codes to propose, where the sentences of ``code`` have a place for them."""
        if not needs(code, "codes"):
            return ""
        return hints.service_codes(
            self.services,
            self.on,
            near=self.address.service_code,
            stated=self.structure.services_stated,
            hidden=() if self.address.supplier_is_public else (PUBLIC_INVOICES_SERVICE,),
        )


def _written(text: str | None) -> str | None:
    return text if text and text.strip() else None
