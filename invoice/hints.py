"""What to write instead: names, codes and masks put into words for a supplier."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from difflib import get_close_matches

from invoice.directory import NumberFormat, Service, Structure
from invoice.edits import next_to
from invoice.identifiers import InvalidIdentifier, normalise, normalise_code, show_siret
from invoice.kinds import PRINCIPAL
from invoice.service_index import open_services

FEW_CODES = 8
FEW_BUDGETS = 8
MANY_CODES = 300  # above that a look at the likeness of each would take too long
_WHY = {
    "SIRET_LENGTH": "il faut 14 chiffres, il y en a {digits}",
    "SIRET_CHECKSUM": "un chiffre est faux, la clé de contrôle ne correspond pas",
    "EU_VAT_FORM": "ce n'est pas un numéro de TVA d'un pays de l'Union européenne (code du pays, puis le numéro)",
    "EU_VAT_CHECKSUM": "un caractère est faux, la clé de contrôle ne correspond pas",
    "EU_VAT_FRENCH": "une entreprise française est désignée par son SIRET",
    "FOREIGN_FORM": "il faut le code du pays, puis le début du nom",
    "FOREIGN_COUNTRY": "les deux premières lettres ne sont pas le code d'un pays hors de l'Union européenne",
    "RIDET_FORM": "il faut 9 ou 10 chiffres ou lettres",
    "TAHITI_FORM": "il faut 9 ou 10 chiffres ou lettres",
    "OTHER_FORM": "il faut de 1 à 80 caractères",
    "PERSON_FORM": "il faut sexe, année, mois et lieu de naissance, puis nom et prénom (80 caractères)",
}


def display_name(structure: Structure) -> str:
    """The name of a structure as a supplier knows it: ``Département des Alpes-Maritimes – Budget Principal``."""
    if structure.group and structure.group not in structure.name:
        return f"{structure.group} – {structure.name}"
    return structure.name


def why(error: InvalidIdentifier) -> str:
    """The reason why an identifier is none, in words."""
    digits = sum(character.isdigit() for character in normalise(error.value))
    return _WHY[error.code].format(digits=digits)


def body_name(structures: Sequence[Structure]) -> str:
    """The body whose budgets these are: their group, else the name of the principal budget."""
    first = next((s for s in structures if s.kind == PRINCIPAL), structures[0])
    return first.group or first.name


def budgets(structures: Iterable[Structure]) -> str:
    """SIRETs and names of a body's budgets, the principal first, a few of them."""
    ordered = sorted(structures, key=lambda s: (s.kind != PRINCIPAL, s.siret))
    shown = " ; ".join(f"{show_siret(s.siret)} ({s.name})" for s in ordered[:FEW_BUDGETS])
    return f"{_plural('Budget publié', 'Budgets publiés', ordered)} : {shown}."


def service_codes(
    services: Mapping[str, Service], on: date, *, near: str | None, stated: bool, hidden: Collection[str] = ()
) -> str:
    """The codes that would be accepted: all when few, else those that look like ``near``. May be empty.

    ``services`` by normalised code; ``hidden`` normalised codes that are not to be proposed. Not ``stated``: the
    body has not published its list, so that these are only the codes known here.
    """
    offered = open_services(services, on)
    if any(key in offered for key in hidden):
        offered = {key: service for key, service in offered.items() if key not in hidden}
    codes = offered.keys()
    if not codes:
        return ""
    if len(codes) <= FEW_CODES:
        written = ", ".join(service.code for service in offered.values())
        quality = ("accepté" if stated else "connu") + ("" if len(codes) == 1 else "s")
        return f"{_plural('Code', 'Codes', codes)} {quality} : {written}."
    close = [] if near is None else _close(near, offered)
    if close:
        return f"{_plural('Code voisin', 'Codes voisins', close)} : {', '.join(close)}."
    return f"L'annuaire donne les {len(codes)} codes {'acceptés' if stated else 'connus'}."


def number_forms(formats: Sequence[NumberFormat]) -> str:
    """The masks and examples of a body's numbers. Empty where it has published none."""
    if not formats:
        return ""
    shown = (f"{f.mask} (exemple : {f.examples[0]})" if f.examples else f.mask for f in formats)
    return f"{_plural('Forme acceptée', 'Formes acceptées', formats)} : {' ; '.join(shown)}."


def _plural(one: str, many: str, things: Collection[object]) -> str:
    return one if len(things) == 1 else many


def _close(near: str, offered: Mapping[str, Service]) -> list[str]:
    """The codes that look like one, three at the most. Among many only the nearest are looked for."""
    wanted = normalise_code(near)[:100]
    if len(offered) <= MANY_CODES:
        inside = [key for key in offered if wanted and (wanted in key or key in wanted)]
        alike = get_close_matches(wanted, offered, n=3, cutoff=0.6)
    else:
        inside, alike = [], [wanted[:end] for end in range(len(wanted) - 1, 1, -1) if wanted[:end] in offered]
    matches = dict.fromkeys((*inside, *next_to(wanted, offered), *alike))
    return [offered[key].code for key in list(matches)[:3]]
