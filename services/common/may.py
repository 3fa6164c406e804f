"""The first door of a route: whether the table of rights allows the action to the caller at any place at all.

Which place it is about is for row-level security and the lists of ``Principal.scope``.
"""

from typing import Any, Final

from invoice import rights
from services.common.principal import LECTURE, Principal
from services.common.web import Problem

_READS: Final = frozenset(("GET", "HEAD", "OPTIONS"))
#: What is one's own and nobody else's: whoever only reads decides it too.
_OWN: Final = ("/api/v1/messages/preferences", "/api/v1/messages/contact", "/api/v1/accounts", "/api/v1/solicitations")


def require(principal: Principal, action: str) -> None:
    """Raises a 403 problem unless ``rights.yaml`` gives the action to one of the roles that the caller holds somewhere.

    A development token without a role does nothing that a role is needed for, whatever its structures let it read.
    """
    if not rights.ACTIONS[action].anybody and not set(rights.roles_for(action)).intersection(principal.roles):
        who = ", ".join(rights.ROLES[role].label.lower() for role in rights.roles_for(action))
        raise _missing(f"« {rights.ACTIONS[action].label} » est réservé à : {who}.")


def refuse_reader(principal: Principal, method: str, path: str) -> None:
    """Raises a 403 problem for whoever may read and nothing else, on every request that changes something."""
    if method in _READS or path.startswith(_OWN):
        return
    if set(principal.roles) == {LECTURE}:
        raise _missing("Votre droit est en lecture seule : vous consultez, sans agir.")


def _missing(detail: str, **more: Any) -> Problem:
    return Problem(403, "RIGHT_MISSING", "Droit manquant", detail, **more)
