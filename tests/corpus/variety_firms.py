"""Invented suppliers and public bodies, their trades and their identifiers.

Suppliers have SIRENs 999xxxxxx, bodies 2199xxxxx and 2299xxxxx: they pass the checks and belong to nobody.
"""

from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Final

_FIRST = (
    "Atelier", "Garonne", "Bureau", "Imprimerie", "Travaux", "Éditions", "Menuiserie", "Groupe", "Établissements",
    "Cabinet", "Transports", "Espaces verts", "Électricité", "Société nouvelle", "Comptoir", "Maison",
)  # fmt: skip
_SECOND = (
    "Berthier", "Méridien", "du Lac", "Vial", "Rive", "Castéra", "des Trois Ponts", "Lefèvre et Fils", "Occitan",
    "Sicard", "Montaigne", "Fauré", "Delmas", "de l'Autan", "Roussel", "Pyrène", "Azur", "Peyrac", "Cœur d'Oc",
)  # fmt: skip
_FORMS = ("SARL", "SAS", "EURL", "SA", "SCOP", "SASU", "EI", "SELARL")
_STREETS = (
    "14 rue des Fabriques", "3 place de la Mairie", "120 avenue du Port", "8 bis chemin Vert", "27 boulevard Carnot",
    "ZA des Champs Pinsons, lot 4", "1250 route de Narbonne", "5 impasse du Moulin", "41 quai de l'Écluse",
)  # fmt: skip
_TOWNS = (
    ("31000", "Toulouse"), ("06200", "Nice"), ("32000", "Auch"), ("75018", "Paris"), ("33700", "Mérignac"),
    ("69003", "Lyon"), ("44800", "Saint-Herblain"), ("59000", "Lille"), ("13090", "Aix-en-Provence"),
    ("65000", "Tarbes"), ("81100", "Castres"), ("34070", "Montpellier"),
)  # fmt: skip
_BODIES = (
    "Département de la Haute-Rive", "Conseil départemental du Val-d'Autan", "Commune de Saint-Martin-le-Vieux",
    "Ville de Montclar", "Collège Jean Moulin", "Communauté de communes des Coteaux", "Mairie de Bellegarde",
    "Centre hospitalier du Pays d'Oc", "Syndicat mixte des Eaux", "Lycée Marie Curie", "SDIS de la Haute-Rive",
)  # fmt: skip
_SERVICES = (
    "Direction des ressources humaines", "Service des finances", "Direction des routes", "Service comptabilité",
    "Direction de l'éducation", "Pôle achats et marchés", "",
)  # fmt: skip

# Trade, APE code, what is sold (label, unit, lowest and highest unit price in euros, usual rates).
Item = tuple[str, str, int, int]
TRADES: Final[tuple[tuple[str, tuple[Item, ...], tuple[str, ...]], ...]] = (
    ("4321A", (("Maintenance préventive du tableau TGBT", "h", 40, 75), ("Disjoncteur 4P 63A", "U", 80, 260),
               ("Déplacement d'un technicien", "U", 30, 60), ("Câble U1000 R2V 3G2,5", "m", 1, 4)), ("20", "10")),
    ("1812Z", (("Affiches A3 quadri, papier 135 g", "U", 1, 3), ("Flyers A5 recto verso", "U", 1, 2),
               ("Mise en page, forfait", "U", 80, 400), ("Bâche 300 x 100", "U", 60, 140)), ("20", "5.5")),
    ("5629A", (("Repas enfants, 2e quinzaine", "U", 3, 6), ("Repas adultes", "U", 5, 9), ("Goûters", "U", 1, 2),
               ("Buffet froid, 40 personnes", "U", 300, 800)), ("5.5", "10", "20")),
    ("8130Z", (("Tonte des pelouses, secteur 3", "m²", 1, 2), ("Taille de haies", "ml", 3, 9),
               ("Abattage d'un platane", "U", 250, 900), ("Évacuation des déchets verts", "t", 60, 130)), ("20", "10")),
    ("6202A", (("Licence annuelle, 25 postes", "U", 400, 2400), ("Assistance de niveau 2", "j", 450, 800),
               ("Hébergement du site, septembre", "mois", 40, 300), ("Formation des utilisateurs", "j", 600, 1100)),
     ("20",)),
    ("4939A", (("Transport scolaire, ligne 12", "j", 180, 420), ("Sortie piscine, 53 places", "U", 120, 260),
               ("Kilomètres supplémentaires", "km", 1, 3)), ("10",)),
    ("4211Z", (("Enrobé à chaud 0/10", "t", 70, 120), ("Terrassement en déblai", "m3", 9, 30),
               ("Pose de bordures T2", "ml", 25, 48), ("Signalisation temporaire, forfait", "U", 200, 900)), ("20",)),
    ("4761Z", (("Manuel de mathématiques 4e", "U", 14, 26), ("Fournitures de bureau", "U", 2, 40),
               ("Ramettes A4 80 g", "U", 3, 6), ("Abonnement revue, 1 an", "U", 35, 120)), ("5.5", "20", "2.1")),
    ("7112B", (("Étude de sol G2 AVP", "U", 900, 3800), ("Visite de chantier", "U", 90, 240),
               ("Mission de coordination SPS, tranche 2", "U", 300, 1500)), ("20",)),
    ("8559A", (("Session de formation, groupe B", "j", 500, 1200), ("Supports pédagogiques", "U", 10, 35)), ("20",)),
)  # fmt: skip


