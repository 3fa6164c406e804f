"""Who may do what with the directory, and how a request names its parts."""

from typing import Annotated, Any

import msgspec
from fastapi import Path, Query

from invoice.identifiers import InvalidIdentifier, parse_siret
from services.common.auth import Principal
from services.common.db import Pool
from services.common.may import require
from services.common.problems import problems as common
from services.common.web import Problem
from services.routing.reach import EVERYTHING, MANAGER, OPERATOR, TENANT_ADMIN, Reach, of_bodies

SearchText = Annotated[
    str, Query(min_length=2, max_length=100, pattern=r"^[^\x00]*$", examples=["ressources humaines nice"])
]
TenantId = Annotated[str, Path(max_length=40, pattern=r"^[a-z0-9-]+$", examples=["cd06"])]
SiretPath = Annotated[str, Path(max_length=40, examples=["22060001900016"])]


class Pools(msgspec.Struct, frozen=True):
    """``write`` owns the schema; ``read`` sees what is public, and through row-level security what is one's own."""

    write: Pool
    read: Pool


_TITLES = {404: ("STRUCTURE_UNKNOWN", "Structure inconnue"), 409: ("IMPORT_RUNNING", "Import en cours")}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """:func:`services.common.problems.problems` with the directory's own words."""
    return common(*statuses, titles=_TITLES)


def touchable(principal: Principal) -> Reach:
    """Whose entries a person may change. Raises a 403 problem."""
    require(principal, "directory.change")
    return _reach(principal)


def readable(principal: Principal) -> Reach:
    """Whose entries a person may see the history of. Raises a 403 problem."""
    require(principal, "directory.history")
    return _reach(principal)


def decided(principal: Principal) -> frozenset[str] | None:
    """The tenants whose decisions a person may see; None for all. Raises a 403 problem."""
    require(principal, "directory.decision")
    return None if OPERATOR in principal.roles else frozenset(principal.tenants_as(TENANT_ADMIN))


def _reach(principal: Principal) -> Reach:
    if OPERATOR in principal.roles:
        return EVERYTHING
    managed = of_bodies(
        (grant.structure, grant.tenant) for grant in principal.held if grant.role == MANAGER and grant.service is None
    )
    return Reach(frozenset(principal.tenants_as(TENANT_ADMIN)), managed)


def canonical_siret(text: str) -> str:
    """The 14 digits. Raises a 422 problem."""
    try:
        return parse_siret(text)
    except InvalidIdentifier as error:
        raise Problem(
            422,
            error.code,
            "SIRET invalide",
            "Un SIRET a 14 chiffres et une clé de contrôle : vérifiez chaque chiffre.",
            errors=[{"field": "siret", "value": text, "rule": error.code, "action": "Corrigez le SIRET."}],
        ) from error


def unknown_structure(siret: str) -> Problem:
    """The answer where the directory has no such structure."""
    return Problem(
        404,
        "STRUCTURE_UNKNOWN",
        "Structure inconnue",
        f"L'annuaire n'a aucune structure au SIRET {siret} : vérifiez-le sur le bon de commande.",
    )
