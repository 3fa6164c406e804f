"""As whom somebody deposits, and what he needs for it."""

from typing import Final

from invoice.cadres import Depositor
from services.common.auth import Principal
from services.common.principal import DEPOSANT, FOURNISSEUR, MOA, MOE

#: Whoever is not verified yet deposits as the supplier; what he then sees is another matter.
_AS: Final = {FOURNISSEUR: FOURNISSEUR, DEPOSANT: FOURNISSEUR, MOE: MOE, MOA: MOA}


def depositor(principal: Principal) -> Depositor:
    """The SIRETs for which he may deposit, and the role at each: who is MOE at one is not its supplier.

    A development token names no place for its roles: each counts at all of its SIRETs.
    """
    if not principal.grants:
        roles = tuple(dict.fromkeys(_AS.get(role, role) for role in principal.roles))
        return Depositor(structures=principal.structures, roles=roles)
    held = [(_AS[g.role], g.structure) for g in principal.grants if g.role in _AS and g.structure and not g.service]
    return Depositor(
        structures=tuple(dict.fromkeys(siret for _, siret in held)),
        roles=tuple(dict.fromkeys(f"{role}/{siret}" for role, siret in held)),
    )


def sending_scope(principal: Principal) -> dict[str, str]:
    """The settings under which a draft is sent: its row keeps in what roles, and where, its depositor sends it."""
    by = depositor(principal)
    return {**principal.scope(), "structures": ",".join(by.structures), "roles": ",".join(by.roles)}