@dataclass(frozen=True)
class Firm:
    """A supplier."""

    name: str
    form: str
    street: str
    postcode: str
    town: str
    siret: str
    vat: str
    capital: Decimal
    ape: str
    phone: str
    mail: str
    iban: str
    bic: str
    bank: str
    items: tuple[Item, ...]
    rates: tuple[str, ...]

    @property
    def siren(self) -> str:
        return self.siret[:9]


@dataclass(frozen=True)
class Body:
    """A recipient."""

    name: str
    service: str
    street: str
    postcode: str
    town: str
    siret: str
    vat: str


def firm(rng: Random) -> Firm:
    """An invented supplier of some trade."""
    siret = siret_of("999", rng)
    postcode, town = rng.choice(_TOWNS)
    ape, items, rates = rng.choice(TRADES)
    first, second = rng.choice(_FIRST), rng.choice(_SECOND)
    bank, desk = f"3{rng.randint(0, 9999):04d}", f"{rng.randint(1, 99999):05d}"
    account = f"{rng.randint(1, 10**11 - 1):011d}"
    return Firm(
        name=f"{first} {second}",
        form=rng.choice(_FORMS),
        street=rng.choice(_STREETS),
        postcode=postcode,
        town=town,
        siret=siret,
        vat=vat_of(siret[:9]),
        capital=Decimal(rng.choice((1_000, 7_622, 10_000, 37_500, 50_000, 152_450, 1_250_000))),
        ape=ape,
        phone=f"0{rng.randint(1, 7)} " + " ".join(f"{rng.randint(0, 99):02d}" for _ in range(4)),
        mail=f"contact@{second.split()[-1].lower().replace('é', 'e').replace('è', 'e').replace(chr(39), '')}.example",
        iban=iban_of(bank, desk, account),
        bic=rng.choice(("AGRIFRPP831", "CEPAFRPP313", "BNPAFRPPXXX", "CMCIFR2A", "SOGEFRPP")),
        bank=f"{bank} {desk} {account}",
        items=items,
        rates=rates,
    )


def body(rng: Random) -> Body:
    """An invented public body."""
    siret = siret_of(rng.choice(("2199", "2299")), rng)
    postcode, town = rng.choice(_TOWNS)
    return Body(
        rng.choice(_BODIES), rng.choice(_SERVICES), rng.choice(_STREETS), postcode, town, siret, vat_of(siret[:9])
    )


def siret_of(prefix: str, rng: Random) -> str:
    """A SIRET whose SIREN begins with ``prefix``; both pass the Luhn check."""
    siren = with_check(prefix + "".join(str(rng.randrange(10)) for _ in range(8 - len(prefix))))
    return with_check(f"{siren}{rng.randint(1, 90):04d}")


def with_check(digits: str) -> str:
    """``digits`` and their Luhn digit."""
    total = 0
    for position, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (2 - position % 2)
        total += doubled - 9 * (doubled > 9)
    return digits + str(-total % 10)


def vat_of(siren: str) -> str:
    """The French VAT number of a SIREN."""
    return f"FR{(12 + 3 * (int(siren) % 97)) % 97:02d}{siren}"


def iban_of(bank: str, desk: str, account: str) -> str:
    """A French IBAN with both of its keys right."""
    key = 97 - (89 * int(bank) + 15 * int(desk) + 3 * int(account)) % 97
    number = f"{bank}{desk}{account}{key:02d}"
    check = 98 - int(f"{number}152700") % 97
    return f"FR{check:02d}{number}"
