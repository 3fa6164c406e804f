"""Where the caller holds which kind of right, as row-level security is told it: the lists of ``Principal.scope``."""

import msgspec

from services.common.auth import Principal


class Places(msgspec.Struct, frozen=True, kw_only=True):
    """SIRETs, services (``siret/code``) and tenants, each by what it lets see.

    ``supplier``: invoices issued. ``deposit``: those issued that he deposited himself. ``recipient``: invoices received
    by a whole body, in one of ``tenants``; ``services``: those addressed to a service. ``guest``: those that the
    structure, or one of ``guest_services``, validates or follows as MOE or MOA. ``admin_tenants``: all that a tenant
    received.
    """

    supplier: list[str]
    deposit: list[str]
    recipient: list[str]
    guest: list[str]
    guest_services: list[str]
    services: list[str]
    tenants: list[str]
    admin_tenants: list[str]
    everything: bool

    @property
    def own_deposits(self) -> bool:
        """Whether he deposits somewhere where he may not see what others deposit."""
        return not set(self.deposit) <= set(self.supplier)

    @property
    def bodies(self) -> list[str]:
        """The structures whose received invoices he may see, in whole or by one of their services."""
        return sorted({*self.recipient, *_of(self.services)})

    @property
    def guests(self) -> list[str]:
        """The structures that may stand beside an invoice as validator, MOE or MOA."""
        return sorted({*self.guest, *_of(self.guest_services)})


def places(principal: Principal) -> Places:
    """The caller's places."""
    scope = principal.scope()

    def listed(name: str) -> list[str]:
        return [each for each in scope[name].split(",") if each]

    guest = {*listed("validator_structures"), *listed("moe_structures"), *listed("moa_structures")}
    return Places(
        supplier=listed("supplier_structures"),
        deposit=listed("deposit_structures"),
        recipient=listed("recipient_structures"),
        guest=sorted(guest),
        guest_services=listed("guest_services"),
        services=listed("recipient_services"),
        tenants=listed("tenants"),
        admin_tenants=listed("admin_tenants"),
        everything="OPERATEUR" in listed("roles"),
    )


def _of(services: list[str]) -> set[str]:
    return {service.partition("/")[0] for service in services}
