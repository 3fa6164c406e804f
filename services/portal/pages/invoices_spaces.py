"""The spaces in which invoices are listed: who has one open follows from rights, as the menu says."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from services.portal.pages import spaces
from services.portal.pages.page import Page
from services.portal.pages.problems import NOT_FOUND, Shown


class Space(msgspec.Struct, frozen=True):
    """``key``: that of the menu, and of ``side`` in the API of invoices. ``other``: whom a row names."""

    key: str
    path: str
    other: str

    @property
    def side(self) -> str:
        """As the API names it."""
        return self.key


SPACES: Final = (
    Space("issued", "/factures/emises", "recipient"),
    Space("received", "/factures/recues", "supplier"),
    Space("to_validate", "/factures/a-valider", "supplier"),
    Space("works", "/factures/travaux", "supplier"),
)
BY_KEY: Final = {space.key: space for space in SPACES}
_MENU: Final = {space.key: space for space in spaces.SPACES}


def is_open(page: Page, space: Space) -> bool:
    """Whether his rights open it."""
    return _MENU[space.key].shown(page.me)


def open_to(page: Page, space: Space) -> None:
    """Raises ``Shown`` where his rights do not open it: it is not there."""
    if not is_open(page, space):
        raise Shown(NOT_FOUND)


def opened(page: Page) -> list[Space]:
    """Those that he has."""
    return [space for space in SPACES if is_open(page, space)]


def tabs(page: Page, space: Space) -> list[tuple[str, str, str]]:
    """Inside each space: what awaits him, figures, the search."""
    return [
        ("synthesis", page.t("invoices.synthesis"), space.path),
        ("board", page.t("invoices.board"), f"{space.path}/tableau"),
        ("search", page.t("invoices.search"), f"{space.path}/recherche"),
    ]


#: The status of an invoice as a badge: what it is waiting for matters more than its name.
_TONES: Final[Mapping[str, str]] = {
    "SUSPENDUE": "wait",
    "A_RECYCLER": "stop",
    "REJETEE": "stop",
    "REFUSEE_1": "stop",
    "REFUSEE_2": "stop",
    "REFUSEE_MOE": "stop",
    "REFUSEE_MOA": "stop",
    "REFUSEE_FOURNISSEUR": "stop",
    "NON_CONFORME": "stop",
    "ABANDONNEE": "off",
    "MISE_EN_PAIEMENT": "done",
    "COMPTABILISEE": "done",
    "ASSOCIEE": "done",
}


def tone(status: Mapping[str, Any]) -> str:
    """Of the badge of a status; ``status`` as the API gives it."""
    return _TONES.get(str(status["code"]), "off" if status.get("terminal") else "mine")


#: Where somebody said no, or asks for something: whoever reads it has to know whom to ask.
REFUSED: Final = frozenset(code for code, found in _TONES.items() if found in ("stop", "wait"))
