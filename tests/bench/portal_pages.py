"""What people of the bench look at: kinds of pages, how often each is asked for, and what must stand in the answer."""

import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlencode

import msgspec

from services.portal.pages.invoices_figures import since
from services.status.figures import AGES
from tests.bench.portal_people import Person

#: A page with rows of invoices has this; one that could not ask a service says so.
ROWS: Final = b"data-row "
_END: Final = b"</html>"
_PLACES: Final = ("22060001900016", "00003200300014")
_WORDS: Final = ("nice", "département", "collège", "restauration scolaire", "2206000190", "06000")
_HELP: Final = ("", "/statuts", "/motifs", "/refus")
#: What a list says in which nothing stands.
_EMPTY: Final = b'class="empty"'
#: The ways from the ages of the *tableau de bord* to their lists.
_AGES: Final = tuple(since({"days_from": low, "days_to": high}) for low, high in AGES)
#: The service that the *tableau de bord* is of; and what a list is asked for, when it looks at one.
_CHOSEN: Final = b" selected>"
_ASKED: Final = b"<details open>"


class Asked(msgspec.Struct, frozen=True):
    """One request: its kind, its address, who asks (None: nobody known), and what must stand in the answer."""

    kind: str
    path: str
    person: Person | None
    expects: Sequence[bytes] = (_END,)


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of page. ``weight``: its share; ``who``: kinds of people who ask for it, none: anybody, not signed in;
    ``fits``: whom of those it has something to show."""

    name: str
    weight: int
    path: Callable[[random.Random, Person], str]
    who: Sequence[str] = ("supplier", "body", "clerk")
    fits: Callable[[Person], bool] = lambda person: True
    listed: bool = False
    expects: bytes = _END


def _search(dice: random.Random, person: Person) -> str:
    """A search as the form of the page makes it."""
    day = datetime.now(UTC).date()
    wanted: list[dict[str, str]] = [
        {"status": "MISE_EN_PAIEMENT"},
        {"status": "SUSPENDUE"},
        {"turn": dice.choice(("D", "F"))},
        {"number": dice.choice(person.numbers)},
        {"q": dice.choice(person.numbers)[:9]},
        {"q": f"numéro {dice.randrange(10, 100)}"},
        {"amount_from": "1000", "amount_to": "1100"},
        {"amount_from": "1000", "amount_to": "3000"},
        {"deposited_from": f"{day - timedelta(days=400)}", "deposited_to": f"{day - timedelta(days=370)}"},
        {"issued_from": f"{day - timedelta(days=401)}", "issued_to": f"{day - timedelta(days=400)}"},
        {"late": "oui", "sort": "due"},
        {"due_within": "5", "sort": "due"},
        {"unchanged_days": "30"},
        {"engagement": f"EJ{dice.randrange(300_000)}"},
        {"market": f"M{5 * dice.randrange(1000)}"},
        {"service": f"S{dice.randrange(100)}"},
        {"status": "MISE_A_DISPOSITION", "amount_from": "5000", "unchanged_days": "3"},
    ]
    return f"{person.space}/recherche?{urlencode(dice.choice(wanted))}"


def _age(dice: random.Random, person: Person) -> str:
    """The list behind one of the ages; often of one status, of which far fewer may be that old."""
    status = dice.choice(("", "", "&status=SUSPENDUE", "&status=MANDATEE"))
    return f"{person.space}/recherche?{dice.choice(_AGES)}{status}"


def _of_service(dice: random.Random, person: Person) -> str:
    """The figures of one of the fullest services of a body."""
    return f"{person.space}/tableau?{urlencode({'service': dice.choice(person.services)})}"


def _archives(dice: random.Random, person: Person) -> str:
    """Invoices of a year that are over."""
    return f"/archives/{datetime.now(UTC).year - dice.randrange(3)}"


KINDS: Final = (
    Kind(name="accueil", weight=14, path=lambda dice, person: "/"),
    Kind(name="synthèse", weight=12, path=lambda dice, person: person.space, listed=True),
    Kind(name="tableau de bord", weight=8, path=lambda dice, person: f"{person.space}/tableau"),
    Kind(
        name="tableau de bord, un service",
        weight=4,
        path=_of_service,
        who=("body",),
        fits=lambda person: bool(person.services),
        expects=_CHOSEN,
    ),
    Kind(
        name="courbe",
        weight=3,
        path=lambda dice, person: f"{person.space}/tableau/mois.svg",
        who=("body",),
        expects=b"</svg>",
    ),
    Kind(
        name="rechercher",
        weight=8,
        path=lambda dice, person: f"{person.space}/recherche",
        listed=True,
        expects=ROWS,
    ),
    Kind(name="rechercher, filtres", weight=16, path=_search, listed=True),
    Kind(name="rechercher, âge", weight=5, path=_age, listed=True, expects=_ASKED),
    Kind(
        name="une facture",
        weight=14,
        path=lambda dice, person: f"/factures/{dice.choice(person.invoices)}",
        expects=b'class="clock',
    ),
    Kind(name="déposer", weight=3, path=lambda dice, person: "/deposer", who=("supplier",)),
    Kind(name="dépôts", weight=5, path=lambda dice, person: "/deposer/suivi", who=("supplier",), listed=True),
    # Nobody of the bench is asked to validate, and nobody has asked anything: what is shown is an empty list.
    Kind(
        name="à valider",
        weight=2,
        path=lambda dice, person: "/factures/a-valider",
        who=("supplier",),
        listed=True,
        expects=_EMPTY,
    ),
    Kind(
        name="sollicitations",
        weight=2,
        path=lambda dice, person: "/sollicitations",
        listed=True,
        expects=_EMPTY,
    ),
    Kind(name="archives", weight=2, path=_archives, listed=True, expects=b'name="cote"'),
    Kind(
        name="supervision",
        weight=1,
        path=lambda dice, person: "/supervision",
        who=("administrator",),
        expects=b"data-refresh=",
    ),
    Kind(name="accueil, sans compte", weight=4, path=lambda dice, person: "/", who=()),
    Kind(name="aide", weight=5, path=lambda dice, person: f"/aide{dice.choice(_HELP)}", who=()),
    Kind(
        name="annuaire, recherche",
        weight=4,
        path=lambda dice, person: f"/annuaire?{urlencode({'q': dice.choice(_WORDS)})}",
        who=(),
        listed=True,
    ),
    Kind(
        name="annuaire, fiche",
        weight=4,
        path=lambda dice, person: f"/annuaire/{dice.choice(_PLACES)}",
        who=(),
    ),
)
LISTED: Final = frozenset(kind.name for kind in KINDS if kind.listed)


def requests(people: Sequence[Person], count: int, seed: int = 7) -> list[Asked]:
    """Requests in the proportions above; the same seed gives the same ones for the same people."""
    dice = random.Random(seed)
    kinds = dice.choices(KINDS, weights=[kind.weight for kind in KINDS], k=count)
    return [_asked(dice, kind, people) for kind in kinds]


def _asked(dice: random.Random, kind: Kind, people: Sequence[Person]) -> Asked:
    asking = [each for each in people if not kind.who or each.kind in kind.who]
    person = dice.choice([each for each in asking if kind.fits(each)])
    path = kind.path(dice, person)
    if not kind.who:
        return Asked(kind.name, path, None, (kind.expects,))
    if kind.expects == b"</svg>":
        return Asked(kind.name, path, person, (kind.expects,))
    return Asked(kind.name, path, person, (_END, kind.expects, person.name.encode()))
