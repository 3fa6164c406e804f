"""The way from a page to a person who is asked about it."""

from typing import Final
from urllib.parse import urlencode

_PATH: Final = "/sollicitations/nouvelle"
#: Pages whose address nobody else is told: they open something, or lead to such a page.
_NOT_SAID: Final = ("/lien", "/invitation", "/connexion")


def question_of(path: str) -> str:
    """Where a person is asked about the page at ``path``: with its address, its invoice, or its body. What was asked in
    an address stays out: it may be somebody's words, or the word of a mail's link."""
    asked = {} if path.startswith(_NOT_SAID) else {"page": path[:300]}
    area, _, name = path.strip("/").partition("/")
    thing = name.partition("/")[0]
    if area == "factures" and len(thing) == 36:
        asked["facture"] = thing
    elif area == "annuaire" and len(thing) == 14 and thing.isdigit():
        asked["siret"] = thing
    return f"{_PATH}?{urlencode(asked)}" if asked else _PATH
