"""Which entries of the directory somebody may change: everybody's, those of some tenants, or a manager's own body."""

from collections.abc import Iterable
from typing import Final

import msgspec

from invoice.directory import Engagement, Entry, Structure, Tenant

OPERATOR, TENANT_ADMIN, MANAGER = "OPERATEUR", "TENANT_ADMIN", "GESTIONNAIRE"
_DEMANDS: Final = (
    "service_required",
    "engagement_required",
    "service_or_engagement",
    "market_required",
    "market_replaces_engagement",
)


class Refusal(msgspec.Struct, frozen=True):
    """Why an entry stays as it is: the field, the rule and the sentence."""

    field: str
    rule: str
    message: str


_TENANT: Final = Refusal("tenant", "TENANT_RESERVED", "Seul l'opérateur change un tenant.")
_FOREIGN: Final = Refusal("tenant", "TENANT_FOREIGN", "Cette structure n'est ni de votre tenant ni gérée par vous.")
_ADMIN: Final = Refusal(
    "entree",
    "MANAGER_RESERVED",
    "Un gestionnaire règle les services de sa structure, les références qu'elle exige et son contact ; le reste"
    " revient à l'administrateur de la collectivité.",
)


class Reach(msgspec.Struct, frozen=True):
    """``tenants``: all of theirs, None for everybody's. ``bodies``: SIRET and tenant of bodies that he manages."""

    tenants: frozenset[str] | None
    bodies: frozenset[tuple[str, str]] = frozenset()

    @property
    def everything(self) -> bool:
        """Whether there is no wall: an operator, or a command of the platform."""
        return self.tenants is None

    def places(self) -> tuple[list[str], bool, list[str]]:
        """As SQL asks for it: tenants, whether only these may, and the bodies as ``siret/tenant``."""
        return sorted(self.tenants or ()), not self.everything, sorted(f"{siret}/{of}" for siret, of in self.bodies)

    def tenants_of(self, siret: str) -> list[str]:
        """The tenants under which he may look at the history of a body."""
        return sorted({*(self.tenants or ()), *(tenant for body, tenant in self.bodies if body == siret)})

    def refuses(self, before: Entry | None, after: Entry) -> Refusal | None:
        """Why an entry may not become ``after``; None where it may, as far as the entry itself tells.

        The tenant of a service or an engagement is its structure's, which only the whole file and the directory tell.
        """
        if self.tenants is None:
            return None
        match after:
            case Tenant():
                return _TENANT
            case Structure():
                held = before if isinstance(before, Structure) else None
                if {after.tenant, held.tenant if held else after.tenant} <= self.tenants:
                    return None
                return self._as_manager(held, after)
            case Engagement():
                return None if self.tenants else _ADMIN
        return None

    def _as_manager(self, before: Structure | None, after: Structure) -> Refusal | None:
        if before is None or (before.siret, before.tenant) not in self.bodies:
            return _FOREIGN
        return None if managed_alike(before, after) else _ADMIN


EVERYTHING: Final = Reach(None)


def managed_alike(before: Structure, after: Structure) -> bool:
    """Whether nothing differs but what a manager decides: which references are mandatory, and whom to ask."""
    demands = {name: getattr(before.parameters, name) for name in _DEMANDS}
    parameters = msgspec.structs.replace(after.parameters, **demands)
    return msgspec.structs.replace(after, parameters=parameters, contact=before.contact) == before


def of_bodies(grants: Iterable[tuple[str | None, str | None]]) -> frozenset[tuple[str, str]]:
    """The places of rights (structure and tenant) that are public bodies."""
    return frozenset((structure, tenant) for structure, tenant in grants if structure and tenant)
