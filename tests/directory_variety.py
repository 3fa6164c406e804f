"""A whole country's directory, made up: the same seed always gives the same tenants, structures and services.

Names follow the kinds of public bodies that exist and their habits (several budgets a body, codes of every shape);
the SIRETs pass their check and belong to nobody that is meant.
"""

import random
from collections.abc import Iterator
from datetime import date
from functools import lru_cache

from invoice.directory import NumberFormat, Parameters, Service, Structure, Tenant

STRUCTURES = 150_000
SERVICES = 500_000
TENANTS = 101
_TOWNS = 30_000

_START = (
    *("Bel", "Mont", "Vil", "Cham", "Roche", "Font", "Mar", "Pont", "Val", "Cour", "Lam", "Bou"),
    *("Sau", "Ner", "Tour", "Gri", "Per", "Aub", "Lan", "Cas", "Mou", "Ris", "Vau", "Cler"),
)
_MIDDLE = ("a", "e", "i", "o", "ou", "an", "er", "ar", "il", "on", "ai", "eu")
_END = (
    *("ville", "mont", "court", "gnac", "lles", "rac", "sac", "ges", "ière", "ande"),
    *("ay", "ieu", "ossa", "igny", "ac", "euil", "aux", "ize", "enne", "ezon"),
)
_RIVERS = (
    *("Garonne", "Loire", "Saône", "Rhône", "Seine", "Isère", "Dordogne", "Allier"),
    *("Cher", "Vienne", "Oise", "Aisne", "Marne", "Tarn", "Lot", "Adour"),
)
_SAINTS = (
    *("Jean", "Pierre", "Martin", "Germain", "Laurent", "Étienne", "Hilaire"),
    *("Sauveur", "Loup", "Aignan", "Cyr", "Ouen", "Geniès", "Maurice"),
)
_KINDS = (
    ("commune", "Commune de {town}", 30),
    ("commune", "Mairie de {town}", 12),
    ("ccas", "CCAS de {town}", 10),
    ("caisse_des_ecoles", "Caisse des écoles de {town}", 3),
    ("eple", "Collège {saint} de {town}", 9),
    ("eple", "Lycée {saint} {town}", 5),
    ("esms", "EHPAD Résidence {saint} – {town}", 7),
    ("epci", "Communauté de communes du pays de {town}", 5),
    ("syndicat_mixte", "Syndicat intercommunal des eaux de {town}", 7),
    ("oph", "Office public de l'habitat de {town}", 2),
    ("regie", "Régie des transports de {town}", 3),
    ("sdis", "Service départemental d'incendie et de secours – {town}", 1),
    ("hopital", "Centre hospitalier de {town}", 3),
    ("budget_annexe", "Budget annexe assainissement – {town}", 3),
)
_SERVICES = (
    ("DRH", "Direction des ressources humaines"),
    ("DFIN", "Direction des finances"),
    ("DSI", "Direction des services numériques"),
    ("VOIRIE", "Voirie et réseaux divers"),
    ("BAT", "Bâtiments et patrimoine immobilier"),
    ("CULT", "Médiathèque, musées et action culturelle"),
    ("ESPV", "Espaces verts et propreté urbaine"),
    ("RESTO", "Restauration scolaire"),
    ("PARC", "Parc automobile et carburants"),
    ("SOC", "Solidarités humaines et action sociale"),
    ("MARCHES", "Service de la commande publique"),
    ("EAU", "Eau potable et assainissement"),
    ("COM", "Communication et évènementiel"),
    ("SPORT", "Éducation, sport et jeunesse"),
    ("JUR", "Affaires juridiques et assurances"),
    ("FACTURES_PUBLIQUES", "Factures publiques"),
)
_DEMANDS = (
    Parameters(),
    Parameters(service_required=True),
    Parameters(service_required=True, engagement_required=True, market_required="warn"),
    Parameters(service_or_engagement=True),
    Parameters(engagement_required=True, market_replaces_engagement=True),
)
_ENGAGEMENTS = (
    NumberFormat(regex=r"[A-Z]{2}\d{4}/[A-Z0-9]+(/\d)?", mask="CP2020/X123456/1", examples=("AP2020/1234",)),
)


def _luhn(digits: str) -> str:
    """The digit that makes ``digits`` followed by it pass the check."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def siret(number: int) -> str:
    """The SIRET of body ``number``: unique, and the check holds for the SIREN and the whole."""
    base = f"{20_000_000 + number * 37 % 9_999_991:08d}"
    siren = base + _luhn(base)
    nic = f"{number * 7 % 9_999:04d}"
    return siren + nic + _luhn(siren + nic)


@lru_cache(maxsize=1)
def towns() -> tuple[tuple[str, str], ...]:
    """Names of towns with their postal codes."""
    dice = random.Random(5)
    found: dict[str, str] = {}
    while len(found) < _TOWNS:
        name = (
            dice.choice(_START)
            + dice.choice(_MIDDLE)
            + dice.choice(("", dice.choice(("r", "l", "n", "ss")) + dice.choice(_MIDDLE)))
            + dice.choice(_END)
        )
        match dice.randrange(6):
            case 0:
                name = f"Saint-{dice.choice(_SAINTS)}-de-{name}"
            case 1:
                name = f"{name}-sur-{dice.choice(_RIVERS)}"
        found.setdefault(name, f"{1 + len(found) % 95:02d}{dice.randrange(100):02d}0")
    return tuple(found.items())


def tenants() -> tuple[Tenant, ...]:
    """One tenant a département."""
    return tuple(
        Tenant(id=f"dep{number:03d}", name=f"Département d'essai {number}") for number in range(1, TENANTS + 1)
    )


def structures(count: int = STRUCTURES) -> Iterator[Structure]:
    """``count`` public structures over the tenants; one in fifty is inactive."""
    dice = random.Random(17)
    weights = [weight for _, _, weight in _KINDS]
    for number in range(count):
        kind, form, _ = dice.choices(_KINDS, weights)[0]
        town, postal_code = towns()[number % _TOWNS]
        parameters = dice.choice(_DEMANDS)
        yield Structure(
            siret=siret(number),
            name=form.format(town=town, saint=dice.choice(_SAINTS)),
            tenant=f"dep{number % TENANTS + 1:03d}",
            kind=kind,
            active=number % 50 != 49,
            group=f"Pays de {town}" if kind == "budget_annexe" else None,
            parameters=parameters,
            engagement_formats=_ENGAGEMENTS if parameters.engagement_required else (),
            town=town,
            postal_code=postal_code,
        )


def services(count: int = SERVICES, of: int = STRUCTURES) -> Iterator[Service]:
    """``count`` services of ``of`` structures: three or four each, in every shape of code; the first has many."""
    dice = random.Random(23)
    many = min(count // 10, 5_000)
    for number in range(count):
        owner = 0 if number < many else (number - many) % of
        code, label = _SERVICES[(number // max(1, of) * 5 + owner + number) % len(_SERVICES)]
        round_ = number if owner == 0 else number // max(1, of)
        shape = number % 4
        if owner == 0 or round_ or shape == 3:
            code = (
                f"{code}{round_}",
                f"{code}-{round_:03d}",
                f"{code} {round_}",
                f"{1000 + number % 9000}{code}{round_}",
            )[shape]
        ended = date(2024, 12, 31) if number % 100 == 99 else None
        yield Service(siret=siret(owner), code=code, label=label, active=dice.random() > 0.02, valid_to=ended)
