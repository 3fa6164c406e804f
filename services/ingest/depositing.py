"""As whom somebody deposits, and what he needs for it."""

from collections.abc import Sequence
from typing import Final

from invoice.cadres import Depositor
from services.common.auth import Principal
from services.common.principal import DEPOSANT, FOURNISSEUR, MOA, MOE

#: Whoever is not verified yet deposits as the supplier; what he then sees is another matter.
_AS: Final = {FOURNISSEUR: FOURNISSEUR, DEPOSANT: FOURNISSEUR, MOE: MOE, MOA: MOA}
#: The scope without which software deposits nothing.
SCOPE: Final = "deposits.write"


def depositor(principal: Principal) -> Depositor:
    """The SIRETs for which he may deposit, and the role at each: who is MOE at one is not its supplier.

    Where he deposits and sees nothing of the others there, ``DEPOSANT/SIRET`` stands beside (:func:`sees`). A
    development token names no place for its roles: each counts at all of its SIRETs.
    """
    if not principal.grants:
        roles = tuple(dict.fromkeys(_AS.get(role, role) for role in principal.roles))
        return Depositor(structures=principal.structures, roles=roles)
    held = [(_AS[g.role], g.structure) for g in principal.grants if g.role in _AS and g.structure and not g.service]
    seen = set(principal.scope()["supplier_structures"].split(","))
    blind = (siret for siret in principal.structures_as(DEPOSANT) if siret not in seen)
    return Depositor(
        structures=tuple(dict.fromkeys(siret for _, siret in held)),
        roles=(*dict.fromkeys(f"{role}/{siret}" for role, siret in held), *(f"{DEPOSANT}/{siret}" for siret in blind)),
    )


def sees(by: Depositor, supplier: str) -> bool:
    """Whether he may see what others deposited for this supplier: its numbers may be named to him."""
    if supplier not in by.structures or f"{DEPOSANT}/{supplier}" in by.roles:
        return False
    return FOURNISSEUR in by.roles or f"{FOURNISSEUR}/{supplier}" in by.roles


def within(structures: Sequence[str], roles: Sequence[str], by: Depositor) -> bool:
    """Whether ``by`` may deposit all that was allowed then; to be verified since takes nothing away."""
    then = Depositor(structures=tuple(structures), roles=tuple(roles))
    return all(set(_as(then, role)) <= set(_as(by, role)) for role in set(_AS.values()))


def _as(by: Depositor, role: str) -> Sequence[str]:
    """Where he deposits in this role; nowhere, if he has it nowhere."""
    return by.at(role) if any(each.partition("/")[0] == role for each in by.roles) else ()


def left(who: Principal, structures: Sequence[str], roles: Sequence[str]) -> Depositor:
    """What is left to him of what he might deposit then: no more than then, and no more than now."""
    if who.kind == "software" and SCOPE not in who.scopes:
        return Depositor(structures=(), roles=())
    by, places_then, then = depositor(who), set(structures), set(roles)
    kept = [each.partition("/") for each in by.roles if each.partition("/")[2] in places_then]
    allowed = [(role, siret) for role, _, siret in kept if role in then or f"{role}/{siret}" in then]
    places = dict.fromkeys(siret for role, siret in allowed if role != DEPOSANT)
    blind = (siret for role, _, siret in kept if role == DEPOSANT and siret in places)
    return Depositor(
        structures=tuple(places),
        roles=(
            *(f"{role}/{siret}" for role, siret in allowed if role != DEPOSANT),
            *(f"{DEPOSANT}/{siret}" for siret in blind),
        ),
    )


def sending_scope(principal: Principal) -> dict[str, str]:
    """The settings under which a draft is sent: its row keeps in what roles, and where, its depositor sends it."""
    by = depositor(principal)
    return {**principal.scope(), "structures": ",".join(by.structures), "roles": ",".join(by.roles)}
