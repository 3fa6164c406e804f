"""The spaces of the platform, as the menu lists them: who sees which follows from rights, nothing is opened by hand."""

from collections.abc import Callable, Collection
from typing import Final

import msgspec

from services.portal.pages.person import Person

Shown = Callable[[Person], bool]


class Space(msgspec.Struct, frozen=True):
    """``key``: its words are ``nav.<key>``. It is listed where the page is there and ``shown`` says so."""

    key: str
    path: str
    shown: Shown


def _always(person: Person) -> bool:
    return True


def _supplies(person: Person) -> bool:
    return person.supplies


def _issues(person: Person) -> bool:
    return person.supplies or person.has("LECTURE")


def _receives(person: Person) -> bool:
    return person.receives or person.has("OPERATEUR")


def _validates(person: Person) -> bool:
    return person.has("VALIDATEUR", "FOURNISSEUR")


def _works(person: Person) -> bool:
    return person.has("MOE", "MOA", "FOURNISSEUR")


def _keeps(person: Person) -> bool:
    """Whoever has a space of invoices has their archives."""
    return any(shown(person) for shown in (_issues, _receives, _validates, _works))


def _manages(person: Person) -> bool:
    return person.has("GESTIONNAIRE", "TENANT_ADMIN")


def _supervises(person: Person) -> bool:
    return person.has("OPERATEUR", "TENANT_ADMIN")


SPACES: Final = (
    Space("home", "/", _always),
    Space("deposit", "/deposer", _supplies),
    Space("issued", "/factures/emises", _issues),
    Space("received", "/factures/recues", _receives),
    Space("to_validate", "/factures/a-valider", _validates),
    Space("works", "/factures/travaux", _works),
    Space("flows", "/flux", _supplies),
    Space("archives", "/archives", _keeps),
    Space("solicitations", "/sollicitations", _always),
    Space("messages", "/messages", _always),
    Space("directory", "/annuaire", _always),
    Space("account", "/compte", _always),
    Space("manage", "/gestion", _manages),
    Space("supervision", "/supervision", _supervises),
    Space("help", "/aide", _always),
)
#: Before sign-in.
PUBLIC: Final = (
    Space("directory", "/annuaire", _always),
    Space("try", "/essayer", _always),
    Space("verify", "/certificats/verifier", _always),
    Space("help", "/aide", _always),
)

#: Pages that stand beside the space that they are part of, by the beginning of their path.
_OF: Final = {
    "structures": "/compte",
    "webhooks": "/compte",
    "saisir": "/deposer",
    "brouillons": "/deposer",
    "depots": "/deposer",
}


def listed(person: Person | None, there: Collection[str]) -> list[Space]:
    """What the menu lists. ``there``: the paths that have a page."""
    if person is None:
        return [space for space in PUBLIC if space.path in there]
    return [space for space in SPACES if space.path in there and space.shown(person)]


def current(spaces: Collection[Space], path: str) -> str | None:
    """The key of the space that a path is in: the one with the longest path above it."""
    path = _OF.get(path.split("/")[1], "") + path
    within = [s for s in spaces if path == s.path or (s.path != "/" and path.startswith(f"{s.path}/"))]
    return max(within, key=lambda space: len(space.path)).key if within else None
